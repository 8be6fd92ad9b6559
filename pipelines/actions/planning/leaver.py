"""A leaver, in the order in which nothing is lost: first nobody signs in, then mail and files are looked after, and
the licences go last. Each step waits for the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pipelines.actions.groups import find_group, groups_of
from pipelines.actions.log import ActionLog
from pipelines.actions.people import Person, find_person
from pipelines.actions.plan import ByHand, Plan, Step, in_a_chain
from pipelines.actions.planning.making import make_plan, make_step, seen_in_turn, the_person
from pipelines.actions.planning.reclaimable import group_notes
from pipelines.actions.planning.user import person_parameters
from pipelines.actions.skus import Sku, read_skus
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.graph.objects import find_object, segment

# Price of a unit a month and its currency, by SKU id.
Prices = Mapping[str, tuple[Decimal, str]]
_MAIL_ENDS = (
    "The automatic reply and the forwarding live in the mailbox, which ends some time after its licence is taken back. "
    "If they are to last, make it a shared mailbox first (Exchange admin centre), or keep the licence."
)


@dataclass(frozen=True)
class LeaverWishes:
    """How a leaver is dealt with. reply: a text for an automatic reply. forward_to: an address, or ``manager``.

    onedrive: copied to the manager's, only opened to the manager, or left alone. onedrive_to: somebody else than the
    manager. keep_licenses: licences stay.
    """

    reply: str | None = None
    forward_to: str | None = None
    onedrive: Literal["copy", "grant", "none"] = "copy"
    onedrive_to: str | None = None
    keep_licenses: bool = False


def plan_leaver(
    name: str,
    client: GraphClient,
    wishes: LeaverWishes | None = None,
    *,
    prices: Prices | None = None,
    log: ActionLog | None = None,
    reason: str = "left the organisation",
    source: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan for one leaver. Raises SettingsError when there is nobody of that name, and GraphError.

    log: where an earlier hand-over that was not finished is looked for, so that it is gone on with.
    """
    maker = _Leaver(client, the_person(client, name), wishes or LeaverWishes(), prices or {}, log, reason)
    steps = in_a_chain(seen_in_turn(client, maker.steps()))
    return make_plan(
        client.tenant.tenant_id,
        {"kind": "leaver", "user": maker.person.name, **(source or {})},
        steps,
        by_hand=maker.by_hand,
        notes=maker.notes,
    )


