"""The integer keys of people: one per UPN (or concealed hash) seen in reports, one per directory object id.

Keys are given in the order of loading and, within one load, in the order of the names, so that a rebuild
from landing/ gives everyone the same key. Where landing/ was thinned (purge, forget), the keys of those who are
still named in it stand beside it in keys.parquet, as the order alone would no longer tell them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

KEYS_FILE = "keys.parquet"
_KEPT = "create temp table if not exists kept_keys (kind varchar, tenant_id varchar, name varchar, number integer)"


def use_kept_keys(con: duckdb.DuckDBPyConnection, root: Path) -> None:
    """From now on give the people of ``root``'s keys.parquet the keys that they have there."""
    con.execute(_KEPT)
    con.execute("delete from kept_keys")
    path = root / KEYS_FILE
    if path.is_file():
        con.execute(
            "insert into kept_keys select kind, tenant_id, name, number from read_parquet($path)", {"path": str(path)}
        )


def keep_keys(con: duckdb.DuckDBPyConnection, root: Path, is_left_out: Callable[[str, str], bool]) -> None:
    """Write the keys of everybody in the warehouse to ``root``'s keys.parquet.

    is_left_out: of tenant and name, for people who are named nowhere any more. A nameless line for each kind says how
    far numbers were given, so that none is given twice.
    """
    use_kept_keys(con, root)
    con.execute(
        """
        create or replace temp table keys_to_keep as
        select 'upn' as kind, tenant_id, upn as name, upn_key as number from raw.upn_keys
        union all
        select 'id', tenant_id, user_id, user_key from raw.user_keys
        """
    )
    con.execute(
        """
        insert into keys_to_keep
        select kind, '', '', max(number) from (from keys_to_keep union all from kept_keys) as known group by kind
        """
    )
    left_out = []
    named = con.execute("select tenant_id, name from keys_to_keep where name <> ''")
    while rows := named.fetchmany(10_000):
        left_out += [[tenant_id, name] for tenant_id, name in rows if is_left_out(tenant_id, name)]
    if left_out:
        con.executemany("delete from keys_to_keep where tenant_id = ? and name = ?", left_out)
    path = root / KEYS_FILE
    unfinished = root / f".{KEYS_FILE}.part"
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600))
    target = str(unfinished).replace("'", "''")
    con.execute(
        f"copy (from keys_to_keep order by kind, number, name) to '{target}' "
        "(format parquet, compression zstd, use_tmp_file false)"
    )
    unfinished.replace(path)
    con.execute("drop table keys_to_keep")


def add_upn_keys(con: duckdb.DuckDBPyConnection, tenant_id: str, source_sql: str, *, are_new: bool = False) -> None:
    """Give a key to every UPN of ``source_sql`` (columns upn, is_concealed) that has none yet.

    are_new: the caller has looked, and none of them has.
    """
    con.execute(_KEPT)
    known = "" if are_new else "where seen.upn not in (select upn from raw.upn_keys where tenant_id = $tenant_id)"
    con.execute(
        f"""
        insert into raw.upn_keys
        select
            coalesce(
                kept.number,
                {_last("upn", "raw.upn_keys", "upn_key")}
                + row_number() over (partition by kept.number is null order by seen.upn)
            ),
            $tenant_id, seen.upn, seen.is_concealed
        from (select upn, bool_or(is_concealed) as is_concealed from ({source_sql}) group by upn) as seen
        left join kept_keys as kept
            on kept.kind = 'upn' and kept.tenant_id = $tenant_id and kept.name = seen.upn
        {known}
        order by seen.upn
        """,
        {"tenant_id": tenant_id},
    )


def add_user_keys(con: duckdb.DuckDBPyConnection, tenant_id: str, source_sql: str) -> None:
    """Give a key to every directory object id of ``source_sql`` (column user_id) that has none yet."""
    con.execute(_KEPT)
    con.execute(
        f"""
        insert into raw.user_keys
        select
            coalesce(
                kept.number,
                {_last("id", "raw.user_keys", "user_key")}
                + row_number() over (partition by kept.number is null order by seen.user_id)
            ),
            $tenant_id, seen.user_id
        from (select distinct user_id from ({source_sql})) as seen
        left join kept_keys as kept
            on kept.kind = 'id' and kept.tenant_id = $tenant_id and kept.name = seen.user_id
        where seen.user_id not in (select user_id from raw.user_keys where tenant_id = $tenant_id)
        order by seen.user_id
        """,
        {"tenant_id": tenant_id},
    )


def _last(kind: str, table: str, column: str) -> str:
    return (
        f"greatest((select coalesce(max({column}), 0) from {table}), "
        f"(select coalesce(max(number), 0) from kept_keys where kind = '{kind}'))"
    )
