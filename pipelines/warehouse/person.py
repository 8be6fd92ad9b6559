"""Who is meant by a name, and all the names under which the same person stands in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.settings import SettingsError
from pipelines.warehouse.forgotten import Forgotten, PersonName

# is_held: the user principal name of somebody who is there now. SMTP: and the like stand before addresses.
_NAMES = """
    create or replace temp table person_names as
    with
        states as (
            select
                user_key, user_id, user_principal_name, mail, proxy_addresses, is_present,
                row_number() over (partition by user_key order by observed_at desc) = 1 as is_newest
            from raw.users where tenant_id = $tenant_id
        ),
        bin as (select user_key, user_id, user_principal_name, original_upn from raw.deleted_users
            where tenant_id = $tenant_id),
        named as (
            select user_key, user_id, user_id as name, 'id' as kind, false as is_held from states
            union all
            select user_key, user_id, user_principal_name, 'upn', is_newest and is_present from states
            union all
            select user_key, user_id, mail, 'address', false from states
            union all
            select user_key, user_id, regexp_replace(unnest(proxy_addresses), '^[A-Za-z0-9]+:', ''), 'address', false
            from states
            union all
            select user_key, user_id, unnest([user_id, original_upn, user_principal_name]),
                unnest(['id', 'upn', 'upn']), false
            from bin
        )
    select user_key, lower(user_id) as user_id, lower(name) as name, kind, bool_or(is_held) as is_held
    from named where name <> '' group by all
"""
_MAP = """
    create or replace temp table person_map as
    select map.user_key, keys.upn as name, map.valid_from, map.valid_to,
        count(*) over (partition by map.upn_key) > 1 as is_shared
    from intermediate.int_identity_map as map
    inner join raw.upn_keys as keys on keys.upn_key = map.upn_key
    where map.tenant_id = $tenant_id and map.basis <> 'none'
"""
# Nothing is transformed yet: only the directory tells who is who.
_NO_MAP = """
    create or replace temp table person_map (
        user_key integer, name varchar, valid_from date, valid_to date, is_shared boolean
    )
"""
_WHO = (
    "select distinct user_key, user_id from person_names where name = $name and kind <> 'address'",
    "select distinct user_key, user_id from person_names where name = $name",
    "select distinct user_key, user_id from person_map inner join person_names using (user_key) "
    "where person_map.name = $name",
)
# A name of theirs that somebody else has now is theirs only for the days that the identity map says.
_OWN = """
    with own as (
        select name from person_names where user_key = $user_key
        union
        select name from person_map where user_key = $user_key
    ),
    shared as (
        select name from own
        where name in (select name from person_map where user_key = $user_key and is_shared)
            or name in (select name from person_names where user_key <> $user_key and is_held)
    )
    select name, null as valid_from, null as valid_to, false as is_shared
    from own where name not in (select name from shared)
    union all
    select shared.name, cast(valid_from as varchar), cast(valid_to as varchar), true
    from shared
    left join person_map on person_map.name = shared.name and user_key = $user_key and person_map.is_shared
    order by all
"""


@dataclass(frozen=True)
class Person:
    """One person of a tenant. object_id: None where no directory read names them.

    names: every name, with the days for which it is theirs. shared: names left out, as they mean somebody else now.
    """

    tenant_id: str
    object_id: str | None
    names: tuple[PersonName, ...]
    shared: tuple[str, ...] = ()


def find_person(con: duckdb.DuckDBPyConnection, tenant_id: str, user: str) -> Person | None:
    """The person of this user principal name, address or object id; None when the warehouse knows nobody.

    Raises SettingsError when several people hold or held the name.
    """
    wanted, tenant = user.strip().lower(), {"tenant_id": tenant_id}
    con.execute(_NAMES, tenant)
    try:
        con.execute(_MAP, tenant)
    except duckdb.CatalogException:
        con.execute(_NO_MAP)
    found: list[tuple[int, str]] = []
    for sql in _WHO:
        found = found or con.execute(sql + " order by user_id", {"name": wanted}).fetchall()
    if len(found) > 1:
        ids = ", ".join(user_id for _, user_id in found)
        raise SettingsError(f"{user} is or was the name of {len(found)} people. Say which by object id: {ids}.")
    if not found:
        return _by_report_only(con, tenant_id, wanted)
    ((user_key, user_id),) = found
    rows = con.execute(_OWN, {"user_key": user_key}).fetchall()
    return Person(
        tenant_id,
        user_id,
        tuple(PersonName(tenant_id, name, start, end) for name, start, end, shared in rows if not shared or start),
        tuple(sorted({name for name, _, _, shared in rows if shared})),
    )


def _by_report_only(con: duckdb.DuckDBPyConnection, tenant_id: str, wanted: str) -> Person | None:
    row = con.execute(
        "select upn from raw.upn_keys where tenant_id = ? and upn = ? and not is_concealed", [tenant_id, wanted]
    ).fetchone()
    return Person(tenant_id, None, (PersonName(tenant_id, wanted, is_only=True),)) if row else None


def refuse_named_in_rules(folder: Path, forgotten: Forgotten, tenant_id: str) -> None:
    """The user's own lists are theirs to change. Raises SettingsError naming file and line."""
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        text = path.read_bytes().decode("utf-8-sig", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if forgotten.tokens(tenant_id, line):
                raise SettingsError(f"{path}, line {number} names the person. Remove the line, then run again.")
