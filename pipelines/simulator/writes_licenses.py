"""Licences on the wire: direct assignments, and what Entra does by itself after a group's members changed."""

from __future__ import annotations

from typing import Any

from pipelines.simulator import access, odata, user_properties
from pipelines.simulator.identity import Grant
from pipelines.simulator.overlay import Source, held_skus, is_held, source_of, states_of
from pipelines.simulator.spec import Pace
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, Reply, bad_request, directory_request, json_reply
from pipelines.simulator.writes import LicenseJob
from pipelines.simulator.written import body_of, change, instant, user_of

Json = dict[str, Any]

NEEDS: dict[str, frozenset[str]] = {
    "SHAREPOINTWAC": frozenset({"SHAREPOINTENTERPRISE", "SHAREPOINTSTANDARD", "SHAREPOINTDESKLESS"}),
    "MCOEV": frozenset({"MCOSTANDARD"}),
}
"""Service plans that work only beside one of others: Office for the web with SharePoint, Phone with Skype."""
EXCLUSIVE = (frozenset({"SHAREPOINTENTERPRISE"}), frozenset({"SHAREPOINTSTANDARD"}))
"""Service plans of which nobody can have one of each."""


class LicenseWrites:
    """`POST /users/{id}/assignLicense`, `…/reprocessLicenseAssignment`, and the background processing of groups."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def assign(self, call: Call, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`POST /users/{id}/assignLicense`: 200 with the user; all of it or, with 400, nothing."""
        access.require(grant, access.LICENSES_WRITE)
        adds, removes = _wishes(body_of(call))
        with tenant.lock:
            user = user_of(tenant, key)
            _check_products(tenant, adds, removes)
            if adds and not user.get("usageLocation"):
                raise directory_request("License assignment cannot be done for user with invalid usage location.")
            states = {source_of(state): state for state in states_of(user)}
            for sku_id in removes:
                _check_removal(sku_id, states)
            wanted = {source: state for source, state in states.items() if source not in {(s, None) for s in removes}}
            for sku_id, plans in adds.items():
                wanted[(sku_id, None)] = _state(tenant, sku_id, None, plans)
            _check_plans(tenant, wanted)
            for sku_id in adds:
                if sku_id not in held_skus(user) and free_units(tenant, sku_id) < 1:
                    raise directory_request(f"Subscription with SKU {sku_id} does not have any available licenses.")
            replace_states(tenant, str(user["id"]), states, wanted)
            shown = odata.project(user_of(tenant, key), None, user_properties.DEFAULT)
        return json_reply(200, {"@odata.context": f"{odata.METADATA}#users/$entity", **shown})

    def reprocess(self, grant: Grant, tenant: Tenant, key: str, now: float) -> Reply:
        """`POST /users/{id}/reprocessLicenseAssignment`: 200; the licences of the groups are tried once more."""
        access.require(grant, access.LICENSES_WRITE)
        with tenant.lock:
            user = user_of(tenant, key)
            for group_id in sorted(tenant.groups_of(str(user["id"]))):
                self.schedule(tenant, str(user["id"]), group_id, now)
            shown = odata.project(user, None, user_properties.DEFAULT)
        return json_reply(200, {"@odata.context": f"{odata.METADATA}#users/$entity", **shown})

    def schedule(self, tenant: Tenant, user_id: str, group_id: str, now: float) -> None:
        """Have a person's licences follow a group's members in a while."""
        tenant.writes.license_jobs.append(LicenseJob(now + self._pace.group_licenses, user_id, group_id))

    def settle(self, tenant: Tenant, now: float) -> None:
        """Do what the background processing has done by now."""
        writes = tenant.writes
        if not writes.license_jobs:
            return
        with tenant.lock:
            due = [job for job in writes.license_jobs if job.due <= now]
            writes.license_jobs[:] = [job for job in writes.license_jobs if job.due > now]
            for job in due:
                _follow(tenant, job)


def free_units(tenant: Tenant, sku_id: str) -> int:
    """How many units of a product can still be assigned: the enabled ones and those in grace, less the consumed."""
    for item in tenant.subscribed_skus():
        if str(item["skuId"]) == sku_id:
            units = item.get("prepaidUnits") or {}
            return int(units.get("enabled", 0)) + int(units.get("warning", 0)) - int(item["consumedUnits"])
    return 0


def replace_states(tenant: Tenant, user_id: str, before: dict[Source, Json], after: dict[Source, Json]) -> None:
    """Write a person's licences: those that came, those that went, those that changed."""
    state = tenant.writes.history.state(user_id, tenant.spec.today)
    changed = {source for source in before.keys() | after.keys() if before.get(source) != after.get(source)}
    if not changed:
        return
    kept = [item for item in state.licenses_added if source_of(item) not in changed]
    added = [after[source] for source in after if source in changed]
    change(
        tenant,
        user_id,
        licenses_added=(*kept, *added),
        licenses_removed=state.licenses_removed | changed,
    )


