-- Of the snapshots that are kept, one of each month, the newest of each period. Two names of one
-- person that are both
-- in it are put together.
with
    newest as (
        select *
        from
            (
                select
                    *,
                    rank() over (
                        partition by tenant_id, report_period order by report_refresh_date desc
                    ) as recency
                from {{ ref("stg_graph__m365_app_user_periods") }}
            ) as ranked
        where recency = 1
    )

select
    periods.tenant_id,
    identity_map.user_key,
    cast(periods.report_period as bigint) as report_period,
    periods.report_refresh_date,
    {% for app in packed_apps() %}
        max(case when {{ is_used("periods." ~ app) }} then 1 else 0 end) = 1 as {{ app }},
    {% endfor %}
    max(periods.last_activity_date) as last_activity_date
from newest as periods
inner join
    {{ ref("int_identity_map") }} as identity_map
    on periods.upn_key = identity_map.upn_key
    and periods.report_refresh_date >= identity_map.valid_from
    and periods.report_refresh_date < identity_map.valid_to
group by
    periods.tenant_id, identity_map.user_key, periods.report_period, periods.report_refresh_date
