{%- set apps = packed_apps() -%}
-- Of each period, the newest snapshot that was there, if it is fresh enough to speak of the day.
with
    snapshots as (
        select distinct tenant_id, report_period, report_refresh_date
        from {{ ref("stg_graph__m365_app_user_periods") }}
    ),

    chosen as (
        select
            days.tenant_id,
            days.judged_on,
            snapshots.report_period,
            max(snapshots.report_refresh_date) as report_refresh_date
        from {{ ref("int_judgement_days") }} as days
        inner join
            snapshots
            on days.tenant_id = snapshots.tenant_id
            and snapshots.report_refresh_date <= days.evidence_end
        where
            snapshots.report_period in ({{ idle_period() }}, 180)
            and {{ days_between("snapshots.report_refresh_date", "days.evidence_end") }} <= 7
        group by days.tenant_id, days.judged_on, snapshots.report_period
    )

select
    chosen.tenant_id,
    chosen.judged_on,
    identity_map.user_key,
    chosen.report_period,
    chosen.report_refresh_date,
    max(periods.last_activity_date) as last_activity_date,
    {% for app in apps %}
        max(case when {{ is_used("periods." ~ app) }} then 1 else 0 end) = 1 as {{ app }}_used
        {%- if not loop.last %}, {% endif %}
    {% endfor %}
from chosen
inner join
    {{ ref("stg_graph__m365_app_user_periods") }} as periods
    on chosen.tenant_id = periods.tenant_id
    and chosen.report_period = periods.report_period
    and chosen.report_refresh_date = periods.report_refresh_date
inner join
    {{ ref("int_identity_map") }} as identity_map
    on periods.upn_key = identity_map.upn_key
    and periods.report_refresh_date >= identity_map.valid_from
    and periods.report_refresh_date < identity_map.valid_to
where identity_map.user_key > 0
group by
    chosen.tenant_id,
    chosen.judged_on,
    identity_map.user_key,
    chosen.report_period,
    chosen.report_refresh_date
