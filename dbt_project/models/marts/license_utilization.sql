{%- set apps = packed_apps() -%}
-- A holder is active when they used an app that the licence entitles to, in the window, on a day
-- with names. Without such a day nothing is known of use.
with
    holders as (
        select
            held.tenant_id,
            held.sku_id,
            held.user_key,
            held.is_measurable,
            disabled.user_key is not null as is_disabled,
            coalesce(
                {% for app in apps %}
                    (held.has_{{ app }} and use.{{ app }}_days > 0)
                    {%- if not loop.last %} or {% endif %}
                {% endfor %},
                false
            ) as is_active
        from {{ ref("int_held_licenses") }} as held
        left join
            {{ ref("int_user_windows") }} as use
            on held.tenant_id = use.tenant_id
            and held.user_key = use.user_key
            and use.which_window = 'current'
        left join
            {{ ref("int_disabled_periods") }} as disabled
            on held.tenant_id = disabled.tenant_id
            and held.user_key = disabled.user_key
            and held.judged_on >= disabled.disabled_from
            and held.judged_on < disabled.disabled_to
        where held.is_current
    ),

    counts as (
        select
            tenant_id,
            sku_id,
            count(*) as holders,
            max(case when is_measurable then 1 else 0 end) = 1 as is_measurable,
            count(case when is_measurable then 1 end) as measured_holders,
            count(case when is_measurable and is_active then 1 end) as active_holders,
            count(case when is_disabled then 1 end) as disabled_accounts
        from holders
        group by tenant_id, sku_id
    ),

    judged as (
        select
            counts.*,
            windows.slice_start as window_start,
            windows.slice_end as window_end,
            windows.named_days,
            case
                when not counts.is_measurable
                then 'not_measurable'
                when coalesce(windows.days_with_data, 0) = 0
                then 'no_data'
                when windows.named_days = 0
                then 'concealed'
            end as unknown_reason
        from counts
        left join
            {{ ref("int_usage_slices") }} as windows
            on counts.tenant_id = windows.tenant_id
            and windows.slice_kind = 'current'
    ),

    known as (
        select
            *,
            case when unknown_reason is null then active_holders end as active_28d,
            case
                when unknown_reason is null then measured_holders - active_holders
            end as inactive_28d
        from judged
    )

select
    inventory.tenant_id,
    inventory.sku_id,
    inventory.product_name,
    coalesce(known.holders, 0) as holders,
    known.is_measurable as measurable,
    known.unknown_reason,
    known.window_start,
    known.window_end,
    known.named_days as observed_days,
    known.active_28d,
    known.inactive_28d,
    coalesce(known.disabled_accounts, 0) as disabled_accounts,
    cast(known.active_28d as double) / nullif(known.measured_holders, 0) as utilization_rate,
    cast(coalesce(known.holders, 0) * inventory.unit_price as decimal(18, 2)) as monthly_cost,
    cast(known.inactive_28d * inventory.unit_price as decimal(18, 2)) as inactive_monthly_cost,
    cast(
        coalesce(known.disabled_accounts, 0) * inventory.unit_price as decimal(18, 2)
    ) as disabled_monthly_cost,
    inventory.currency,
    false as is_suppressed
from {{ ref("license_inventory") }} as inventory
left join known on inventory.tenant_id = known.tenant_id and inventory.sku_id = known.sku_id
where inventory.applies_to = 'User'
