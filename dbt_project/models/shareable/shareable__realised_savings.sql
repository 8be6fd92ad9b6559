{{ config(alias="realised_savings") }}
-- Units that administrators took back, which the assigned counts of license_inventory_daily show
-- anyway: nobody's use is counted, so nothing is hidden.
select
    tenant_id,
    sku_id,
    saving_month,
    judged_on,
    is_complete,
    product_name,
    taken_back,
    assigned_again,
    still_free,
    realised_monthly_saving,
    currency
from {{ ref("realised_savings") }}
