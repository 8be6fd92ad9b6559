select
    tenant_id,
    report_period,
    report_refresh_date,
    upn_key,
    last_activation_date,
    last_activity_date,
    outlook,
    word,
    excel,
    powerpoint,
    onenote,
    teams
from {{ source("raw", "m365_app_user_periods") }}
