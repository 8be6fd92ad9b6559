"""A joiner's record as steps: the account first, and everything else as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.actions.groups import Group, find_group, groups_of
from pipelines.actions.people import Person, find_person
from pipelines.actions.plan import Plan, Step, Target, step_id
from pipelines.actions.planning.making import make_plan, make_step, seen_before, the_person
from pipelines.actions.planning.records import JoinerRecord
from pipelines.actions.planning.user import person_parameters, sku_parameters
from pipelines.actions.skus import Sku, choose_sku, read_skus
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.graph.objects import read_collection
from pipelines.sign_in import SettingsError

_REASON = "joins the organisation"


def plan_joiners(records: Iterable[JoinerRecord], client: GraphClient, *, file: str | None = None) -> Plan:
    """The plan for joiners. Raises SettingsError for a record that cannot be carried out, and GraphError."""
    maker = _Joiners(client)
    steps: list[Step] = []
    for record in records:
        steps += maker.steps(record, len(steps) + 1)
    source = {"kind": "joiner", **({"file": file} if file else {})}
    return make_plan(client.tenant.tenant_id, source, steps, notes=maker.notes)


class _Joiners:
    def __init__(self, client: GraphClient) -> None:
        self.notes: list[str] = []
        self._client = client
        self._skus: list[Sku] | None = None
        self._taken: dict[str, int] = {}
        self._domains = self._verified_domains()

    def steps(self, record: JoinerRecord, first: int) -> list[Step]:
        """The steps of one joiner, numbered from ``first``."""
        domain = record.mail.rpartition("@")[2].lower()
        if self._domains and domain not in self._domains:
            known = ", ".join(sorted(self._domains))
            raise SettingsError(f"{record.mail}: the tenant has no domain {domain}; it has {known}.")
        person = find_person(self._client, record.mail)
        if person is not None and person.raw.get("displayName") != record.display_name:
            raise SettingsError(
                f"{record.mail} is taken: {person.raw.get('displayName')} has this name. Give the joiner another one."
            )
        target = person.target if person else Target(user_principal_name=record.mail, display_name=record.display_name)
        found = [] if person else [self._create(record, target)]
        if person:
            self.notes.append(f"The account {record.mail} is there already: only what is missing is planned.")
        found += self._rest(record, target, person)
        numbered = []
        for number, step in enumerate(found, first):
            waits = (step_id(first),) if not person and number > first else ()
            numbered.append(step.model_copy(update={"id": step_id(number), "depends_on": waits}))
        return numbered

    def _create(self, record: JoinerRecord, target: Target) -> Step:
        if record.licences and not record.usage_location:
            raise SettingsError(f"{record.mail}: usage_location is missing, without which no licence can be assigned.")
        step = make_step("create_user", target, dict(record.graph_properties()), reason=_REASON)
        return step.model_copy(update={"before": {"exists": False}})

    def _rest(self, record: JoinerRecord, target: Target, person: Person | None) -> Iterable[Step]:
        if record.manager:
            manager = the_person(self._client, record.manager)
            yield from self._unless_so("set_manager", target, person_parameters("manager", manager), person)
        mine = {group.group_id for group in groups_of(self._client, person.user_id)} if person else set()
        for wanted in record.groups:
            group = self._group(wanted)
            if group.fixed:
                raise SettingsError(f"{record.mail}: nobody can be put into group {group.name} here: {group.fixed}.")
            if group.group_id not in mine:
                parameters = {"group_id": group.group_id, "group_name": group.name}
                yield from self._unless_so("add_group_membership", target, parameters, person)
        held = person.holdings() if person else {}
        for wanted in record.licences:
            sku = self._sku(wanted)
            if sku.sku_id not in held:
                yield from self._unless_so("assign_license", target, sku_parameters(sku), person, self._units(sku))

    def _unless_so(
        self, action: str, target: Target, parameters: dict[str, Any], person: Person | None, note: str | None = None
    ) -> Iterable[Step]:
        step = make_step(action, target, parameters, reason=_REASON, notes=[note] if note else [])
        yield seen_before(self._client, step) if person else step

    def _sku(self, wanted: str) -> Sku:
        if self._skus is None:
            self._skus = read_skus(self._client)
        return choose_sku(self._skus, wanted)

    def _units(self, sku: Sku) -> str | None:
        """A warning where the units that are left are not enough for everybody in the plan."""
        self._taken[sku.sku_id] = self._taken.get(sku.sku_id, 0) + 1
        if self._taken[sku.sku_id] <= sku.units_left:
            return None
        return f"Only {sku.units_left} units of {sku.part_number} are left: the step is skipped unless one gets free."

    def _group(self, wanted: str) -> Group:
        """By object id, else by the name shown, which must be one group's only."""
        if "-" in wanted and " " not in wanted and len(wanted) == 36:
            found = find_group(self._client, wanted)
            if found is not None:
                return found
        name = wanted.replace("'", "''")
        params = {"$filter": f"displayName eq '{name}'", "$select": "id,displayName"}
        raw = read_collection(self._client, "groups", "looking for a group", params=params)
        if len(raw) != 1:
            amount = "no group" if not raw else f"{len(raw)} groups"
            raise SettingsError(f"There is {amount} called {wanted}; give the object id.")
        group = find_group(self._client, str(raw[0]["id"]))
        if group is None:
            raise SettingsError(f"There is no group {wanted} any more.")
        return group

    def _verified_domains(self) -> set[str]:
        """The tenant's domains, in lower case; empty where they may not be read."""
        try:
            found = read_collection(self._client, "organization", "reading the organisation")
        except GraphError as error:
            if not error.is_permission:
                raise
            return set()
        return {str(item["name"]).lower() for one in found for item in one.get("verifiedDomains") or []}
