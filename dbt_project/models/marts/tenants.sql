with
    organizations as (
        select *, row_number() over (partition by tenant_id order by observed_at desc) as recency
        from {{ ref("stg_graph__organization") }}
    ),

    settings as (
        select *, row_number() over (partition by tenant_id order by observed_at desc) as recency
        from {{ ref("stg_graph__report_settings") }}
        where is_concealed is not null
    ),

    days as (
        select *, row_number() over (partition by tenant_id order by report_date desc) as recency
        from {{ ref("int_report_days") }}
        where is_observed
    ),

    fetches as (
        select tenant_id, max(cloud) as cloud, max(completed_at) as last_fetched_at
        from {{ ref("stg_ledger__fetches") }}
        group by tenant_id
    )

select
    tenants.tenant_id,
    organizations.display_name as name,
    organizations.default_domain as domain,
    fetches.cloud,
    days.report_date as data_through,
    fetches.last_fetched_at as last_synced_at,
    coalesce(settings.is_concealed, days.is_concealed) as is_concealed_now
from {{ ref("int_tenants") }} as tenants
left join organizations on tenants.tenant_id = organizations.tenant_id and organizations.recency = 1
left join settings on tenants.tenant_id = settings.tenant_id and settings.recency = 1
left join days on tenants.tenant_id = days.tenant_id and days.recency = 1
left join fetches on tenants.tenant_id = fetches.tenant_id
