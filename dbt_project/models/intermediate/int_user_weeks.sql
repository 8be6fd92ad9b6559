{{ config(materialized="view") }}
-- Of a name that was one person's for ever, the weeks of the name are the person's. Only the days
-- of
-- the few others are looked at one by one, and only people with several names are put together.
with
    resolved as (
        select
            weeks.tenant_id,
            weeks.week_start,
            identity_map.user_key,
            weeks.used,
            identity_map.has_several_names
        from {{ ref("int_name_weeks") }} as weeks
        inner join
            {{ ref("int_identity_map") }} as identity_map on weeks.upn_key = identity_map.upn_key
        where identity_map.is_for_ever
    ),

    put_together as (
        select tenant_id, week_start, user_key, used
        from resolved
        where has_several_names
        union all
        select
            days.tenant_id, usage_days.week_start, days.user_key, {{ apps_used("days.") }} as used
        from {{ ref("int_resolved_days") }} as days
        inner join
            {{ ref("int_usage_days") }} as usage_days
            on days.tenant_id = usage_days.tenant_id
            and days.report_date = usage_days.report_date
        where not days.is_for_ever and usage_days.week_start is not null
    )

select tenant_id, week_start, user_key, used
from resolved
where not has_several_names

union all

select tenant_id, week_start, user_key, cast(bit_or(used) as smallint) as used
from put_together
group by tenant_id, week_start, user_key
