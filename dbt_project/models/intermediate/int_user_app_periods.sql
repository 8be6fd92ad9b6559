{{ config(materialized="view") }}
{% for app in packed_apps() %}
    select
        periods.tenant_id,
        identity_map.user_key,
        '{{ app }}' as app,
        periods.report_period,
        periods.report_refresh_date,
        {{ is_used("periods." ~ app) }} as used,
        periods.last_activity_date
    from {{ ref("stg_graph__m365_app_user_periods") }} as periods
    inner join
        {{ ref("int_identity_map") }} as identity_map
        on periods.upn_key = identity_map.upn_key
        and periods.report_refresh_date >= identity_map.valid_from
        and periods.report_refresh_date < identity_map.valid_to
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
