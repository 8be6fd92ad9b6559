{%- set bits = app_bits() -%}
-- Licences that come and go together make one row. Almost everybody has one; of the others the
-- periods
-- are cut where one of them begins or ends.
with
    entitlements as (
        select
            entitlement_key,
            sum(
                case
                    app
                    {% for app, bit in bits.items() %} when '{{ app }}' then {{ bit }} {% endfor %}
                    else 0
                end
            ) as licensed
        from {{ ref("int_entitlements") }}
        group by entitlement_key
    ),

    periods as (
        select
            periods.tenant_id,
            periods.user_key,
            periods.valid_from,
            periods.valid_to,
            bit_or(cast(entitlements.licensed as int)) as licensed,
            count(*) over (partition by periods.user_key) as periods_of_person
        from {{ ref("int_license_periods") }} as periods
        inner join entitlements on periods.entitlement_key = entitlements.entitlement_key
        inner join
            {{ ref("int_accounts") }} as accounts
            on periods.user_key = accounts.user_key
            and accounts.account_kind = 'member'
        where periods.is_held
        group by periods.tenant_id, periods.user_key, periods.valid_from, periods.valid_to
    ),

    days as (
        select user_key, valid_from as cut_on
        from periods
        where periods_of_person > 1
        union
        select user_key, valid_to as cut_on
        from periods
        where periods_of_person > 1
    ),

    pieces as (
        select
            user_key,
            cut_on as valid_from,
            lead(cut_on) over (partition by user_key order by cut_on) as valid_to
        from days
    )

select tenant_id, user_key, valid_from, valid_to, cast(licensed as smallint) as licensed
from periods
where periods_of_person = 1

union all

select
    periods.tenant_id,
    periods.user_key,
    pieces.valid_from,
    pieces.valid_to,
    cast(bit_or(periods.licensed) as smallint) as licensed
from pieces
inner join
    periods
    on pieces.user_key = periods.user_key
    and pieces.valid_from >= periods.valid_from
    and pieces.valid_to <= periods.valid_to
group by periods.tenant_id, periods.user_key, pieces.valid_from, pieces.valid_to
