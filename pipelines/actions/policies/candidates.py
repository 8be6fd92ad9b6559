"""Whom a policy is about, by what directory reads say. Use of apps plays no part, so concealed names do no harm.

The warehouse is asked, not the published tables: it alone knows since when something is so, and names people even
where the admin build shows pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.actions.planning.published import read_prices
from pipelines.actions.policies.file import DisabledLicensed, JoinerWithoutLicence, LeftDepartment, Policy
from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.connection import connect
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.own_lists import ALLOW_LIST_FILE, OWN_LISTS, read_own_list

# disabled_since, manager_gone_since, moved_on, typed_on: the first day of what is so without a break up to the newest
# read; null where it is not so. A state that the very first read showed may be older than that.
_PEOPLE = """
    with
        states as (
            select *,
                row_number() over (partition by user_key order by observed_at desc) as recency,
                is_present and not coalesce(account_enabled, true) as is_disabled
            from raw.users where tenant_id = $tenant_id
        ),
        now as (select * from states where recency = 1 and is_present),
        breaks as (
            select
                s.user_key,
                max(s.observed_at) filter (where not s.is_disabled) as enabled_at,
                max(s.observed_at) filter (where s.manager_id is not null) as managed_at,
                max(s.observed_at) filter (where s.department is distinct from n.department) as other_department_at,
                arg_max(s.department, s.observed_at) filter (
                    where s.department is distinct from n.department
                ) as previous_department,
                max(s.observed_at) filter (where s.employee_type is distinct from n.employee_type) as other_type_at
            from states as s inner join now as n using (user_key)
            group by s.user_key
        ),
        since as (
            select
                s.user_key,
                min(s.observed_on) filter (
                    where b.enabled_at is null or s.observed_at > b.enabled_at
                ) as disabled_since,
                min(s.observed_on) filter (where s.observed_at > b.managed_at) as manager_gone_since,
                min(s.observed_on) filter (
                    where b.other_department_at is null or s.observed_at > b.other_department_at
                ) as moved_on,
                min(s.observed_on) filter (
                    where b.other_type_at is null or s.observed_at > b.other_type_at
                ) as typed_on,
                any_value(b.previous_department) as previous_department
            from states as s inner join breaks as b using (user_key)
            group by s.user_key
        ),
        bin as (select user_key, max(observed_at) as observed_at from raw.deleted_users
            where tenant_id = $tenant_id group by user_key),
        held as (
            select l.user_key, list(distinct lower(l.sku_id) order by lower(l.sku_id)) as sku_ids
            from raw.user_licenses as l
            inner join now as n on n.user_key = l.user_key and n.observed_at = l.observed_at
            where l.tenant_id = $tenant_id
            group by l.user_key
        )
    select
        n.user_id, n.user_principal_name, n.user_type, coalesce(n.account_enabled, true), n.department,
        n.employee_type, cast(n.created_at at time zone 'UTC' as date), s.disabled_since, s.manager_gone_since,
        s.moved_on, s.typed_on, s.previous_department, k.account_kind, coalesce(h.sku_ids, [])
    from now as n
    inner join since as s using (user_key)
    left join held as h using (user_key)
    left join bin as b using (user_key)
    left join main.users as k on k.tenant_id = n.tenant_id and k.user_key = n.user_key
    where b.observed_at is null or b.observed_at < n.observed_at
    order by lower(n.user_principal_name)
"""
# Accounts of nobody: those of mailboxes are disabled for good, and some need the licence that they hold.
NOBODY_S = ("shared_mailbox", "room_mailbox", "service_account")
_PRODUCTS = """
    select distinct lower(sku_id), coalesce(sku_part_number, sku_id), coalesce(product_name, sku_part_number, sku_id),
        coalesce(is_free, false)
    from main.license_inventory where tenant_id = $tenant_id
