-- Concealed names come as hashes. Whether a hash stays with a person from day to day is not
-- documented, so it is measured: how many of one weekday's hashes come back on the next one. Two
-- days agree by the smaller of the two (after a holiday most hashes are new, and yet stable). They
-- must agree on the whole, and no two days may disagree altogether: hashes that change once in the
-- middle of the window would count everybody twice.
with
    weekdays as (
        select
            tenant_id,
            report_date,
            case
                when report_date >= {{ window_start() }} then 'current' else 'previous'
            end as which_window
        from {{ ref("int_report_days") }}
        where is_observed and is_concealed and is_weekday and report_date >= {{ window_start(1) }}
    ),

    pairs as (
        select
            tenant_id,
            which_window,
            report_date,
            lead(report_date) over (
                partition by tenant_id, which_window order by report_date
            ) as next_report_date
        from weekdays
    ),

    hashes as (
        select days.tenant_id, days.report_date, days.upn_key
        from {{ ref("stg_graph__m365_app_user_days") }} as days
        inner join
            weekdays
            on days.tenant_id = weekdays.tenant_id
            and days.report_date = weekdays.report_date
        inner join {{ ref("stg_graph__upn_keys") }} as upn_keys on days.upn_key = upn_keys.upn_key
        where upn_keys.is_concealed
    ),

    hash_counts as (
        select tenant_id, report_date, count(*) as hashes
        from hashes
        group by tenant_id, report_date
    ),

    found as (
        select pairs.tenant_id, pairs.report_date, count(*) as found_again
        from pairs
        inner join
            hashes on pairs.tenant_id = hashes.tenant_id and pairs.report_date = hashes.report_date
        inner join
            hashes as next_hashes
            on pairs.tenant_id = next_hashes.tenant_id
            and pairs.next_report_date = next_hashes.report_date
            and hashes.upn_key = next_hashes.upn_key
        group by pairs.tenant_id, pairs.report_date
    ),

    compared as (
        select
            pairs.tenant_id,
            pairs.which_window,
            least(hash_counts.hashes, next_counts.hashes) as hashes,
            coalesce(found.found_again, 0) as found_again
        from pairs
        inner join
            hash_counts
            on pairs.tenant_id = hash_counts.tenant_id
            and pairs.report_date = hash_counts.report_date
        inner join
            hash_counts as next_counts
            on pairs.tenant_id = next_counts.tenant_id
            and pairs.next_report_date = next_counts.report_date
        left join
            found on pairs.tenant_id = found.tenant_id and pairs.report_date = found.report_date
    )

select
    tenant_id,
    which_window,
    cast(sum(hashes) as bigint) as hashes,
    cast(sum(found_again) as bigint) as found_again,
    sum(found_again) >= {{ var("hash_stability") }} * sum(hashes)
    and min(case when found_again * 2 >= hashes then 1 else 0 end) = 1 as is_stable
from compared
group by tenant_id, which_window
