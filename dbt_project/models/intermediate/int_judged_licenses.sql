{%- set apps = packed_apps() -%}
-- One bucket per licence: the first reason that fits. Lack of use is held against nobody in
-- the first weeks, against nobody whose days were not looked at, and never against a licence that
-- entitles to none of the apps.
with
    kept as (
        select distinct held.tenant_id, held.judged_on, held.user_key, held.sku_id
        from {{ ref("int_held_licenses") }} as held
        inner join
            {{ ref("int_allow_list") }} as allowed
            on held.tenant_id = allowed.tenant_id
            and held.user_key = allowed.user_key
        left join
            {{ ref("int_skus") }} as skus
            on held.tenant_id = skus.tenant_id
            and held.sku_id = skus.sku_id
        where
            held.judged_on <= allowed.valid_until
            and (
                allowed.sku is null
                or allowed.sku = held.sku_id
                or allowed.sku = lower(skus.sku_part_number)
            )
    ),

    -- The larger licence is worth keeping only if it is no trial, and it must let its holder use
    -- every app that the smaller one does.
    overlapped as (
        select
            held.tenant_id,
            held.judged_on,
            held.user_key,
            held.sku_id,
            min(contained.contained_in_sku_id) as contained_in_sku_id
        from {{ ref("int_held_licenses") }} as held
        inner join {{ ref("sku_overlaps") }} as contained on held.sku_id = contained.sku_id
        inner join
            {{ ref("int_held_licenses") }} as larger
            on held.tenant_id = larger.tenant_id
            and held.judged_on = larger.judged_on
            and held.user_key = larger.user_key
            and contained.contained_in_sku_id = larger.sku_id
        left join
            {{ ref("int_skus") }} as skus
            on larger.tenant_id = skus.tenant_id
            and larger.sku_id = skus.sku_id
        where
            not coalesce(skus.is_trial, false)
            {% for app in apps %} and (larger.has_{{ app }} or not held.has_{{ app }}) {% endfor %}
        group by held.tenant_id, held.judged_on, held.user_key, held.sku_id
    ),

    facts as (
        select
            evidence.*,
            accounts.account_kind = 'member' and kept.user_key is null as is_judged,
            disabled.disabled_from,
            overlapped.contained_in_sku_id,
            coalesce(skus.is_free, false) as is_free,
            coalesce(skus.is_trial, false) as is_trial,
            {{ days_between("evidence.held_since", "evidence.judged_on") }} as held_days,
            -- Snapshots that are contradicted by a day of use say nothing.
            coalesce(
                not evidence.is_used_in_idle_period
                and (
                    evidence.last_use_on is null
                    or {{ days_between("evidence.last_use_on", "evidence.idle_refresh_date") }}
                    >= {{ idle_period() }}
                ),
                false
            ) as is_unused_by_snapshot,
            evidence.last_use_on is null
            and evidence.is_measurable
            and (
                coalesce(not evidence.is_used_in_half_year, false)
                or (evidence.unused_days >= 180 and evidence.is_used_in_half_year is null)
            ) as is_unused_for_ever
        from {{ ref("int_license_evidence") }} as evidence
        inner join
            {{ ref("int_accounts") }} as accounts
            on evidence.tenant_id = accounts.tenant_id
            and evidence.user_key = accounts.user_key
        left join
            {{ ref("int_skus") }} as skus
            on evidence.tenant_id = skus.tenant_id
            and evidence.sku_id = skus.sku_id
        left join
            kept
            on evidence.tenant_id = kept.tenant_id
            and evidence.judged_on = kept.judged_on
            and evidence.user_key = kept.user_key
            and evidence.sku_id = kept.sku_id
        left join
            {{ ref("int_disabled_periods") }} as disabled
            on evidence.tenant_id = disabled.tenant_id
            and evidence.user_key = disabled.user_key
            and evidence.judged_on >= disabled.disabled_from
            and evidence.judged_on < disabled.disabled_to
        left join
            overlapped
            on evidence.tenant_id = overlapped.tenant_id
            and evidence.judged_on = overlapped.judged_on
            and evidence.user_key = overlapped.user_key
            and evidence.sku_id = overlapped.sku_id
    ),

    reasons as (
        select
            *,
            case
                when not is_judged or is_free or is_trial
                then null
                when disabled_from is not null
                then 'disabled'
                when
                    is_unused_for_ever
                    and held_days >= {{ var("grace_days") }}
                    and held_days >= {{ var("never_used_held_days") }}
                then 'never_used'
                when
                    is_measurable
                    and held_days >= {{ var("grace_days") }}
                    and unused_days >= {{ var("idle_days") }}
                    and not coalesce(is_used_in_idle_period, false)
                then 'idle'
                when
                    is_measurable
                    and held_days >= {{ var("grace_days") }}
                    and held_days >= {{ var("idle_days") }}
                    and is_unused_by_snapshot
                then 'idle'
                when contained_in_sku_id is not null
                then 'overlapping_sku'
                when is_direct and is_by_group
                then 'duplicate_assignment'
            end as reason
        from facts
    )

select
    reasons.*,
    case
        when reasons.reason is null
        then null
        when reasons.reason not in ('never_used', 'idle')
        then 'directory'
        when reasons.reason = 'never_used' and reasons.is_used_in_half_year is null
        then 'report_days'
        when reasons.reason = 'never_used'
        then 'period_180'
        when reasons.unused_days >= {{ var("idle_days") }}
        then 'report_days'
        else 'period_{{ idle_period() }}'
    end as evidence_source,
    prices.monthly_price,
    prices.currency
from reasons
left join
    {{ ref("int_sku_prices") }} as prices
    on reasons.tenant_id = prices.tenant_id
    and reasons.sku_id = prices.sku_id
    and reasons.judged_on >= prices.valid_from
    and reasons.judged_on < prices.valid_to