"""


@dataclass(frozen=True)
class Candidate:
    """One account of the directory, by the newest read. Dates: since when something is so; None: it is not so, or not
    known. previous_department: the one before, where another was seen. account_kind: as the waste lists judge it.
    """

    user_id: str
    user_principal_name: str
    user_type: str | None
    is_enabled: bool
    department: str | None
    employee_type: str | None
    created_on: date | None
    disabled_since: date | None
    manager_gone_since: date | None
    moved_on: date | None
    typed_on: date | None
    previous_department: str | None
    account_kind: str | None
    sku_ids: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """A SKU of the tenant."""

    sku_id: str
    part_number: str
    name: str
    is_free: bool


@dataclass(frozen=True)
class Directory:
    """What policies are judged by: one tenant as of its newest read. kept: (name or id, SKU or None) of allow_list."""

    today: date
    people: tuple[Candidate, ...]
    products: dict[str, Product]
    prices: dict[str, tuple[Decimal, str]]
    kept: frozenset[tuple[str, str | None]]

    def is_kept(self, person: Candidate, sku_id: str | None = None) -> bool:
        """Whether the allow list keeps this person (sku_id None: altogether) or this licence of theirs."""
        names = (person.user_id.lower(), person.user_principal_name.lower())
        skus: set[str | None] = {None}
        if sku_id is not None:
            product = self.products.get(sku_id)
            skus |= {sku_id, product.part_number.lower() if product else sku_id}
        return any((name, sku) in self.kept for name in names for sku in skus)

    def is_kept_at_all(self, person: Candidate) -> bool:
        """Whether the allow list keeps anything of this person."""
        names = (person.user_id.lower(), person.user_principal_name.lower())
        return any(name in names for name, _ in self.kept)

    def sku_ids(self, wanted: tuple[str, ...]) -> set[str]:
        """The ids of these products, by part number or id. Raises SettingsError for one that the tenant has not."""
        by_name = {product.part_number.lower(): sku_id for sku_id, product in self.products.items()}
        found = set()
        for name in wanted:
            folded = name.strip().lower()
            sku_id = folded if folded in self.products else by_name.get(folded)
            if sku_id is None:
                raise SettingsError(f"The tenant has no product {name}; it has: {', '.join(sorted(by_name))}.")
            found.add(sku_id)
        return found


@contextmanager
def reading_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only. Raises SettingsError before the first sync, WarehouseBusyError while a run works."""
    path = settings.warehouse_path
    if not path.is_file():
        raise SettingsError(f"There is no warehouse in {settings.data_dir} yet: run m365-usage sync first.")
    with (
        warehouse_lock(path, wait_seconds=settings.lock_wait_seconds),
        connect(path, read_only=True) as con,
    ):
        con.execute("set timezone = 'UTC'")
        yield con


def read_directory(con: duckdb.DuckDBPyConnection, tenant_id: str, rules: Path, today: date) -> Directory:
    """The tenant as of its newest read. Raises SettingsError before the first transform, and OwnListError."""
    tenant = {"tenant_id": tenant_id}
    try:
        people = con.execute(_PEOPLE, tenant).fetchall()
        products = con.execute(_PRODUCTS, tenant).fetchall()
        prices = read_prices(con, tenant_id)
    except duckdb.CatalogException:
        raise SettingsError("The warehouse holds no tables of licences yet: run m365-usage sync first.") from None
    return Directory(
        today,
        tuple(_candidate(row) for row in people),
        {row[0]: Product(*row) for row in products},
        prices,
        _kept(rules, tenant_id, today),
    )


def candidates(policy: Policy, directory: Directory) -> list[Candidate]:
    """Whom the policy is about today, without accounts that are nobody's and people whom the allow list keeps."""
    people = (
        person for person in directory.people if person.account_kind not in NOBODY_S and not directory.is_kept(person)
    )
    if isinstance(policy, DisabledLicensed):
        return [one for one in people if one.sku_ids and _is_old(one.disabled_since, policy.days, directory.today)]
    if isinstance(policy, LeftDepartment):
        return [one for one in people if _has_left(one, policy, directory.today)]
    if isinstance(policy, JoinerWithoutLicence):
        return [one for one in people if _is_joiner(one, policy, directory.today)]
    return [
        one
        for one in people
        if not directory.is_kept_at_all(one) and _is_old(left_on(policy, one), policy.days, directory.today)
    ]


def left_on(policy: Any, person: Candidate) -> date | None:
    """Since when the person bears the mark of a leaver; None: not at all."""
    if policy.mark == "disabled":
        # Once nothing is held any more there is nothing to do.
        return person.disabled_since if person.sku_ids else None
    if policy.mark == "manager_gone":
        return person.manager_gone_since
    wanted = _folded(policy.value)
    if policy.mark == "department":
        return person.moved_on if _folded(person.department) == wanted else None
    return person.typed_on if _folded(person.employee_type) == wanted else None


def _candidate(row: tuple[Any, ...]) -> Candidate:
    names = [field.name for field in fields(Candidate)]
    return Candidate(**{**dict(zip(names, row, strict=True)), "sku_ids": tuple(row[-1])})


def _has_left(person: Candidate, policy: LeftDepartment, today: date) -> bool:
    left, now, before = (_folded(name) for name in (policy.department, person.department, person.previous_department))
    is_new = person.moved_on is not None and person.moved_on > today - timedelta(days=policy.days)
    return is_new and before == left != now


def _folded(name: str | None) -> str:
    return (name or "").strip().lower()


def _is_old(since: date | None, days: int, today: date) -> bool:
    return since is not None and since <= today - timedelta(days=days)


def _is_joiner(person: Candidate, policy: JoinerWithoutLicence, today: date) -> bool:
    return (
        person.is_enabled
        and not person.sku_ids
        and (person.user_type or "Member") == "Member"
        and person.created_on is not None
        and person.created_on > today - timedelta(days=policy.days)
        and (policy.department is None or _folded(person.department) == _folded(policy.department))
    )


def _kept(rules: Path, tenant_id: str, today: date) -> frozenset[tuple[str, str | None]]:
    (own_list,) = (found for found in OWN_LISTS if found.file_name == ALLOW_LIST_FILE)
    return frozenset(
        (row["user_name"], row["sku"])
        for row in read_own_list(own_list, rules)
        if row["tenant_id"] in (None, tenant_id.lower()) and (row["valid_until"] is None or row["valid_until"] >= today)
    )
