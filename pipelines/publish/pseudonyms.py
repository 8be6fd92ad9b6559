"""Pseudonyms in place of people, for the admin build: keyed hashes, the same for a person in every table and release.

Which columns tell of people stands at the columns in the dbt project, as ``config: {meta: {personal: …}}``:

    key      the number of a person          -> another number, made of the hash, with its sign
    person   a name or id of the row's person -> the person's pseudonym
    manager  the name of their manager        -> the manager's pseudonym
    rare     what few people may share        -> null where fewer than min_group_size people do
    month, day  a moment                      -> cut to the beginning of its month or day
    hidden   words that may name anybody      -> null

The plain ``user_key`` does not stay: it is given in the order of names and ids, so that whoever has a list of the
company's people could count them off. For the same reason rows are published in the order of the pseudonyms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.settings import SettingsError
from pipelines.warehouse.publish import DATABASE_NAME, DictionaryRow, PublishedTable, plain_select

PSEUDONYMS = "pseudonyms"
_BLOCK = 64
_PREFIX = "p-"
_MEANINGS = {
    "key": "In this release a pseudonym: a number for the same person in every table and release.",
    "person": "In this release the person's pseudonym.",
    "manager": "In this release the manager's pseudonym.",
    "rare": "In this release null where few people share it.",
    "month": "In this release cut to the month.",
    "day": "In this release cut to the day.",
    "hidden": "In this release null: it may name people.",
}
# A person of the directory is their object id, whatever they are called; else the name in the reports. 48 bits are
# the most that a spreadsheet keeps of a number.
_MAKE = """
    create or replace temp table pseudonyms as
    with
        named as (
            select
                users.user_key,
                users.tenant_id || chr(10) || lower(
                    coalesce(users.user_id, users.user_principal_name, cast(users.user_key as varchar))
                ) as person,
                users.tenant_id || chr(10) || lower(
                    case when users.manager_name is not null then coalesce(people.manager_id, users.manager_name) end
                ) as manager
            from main.users
            left join intermediate.int_people as people
                on people.tenant_id = users.tenant_id and people.user_key = users.user_key
        ),
        hashed as (
            select
                user_key,
                sha256($outer || unhex(sha256($inner || encode(person)))) as person,
                sha256($outer || unhex(sha256($inner || encode(manager)))) as manager
            from named
        )
    select
        user_key,
        case when user_key < 0 then -1 else 1 end * cast('0x' || substr(person, 1, 12) as bigint) as number,
        $prefix || substr(person, 1, 16) as person,
        $prefix || substr(manager, 1, 16) as manager
    from hashed
"""
_DOUBLES = "select count(*) - count(distinct number) from pseudonyms"


class Pseudonyms:
    """Tables of the admin build with pseudonyms in them.

    The key is given to the database as a bound value of one statement: no file, query text or message holds it.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, key: bytes, min_group_size: int) -> None:
        """con has the warehouse open. Raises SettingsError when two people would be one."""
        self._least = min_group_size
        inner, outer = _pads(key)
        con.execute(_MAKE, {"inner": inner, "outer": outer, "prefix": _PREFIX})
        found = con.execute(_DOUBLES).fetchone()
        if found and found[0]:
            raise SettingsError(
                "Two people would have the same pseudonym. Put another key into M365_PSEUDONYM_KEY_FILE; everybody "
                "then gets another pseudonym."
            )

    def select(self, table: PublishedTable) -> str:
        """The table with its marked columns changed, in the order of its grain."""
        plain = plain_select(table)
        if not table.personal:
            if table.is_admin_only:
                raise RuntimeError(f"No column of {table.name} is marked as personal: it is not published.")
            return plain
        changed = ", ".join(f"{self._expression(column, kind)} as {column}" for column, kind in table.personal)
        # Numbers and dates are sorted many times faster than the ids of tenants; keys are of one tenant anyway.
        order = ", ".join(f'"{column}"' for column in table.grain if column != "tenant_id") or "all"
        return (
            f"select * from (select data.* replace ({changed}) from ({plain}) as data "
            f"left join temp.pseudonyms on pseudonyms.user_key = data.user_key) order by {order}"
        )

    def dictionary(self, rows: Sequence[DictionaryRow], tables: Sequence[PublishedTable]) -> list[DictionaryRow]:
        """The rows of the data dictionary as they are true here."""
        kinds = {(table.name, column): kind for table in tables for column, kind in table.personal}
        changed = []
        for name, column, place, sql_type, is_grain, grain, meaning, additivity in rows:
            if (name, column) in kinds:
                kind = kinds[name, column]
                meaning = f"{meaning} {_MEANINGS[kind]}"
                sql_type = "bigint" if kind == "key" else sql_type
            changed.append((name, column, place, sql_type, is_grain, grain, meaning, additivity))
        return changed

    def _expression(self, column: str, kind: str) -> str:
        data = f'data."{column}"'
        if kind == "key":
            # Everybody in a mart is in users; somebody who is not would be nobody here.
            return f"case when {data} is not null then coalesce(pseudonyms.number, error('unknown {column}')) end"
        if kind in ("person", "manager"):
            return f"case when {data} is not null then pseudonyms.{kind} end"
        if kind == "rare":
            return f"case when count(*) over (partition by data.tenant_id, {data}) >= {self._least} then {data} end"
        if kind in ("month", "day"):
            return f"date_trunc('{kind}', {data})"
        if kind == "hidden":
            # Null, and still of the column's type.
            return f"case when false then {data} end"
        raise RuntimeError(f"Nobody knows how to hide a column marked {kind}.")


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """HMAC's two: what the key's block is turned into for the inner and for the outer hash (RFC 2104)."""
    block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def published_with(admin: Path) -> str | None:
    """The fingerprint of the key that an admin build was made with; None: it names people, or cannot be read."""
    database = admin / DATABASE_NAME
    if not database.is_file():
        return None
    try:
        with duckdb.connect(str(database.resolve()), read_only=True) as con:
            facts = dict(con.execute("select name, value from publish_info").fetchall())
    except duckdb.Error:
        return None
    return str(facts.get("pseudonym_key") or "") or None if facts.get("people") == PSEUDONYMS else None
