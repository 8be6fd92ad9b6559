{{ config(materialized="view") }}
{% for app in packed_apps() %}
    select
        tenant_id,
        report_date,
        user_key,
        '{{ app }}' as app,
        {% for platform in ["windows", "mac", "mobile", "web", "desktop"] %}
            {{ used_on(app, platform) }} as on_{{ platform }} {%- if not loop.last %}, {% endif %}
        {% endfor %}
    from {{ ref("int_user_days") }}
    where {{ is_used(app) }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
