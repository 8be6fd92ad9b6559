{%- set apps = packed_apps() -%}
-- Use counts only for the apps that the licence entitles to: a Visio holder is not idle for lack of
-- Word, and whoever only meets in Teams does not use a licence without Teams.
with
    used as (
        select
            held.*,
            greatest(
                {% for app in apps %}
                    case when held.has_{{ app }} then last_use.{{ app }}_last end
                    {%- if not loop.last %}, {% endif %}
                {% endfor %}
            ) as last_use_on
        from {{ ref("int_held_licenses") }} as held
        left join
            {{ ref("int_last_use") }} as last_use
            on held.tenant_id = last_use.tenant_id
            and held.judged_on = last_use.judged_on
            and held.user_key = last_use.user_key
    ),

    counted as (
        select
            used.*,
            -- Days that were looked at since the last use, and since the licence is held.
            case
                when used.held_since > used.evidence_end
                then 0
                else
                    coalesce(to_end.named_days, 0) - greatest(
                        coalesce(to_use.named_days, 0),
                        coalesce(
                            to_start.named_days - case when to_start.is_named then 1 else 0 end, 0
                        )
                    )
            end as unused_days,
            {{ days_between("greatest(used.held_since, used.last_use_on)", "used.evidence_end") }}
            as unused_calendar_days,
            coalesce(to_end.named_days, 0) as named_days
        from used
        left join
            {{ ref("int_named_day_counts") }} as to_end
            on used.tenant_id = to_end.tenant_id
            and used.evidence_end = to_end.report_date
        left join
            {{ ref("int_named_day_counts") }} as to_use
            on used.tenant_id = to_use.tenant_id
            and used.last_use_on = to_use.report_date
        left join
            {{ ref("int_named_day_counts") }} as to_start
            on used.tenant_id = to_start.tenant_id
            and used.held_since = to_start.report_date
    )

select
    counted.*,
    idle_period.report_refresh_date as idle_refresh_date,
    {% for period in ["idle_period", "half_year"] %}
        -- Null: no fresh snapshot names the person.
        case
            when {{ period }}.user_key is null
            then null
            else
                {% for app in apps %}
                    (counted.has_{{ app }} and {{ period }}.{{ app }}_used)
                    {%- if not loop.last %} or {% endif %}
                {% endfor %}
        end as is_used_in_{{ period }},
    {% endfor %}
    half_year.report_refresh_date as half_year_refresh_date,
    coalesce(half_year.last_activity_date, idle_period.last_activity_date) as last_activity_date
from counted
left join
    {{ ref("int_period_use") }} as idle_period
    on counted.tenant_id = idle_period.tenant_id
    and counted.judged_on = idle_period.judged_on
    and counted.user_key = idle_period.user_key
    and idle_period.report_period = {{ idle_period() }}
left join
    {{ ref("int_period_use") }} as half_year
    on counted.tenant_id = half_year.tenant_id
    and counted.judged_on = half_year.judged_on
    and counted.user_key = half_year.user_key
    and half_year.report_period = 180
