-- The tables that loading writes. Everything here can be rebuilt from landing/.
-- Types are portable (no unsigned integers, no enums), so that the same models run on other engines.

create schema if not exists raw;
create schema if not exists ledger;

-- One row per user principal name (case-folded) or concealed hash ever seen in a report of the tenant.
-- upn_key is unique over all tenants and never reused.
create table if not exists raw.upn_keys (
    upn_key integer not null,
    tenant_id varchar not null,
    upn varchar not null,
    is_concealed boolean not null
);

-- One row per directory object id ever seen. user_key is unique over all tenants and never reused.
create table if not exists raw.user_keys (
    user_key integer not null,
    tenant_id varchar not null,
    user_id varchar not null
);

-- The person-day: one row per person with use of at least one app on the report date.
-- Each app column is 0 (not used) or the sum of the bits of pipelines/warehouse/bits.py:
-- 16 the app's own flag, 1 Windows, 2 Mac, 4 mobile, 8 web. The app's flag wins: without it the value is 0.
create table if not exists raw.m365_app_user_days (
    tenant_id varchar not null,
    report_date date not null,
    upn_key integer not null,
    outlook tinyint not null,
    word tinyint not null,
    excel tinyint not null,
    powerpoint tinyint not null,
    onenote tinyint not null,
    teams tinyint not null
);

-- Rows of a day report that name nobody ('(Unknown)' or empty), counted per combination of use.
-- Rows without any use are counted too (all six apps 0).
create table if not exists raw.m365_app_unknown_days (
    tenant_id varchar not null,
    report_date date not null,
    outlook tinyint not null,
    word tinyint not null,
    excel tinyint not null,
    powerpoint tinyint not null,
    onenote tinyint not null,
    teams tinyint not null,
    user_rows integer not null
);

-- Period snapshots: every row of getM365AppUserDetail(period=...), packed like the person-day.
-- report_period is 7, 30, 90 or 180 days. Of each calendar month the newest refresh date per tenant and period is kept.
create table if not exists raw.m365_app_user_periods (
    tenant_id varchar not null,
    report_period smallint not null,
    report_refresh_date date not null,
    upn_key integer not null,
    last_activation_date date,
    last_activity_date date,
    outlook tinyint not null,
    word tinyint not null,
    excel tinyint not null,
    powerpoint tinyint not null,
    onenote tinyint not null,
    teams tinyint not null
);

-- Microsoft's own daily user counts (getM365AppUserCounts), newest answer per tenant and report date.
create table if not exists raw.m365_app_user_counts (
    tenant_id varchar not null,
    report_date date not null,
    report_refresh_date date,
    outlook integer,
    word integer,
    excel integer,
    powerpoint integer,
    onenote integer,
    teams integer
);

-- Directory states: a row is added only when something about the person (or a licence of theirs) changed
-- since the person's newest row. is_present = false: missing from a complete read (deleted or out of scope).
create table if not exists raw.users (
    tenant_id varchar not null,
    user_key integer not null,
    user_id varchar not null,
    observed_at timestamptz not null,
    observed_on date not null,
    is_present boolean not null,
    user_principal_name varchar,
    mail varchar,
    proxy_addresses varchar[],
    display_name varchar,
    user_type varchar,
    account_enabled boolean,
    department varchar,
    job_title varchar,
    office_location varchar,
    city varchar,
    country varchar,
    usage_location varchar,
    company_name varchar,
    employee_id varchar,
    employee_type varchar,
    on_premises_sync_enabled boolean,
    created_at timestamptz,
    manager_id varchar,
    manager_name varchar,
    state_hash varchar not null
);

-- The licences of one directory state: joined to raw.users by tenant_id, user_key and observed_at.
-- One row per SKU and source; assigned_by_group is null for a direct assignment.
create table if not exists raw.user_licenses (
    tenant_id varchar not null,
    user_key integer not null,
    observed_at timestamptz not null,
    sku_id varchar not null,
    assigned_by_group varchar,
    state varchar,
    error varchar,
    last_updated_at timestamptz,
    disabled_plans varchar[]
);

-- Newest sign-in activity per person; empty where the tenant has no Entra ID P1 or the permission is missing.
create table if not exists raw.user_sign_ins (
    tenant_id varchar not null,
    user_key integer not null,
    observed_at timestamptz not null,
    last_sign_in_at timestamptz,
    last_non_interactive_sign_in_at timestamptz,
    last_successful_sign_in_at timestamptz
);

-- People seen in the directory's bin, newest sight of each. Graph puts the object id before their UPN there;
-- user_principal_name is what the service said, original_upn is without that prefix.
create table if not exists raw.deleted_users (
    tenant_id varchar not null,
    user_key integer not null,
    user_id varchar not null,
    observed_at timestamptz not null,
    observed_on date not null,
    user_principal_name varchar,
    original_upn varchar,
    display_name varchar,
    department varchar,
    user_type varchar,
    deleted_at timestamptz
);

