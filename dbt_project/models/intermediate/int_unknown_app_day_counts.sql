{% for app in packed_apps() %}
    select
        tenant_id, report_date, '{{ app }}' as app, cast(sum(user_rows) as bigint) as unknown_users
    from {{ ref("stg_graph__m365_app_unknown_days") }}
    where {{ is_used(app) }}
    group by tenant_id, report_date
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
