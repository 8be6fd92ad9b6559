{{ config(alias="app_usage_daily") }}
-- Windows, Mac and desktop hide together, as each of them tells about the others. A small tenant
-- shows no platforms at all.
with
    judged as (
        select
            usage.*,
            sizes.shows_splits
            and not {{ is_small_group("usage.windows_users", "usage.active_users") }}
            and not {{ is_small_group("usage.mac_users", "usage.active_users") }}
            and not {{ is_small_group("usage.desktop_users", "usage.active_users") }}
            as shows_desktop,
            sizes.shows_splits
            and not {{ is_small_group("usage.mobile_users", "usage.active_users") }}
            as shows_mobile,
            sizes.shows_splits
            and not {{ is_small_group("usage.web_users", "usage.active_users") }} as shows_web
        from {{ ref("app_usage_daily") }} as usage
        inner join {{ ref("int_tenant_sizes") }} as sizes on usage.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    app,
    report_date,
    day_state,
    is_observed,
    active_users,
    unknown_users,
    case when shows_desktop then windows_users end as windows_users,
    case when shows_desktop then mac_users end as mac_users,
    case when shows_desktop then desktop_users end as desktop_users,
    case when shows_mobile then mobile_users end as mobile_users,
    case when shows_web then web_users end as web_users,
    active_users is not null and not (shows_desktop and shows_mobile and shows_web) as is_suppressed
from judged