-- One row per SKU and day observed (the day's last answer).
create table if not exists raw.subscribed_skus (
    tenant_id varchar not null,
    observed_on date not null,
    observed_at timestamptz not null,
    sku_id varchar not null,
    sku_part_number varchar,
    applies_to varchar,
    capability_status varchar,
    consumed_units integer,
    enabled integer,
    suspended integer,
    warning integer,
    locked_out integer,
    subscription_ids varchar[]
);

-- The service plans of each SKU, one row per SKU, plan and day observed.
create table if not exists raw.sku_service_plans (
    tenant_id varchar not null,
    observed_on date not null,
    sku_id varchar not null,
    service_plan_id varchar not null,
    service_plan_name varchar,
    provisioning_status varchar,
    applies_to varchar
);

-- One row per subscription behind the SKUs and day observed.
create table if not exists raw.subscriptions (
    tenant_id varchar not null,
    observed_on date not null,
    observed_at timestamptz not null,
    subscription_id varchar not null,
    commerce_subscription_id varchar,
    sku_id varchar,
    sku_part_number varchar,
    status varchar,
    is_trial boolean,
    total_licenses integer,
    created_at timestamptz,
    next_lifecycle_at timestamptz
);

-- The tenant's own name and domains, one row per day observed.
create table if not exists raw.organization (
    tenant_id varchar not null,
    observed_on date not null,
    observed_at timestamptz not null,
    organization_id varchar,
    display_name varchar,
    default_domain varchar,
    initial_domain varchar,
    country_letter_code varchar,
    created_at timestamptz
);

-- The tenant's reports setting "display concealed user, group and site names", one row per day observed.
create table if not exists raw.report_settings (
    tenant_id varchar not null,
    observed_on date not null,
    observed_at timestamptz not null,
    is_concealed boolean
);

-- One row per request for one thing (all pages and retries of it), from the landing records.
-- as_of is the day (UTC) the run took for today: the age of a report at its fetch is as_of - report_date.
-- source: getM365AppUserDetail, getM365AppUserCounts, users, deletedUsers, subscribedSkus, subscriptions,
--   organization, reportSettings.
-- outcome: ok (body landed), late, lost, failed, refused_permission, or unavailable (not offered here).
-- accepts_fetch_id: the held correction that an operator accepted with this entry.
-- redacted_at: when somebody was erased from the body; body_bytes and body_sha256 are those of what is left.
-- verdict, for outcome ok: applied (stored), unchanged (same content as stored), kept (a worse answer that did
--   not replace the stored day), held (needs review), refused (the body was not a report). Null otherwise.
create table if not exists ledger.fetches (
    fetch_id varchar not null,
    tenant_id varchar not null,
    source varchar not null,
    report_date date,
    report_period varchar,
    run_id varchar,
    cloud varchar,
    as_of date not null,
    requested_at timestamptz not null,
    completed_at timestamptz not null,
    http_status smallint,
    outcome varchar not null,
    error_code varchar,
    error_message varchar,
    request_id varchar,
    requests integer,
    throttled_seconds double,
    body_path varchar,
    body_bytes bigint,
    body_sha256 varchar,
    is_complete boolean,
    is_concealed_setting boolean,
    accepts_fetch_id varchar,
    redacted_at timestamptz,
    verdict varchar,
    verdict_reason varchar,
    report_refresh_date date,
    rows bigint,
    active_rows bigint,
    unknown_rows bigint,
    concealed_rows bigint,
    duplicate_rows bigint,
    flag_disagreements bigint
);

-- What an applied or held correction changed, one row per fetch and app ('all' counts people whatever the app).
-- switched_on: people who now used the app and did not before; rows_added: those of them without any use on the
-- day before. switched_off and rows_removed likewise.
create table if not exists ledger.restatements (
    tenant_id varchar not null,
    report_date date not null,
    fetch_id varchar not null,
    app varchar not null,
    is_applied boolean not null,
    rows_added bigint not null,
    rows_removed bigint not null,
    switched_on bigint not null,
    switched_off bigint not null
);

-- The user's own price list (prices.csv), read anew before every dbt run. sku is a SKU id or a part number in lower
-- case; price is for one unit and one month or year (per); tenant_id null: all tenants.
create table if not exists raw.prices (
    tenant_id varchar,
    sku varchar not null,
    price decimal(18, 6) not null,
    currency varchar not null,
    per varchar not null,
    valid_from date
);

-- Who is kept out of waste lists by the user's own word (allow_list.csv), read anew before every dbt run. user_name
-- is a user principal name or an object id in lower case; sku null: all licences; kind: keep, shared_mailbox,
-- room_mailbox or service_account; valid_until is the last day it holds, null: for good.
create table if not exists raw.allow_list (
    tenant_id varchar,
    user_name varchar not null,
    sku varchar,
    kind varchar not null,
    reason varchar,
    valid_until date
);

-- Renames that the directory cannot tell of (renames.csv), read anew before every dbt run. Both names are user
-- principal names in lower case; renamed_on is the first day of the new one.
create table if not exists raw.renames (
    tenant_id varchar,
    old_upn varchar not null,
    new_upn varchar not null,
    renamed_on date not null
);

-- Names of products beyond those that the project knows (product_names.csv, written by m365-usage skus update),
-- read anew before every dbt run.
create table if not exists raw.product_names (
    sku_id varchar not null,
    sku_part_number varchar,
    product_name varchar
);

-- What was done to tenants, from the action log (actions/log/*.jsonl), read anew before every dbt run. One row per line
-- of kind intent (a step is about to be done) or outcome (what became of it). sku_ids: the products that the step is
-- about, of a group those that it gives. state_before and state_after are JSON. Of people who are forgotten nothing but
-- the fact is left.
create table if not exists raw.action_log (
    tenant_id varchar not null,
    plan_id varchar,
    plan_digest varchar not null,
    source varchar,
    step_id varchar not null,
    kind varchar not null,
    logged_at timestamptz not null,
    action varchar not null,
    user_id varchar,
    user_principal_name varchar,
    sku_ids varchar[],
    group_id varchar,
    manager_id varchar,
    user_type varchar,
    reason varchar,
    outcome varchar,
    detail varchar,
    state_before varchar,
    state_after varchar,
    undo varchar,
    monthly_saving decimal(18, 6),
    currency varchar,
    os_user varchar,
    host varchar,
    client_id varchar,
    request_id varchar,
    client_request_id varchar
);
