{%- set used = apps_used("days.") -%}
{{
    config(
        materialized=kept_by_slice(),
        slice={"kind": "week", "column": "week_start", "what": used},
    )
}}
select
    slices.tenant_id,
    slices.slice_start as week_start,
    days.upn_key,
    cast(bit_or({{ used }}) as smallint) as used,
    slices.slice_version
from {{ ref("stg_graph__m365_app_user_days") }} as days
inner join
    {{ slices_to_make("week", "week_start", used, is_incremental()) }} as slices
    on days.tenant_id = slices.tenant_id
    and days.report_date = slices.report_date
group by slices.tenant_id, slices.slice_start, days.upn_key, slices.slice_version
order by slices.slice_start, days.upn_key
