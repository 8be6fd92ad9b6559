-- A few rows per day and app, from which all daily counts are added up.
{% for app in packed_apps() %}
    select tenant_id, report_date, '{{ app }}' as app, {{ app }} as bits, count(*) as people
    from {{ ref("int_user_days") }}
    where {{ is_used(app) }}
    group by tenant_id, report_date, {{ app }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
