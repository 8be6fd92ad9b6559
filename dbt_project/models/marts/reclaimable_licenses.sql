select
    judged.tenant_id,
    judged.user_key,
    judged.sku_id,
    people.user_principal_name,
    people.department,
    inventory.product_name,
    judged.reason,
    judged.held_since,
    judged.disabled_from,
    judged.last_use_on,
    judged.last_activity_date,
    judged.evidence_source,
    case
        when judged.evidence_source = 'report_days'
        then judged.evidence_end
        when judged.evidence_source = 'period_180'
        then judged.half_year_refresh_date
        when judged.evidence_source = 'directory'
        then judged.judged_on
        else judged.idle_refresh_date
    end as evidence_until,
    cast(judged.unused_days as int) as observed_days,
    cast(judged.unused_days as double)
    / nullif(greatest(judged.unused_calendar_days, judged.unused_days), 0) as coverage,
    judged.contained_in_sku_id,
    case
        when judged.reason = 'duplicate_assignment'
        then 'direct'
        when judged.is_direct and judged.is_by_group
        then 'both'
        when judged.is_direct
        then 'direct'
        else 'group'
    end as removable,
    judged.assigned_by_group,
    cast(judged.monthly_price as decimal(18, 6)) as monthly_cost,
    case
        when judged.reason = 'duplicate_assignment'
        then cast(0 as decimal(18, 6))
        else cast(judged.monthly_price as decimal(18, 6))
    end as monthly_saving,
    judged.currency,
    '{{ var("rule_version") }}' as rule_version
from {{ ref("int_judged_licenses") }} as judged
inner join
    {{ ref("int_people") }} as people
    on judged.tenant_id = people.tenant_id
    and judged.user_key = people.user_key
left join
    {{ ref("license_inventory") }} as inventory
    on judged.tenant_id = inventory.tenant_id
    and judged.sku_id = inventory.sku_id
where judged.is_current and judged.reason is not null
