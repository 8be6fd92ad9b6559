{{ config(alias="suite_teams_segments") }}
-- With the users of the suite and of Teams known, each of the three tells the others: they hide
-- together.
with
    judged as (
        select
            segments.*,
            not sizes.shows_splits
            or coalesce(
                segments.suite_only_users between 1 and {{ var("min_group_size") - 1 }}, false
            )
            or coalesce(segments.both_users between 1 and {{ var("min_group_size") - 1 }}, false)
            or coalesce(
                segments.teams_only_users between 1 and {{ var("min_group_size") - 1 }}, false
            ) as is_small
        from {{ ref("suite_teams_segments") }} as segments
        inner join {{ ref("int_tenant_sizes") }} as sizes on segments.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    month_start,
    month_end,
    days_with_data,
    counted_days,
    is_complete,
    identity_basis,
    case when not is_small then suite_only_users end as suite_only_users,
    case when not is_small then both_users end as both_users,
    case when not is_small then teams_only_users end as teams_only_users,
    is_small and both_users is not null as is_suppressed
from judged
