{{ config(alias="suite_usage_daily") }}
select tenant_id, report_date, day_state, is_observed, active_users, unknown_users, app_user_days
from {{ ref("suite_usage_daily") }}
