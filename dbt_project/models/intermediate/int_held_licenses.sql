{%- set apps = packed_apps() -%}
-- A licence is one unit of a SKU that a person holds, from however many sources. What it entitles
-- to
-- is what any of its sources entitles to.
with
    entitlements as (
        select
            entitlement_key,
            {% for app in apps %}
                max(case when app = '{{ app }}' then 1 else 0 end) as {{ app }}
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_entitlements") }}
        group by entitlement_key
    )

select
    periods.tenant_id,
    days.judged_on,
    days.evidence_end,
    days.is_current,
    periods.user_key,
    periods.sku_id,
    min(periods.valid_from) as held_since,
    max(case when periods.assigned_by_group is null then 1 else 0 end) = 1 as is_direct,
    max(case when periods.assigned_by_group is not null then 1 else 0 end) = 1 as is_by_group,
    min(periods.assigned_by_group) as assigned_by_group,
    {% for app in apps %}
        coalesce(max(entitlements.{{ app }}), 0) = 1 as has_{{ app }},
    {% endfor %}
    max(case when entitlements.entitlement_key is not null then 1 else 0 end) = 1 as is_measurable
from {{ ref("int_license_periods") }} as periods
inner join
    {{ ref("int_judgement_days") }} as days
    on periods.tenant_id = days.tenant_id
    and periods.valid_from <= days.judged_on
    and periods.valid_to > days.judged_on
left join entitlements on periods.entitlement_key = entitlements.entitlement_key
where periods.is_held
group by
    periods.tenant_id,
    days.judged_on,
    days.evidence_end,
    days.is_current,
    periods.user_key,
    periods.sku_id
