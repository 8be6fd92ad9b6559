-- A few rows per day and app, or the suite, from which all daily counts are added up: names, and
-- for
-- those who used two of theirs on a day what is too much.
with
    counts as (
        select tenant_id, report_date, app, bits, names as people
        from {{ ref("int_name_day_counts") }}
        {% for app in packed_apps() %}
            union all
            select tenant_id, report_date, '{{ app }}' as app, {{ app }} as bits, counts as people
            from {{ ref("int_merged_days") }}
            where {{ is_used(app) }}
        {% endfor %}
        union all
        select
            tenant_id,
            report_date,
            'suite' as app,
            {{ var("usage_bits")["app"] }} as bits,
            counts as people
        from {{ ref("int_merged_days") }}
        where {{ is_suite_used() }}
    )

select tenant_id, report_date, app, bits, cast(sum(people) as bigint) as people
from counts
group by tenant_id, report_date, app, bits
having sum(people) > 0
