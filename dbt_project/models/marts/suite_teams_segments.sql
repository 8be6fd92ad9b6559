{%- set suite = app_masks()["suite"] %}
{%- set teams = app_masks()["teams"] %}
with
    people as (
        select
            tenant_id,
            month_start,
            count(
                case
                    when {{ has_app("used", suite) }} and not {{ has_app("used", teams) }} then 1
                end
            ) as suite_only_users,
            count(
                case when {{ has_app("used", suite) }} and {{ has_app("used", teams) }} then 1 end
            ) as both_users,
            count(
                case
                    when {{ has_app("used", teams) }} and not {{ has_app("used", suite) }} then 1
                end
            ) as teams_only_users
        from {{ ref("int_user_months") }}
        where used > 0
        group by tenant_id, month_start
    )

select
    months.tenant_id,
    months.month_start,
    months.month_end,
    months.days_with_data,
    months.counted_days,
    months.is_over and months.counted_days = months.days_in_slice as is_complete,
    months.identity_basis,
    case
        when months.counted_days > 0 then coalesce(people.suite_only_users, 0)
    end as suite_only_users,
    case when months.counted_days > 0 then coalesce(people.both_users, 0) end as both_users,
    case
        when months.counted_days > 0 then coalesce(people.teams_only_users, 0)
    end as teams_only_users,
    false as is_suppressed
from {{ ref("int_months") }} as months
left join people on months.tenant_id = people.tenant_id and months.month_start = people.month_start
