{{ config(materialized="view") }}
select
    days.tenant_id,
    days.report_date,
    days.upn_key,
    identity_map.user_key,
    {% for app in packed_apps() %} days.{{ app }}, {% endfor %}
    identity_map.has_several_names,
    identity_map.is_for_ever
from {{ ref("stg_graph__m365_app_user_days") }} as days
inner join
    {{ ref("int_identity_map") }} as identity_map
    on days.upn_key = identity_map.upn_key
    and days.report_date >= identity_map.valid_from
    and days.report_date < identity_map.valid_to
