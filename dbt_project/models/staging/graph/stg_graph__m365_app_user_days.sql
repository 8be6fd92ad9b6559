select tenant_id, report_date, upn_key, outlook, word, excel, powerpoint, onenote, teams
from {{ source("raw", "m365_app_user_days") }}