def _follow(tenant: Tenant, job: LicenseJob) -> None:
    """Give or take the licences of a group, as its members are now."""
    user = tenant.user(job.user_id)
    group = next((item for item in tenant.groups() if str(item["id"]) == job.group_id), None)
    if user is None or group is None:
        return
    before = {source_of(state): state for state in states_of(user)}
    is_member = job.group_id in tenant.groups_of(job.user_id)
    after = {source: state for source, state in before.items() if is_member or source[1] != job.group_id}
    for license_ in group.get("assignedLicenses") or () if is_member else ():
        sku_id = str(license_["skuId"])
        source = (sku_id, job.group_id)
        if source in before and is_held(before[source]):
            continue
        has_unit = sku_id in held_skus(user) or free_units(tenant, sku_id) > 0
        made = _state(tenant, sku_id, job.group_id, tuple(license_.get("disabledPlans") or ()))
        after[source] = made if has_unit else {**made, "state": "Error", "error": "CountViolation"}
    replace_states(tenant, job.user_id, before, after)


def _state(tenant: Tenant, sku_id: str, group_id: str | None, disabled: tuple[str, ...]) -> Json:
    return {
        "skuId": sku_id,
        "disabledPlans": list(disabled),
        "assignedByGroup": group_id,
        "state": "Active",
        "error": "None",
        "lastUpdatedDateTime": instant(tenant),
    }


def _wishes(content: Json) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """SKU id → plans to switch off for what is to be added, and the SKU ids to be removed."""
    adds, removes = content.get("addLicenses"), content.get("removeLicenses")
    for name, value in (("addLicenses", adds), ("removeLicenses", removes)):
        if not isinstance(value, list):
            raise bad_request(f"The parameter '{name}' must be given, as a collection.")
    assert isinstance(adds, list)
    assert isinstance(removes, list)
    if not adds and not removes:
        raise directory_request("Request must contain at least one license to add or to remove.")
    added: dict[str, tuple[str, ...]] = {}
    for item in adds:
        if not isinstance(item, dict) or not isinstance(item.get("skuId"), str):
            raise bad_request("A value is required for property 'skuId' of resource 'AssignedLicense'.")
        added[item["skuId"].lower()] = tuple(str(plan).lower() for plan in item.get("disabledPlans") or ())
    removed = [str(sku_id).lower() for sku_id in removes]
    if added.keys() & set(removed):
        raise directory_request("The same license cannot be both added and removed.")
    return added, removed


def _check_products(tenant: Tenant, adds: dict[str, tuple[str, ...]], removes: list[str]) -> None:
    owned = {str(item["skuId"]): item for item in tenant.subscribed_skus()}
    for sku_id in (*adds, *removes):
        item = owned.get(sku_id)
        if item is None or (sku_id in adds and item.get("appliesTo") != "User"):
            raise directory_request(f"License {sku_id} does not correspond to a valid company License.")
    plans = tenant.plans()
    for sku_id, off in adds.items():
        unknown = set(off) - set(plans.get(sku_id, {}).values())
        if unknown:
            raise directory_request(
                f"Service plan {min(unknown)} does not belong to the license {sku_id} and cannot be disabled."
            )


def _check_removal(sku_id: str, states: dict[Source, Json]) -> None:
    if (sku_id, None) in states:
        return
    if any(source[0] == sku_id for source in states):
        raise directory_request(
            "User license is inherited from a group membership and it cannot be removed directly from the user."
        )
    raise directory_request("User does not have a corresponding license.")


def _check_plans(tenant: Tenant, wanted: dict[Source, Json]) -> None:
    """Refuse a set of service plans in which one lacks what it needs, or two exclude each other."""
    plans = tenant.plans()
    ids: dict[str, str] = {}
    for source, state in wanted.items():
        off = set(state.get("disabledPlans") or ())
        if is_held(state):
            ids |= {name: plan_id for name, plan_id in plans.get(source[0], {}).items() if plan_id not in off}
    for name, others in NEEDS.items():
        if name in ids and not others & ids.keys():
            known = {plan: plan_id for each in plans.values() for plan, plan_id in each.items()}
            needed = ", ".join(sorted(known[other] for other in others if other in known))
            raise directory_request(
                f"License assignment failed because service plan {ids[name]} depends on the service plan(s) {needed}."
            )
    one, other = (next(iter(sorted(family & ids.keys())), None) for family in EXCLUSIVE)
    if one is not None and other is not None:
        raise directory_request(
            f"License assignment failed because service plans {ids[one]} and {ids[other]} are mutually exclusive."
        )
