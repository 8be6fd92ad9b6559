"""The sheets of the workbook. Columns keep the names that the data dictionary explains."""

from __future__ import annotations

from pipelines.publish.workbook.model import Sheet
from pipelines.publish.workbook.people import DEPTH, RETURN, SEGMENTS, WEEKLY

_NO_DAYS = "No report day has been loaded yet. Run m365-usage sync; Microsoft serves a day about two days later."
_NO_SKUS = "No products are known yet: the app needs the permission Organization.Read.All; m365-usage check says more."

OVERVIEW = Sheet(
    name="Overview",
    table="tbl_overview",
    title="Who uses what, and what is not needed?",
    about="The last 28 days beside the 28 before. People and app-days are two totals: never add or mix them. "
    "Teams is in no suite figure.",
    needs=("tenants", "suite_usage_28d", "app_usage_28d", "license_inventory", "license_savings", "realised_savings"),
    empty=_NO_DAYS,
    sql="""
        with figures as (
            select tenant_id, 1 as place, 'Office suite: people' as figure, cast(active_users as double) as value,
                cast(prev_active_users as double) as previous, cast(null as double) as change_rate,
                'Distinct people who used Outlook, Word, Excel, PowerPoint or OneNote.' as meaning
            from suite_usage_28d
            union all
            select tenant_id, 2, 'Office suite: app-days', app_user_days, prev_app_user_days, null,
                'Days of use of the five apps, summed up: one person counts up to five times a day.'
            from suite_usage_28d
            union all
            select tenant_id, 3, 'Office suite: person-days', suite_user_days, prev_suite_user_days, change_rate,
                'Days on which a person used any of the five. The change is per weekday with data.'
            from suite_usage_28d
            union all
            select tenant_id, 4, 'Teams on its own: people', active_users, prev_active_users, null,
                'Distinct people who used Teams. In no figure above.'
            from app_usage_28d where app = 'teams'
            union all
            select tenant_id, 5, 'Teams on its own: days of use', user_days, prev_user_days, change_rate,
                'Days on which a person used Teams. The change is per weekday with data.'
            from app_usage_28d where app = 'teams'
            union all
            select tenant_id, 6 + row_number() over (partition by tenant_id order by place), figure, units, null, null,
                meaning
            from (
                select tenant_id, 1 as place, 'Licences purchased' as figure, sum(enabled) as units,
                    'Paid and usable units of products that are assigned to people, without free ones and trials.'
                        as meaning
                from license_inventory
                where applies_to = 'User' and not is_free and not coalesce(is_trial, false) and not looks_unlimited
                group by tenant_id
                union all
                select tenant_id, 2, 'Licences unassigned', sum(unassigned), 'Of these, those that nobody holds.'
                from license_inventory
                where applies_to = 'User' and not is_free and not coalesce(is_trial, false) and not looks_unlimited
                group by tenant_id
                union all
                select tenant_id, 3, 'Licences over-assigned', sum(over_assigned), 'Units assigned beyond those paid.'
                from license_inventory
                where applies_to = 'User' and not is_free and not coalesce(is_trial, false) and not looks_unlimited
                group by tenant_id
            )
            union all
            select tenant_id, 20 + row_number() over (partition by tenant_id order by currency),
                'Not needed today, ' || currency || ' a month', sum(exposure), null, null,
                'Price of unassigned and reclaimable licences; without products that have no price or are hidden.'
            from license_savings
            where currency is not null
            group by tenant_id, currency
            union all
            select tenant_id, 40 + row_number() over (partition by tenant_id order by currency nulls first),
                case when currency is null then 'Taken back by plans and still free'
                    else 'Taken back by plans, ' || currency || ' a month' end,
                case when currency is null then still_free else saving end, null, null,
                case when currency is null then 'Licences that steps of plans freed and nobody was given again since.'
                    else 'Their price, where it is known. It is money once fewer are bought, or none more.' end
            from (
                select tenant_id, currency, sum(still_free) as still_free, sum(realised_monthly_saving) as saving
                from realised_savings
                where saving_month = (select max(o.saving_month) from realised_savings as o
                    where o.tenant_id = realised_savings.tenant_id)
                group by grouping sets ((tenant_id), (tenant_id, currency))
                having grouping(currency) = 1 or currency is not null
            )
        )
        select t.name as tenant, f.figure, f.value, f.previous, f.change_rate, f.meaning
        from figures as f
        inner join tenants as t on t.tenant_id = f.tenant_id
        order by t.name, f.tenant_id, f.place
    """,
)
PLATFORMS = Sheet(
    name="Platforms",
    table="tbl_platforms",
    named_by=2,
    title="On what do people use each app?",
    about="Distinct people in the last 28 days. One person may use an app on several platforms, and several apps: "
    "do not add. Desktop is Windows or Mac.",
    needs=("tenants", "apps", "app_usage_28d"),
    empty=_NO_DAYS,
    sql="""
        select t.name as tenant, a.display_name as app, a.in_suite, u.window_start, u.window_end, u.days_with_data,
            u.active_users, u.user_days, u.avg_days_per_user, u.desktop_users, u.windows_users, u.mac_users,
            u.mobile_users, u.web_users, u.is_suppressed
        from app_usage_28d as u
        inner join apps as a on a.app = u.app
        inner join tenants as t on t.tenant_id = u.tenant_id
        order by t.name, u.tenant_id, a.sort_order
    """,
)
DAILY = Sheet(
    name="Daily usage",
    table="tbl_daily_usage",
    named_by=2,
    title="How many people use each app, day by day?",
    about="One row per app and day. An empty cell is a day without data, or a group too small to show "
    "(is_suppressed); 0 is a day without use.",
    needs=("tenants", "apps", "app_usage_daily"),
    empty=_NO_DAYS,
    year_of="report_date",
    sql="""
        select t.name as tenant, a.display_name as app, u.report_date, u.day_state, u.active_users, u.unknown_users,
            u.desktop_users, u.windows_users, u.mac_users, u.mobile_users, u.web_users, u.is_suppressed
        from app_usage_daily as u
        inner join apps as a on a.app = u.app
        inner join tenants as t on t.tenant_id = u.tenant_id
        order by t.name, u.tenant_id, a.sort_order, u.report_date
    """,
)
SUITE_DAILY = Sheet(
    name="Suite daily",
    table="tbl_suite_daily",
    title="How many people use the Office suite and Teams, day by day?",
    about="active_users: distinct people in any of the five apps. app_user_days: the five apps summed up. "
    "teams_users stands on its own and is in neither.",
    needs=("tenants", "suite_usage_daily", "app_usage_daily"),
    empty=_NO_DAYS,
    year_of="report_date",
    sql="""
        select t.name as tenant, s.report_date, isodow(s.report_date) <= 5 as is_weekday, s.day_state, s.active_users,
            s.app_user_days, s.unknown_users, u.active_users as teams_users
        from suite_usage_daily as s
        inner join tenants as t on t.tenant_id = s.tenant_id
        left join app_usage_daily as u
            on u.tenant_id = s.tenant_id and u.report_date = s.report_date and u.app = 'teams'
        order by t.name, s.tenant_id, s.report_date
    """,
)
DEPARTMENTS = Sheet(
    name="Departments",
    table="tbl_departments",
    named_by=2,
    title="Which departments use what they are licensed for?",
    about="adoption_rate: the share of licensed people who used the app in a week, mean of the last complete weeks. "
    "Rows with is_total count everybody anew.",
    needs=("tenants", "apps", "adoption_by_department"),
    empty="No department can be shown yet: it needs a complete week with open names, and licences.",
    shaded="adoption_rate",
    sql="""
        select t.name as tenant, d.department, d.is_total, coalesce(a.display_name, 'Office suite') as app,
            d.licensed_users, d.active_users, d.adoption_rate, d.weeks, d.first_week_start, d.last_week_end,
            d.is_suppressed
        from adoption_by_department as d
        left join apps as a on a.app = d.app
        inner join tenants as t on t.tenant_id = d.tenant_id
        order by t.name, d.tenant_id, not d.is_total, d.department, coalesce(a.sort_order, 0)
    """,
)
LICENSES = Sheet(
    name="Licences",
    table="tbl_licences",
    named_by=2,
    title="What is bought, assigned and used?",
    about="enabled: units paid and usable. warning: units in grace after expiry; only what is assigned beyond both is "
    "over_assigned. utilization_rate: holders who used an app of the licence in 28 "
    "days. An empty unit_price is an unknown price, not 0.",
    needs=("tenants", "license_inventory", "license_utilization"),
    empty=_NO_SKUS,
    # What the chart shows stands first: a free product with a million units would flatten the rest.
    sql="""
        select t.name as tenant, i.product_name, i.enabled, i.assigned, i.unassigned, i.over_assigned,
            i.warning, i.assigned_on_expired, u.holders, u.active_28d, u.inactive_28d, u.utilization_rate,
            u.unknown_reason, i.unit_price, i.currency, i.renewal_date, i.is_trial, i.is_free, i.looks_unlimited,
            i.sku_part_number
        from license_inventory as i
        inner join tenants as t on t.tenant_id = i.tenant_id
        left join license_utilization as u on u.tenant_id = i.tenant_id and u.sku_id = i.sku_id
        order by coalesce(i.applies_to, '') <> 'User' or i.is_free or i.looks_unlimited,
            t.name, i.tenant_id, i.assigned desc, i.product_name, i.sku_id
    """,
)
SAVINGS = Sheet(
    name="Savings",
    table="tbl_savings",
    named_by=2,
    title="What could be saved?",
    about="Money a month, three figures that are never added: exposure (not needed today), reassignable (could be "
    "given to others), reducible_at_renewal. Empty: no price known.",
    needs=("tenants", "license_savings"),
    empty="No paid product is known. " + _NO_SKUS,
    sql="""
        select t.name as tenant, s.product_name, s.unassigned, s.reclaimable, s.disabled, s.never_used, s.idle,
            s.overlapping_sku, s.duplicate_assignment, s.exposure_units, s.reassignable_units, s.reducible_units,
            s.exposure, s.reassignable, s.reducible_at_renewal, s.currency, s.renewal_date, s.is_suppressed
        from license_savings as s
        inner join tenants as t on t.tenant_id = s.tenant_id
        order by t.name, s.tenant_id, s.exposure desc nulls last, s.product_name, s.sku_id
    """,
)
RECLAIMABLE = Sheet(
    name="Reclaimable",
    table="tbl_reclaimable",
    named_by=2,
    title="Which licences can be taken back, and why?",
    about="One row per person and product, with the first reason that fits and its evidence. Review before acting; "
    "exceptions go into rules/allow_list.csv.",
    needs=("tenants", "users", "reclaimable_licenses"),
    empty="Nothing to take back: every licence that can be judged is used, new, or on the allow-list.",
    sql="""
        select t.name as tenant, r.user_principal_name, u.display_name, r.department, r.product_name, r.reason,
            r.last_use_on, r.last_activity_date, r.held_since, r.disabled_from, r.evidence_source, r.evidence_until,
            r.observed_days, r.coverage, r.removable, r.monthly_cost, r.monthly_saving, r.currency, r.rule_version
        from reclaimable_licenses as r
        inner join tenants as t on t.tenant_id = r.tenant_id
        left join users as u on u.tenant_id = r.tenant_id and u.user_key = r.user_key
        order by t.name, r.tenant_id, r.reason, r.monthly_saving desc nulls last, r.user_principal_name, r.sku_id
    """,
)
HEALTH = Sheet(
    name="Data health",
    table="tbl_data_health",
    title="Can the figures be trusted?",
    about="One row per report day. final: settled; provisional: Microsoft may still correct it; lost: gone for good "
    "before it could be fetched.",
    needs=("tenants", "report_days"),
    empty=_NO_DAYS,
    year_of="report_date",
    sql="""
        select t.name as tenant, r.report_date, r.state, r.is_observed, r.is_concealed, r.rows, r.unknown_rows,
            r.flag_disagreements, r.first_fetched_at, r.last_fetched_at, r.report_refresh_date
        from report_days as r
        inner join tenants as t on t.tenant_id = r.tenant_id
        order by t.name, r.tenant_id, r.report_date desc
    """,
)
DICTIONARY = Sheet(
    name="Dictionary",
    table="tbl_dictionary",
    named_by=2,
    title="What does each table and column mean?",
    about="The tables of the database and the Parquet files; the sheets here use the same names.",
    needs=("data_dictionary",),
    empty="This release was published without descriptions.",
    sql="""
        select table_name, column_name, type, is_grain, meaning, additivity, grain
        from data_dictionary
        order by table_name, position
    """,
)
SHEETS = (
    OVERVIEW, WEEKLY, DAILY, SUITE_DAILY, SEGMENTS, PLATFORMS, DEPARTMENTS, RETURN, DEPTH, LICENSES, SAVINGS,
    RECLAIMABLE, HEALTH, DICTIONARY,
)  # fmt: skip
# Sheets that name people; the shareable build does not have them.
ADMIN_SHEETS = frozenset({RECLAIMABLE.name})
