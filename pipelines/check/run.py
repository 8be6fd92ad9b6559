"""All checks, in order: what a failed one makes pointless is skipped, with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from pipelines.check import access, actions, connection, licences, reports, roles
from pipelines.check.machine import FOLDER, check_machine
from pipelines.check.probe import Probe, open_probe
from pipelines.check.results import CheckReport, CheckResult, State, TenantReport, skipped
from pipelines.graph.errors import SignInError
from pipelines.settings import Settings, SettingsError, TenantSettings
from pipelines.side_by_side import side_by_side

Found = CheckResult | list[CheckResult]
_ONCE_MORE = "Signing in once more"


@dataclass(frozen=True)
class Check:
    """One check of a tenant. needs: the checks that must not have failed before it."""

    name: str
    run: Callable[[Probe], Found]
    needs: tuple[str, ...] = (connection.SIGN_IN, connection.GRAPH)
    needs_reports: bool = False


def _roles(probe: Probe) -> list[CheckResult]:
    return roles.check_roles(probe.claims, is_delegated=probe.tenant.sign_in.is_delegated)


CHECKS = (
    Check(connection.CLOUD, connection.check_cloud, ()),
    Check(connection.SERVICE, connection.check_service, ()),
    Check(connection.GRAPH, connection.check_graph, ()),
    Check(connection.CLOCK, connection.check_clock, ()),
    Check(connection.SIGN_IN, connection.check_sign_in, (connection.SERVICE,)),
    Check(roles.ROLES, _roles, (connection.SIGN_IN,), needs_reports=True),
    Check(reports.SETTING, reports.check_setting, needs_reports=True),
    Check(reports.REPORT, reports.check_report, needs_reports=True),
    Check(access.PEOPLE, access.check_people),
    Check(access.DELETED, access.check_deleted),
    Check(access.SIGN_INS, access.check_sign_ins, (connection.SIGN_IN, connection.GRAPH, access.PEOPLE)),
    Check(licences.LICENCES, licences.check_licences),
    Check(access.SUBSCRIPTIONS, access.check_subscriptions),
    Check(access.ORGANISATION, access.check_organisation),
    Check(actions.READ_ONLY, actions.check_read_only, (connection.SIGN_IN,)),
    Check(actions.LEVEL, actions.check_level, (connection.SERVICE,)),
)


def check_all(settings: Settings, tenants: list[TenantSettings], clock: Callable[[], float] = time.time) -> CheckReport:
    """Check this machine and every tenant; one tenant's trouble is no other's."""
    machine = check_machine(settings)
    can_write = not any(result.name == FOLDER and result.state is State.FAILED for result in machine)
    return CheckReport(
        checked_at=datetime.now(timezone.utc).replace(microsecond=0),
        machine=machine,
        tenants=tuple(
            side_by_side(
                lambda tenant: check_tenant(settings, tenant, can_write=can_write, clock=clock),
                tenants,
                at_once=settings.tenants_at_once,
            )
        ),
    )


def check_tenant(
    settings: Settings, tenant: TenantSettings, *, can_write: bool = True, clock: Callable[[], float] = time.time
) -> TenantReport:
    """Check one tenant."""
    results: list[CheckResult] = []
    with open_probe(settings, tenant, can_write=can_write, clock=clock) as probe:
        for check in CHECKS:
            results += _run(check, probe, results)
    return TenantReport(tenant.tenant_id, tenant.name, tenant.cloud.name, tenant.sign_in.name, tuple(results))


def _run(check: Check, probe: Probe, so_far: list[CheckResult]) -> list[CheckResult]:
    if check.needs_reports and not probe.tenant.cloud.has_usage_reports:
        return [skipped(check.name, f"Not asked: {probe.tenant.cloud.gap}")]
    states = {result.name: result.state for result in so_far}
    blocking = next((name for name in check.needs if states.get(name) in (State.FAILED, State.SKIPPED)), None)
    if blocking is not None:
        return [skipped(check.name, f"Not checked, as '{blocking}' did not work.")]
    if connection.SIGN_IN in check.needs and any(result.message.startswith(_ONCE_MORE) for result in so_far):
        return [skipped(check.name, "Not checked, as signing in once more did not work.")]
    try:
        found = check.run(probe)
    except SignInError as error:
        # The token that was issued a moment ago was dropped after a refusal, and is not given again.
        remedy = connection.as_sentence(error.remedy)
        return [CheckResult(check.name, State.FAILED, f"{_ONCE_MORE} did not work: {connection.told(error)}", remedy)]
    except SettingsError as error:
        return [CheckResult(check.name, State.FAILED, f"{_ONCE_MORE} did not work: {error}")]
    return found if isinstance(found, list) else [found]
