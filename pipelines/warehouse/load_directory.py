"""Loading directory and licence answers: JSON pages as landed, flattened by DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.keys import add_user_keys
from pipelines.warehouse.landing import FetchRecord, Verdict
from pipelines.warehouse.report_csv import explain_damage

_MAX_PAGE_BYTES = 256 << 20

# The parts of Graph's objects that are kept; what a tenant does not send is NULL, what it adds is ignored.
_USER = """STRUCT(
    id VARCHAR, userPrincipalName VARCHAR, mail VARCHAR, proxyAddresses VARCHAR[], displayName VARCHAR,
    userType VARCHAR, accountEnabled BOOLEAN, department VARCHAR, jobTitle VARCHAR, officeLocation VARCHAR,
    city VARCHAR, country VARCHAR, usageLocation VARCHAR, companyName VARCHAR, employeeId VARCHAR,
    employeeType VARCHAR, onPremisesSyncEnabled BOOLEAN, createdDateTime TIMESTAMPTZ,
    manager STRUCT(id VARCHAR, displayName VARCHAR),
    assignedLicenses STRUCT(skuId VARCHAR, disabledPlans VARCHAR[])[],
    licenseAssignmentStates STRUCT(skuId VARCHAR, disabledPlans VARCHAR[], assignedByGroup VARCHAR,
        state VARCHAR, error VARCHAR, lastUpdatedDateTime TIMESTAMPTZ)[],
    signInActivity STRUCT(lastSignInDateTime TIMESTAMPTZ, lastNonInteractiveSignInDateTime TIMESTAMPTZ,
        lastSuccessfulSignInDateTime TIMESTAMPTZ)
)"""
_DELETED_USER = """STRUCT(
    id VARCHAR, userPrincipalName VARCHAR, displayName VARCHAR, department VARCHAR, userType VARCHAR,
    deletedDateTime TIMESTAMPTZ
)"""
_SKU = """STRUCT(
    skuId VARCHAR, skuPartNumber VARCHAR, appliesTo VARCHAR, capabilityStatus VARCHAR, consumedUnits INTEGER,
    prepaidUnits STRUCT(enabled INTEGER, suspended INTEGER, warning INTEGER, lockedOut INTEGER),
    servicePlans STRUCT(servicePlanId VARCHAR, servicePlanName VARCHAR, provisioningStatus VARCHAR,
        appliesTo VARCHAR)[],
    subscriptionIds VARCHAR[]
)"""
_SUBSCRIPTION = """STRUCT(
    id VARCHAR, commerceSubscriptionId VARCHAR, skuId VARCHAR, skuPartNumber VARCHAR, status VARCHAR,
    isTrial BOOLEAN, totalLicenses INTEGER, createdDateTime TIMESTAMPTZ, nextLifecycleDateTime TIMESTAMPTZ
)"""
_ORGANIZATION = """STRUCT(
    id VARCHAR, displayName VARCHAR, countryLetterCode VARCHAR, createdDateTime TIMESTAMPTZ,
    verifiedDomains STRUCT(name VARCHAR, isDefault BOOLEAN, isInitial BOOLEAN)[]
)"""

_USER_COLUMNS = """
    user_principal_name, mail, proxy_addresses, display_name, user_type, account_enabled, department, job_title,
    office_location, city, country, usage_location, company_name, employee_id, employee_type,
    on_premises_sync_enabled, created_at, manager_id, manager_name
