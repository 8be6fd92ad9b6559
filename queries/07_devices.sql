-- On what devices?
--
-- Per app, the share of its people of the last 28 days who used it on each platform. One person may use several, so
-- the shares add up to more than 1. Desktop is Windows or Mac.
select
    a.display_name as app,
    u.active_users,
    round(u.desktop_users / nullif(u.active_users, 0), 3) as desktop,
    round(u.windows_users / nullif(u.active_users, 0), 3) as windows,
    round(u.mac_users / nullif(u.active_users, 0), 3) as mac,
    round(u.mobile_users / nullif(u.active_users, 0), 3) as mobile,
    round(u.web_users / nullif(u.active_users, 0), 3) as web
from app_usage_28d as u
inner join apps as a on a.app = u.app
order by u.tenant_id, a.sort_order
