select tenant_id, old_upn, new_upn, renamed_on from {{ source("rules", "renames") }}
