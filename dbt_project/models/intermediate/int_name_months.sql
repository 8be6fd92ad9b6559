{%- set apps = packed_apps() -%}
{%- set used -%}
    cast(bit_or(case when slices.is_counted then {{ apps_used("days.") }} else 0 end) as smallint)
{%- endset -%}
{%- set last -%}
    {%- for app in apps %}
        max(case when {{ is_used("days." ~ app) }} then days.report_date end) as {{ app }}_last,
    {%- endfor %}
{%- endset -%}
{{
    config(
        materialized=kept_by_slice(),
        slice={"kind": "month", "column": "month_start", "what": used ~ last},
    )
}}
select
    slices.tenant_id,
    slices.slice_start as month_start,
    days.upn_key,
    {{ used }} as used,
    {{ last }}
    slices.slice_version
from {{ ref("stg_graph__m365_app_user_days") }} as days
inner join
    {{ slices_to_make("month", "month_start", used ~ last, is_incremental()) }} as slices
    on days.tenant_id = slices.tenant_id
    and days.report_date = slices.report_date
group by slices.tenant_id, slices.slice_start, days.upn_key, slices.slice_version
order by slices.slice_start, days.upn_key
