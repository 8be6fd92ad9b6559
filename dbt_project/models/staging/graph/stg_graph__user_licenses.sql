with
    licenses as (
        select *, lower({{ sorted_text("disabled_plans") }}) as switched_off
        from {{ source("raw", "user_licenses") }}
    )

select
    tenant_id,
    user_key,
    observed_at,
    lower(sku_id) as sku_id,
    assigned_by_group,
    state,
    nullif(error, 'None') as error,
    last_updated_at,
    {{ utc_date("last_updated_at") }} as last_updated_on,
    disabled_plans,
    switched_off,
    {{ entitlement_key("tenant_id", "lower(sku_id)", "switched_off") }} as entitlement_key
from licenses
