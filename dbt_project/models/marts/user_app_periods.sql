{{ config(materialized="view") }}
{% for app in packed_apps() %}
    select
        tenant_id,
        user_key,
        '{{ app }}' as app,
        report_period,
        report_refresh_date,
        {{ app }} as used,
        last_activity_date
    from {{ ref("int_user_periods") }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
