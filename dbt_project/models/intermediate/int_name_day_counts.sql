{%- set groups = {"suite": var("usage_bits")["app"]} -%}
{%- for app in packed_apps() -%} {%- do groups.update({app: "days." ~ app}) -%} {%- endfor -%}
{%- set what = is_suite_used("days.") ~ is_used("days.outlook") -%}
{{
    config(
        materialized=kept_by_slice(),
        slice={"kind": "day", "column": "report_date", "what": what},
    )
}}
with
    days as (
        select days.*, slices.slice_version
        from {{ ref("stg_graph__m365_app_user_days") }} as days
        inner join
            {{ slices_to_make("day", "report_date", what, is_incremental()) }} as slices
            on days.tenant_id = slices.tenant_id
            and days.report_date = slices.report_date
    )

{% for app, bits in groups.items() %}
    select
        days.tenant_id,
        days.report_date,
        '{{ app }}' as app,
        cast({{ bits }} as smallint) as bits,
        count(*) as names,
        days.slice_version
    from days
    where
        {% if app == "suite" %} {{ is_suite_used("days.") }}
        {% else %} {{ is_used(bits) }}
        {% endif %}
    group by
        days.tenant_id,
        days.report_date,
        {%- if app != "suite" %} {{ bits }}, {%- endif %}
        days.slice_version
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
