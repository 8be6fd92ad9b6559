with
    license_days as (
        select distinct tenant_id, license_day
        from {{ ref("int_usage_slices") }}
        where slice_kind = 'window'
    )

select spans.tenant_id, license_days.license_day, spans.user_key, spans.licensed
from {{ ref("int_license_spans") }} as spans
inner join
    license_days
    on spans.tenant_id = license_days.tenant_id
    and license_days.license_day >= spans.valid_from
    and license_days.license_day < spans.valid_to
