"""Loading people: full reads, changes since the last read, and the directory's bin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.keys import add_user_keys
from pipelines.warehouse.stage_json import stage_objects

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
_USER_COLUMNS = """
    user_principal_name, mail, proxy_addresses, display_name, user_type, account_enabled, department, job_title,
    office_location, city, country, usage_location, company_name, employee_id, employee_type,
    on_premises_sync_enabled, created_at, manager_id, manager_name
"""
# Graph writes "never" as the first instant of year 1.
_NEVER = "timestamptz '0002-01-01 00:00:00+00'"


def load_users(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], is_complete: bool) -> int:
    """A full read: what changed becomes new states; who is missing from a complete one is no longer present."""
    rows = stage_objects(con, path, _USER)
    _stage_states(con, facts)
    _add_changed(con, facts)
    if is_complete and rows:
        _add_absent(con, facts, "o.user_key not in (select user_key from new_states)")
    _load_sign_ins(con, facts)
    return rows


def load_user_changes(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    """A delta read: only who changed. The manager is not in it and stays as last read; @removed is absence."""
    rows = stage_objects(con, path, _USER.removesuffix(")").rstrip() + ', "@removed" STRUCT(reason VARCHAR))')
    con.execute(
        """
        create or replace temp table removed as select id from staged where "@removed" is not null;
        delete from staged where "@removed" is not null;
        """
    )
    _stage_states(con, facts, keeps_manager=True)
    _add_changed(con, facts)
    _add_absent(con, facts, "o.user_id in (select id from removed)")
    return rows


def _stage_states(con: duckdb.DuckDBPyConnection, facts: dict[str, Any], *, keeps_manager: bool = False) -> None:
    """The staged people as ``new_states``, and the newest known state of everybody as ``old_states``.

    keeps_manager: the answer says nothing of managers, the last known one stays.
    """
    add_user_keys(con, facts["tenant_id"], "select id as user_id from staged where id is not null")
    con.execute(
        """
        create or replace temp table old_states as
        select * from raw.users where tenant_id = $tenant_id
        qualify row_number() over (partition by user_key order by observed_at desc) = 1
        """,
        {"tenant_id": facts["tenant_id"]},
    )
    manager = (
        "o.manager_id, o.manager_name"
        if keeps_manager
        else "s.manager.id as manager_id, s.manager.displayName as manager_name"
    )
    con.execute(
        f"""
        create or replace temp table new_states as
        select *, md5(to_json(u)) as state_hash
        from (
            select
                k.user_key, s.id as user_id, userPrincipalName as user_principal_name, s.mail,
                list_sort(proxyAddresses) as proxy_addresses, displayName as display_name, userType as user_type,
                accountEnabled as account_enabled, s.department, jobTitle as job_title,
                officeLocation as office_location, s.city, s.country, usageLocation as usage_location,
                companyName as company_name, employeeId as employee_id, employeeType as employee_type,
                onPremisesSyncEnabled as on_premises_sync_enabled, createdDateTime as created_at,
                {manager},
                -- assignedLicenses does not tell direct from group: only where the states are not given.
                list_sort(
                    case
                        when len(licenseAssignmentStates) > 0 then licenseAssignmentStates
                        else [
                            {{skuId: l.skuId, disabledPlans: l.disabledPlans, assignedByGroup: null,
                              state: 'Active', error: 'None', lastUpdatedDateTime: null}}
                            for l in assignedLicenses
                        ]
                    end
                ) as licenses
            from staged as s
            inner join raw.user_keys as k on k.tenant_id = $tenant_id and k.user_id = s.id
            left join old_states as o on o.user_key = k.user_key
            -- Whoever comes twice is taken once. A window would hold all of everybody at once.
            where s.rowid in (select arg_min(rowid, coalesce(userPrincipalName, '')) from staged group by id)
        ) as u
        """,
        {"tenant_id": facts["tenant_id"]},
    )


def _add_changed(con: duckdb.DuckDBPyConnection, facts: dict[str, Any]) -> None:
    con.execute(
        """
        create or replace temp table changed as
        select n.user_key from new_states as n
        left join old_states as o on o.user_key = n.user_key
        where o.user_key is null or not o.is_present or o.state_hash <> n.state_hash
        """
    )
    con.execute(
        f"""
        insert into raw.users by name
        select $tenant_id as tenant_id, user_key, user_id, $observed_at as observed_at, $observed_on as observed_on,
            true as is_present, {_USER_COLUMNS}, state_hash
        from new_states where user_key in (select user_key from changed) order by user_key
        """,
        facts,
    )
    con.execute(
        """
        insert into raw.user_licenses
        select $tenant_id, user_key, $observed_at, l.skuId, l.assignedByGroup, l.state, l.error,
            l.lastUpdatedDateTime, l.disabledPlans
        from (
            select user_key, unnest(licenses) as l from new_states where user_key in (select user_key from changed)
        ) as held
        where l.skuId is not null
        order by all
        """,
        {"tenant_id": facts["tenant_id"], "observed_at": facts["observed_at"]},
    )


def _add_absent(con: duckdb.DuckDBPyConnection, facts: dict[str, Any], condition: str) -> None:
    con.execute(
        f"""
        insert into raw.users by name
        select o.tenant_id, o.user_key, o.user_id, $observed_at as observed_at, $observed_on as observed_on,
            false as is_present, {_USER_COLUMNS}, state_hash
        from old_states as o
        where o.is_present and {condition}
        order by o.user_key
        """,
        {"observed_at": facts["observed_at"], "observed_on": facts["observed_on"]},
    )


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


def load_deleted_users(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    """The directory's bin: the newest sight of each person in it."""
    rows = stage_objects(con, path, _DELETED_USER)
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
