-- Licences of one app that overlap or follow each other without a gap are one period. Both windows
-- need the very same order: licences of the same time are told apart by SKU and source.
with
    licensed as (
        select
            periods.tenant_id,
            periods.user_key,
            entitlements.app,
            periods.valid_from,
            periods.valid_to,
            periods.sku_id,
            periods.assigned_by_group,
            max(periods.valid_to) over (
                partition by periods.tenant_id, periods.user_key, entitlements.app
                order by
                    periods.valid_from, periods.valid_to, periods.sku_id, periods.assigned_by_group
                rows between unbounded preceding and 1 preceding
            ) as covered_until
        from {{ ref("int_license_periods") }} as periods
        inner join
            {{ ref("int_entitlements") }} as entitlements
            on periods.entitlement_key = entitlements.entitlement_key
        where periods.is_held
    ),

    numbered as (
        select
            tenant_id,
            user_key,
            app,
            valid_from,
            valid_to,
            sum(case when valid_from <= covered_until then 0 else 1 end) over (
                partition by tenant_id, user_key, app
                order by valid_from, valid_to, sku_id, assigned_by_group
                rows between unbounded preceding and current row
            ) as period_number
        from licensed
    )

select tenant_id, user_key, app, min(valid_from) as valid_from, max(valid_to) as valid_to
from numbered
group by tenant_id, user_key, app, period_number
