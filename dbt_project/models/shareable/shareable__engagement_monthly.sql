{{ config(alias="engagement_monthly") }}
-- Who came back, came new or went are parts of the users of two months: any of them tells about the
-- others, so they hide together.
with
    judged as (
        select
            engagement.*,
            not sizes.shows_splits
            or {{ is_small_group("engagement.returning_users", "engagement.active_users") }}
            or {{ is_small_group("engagement.returning_users", "engagement.prev_active_users") }}
            or {{ is_small_group("engagement.first_time_users", "engagement.active_users") }}
            or {{ is_small_group("engagement.resumed_users", "engagement.active_users") }}
            or {{ is_small_group("engagement.lost_users", "engagement.prev_active_users") }}
            as is_small
        from {{ ref("engagement_monthly") }} as engagement
        inner join {{ ref("int_tenant_sizes") }} as sizes on engagement.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    app,
    month_start,
    month_end,
    days_with_data,
    counted_days,
    is_complete,
    history_days,
    identity_basis,
    active_users,
    prev_active_users,
    case when not is_small then returning_users end as returning_users,
    case when not is_small then first_time_users end as first_time_users,
    case when not is_small then resumed_users end as resumed_users,
    case when not is_small then lost_users end as lost_users,
    case when not is_small then return_rate end as return_rate,
    avg_weekday_users,
    stickiness,
    is_small
    and coalesce(returning_users, first_time_users, lost_users) is not null as is_suppressed
from judged
