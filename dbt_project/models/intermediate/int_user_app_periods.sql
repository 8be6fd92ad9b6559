{{ config(materialized="view") }}
-- Of the snapshots that are kept, one of each month, the newest of each period.
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

{% for app in packed_apps() %}
    select
        periods.tenant_id,
        identity_map.user_key,
        '{{ app }}' as app,
        periods.report_period,
        periods.report_refresh_date,
        {{ is_used("periods." ~ app) }} as used,
        periods.last_activity_date
    from newest as periods
    inner join
        {{ ref("int_identity_map") }} as identity_map
        on periods.upn_key = identity_map.upn_key
        and periods.report_refresh_date >= identity_map.valid_from
        and periods.report_refresh_date < identity_map.valid_to
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
