{{ config(materialized="view") }}
select tenant_id, report_date, people
from {{ ref("int_app_day_counts") }}
where app = 'suite'
