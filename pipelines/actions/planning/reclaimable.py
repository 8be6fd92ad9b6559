"""From the licences that could be taken back to the steps that do it.

A direct licence is removed from the person. One that comes through a group goes when the person leaves the group:
that becomes a step only where nothing else goes with it, and is listed as work by hand otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.actions.conditions import unmet_of
from pipelines.actions.groups import Group, find_group, groups_of
from pipelines.actions.people import Holding, Person, find_person
from pipelines.actions.plan import ByHand, Plan, Step, in_order
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError

REASONS = {
    "disabled": "the account is disabled",
    "never_used": "never used: no use in the last 180 days, nor since collection began",
    "idle": "not used lately",
    "overlapping_sku": "another licence of the person contains it",
    "duplicate_assignment": "held directly and through a group",
}


@dataclass(frozen=True)
class Reclaimable:
    """One row of ``reclaimable_licenses``, with the person's object id and the product's names."""

    user_id: str
    user_principal_name: str
    department: str | None
    sku_id: str
    sku_part_number: str
    product_name: str
    reason: str
    evidence: dict[str, Any]
    monthly_saving: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted; empty: all of them. skus: part numbers or ids, in any case. limit: steps, those of the
    dearest licences first."""

    skus: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    limit: int | None = None


_SQL = """
    select
        people.user_id, people.user_principal_name, r.department, r.sku_id,
        coalesce(i.sku_part_number, r.sku_id), coalesce(r.product_name, r.sku_id), r.reason,
        r.held_since, r.disabled_from, r.last_use_on, r.last_activity_date, r.evidence_source, r.evidence_until,
        r.observed_days, r.contained_in_sku_id, r.rule_version, r.monthly_saving, r.currency
    from reclaimable_licenses as r
    inner join users as people on people.tenant_id = r.tenant_id and people.user_key = r.user_key
    left join license_inventory as i on i.tenant_id = r.tenant_id and i.sku_id = r.sku_id
    where r.tenant_id = $tenant_id and people.user_id is not null and people.deleted_at is null
        and (len($reasons) = 0 or list_contains($reasons, r.reason))
        and (len($departments) = 0 or list_contains($departments, lower(r.department)))
        and (len($skus) = 0 or list_contains($skus, r.sku_id) or list_contains($skus, lower(i.sku_part_number)))
    order by r.monthly_saving desc nulls last, people.user_principal_name, r.sku_id
"""
_EVIDENCE = (
    "held_since",
    "disabled_from",
    "last_use_on",
    "last_activity_date",
    "evidence_source",
    "evidence_until",
    "observed_days",
    "contained_in_sku_id",
    "rule_version",
)


def read_reclaimable(con: duckdb.DuckDBPyConnection, tenant_id: str, wanted: Wanted) -> list[Reclaimable]:
    """The rows that are wanted, from a database with the published tables and real names."""
    rows = con.execute(
        _SQL,
        {
            "tenant_id": tenant_id,
            "reasons": list(wanted.reasons),
            "departments": [name.strip().lower() for name in wanted.departments],
            "skus": [name.strip().lower() for name in wanted.skus],
        },
    ).fetchall()
    return [_row(row) for row in rows]


def _row(row: tuple[Any, ...]) -> Reclaimable:
    facts = zip(_EVIDENCE, row[7:16], strict=True)
    evidence = {name: value if isinstance(value, int) else str(value) for name, value in facts if value is not None}
    saving = None if row[16] is None else Decimal(str(row[16])).quantize(Decimal("0.01"))
    return Reclaimable(row[0], row[1], row[2], row[3], row[4], row[5], row[6], evidence, saving, row[17])


def plan_reclaimable(
    rows: Iterable[Reclaimable],
    client: GraphClient,
    *,
    source: dict[str, Any],
    data_through: str | None = None,
    publish_id: str | None = None,
    limit: int | None = None,
    notes: Sequence[str] = (),
    on_person: Callable[[], None] = lambda: None,
) -> Plan:
    """The plan that takes these licences back; each person is looked at as they are now. Raises GraphError.

    limit: at most so many steps. on_person: called after each person was looked at.
    """
    maker = _Maker(client)
    by_person: dict[str, list[Reclaimable]] = {}
    for row in rows:
        by_person.setdefault(row.user_id, []).append(row)
    for user_id, theirs in by_person.items():
        maker.person(user_id, theirs)
        on_person()
        if limit is not None and len(maker.steps) >= limit:
            break
    told = [*notes, "Removing a licence does not disable the account, and disabling an account frees no licence."]
    if maker.gone:
        told.append(f"Left out, as they are no longer so since the data were published: {maker.gone} licences.")
    return make_plan(
        client.tenant.tenant_id,
        {"kind": "reclaimable", **source},
        in_order(maker.steps[:limit]),
        by_hand=maker.by_hand,
        notes=told,
        data_through=data_through,
        publish_id=publish_id,
    )


