{%- set bits = app_bits() -%}
-- Apps that come and go together make one row, so that few rows meet the days.
with
    periods as (
        select
            periods.tenant_id,
            periods.user_key,
            periods.valid_from,
            periods.valid_to,
            cast(
                sum(
                    case
                        periods.app
                        {% for app, bit in bits.items() %}
                            when '{{ app }}' then {{ bit }}
                        {% endfor %}
                        else 0
                    end
                ) as smallint
            ) as licensed
        from {{ ref("int_app_license_periods") }} as periods
        inner join
            {{ ref("int_accounts") }} as accounts
            on periods.tenant_id = accounts.tenant_id
            and periods.user_key = accounts.user_key
            and accounts.account_kind = 'member'
        group by periods.tenant_id, periods.user_key, periods.valid_from, periods.valid_to
    ),

    license_days as (
        select distinct tenant_id, license_day
        from {{ ref("int_usage_slices") }}
        where slice_kind in ('window', 'week')
    )

select
    periods.tenant_id,
    license_days.license_day,
    periods.user_key,
    bit_or(periods.licensed) as licensed
from periods
inner join
    license_days
    on periods.tenant_id = license_days.tenant_id
    and license_days.license_day >= periods.valid_from
    and license_days.license_day < periods.valid_to
group by periods.tenant_id, license_days.license_day, periods.user_key