class _Leaver:
    def __init__(
        self,
        client: GraphClient,
        person: Person,
        wishes: LeaverWishes,
        prices: Prices,
        log: ActionLog | None,
        reason: str,
    ) -> None:
        self.person = person
        self.by_hand: list[ByHand] = []
        self.notes: list[str] = []
        self._client = client
        self._wishes = wishes
        self._prices = prices
        self._log = log
        self._reason = reason
        self._manager = self._find_manager()

    def steps(self) -> Iterable[Step]:
        """Every step, in order."""
        if self.person.is_enabled:
            yield self._step("disable_account")
        yield self._step("revoke_sessions")
        yield from self._mail()
        yield from self._onedrive()
        if not self._wishes.keep_licenses:
            yield from self._licences()

    def _step(self, action: str, parameters: dict[str, Any] | None = None, **facts: Any) -> Step:
        return make_step(action, self.person.target, parameters or {}, reason=self._reason, **facts)

    def _find_manager(self) -> Person | None:
        path = f"users/{segment(self.person.user_id)}/manager"
        found = find_object(self._client, path, "reading a manager", params={"$select": "id"})
        return find_person(self._client, str(found["id"])) if found else None

    def _mail(self) -> Iterable[Step]:
        if self._wishes.reply:
            yield self._step("set_automatic_reply", {"message": self._wishes.reply}, may_be_skipped=True)
        address = self._wishes.forward_to
        if address == "manager":
            if self._manager is None:
                self._leave("Forwarding of mail", "The person has no manager: name an address.")
                return
            address = str(self._manager.raw.get("mail") or self._manager.name)
        if address:
            yield self._step("add_forwarding_rule", {"address": address}, may_be_skipped=True)

    def _onedrive(self) -> Iterable[Step]:
        if self._wishes.onedrive == "none":
            return
        to = the_person(self._client, self._wishes.onedrive_to) if self._wishes.onedrive_to else self._manager
        if to is None:
            self._leave("The OneDrive", "The person has no manager: say with --onedrive-to who gets the files.")
            return
        parameters = person_parameters("manager", to)
        if not self._wishes.onedrive_to:
            parameters["is_manager"] = True
        if self._wishes.onedrive == "grant":
            yield self._step("grant_onedrive_access", parameters, may_be_skipped=True)
            return
        folder = self._earlier_folder(to)
        yield self._step("hand_over_onedrive", {**parameters, **folder})

    def _earlier_folder(self, to: Person) -> dict[str, Any]:
        """The folder of a hand-over that was begun by another plan."""
        found: dict[str, Any] = {}
        for record in self._log.records() if self._log else ():
            facts = record.get("facts") or {}
            is_same = record["action"] == "hand_over_onedrive" and record["user_id"] == self.person.user_id
            if is_same and "folder_id" in facts and record["parameters"].get("manager_id") == to.user_id:
                found = {"folder_id": facts["folder_id"]}
        return found

    def _licences(self) -> Iterable[Step]:
        skus = {sku.sku_id: sku for sku in read_skus(self._client)}
        groups: dict[str, list[str]] = {}
        is_safe = self._wishes.onedrive == "none" or not any(item.what == "The OneDrive" for item in self.by_hand)
        for sku_id, holding in sorted(self.person.holdings().items()):
            sku = skus.get(sku_id) or Sku(sku_id, sku_id, True, 0, ())
            if not is_safe and sku.has_onedrive:
                self._leave(f"The licence {sku.part_number}", "It carries the OneDrive, which nobody gets yet.")
                continue
            if sku.has_mailbox and (self._wishes.reply or self._wishes.forward_to) and _MAIL_ENDS not in self.notes:
                self.notes.append(_MAIL_ENDS)
            for group_id in holding.groups:
                groups.setdefault(group_id, []).append(sku_id)
            if holding.is_direct:
                parameters = {"sku_id": sku_id, "sku_part_number": sku.part_number}
                yield self._step("remove_license", parameters, **self._saving([] if holding.groups else [sku_id]))
        for group_id, sku_ids in groups.items():
            yield from self._group(group_id, sku_ids, skus)

    def _group(self, group_id: str, sku_ids: list[str], skus: Mapping[str, Sku]) -> Iterable[Step]:
        what = " and ".join(skus[sku_id].part_number if sku_id in skus else sku_id for sku_id in sku_ids)
        try:
            group = find_group(self._client, group_id)
            is_member = any(one.group_id == group_id for one in groups_of(self._client, self.person.user_id))
        except GraphError as error:
            if not error.is_permission:
                raise
            self._leave(f"{what}, held through group {group_id}", "The app that reads may not see groups.")
            return
        if group is None or not is_member or group.fixed:
            why = f"Nobody can be taken out of it here: {group.fixed}." if group and group.fixed else ""
            self._leave(f"{what}, held through group {group.name if group else group_id}",
                        why or "The person is no direct member of it.")  # fmt: skip
            return
        parameters = {"group_id": group.group_id, "group_name": group.name}
        notes = [*group_notes(group), f"These licences go with it: {what}."]
        yield self._step("remove_group_membership", parameters, notes=notes, **self._saving(sku_ids))

    def _saving(self, sku_ids: list[str]) -> dict[str, Any]:
        prices = [self._prices[sku_id] for sku_id in sku_ids if sku_id in self._prices]
        if not sku_ids or len(prices) != len(sku_ids) or len({currency for _, currency in prices}) != 1:
            return {}
        return {"saving": sum((amount for amount, _ in prices), Decimal(0)), "currency": prices[0][1]}

    def _leave(self, what: str, why: str) -> None:
        self.by_hand.append(ByHand(target=self.person.target, what=what, why=why))
