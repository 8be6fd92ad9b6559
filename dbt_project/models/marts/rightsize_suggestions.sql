{%- set suite_bits = [] -%}
{%- for app in suite_apps() -%} {%- do suite_bits.append("use." ~ app ~ "_bits") -%} {%- endfor -%}
{%- set suite_bits = "(" ~ suite_bits | join(" | ") ~ ")" -%}
-- Who uses a licence, but not a part of it, in the whole of a window that was well observed.
-- What is to be taken back altogether, costs nothing, or is new is no case for a smaller plan.
with
    licences as (
        select
            judged.tenant_id,
            judged.user_key,
            judged.sku_id,
            judged.held_since,
            judged.is_direct,
            judged.is_by_group,
            judged.has_teams,
            judged.monthly_price,
            judged.currency,
            windows.slice_start as window_start,
            windows.slice_end as window_end,
            windows.named_days,
            use.suite_days,
            use.teams_days,
            {% for platform in ["windows", "mac", "mobile", "web", "desktop"] %}
                {{ used_on(suite_bits, platform) }} as on_{{ platform }},
            {% endfor %}
            greatest(
                {% for app in packed_apps() %}
                    use.{{ app }}_last {%- if not loop.last %}, {% endif %}
                {% endfor %}
            ) as last_used_on
        from {{ ref("int_judged_licenses") }} as judged
        inner join
            {{ ref("int_usage_slices") }} as windows
            on judged.tenant_id = windows.tenant_id
            and windows.slice_kind = 'current'
        inner join
            {{ ref("int_user_windows") }} as use
            on judged.tenant_id = use.tenant_id
            and judged.user_key = use.user_key
            and use.which_window = 'current'
        where
            judged.is_current
            and judged.is_judged
            and judged.reason is null
            and not judged.is_free
            and not judged.is_trial
            and judged.held_days >= {{ var("grace_days") }}
            and judged.held_since <= windows.slice_start
            and windows.named_days * 28 >= 20 * {{ var("window_days") }}
            and (use.suite_days > 0 or use.teams_days > 0)
    ),

    fitting as (
        select
            licences.*,
            rules.rule,
            rules.priority,
            rules.to_sku_id,
            rules.to_part_number,
            rules.gives_up,
            owned.unassigned as suggested_unassigned,
            case when owned.enabled > 0 then 0 else 1 end as is_not_owned,
            prices.monthly_price as suggested_monthly_price,
            case
                when licences.currency = prices.currency
                then cast(licences.monthly_price - prices.monthly_price as decimal(18, 6))
            end as monthly_saving
        from licences
        inner join {{ ref("rightsize_rules") }} as rules on licences.sku_id = rules.from_sku_id
        left join
            {{ ref("license_inventory") }} as owned
            on licences.tenant_id = owned.tenant_id
            and rules.to_sku_id = owned.sku_id
        left join
            {{ ref("int_sku_prices") }} as prices
            on licences.tenant_id = prices.tenant_id
            and rules.to_sku_id = prices.sku_id
            and prices.valid_from <= {{ day_from_today(0) }}
            and prices.valid_to > {{ day_from_today(0) }}
        where
            (
                rules.rule = 'no_desktop_use'
                and not licences.on_desktop
                and (licences.on_web or licences.on_mobile)
            )
            or (rules.rule = 'no_teams_use' and licences.has_teams and licences.teams_days = 0)
            or (rules.rule = 'teams_only' and licences.has_teams and licences.suite_days = 0)
    ),

    -- One target per rule, one that the tenant owns first, then one rule per licence.
    targets as (
        select
            *,
            row_number() over (
                partition by tenant_id, user_key, sku_id, rule
                order by is_not_owned, priority, to_sku_id
            ) as target_choice
        from fitting
        where monthly_saving is null or monthly_saving > 0
    ),

    suggestions as (
        select
            *,
            row_number() over (
                partition by tenant_id, user_key, sku_id order by priority, rule
            ) as rule_choice
        from targets
        where target_choice = 1
    )

select
    suggestions.tenant_id,
    suggestions.user_key,
    suggestions.sku_id,
    people.user_principal_name,
    people.department,
    skus.product_name,
    suggestions.rule,
    suggestions.to_sku_id as suggested_sku_id,
    coalesce(
        sku_names.product_name, product_names.product_name, suggestions.to_part_number
    ) as suggested_product_name,
    suggestions.gives_up,
    suggestions.suggested_unassigned,
    suggestions.held_since,
    suggestions.window_start,
    suggestions.window_end,
    suggestions.named_days as observed_days,
    cast(suggestions.suite_days as int) as suite_days,
    cast(suggestions.teams_days as int) as teams_days,
    nullif(
        trim(
            concat(
                case when suggestions.on_windows then 'windows ' else '' end,
                case when suggestions.on_mac then 'mac ' else '' end,
                case when suggestions.on_mobile then 'mobile ' else '' end,
                case when suggestions.on_web then 'web' else '' end
            )
        ),
        ''
    ) as suite_platforms,
    suggestions.last_used_on,
    case
        when suggestions.is_direct and suggestions.is_by_group
        then 'both'
        when suggestions.is_direct
        then 'direct'
        else 'group'
    end as changeable,
    cast(suggestions.monthly_price as decimal(18, 6)) as monthly_price,
    suggestions.suggested_monthly_price,
    suggestions.monthly_saving,
    suggestions.currency,
    '{{ var("rule_version") }}' as rule_version
from suggestions
inner join
    {{ ref("int_people") }} as people
    on suggestions.tenant_id = people.tenant_id
    and suggestions.user_key = people.user_key
inner join
    {{ ref("int_skus") }} as skus
    on suggestions.tenant_id = skus.tenant_id
    and suggestions.sku_id = skus.sku_id
left join {{ ref("sku_names") }} as sku_names on suggestions.to_sku_id = sku_names.sku_id
left join
    {{ ref("stg_rules__product_names") }} as product_names
    on suggestions.to_sku_id = product_names.sku_id
where suggestions.rule_choice = 1
