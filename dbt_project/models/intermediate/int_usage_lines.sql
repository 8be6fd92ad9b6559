{{ config(materialized="view") }}
-- What is counted for each window and week, be it 0: every app and the suite, in total and in every
-- department. Licences are known where the directory tells of any.
with
    departments as (
        select distinct tenant_id, department, false as is_total
        from {{ ref("int_departments") }}
        union all
        select tenant_id, 'All' as department, true as is_total
        from {{ ref("int_tenants") }}
    ),

    tenants_with_licenses as (
        select distinct periods.tenant_id
        from {{ ref("int_license_periods") }} as periods
        inner join
            {{ ref("int_entitlements") }} as entitlements
            on periods.entitlement_key = entitlements.entitlement_key
        where periods.is_held
    ),

    apps as (
        {% for app in app_masks() %}
            select '{{ app }}' as app
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    departments.tenant_id,
    apps.app,
    departments.department,
    departments.is_total,
    tenants_with_licenses.tenant_id is not null as knows_licenses
from departments
cross join apps
left join tenants_with_licenses on departments.tenant_id = tenants_with_licenses.tenant_id
