{%- set apps = app_masks() %}
-- People with the same apps this month, the month before, the month after and ever before are
-- counted together first: few rows are left to be split by app.
with
    people as (
        select
            tenant_id,
            month_start,
            used,
            case
                when
                    lag(month_start) over (partition by user_key order by month_start)
                    = cast(date_trunc('month', {{ plus_days("month_start", -1) }}) as date)
                then lag(used) over (partition by user_key order by month_start)
                else 0
            end as used_before,
            coalesce(
                bit_or(used) over (
                    partition by user_key
                    order by month_start
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as ever_used,
            cast(
                date_trunc('month', {{ plus_days("month_start", 31) }}) as date
            ) as next_month_start,
            case
                when
                    lead(month_start) over (partition by user_key order by month_start)
                    = cast(date_trunc('month', {{ plus_days("month_start", 31) }}) as date)
                then lead(used) over (partition by user_key order by month_start)
                else 0
            end as used_after
        from {{ ref("int_user_months") }}
        where used > 0
    ),

    alike as (
        select tenant_id, month_start, used, used_before, ever_used, count(*) as people
        from people
        group by tenant_id, month_start, used, used_before, ever_used
    ),

    gone as (
        select tenant_id, next_month_start as month_start, used, used_after, count(*) as people
        from people
        group by tenant_id, next_month_start, used, used_after
    ),

    counts as (
        {% for app, mask in apps.items() %}
            {%- set is_back %} {{ has_app("used", mask) }} and {{ has_app("used_before", mask) }} {% endset %}
            {%- set is_new %} {{ has_app("used", mask) }} and not {{ has_app("ever_used", mask) }} {% endset %}
            select
                tenant_id,
                month_start,
                '{{ app }}' as app,
                cast(
                    sum(case when {{ has_app("used", mask) }} then people else 0 end) as bigint
                ) as active_users,
                cast(
                    sum(case when {{ is_back }} then people else 0 end) as bigint
                ) as returning_users,
                cast(
                    sum(case when {{ is_new }} then people else 0 end) as bigint
                ) as first_time_users
            from alike
            group by tenant_id, month_start
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    lost as (
        {% for app, mask in apps.items() %}
            select
                tenant_id,
                month_start,
                '{{ app }}' as app,
                cast(
                    sum(
                        case
                            when
                                {{ has_app("used", mask) }}
                                and not {{ has_app("used_after", mask) }}
                            then people
                            else 0
                        end
                    ) as bigint
                ) as lost_users
            from gone
            group by tenant_id, month_start
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    weekdays as (
        select
            all_days.tenant_id,
            usage_days.month_start,
            all_days.app,
            cast(sum(all_days.active_users) as bigint) as weekday_user_days
        from {{ ref("int_app_days") }} as all_days
        inner join
            {{ ref("int_usage_days") }} as usage_days
            on all_days.tenant_id = usage_days.tenant_id
            and all_days.report_date = usage_days.report_date
        where all_days.is_weekday and usage_days.month_start is not null
        group by all_days.tenant_id, usage_days.month_start, all_days.app
    )

select
    lines.tenant_id,
    lines.app,
    months.month_start,
    case when months.counted_days > 0 then coalesce(counts.active_users, 0) end as active_users,
    coalesce(counts.returning_users, 0) as returning_users,
    coalesce(counts.first_time_users, 0) as first_time_users,
    coalesce(lost.lost_users, 0) as lost_users,
    coalesce(weekdays.weekday_user_days, 0) as weekday_user_days
from {{ ref("int_usage_lines") }} as lines
inner join {{ ref("int_months") }} as months on lines.tenant_id = months.tenant_id
left join
    counts
    on lines.tenant_id = counts.tenant_id
    and lines.app = counts.app
    and months.month_start = counts.month_start
left join
    lost
    on lines.tenant_id = lost.tenant_id
    and lines.app = lost.app
    and months.month_start = lost.month_start
left join
    weekdays
    on lines.tenant_id = weekdays.tenant_id
    and lines.app = weekdays.app
    and months.month_start = weekdays.month_start
where lines.is_total