"""
# Graph writes "never" as the first instant of year 1.
_NEVER = "timestamptz '0002-01-01 00:00:00+00'"


def load_directory(con: duckdb.DuckDBPyConnection, record: FetchRecord, path: Path) -> tuple[Verdict, int]:
    """Load one landed answer of a directory or licence endpoint; returns the verdict and its row count.

    Runs inside the caller's transaction. Raises RefusedBodyError.
    """
    facts = {
        "tenant_id": record.tenant_id,
        "observed_at": record.completed_at,
        "observed_on": record.as_of,
    }
    try:
        rows = _LOADERS[record.source](con, path, facts, record.is_complete is True)
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.ConstraintException):
        # DuckDB's own words quote the data.
        raise RefusedBodyError(f"The answer for {record.source} does not have the form that Graph gives.") from None
    except duckdb.IOException as error:
        raise explain_damage(error) from None
    return Verdict("applied"), rows


def _stage(con: duckdb.DuckDBPyConnection, path: Path, structure: str) -> int:
    """Read landed pages into the temporary table ``staged``, one row per object of their ``value`` lists."""
    con.execute(
        f"""
        create or replace temp table staged as
        select item.* from (
            select unnest(value) as item
            from read_json($path, format = 'newline_delimited', compression = 'zstd',
                maximum_object_size = {_MAX_PAGE_BYTES}, columns = {{value: '{structure}[]'}})
        ) as listed
        """,
        {"path": str(path)},
    )
    counted = con.execute("select count(*) from staged").fetchone()
    return int(counted[0]) if counted else 0


def _load_users(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], is_complete: bool) -> int:
    rows = _stage(con, path, _USER)
    add_user_keys(con, facts["tenant_id"], "select id as user_id from staged where id is not null")
    con.execute(
        """
        create or replace temp table new_states as
        select *, md5(to_json(u)) as state_hash
        from (
            select
                k.user_key, s.id as user_id, userPrincipalName as user_principal_name, mail,
                list_sort(proxyAddresses) as proxy_addresses, displayName as display_name, userType as user_type,
                accountEnabled as account_enabled, department, jobTitle as job_title,
                officeLocation as office_location, city, country, usageLocation as usage_location,
                companyName as company_name, employeeId as employee_id, employeeType as employee_type,
                onPremisesSyncEnabled as on_premises_sync_enabled, createdDateTime as created_at,
                s.manager.id as manager_id, s.manager.displayName as manager_name,
                -- assignedLicenses does not tell direct from group: only where the states are not given.
                list_sort(
                    case
                        when len(licenseAssignmentStates) > 0 then licenseAssignmentStates
                        else [
                            {skuId: l.skuId, disabledPlans: l.disabledPlans, assignedByGroup: null,
                             state: 'Active', error: 'None', lastUpdatedDateTime: null}
                            for l in assignedLicenses
                        ]
                    end
                ) as licenses
            from staged as s
            inner join raw.user_keys as k on k.tenant_id = $tenant_id and k.user_id = s.id
            qualify row_number() over (partition by s.id order by s.userPrincipalName) = 1
        ) as u
        """,
        {"tenant_id": facts["tenant_id"]},
    )
    con.execute(
        """
        create or replace temp table old_states as
        select * from raw.users where tenant_id = $tenant_id
        qualify row_number() over (partition by user_key order by observed_at desc) = 1
        """,
        {"tenant_id": facts["tenant_id"]},
    )
    con.execute(
        """
        create or replace temp table changed as
        select n.* from new_states as n
        left join old_states as o on o.user_key = n.user_key
        where o.user_key is null or not o.is_present or o.state_hash <> n.state_hash
        """
    )
    con.execute(
        f"""
        insert into raw.users by name
        select $tenant_id as tenant_id, user_key, user_id, $observed_at as observed_at, $observed_on as observed_on,
            true as is_present, {_USER_COLUMNS}, state_hash
        from changed order by user_key
        """,
        facts,
    )
    con.execute(
        """
        insert into raw.user_licenses
        select $tenant_id, user_key, $observed_at, l.skuId, l.assignedByGroup, l.state, l.error,
            l.lastUpdatedDateTime, l.disabledPlans
        from (select user_key, unnest(licenses) as l from changed) as held
        where l.skuId is not null
        order by all
        """,
        {"tenant_id": facts["tenant_id"], "observed_at": facts["observed_at"]},
    )
    if is_complete and rows:
        con.execute(
            f"""
            insert into raw.users by name
            select o.tenant_id, o.user_key, o.user_id, $observed_at as observed_at, $observed_on as observed_on,
                false as is_present, {_USER_COLUMNS}, state_hash
            from old_states as o
            where o.is_present and o.user_key not in (select user_key from new_states)
            order by o.user_key
            """,
            {"observed_at": facts["observed_at"], "observed_on": facts["observed_on"]},
        )
    _load_sign_ins(con, facts)
    return rows


def _load_sign_ins(con: duckdb.DuckDBPyConnection, facts: dict[str, Any]) -> None:
    found = con.execute("select count(*) from staged where signInActivity is not null").fetchone()
    if not found or not found[0]:
        return
    con.execute("delete from raw.user_sign_ins where tenant_id = $tenant_id", {"tenant_id": facts["tenant_id"]})
    con.execute(
        f"""
        insert into raw.user_sign_ins
        select $tenant_id, k.user_key, $observed_at,
            case when a.lastSignInDateTime > {_NEVER} then a.lastSignInDateTime end,
            case when a.lastNonInteractiveSignInDateTime > {_NEVER} then a.lastNonInteractiveSignInDateTime end,
            case when a.lastSuccessfulSignInDateTime > {_NEVER} then a.lastSuccessfulSignInDateTime end
        from (select id, signInActivity as a from staged where signInActivity is not null) as s
        inner join raw.user_keys as k on k.tenant_id = $tenant_id and k.user_id = s.id
        qualify row_number() over (partition by k.user_key) = 1
        order by k.user_key
        """,
        {"tenant_id": facts["tenant_id"], "observed_at": facts["observed_at"]},
    )


def _load_deleted_users(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = _stage(con, path, _DELETED_USER)
    add_user_keys(con, facts["tenant_id"], "select id as user_id from staged where id is not null")
    con.execute(
        "delete from raw.deleted_users where tenant_id = $tenant_id and user_id in (select id from staged)",
        {"tenant_id": facts["tenant_id"]},
    )
    con.execute(
        """
        insert into raw.deleted_users
        select $tenant_id, k.user_key, s.id, $observed_at, $observed_on, userPrincipalName,
            -- In the bin the object id, without dashes, stands before the name.
            case
                when starts_with(lower(userPrincipalName), replace(lower(s.id), '-', ''))
                then substr(userPrincipalName, 33)
                else userPrincipalName
            end,
            displayName, department, userType, deletedDateTime
        from staged as s
        inner join raw.user_keys as k on k.tenant_id = $tenant_id and k.user_id = s.id
        qualify row_number() over (partition by s.id order by deletedDateTime desc) = 1
        order by k.user_key
        """,
        facts,
    )
    return rows


def _load_subscribed_skus(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = _stage(con, path, _SKU)
    _forget_day(con, facts, "raw.subscribed_skus", "raw.sku_service_plans")
    con.execute(
        """
        insert into raw.subscribed_skus
        select $tenant_id, $observed_on, $observed_at, lower(skuId), skuPartNumber, appliesTo, capabilityStatus,
            consumedUnits, prepaidUnits.enabled, prepaidUnits.suspended, prepaidUnits.warning,
            prepaidUnits.lockedOut, subscriptionIds
        from staged order by skuId
        """,
        facts,
    )
    con.execute(
        """
        insert into raw.sku_service_plans
        select $tenant_id, $observed_on, lower(skuId), p.servicePlanId, p.servicePlanName, p.provisioningStatus,
            p.appliesTo
        from (select skuId, unnest(servicePlans) as p from staged) as listed
        order by all
        """,
        {"tenant_id": facts["tenant_id"], "observed_on": facts["observed_on"]},
    )
    return rows


def _load_subscriptions(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = _stage(con, path, _SUBSCRIPTION)
    _forget_day(con, facts, "raw.subscriptions")
    con.execute(
        """
        insert into raw.subscriptions
        select $tenant_id, $observed_on, $observed_at, id, commerceSubscriptionId, lower(skuId), skuPartNumber,
            status, isTrial, totalLicenses, createdDateTime, nextLifecycleDateTime
        from staged order by id
        """,
        facts,
    )
    return rows


def _load_organization(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = _stage(con, path, _ORGANIZATION)
    _forget_day(con, facts, "raw.organization")
    con.execute(
        """
        insert into raw.organization
        select $tenant_id, $observed_on, $observed_at, id, displayName,
            list_filter(verifiedDomains, lambda d: d.isDefault)[1].name,
            list_filter(verifiedDomains, lambda d: d.isInitial)[1].name,
            countryLetterCode, createdDateTime
        from staged
        """,
        facts,
    )
    return rows


def _load_report_settings(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    _forget_day(con, facts, "raw.report_settings")
    con.execute(
        """
        insert into raw.report_settings
        select $tenant_id, $observed_on, $observed_at, displayConcealedNames
        from read_json($path, format = 'newline_delimited', compression = 'zstd',
            columns = {displayConcealedNames: 'BOOLEAN'})
        """,
        {**facts, "path": str(path)},
    )
    return 1


def _forget_day(con: duckdb.DuckDBPyConnection, facts: dict[str, Any], *tables: str) -> None:
    for table in tables:
        con.execute(
            f"delete from {table} where tenant_id = $tenant_id and observed_on = $observed_on",
            {"tenant_id": facts["tenant_id"], "observed_on": facts["observed_on"]},
        )


_LOADERS: dict[str, Callable[[duckdb.DuckDBPyConnection, Path, dict[str, Any], bool], int]] = {
    "users": _load_users,
    "deletedUsers": _load_deleted_users,
    "subscribedSkus": _load_subscribed_skus,
    "subscriptions": _load_subscriptions,
    "organization": _load_organization,
    "reportSettings": _load_report_settings,
}
DIRECTORY_SOURCES = frozenset(_LOADERS)