class _Maker:
    """Collects the steps of all people; every group is asked for once."""

    def __init__(self, client: GraphClient) -> None:
        self.steps: list[Step] = []
        self.by_hand: list[ByHand] = []
        self.gone = 0
        self._client = client
        self._groups: dict[str, Group | None] = {}

    def person(self, user_id: str, rows: list[Reclaimable]) -> None:
        """The steps for one person's rows."""
        person = find_person(self._client, user_id)
        if person is None:
            self.gone += len(rows)
            return
        holdings = person.holdings()
        held = [row for row in rows if row.sku_id in holdings and self._still_so(row, person)]
        self.gone += len(rows) - len(held)
        groups: dict[str, list[Reclaimable]] = {}
        for row in held:
            holding = holdings[row.sku_id]
            if row.reason == "duplicate_assignment":
                if holding.is_direct and holding.groups:
                    self.steps.append(_direct(row, person, holding, row.monthly_saving))
                continue
            for group_id in holding.groups:
                groups.setdefault(group_id, []).append(row)
            if holding.is_direct:
                self.steps.append(_direct(row, person, holding, None if holding.groups else row.monthly_saving))
        for group_id, theirs in groups.items():
            self._through_group(person, group_id, theirs, {row.sku_id for row in held})

    def _through_group(self, person: Person, group_id: str, rows: list[Reclaimable], reclaimed: set[str]) -> None:
        names = ", ".join(row.product_name for row in rows)
        try:
            group = self._group(group_id)
            is_member = group is not None and any(
                one.group_id == group_id for one in groups_of(self._client, person.user_id)
            )
        except GraphError as error:
            if not error.is_permission:
                raise
            self._leave(person, f"{names}, held through group {group_id}", "The app that reads may not see groups "
                        "(GroupMember.Read.All), so it cannot be told what else would go.")  # fmt: skip
            return
        if group is None or not is_member:
            self._leave(person, f"{names}, held through group {group_id}",
                        "The person is no direct member of it.")  # fmt: skip
            return
        what = f"{names}, held through group {group.name}"
        others = [sku_id for sku_id in group.sku_ids if sku_id not in reclaimed]
        if group.fixed:
            self._leave(person, what, f"Nobody can be taken out of it here: {group.fixed}.")
        elif others:
            self._leave(
                person,
                what,
                f"Leaving the group would take other licences, too, which are in use: {', '.join(others)}. Give those "
                "in another way first, or take the person out by --user … --remove-group.",
            )
        else:
            self.steps.append(_out_of_group(person, group, rows))

    def _group(self, group_id: str) -> Group | None:
        if group_id not in self._groups:
            self._groups[group_id] = find_group(self._client, group_id)
        return self._groups[group_id]

    def _leave(self, person: Person, what: str, why: str) -> None:
        self.by_hand.append(ByHand(target=person.target, what=what, why=why))

    def _still_so(self, row: Reclaimable, person: Person) -> bool:
        """Whether the directory does not contradict the row since it was published."""
        if row.reason == "disabled":
            return not person.is_enabled
        return unmet_of(self._client, person, _only_while([row])) is None


def _only_while(rows: Iterable[Reclaimable]) -> dict[str, Any]:
    """A licence that another one contains is superfluous only while that other one is held."""
    overlapping = (row for row in rows if row.reason == "overlapping_sku")
    containing = {str(row.evidence.get("contained_in_sku_id") or "").lower() for row in overlapping} - {""}
    return {"holds": sorted(containing)} if containing else {}


def _direct(row: Reclaimable, person: Person, holding: Holding, saving: Decimal | None) -> Step:
    notes = [] if row.reason != "idle" else ["Apply cannot see use; it rests on the day up to which the data speak."]
    parameters: dict[str, Any] = {
        "sku_id": row.sku_id,
        "sku_part_number": row.sku_part_number,
        "product_name": row.product_name,
    }
    if row.reason == "duplicate_assignment":
        parameters["is_duplicate"] = True
    elif holding.groups:
        notes.append("It is held through a group, too: only both steps together free the unit.")
    return make_step(
        "remove_license",
        person.target,
        parameters,
        reason=REASONS.get(row.reason, row.reason),
        before={
            "account_enabled": person.is_enabled,
            "is_direct": True,
            "groups": holding.groups,
            "direct_since": holding.direct_since,
            "disabled_plans": holding.disabled_plans,
        },
        evidence=row.evidence,
        saving=saving,
        currency=row.currency if saving is not None else None,
        notes=notes,
        only_while=_only_while([row]),
    )


def _out_of_group(person: Person, group: Group, rows: list[Reclaimable]) -> Step:
    currencies = {row.currency for row in rows}
    savings = [row.monthly_saving for row in rows]
    is_known = len(currencies) == 1 and None not in savings
    saving = sum((amount for amount in savings if amount is not None), Decimal(0)) if is_known else None
    return make_step(
        "remove_group_membership",
        person.target,
        {"group_id": group.group_id, "group_name": group.name},
        reason="; ".join(f"{row.product_name}: {REASONS.get(row.reason, row.reason)}" for row in rows),
        before={"account_enabled": person.is_enabled, "is_member": True, "group_licenses": list(group.sku_ids)},
        evidence={row.sku_part_number: ", ".join(f"{k} {v}" for k, v in row.evidence.items()) for row in rows},
        saving=saving,
        currency=next(iter(currencies)) if saving is not None else None,
        notes=group_notes(group),
        only_while=_only_while(rows),
    )


def group_notes(group: Group) -> list[str]:
    """What leaving a group means besides the licences."""
    notes = [f"Leaving {group.name} touches nobody but this person; the group and its other members stay."]
    if group.is_team:
        notes.append("It is a Microsoft 365 group: the person also loses its mailbox, files and team.")
    else:
        notes.append("Whatever else is granted to this group (apps, sites, policies) the person loses, too.")
    return notes
