{{ config(alias="license_savings") }}
-- Every figure but the spare units tells how many people do not use what they hold. The reasons are
-- parts of one sum: they hide together with it.
with
    judged as (
        select
            savings.*,
            not sizes.shows_splits or {{ is_small_group("savings.reclaimable", "savings.holders") }}
            {% for reason in ["never_used", "idle"] %}
                or {{ is_small_group("savings." ~ reason, "savings.holders") }}
            {% endfor %} as hides_use
        from
            (
                select savings.*, utilization.holders
                from {{ ref("license_savings") }} as savings
                inner join
                    {{ ref("license_utilization") }} as utilization
                    on savings.tenant_id = utilization.tenant_id
                    and savings.sku_id = utilization.sku_id
            ) as savings
        inner join {{ ref("int_tenant_sizes") }} as sizes on savings.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    sku_id,
    product_name,
    unassigned,
    {% for units in [
        "reclaimable",
        "disabled",
        "never_used",
        "idle",
        "overlapping_sku",
        "duplicate_assignment",
        "exposure_units",
        "reassignable_units",
        "reducible_units",
    ] %}
        case when not hides_use then {{ units }} end as {{ units }},
    {% endfor %}
    renewal_date,
    case when not hides_use then exposure end as exposure,
    case when not hides_use then reassignable end as reassignable,
    case when not hides_use then reducible_at_renewal end as reducible_at_renewal,
    currency,
    hides_use as is_suppressed
from judged
