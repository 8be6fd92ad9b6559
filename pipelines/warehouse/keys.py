"""The integer keys of people: one per UPN (or concealed hash) seen in reports, one per directory object id.

Keys are given in the order of loading and, within one load, in the order of the names, so that a rebuild
from landing/ gives everyone the same key.
"""

from __future__ import annotations

import duckdb


def add_upn_keys(con: duckdb.DuckDBPyConnection, tenant_id: str, source_sql: str) -> None:
    """Give a key to every UPN of ``source_sql`` (columns upn, is_concealed) that has none yet."""
    con.execute(
        f"""
        insert into raw.upn_keys
        select
            (select coalesce(max(upn_key), 0) from raw.upn_keys) + row_number() over (order by upn),
            $tenant_id, upn, is_concealed
        from (select upn, bool_or(is_concealed) as is_concealed from ({source_sql}) group by upn) as seen
        where upn not in (select upn from raw.upn_keys where tenant_id = $tenant_id)
        """,
        {"tenant_id": tenant_id},
    )


def add_user_keys(con: duckdb.DuckDBPyConnection, tenant_id: str, source_sql: str) -> None:
    """Give a key to every directory object id of ``source_sql`` (column user_id) that has none yet."""
    con.execute(
        f"""
        insert into raw.user_keys
        select
            (select coalesce(max(user_key), 0) from raw.user_keys) + row_number() over (order by user_id),
            $tenant_id, user_id
        from (select distinct user_id from ({source_sql})) as seen
        where user_id not in (select user_id from raw.user_keys where tenant_id = $tenant_id)
        """,
        {"tenant_id": tenant_id},
    )
