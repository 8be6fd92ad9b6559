select tenant_id, report_date, outlook, word, excel, powerpoint, onenote, teams, user_rows
from {{ source("raw", "m365_app_unknown_days") }}
