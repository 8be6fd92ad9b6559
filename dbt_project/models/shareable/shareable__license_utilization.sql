{{ config(alias="license_utilization") }}
-- Held and disabled are no use: they are shown. Active, inactive and their rate hide together.
with
    judged as (
        select
            utilization.*,
            not sizes.shows_splits
            or {{
                is_small_group(
                    "utilization.active_28d",
                    "utilization.active_28d + utilization.inactive_28d",
                )
            }} as hides_use
        from {{ ref("license_utilization") }} as utilization
        inner join {{ ref("int_tenant_sizes") }} as sizes on utilization.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    sku_id,
    product_name,
    holders,
    measurable,
    unknown_reason,
    window_start,
    window_end,
    observed_days,
    case when not hides_use then active_28d end as active_28d,
    case when not hides_use then inactive_28d end as inactive_28d,
    disabled_accounts,
    case when not hides_use then utilization_rate end as utilization_rate,
    monthly_cost,
    case when not hides_use then inactive_monthly_cost end as inactive_monthly_cost,
    disabled_monthly_cost,
    currency,
    hides_use and active_28d is not null as is_suppressed
from judged
