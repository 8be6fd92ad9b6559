select tenant_id, report_date, report_refresh_date, outlook, word, excel, powerpoint, onenote, teams
from {{ source("raw", "m365_app_user_counts") }}
