"""Checks of what the app may ask, feature by feature, by really asking."""

from __future__ import annotations

from pipelines.admin_centre import PERMISSIONS_PAGE, READER_PAGE
from pipelines.check.probe import Probe
from pipelines.check.results import CheckResult, failed, ok, warning
from pipelines.graph.errors import GraphError, SignInError, TransientError
from pipelines.sign_in import ManagedIdentity

PEOPLE, DELETED, ORGANISATION = "people", "deleted people", "organisation"
SUBSCRIPTIONS, SIGN_INS = "subscriptions", "last sign-in"
NO_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_SUPPORT = "Run the check again; if it stays like this, Microsoft support finds the request by its request-id."
_LIMITED = "There is nothing to mend: Microsoft limits how often it may be asked. Run the check again in ten minutes."
_BROKEN = (
    "Run the check again; if it stays like this, the firewall, the proxy (HTTPS_PROXY) or a virus scanner of this "
    "machine holds it back or cuts it: docs/setup.md lists the addresses to allow."
)


def check_people(probe: Probe) -> CheckResult:
    """People with department, licences and manager."""
    params = {
        "$select": "id,accountEnabled,department,assignedLicenses,licenseAssignmentStates",
        "$expand": "manager($select=id)",
        "$top": "1",
    }
    lost = "no departments and no licences of people are read, and the sync fails"
    try:
        found = probe.first_page("users", params).get("value")
    except GraphError as error:
        return refused(probe, PEOPLE, error, "User.Read.All", lost, is_required=True)
    if not isinstance(found, list) or not found:
        return warning(PEOPLE, "The directory names nobody.", "Check that this is the right tenant.")
    if found[0].get("accountEnabled") is None:
        return failed(
            PEOPLE,
            "Only basic profiles can be read (User.ReadBasic.All): no departments, no licences of people.",
            grant(probe, "User.Read.All"),
        )
    return ok(PEOPLE, "People can be read, with departments, licences and managers (User.Read.All).")


def check_deleted(probe: Probe) -> CheckResult:
    """People in the directory's bin."""
    params = {"$select": "id", "$top": "1"}
    try:
        probe.first_page("directory/deletedItems/microsoft.graph.user", params)
    except GraphError as error:
        return refused(probe, DELETED, error, "User.Read.All", "people who left stay without a name")
    return ok(DELETED, "People deleted in the last 30 days can be read (User.Read.All).")


def check_subscriptions(probe: Probe) -> CheckResult:
    """Subscriptions behind the licences."""
    try:
        probe.first_page("directory/subscriptions")
    except GraphError as error:
        return refused(probe, SUBSCRIPTIONS, error, "Organization.Read.All", "renewal dates and trials stay unknown")
    return ok(SUBSCRIPTIONS, "Subscriptions can be read, with renewal dates (Organization.Read.All).")


def check_organisation(probe: Probe) -> CheckResult:
    """The tenant's own name."""
    try:
        probe.first_page("organization")
    except GraphError as error:
        return refused(probe, ORGANISATION, error, "Organization.Read.All", "the tenant's name stays empty")
    return ok(ORGANISATION, "The tenant's name and domains can be read (Organization.Read.All).")


def check_sign_ins(probe: Probe) -> CheckResult:
    """Sign-in activity, which needs a permission and a licence of the tenant."""
    try:
        probe.first_page("users", {"$select": "id,signInActivity", "$top": "1"})
    except GraphError as error:
        if error.code == NO_PREMIUM:
            return warning(
                SIGN_INS,
                "Not available: the tenant has no Microsoft Entra ID P1 or P2. The last sign-in stays empty.",
                "There is nothing to mend unless you want it: it comes with any Entra ID P1 licence in the tenant.",
            )
        return refused(probe, SIGN_INS, error, "AuditLog.Read.All", "the last sign-in stays empty")
    return ok(SIGN_INS, "The last sign-in of people is available (AuditLog.Read.All and Entra ID P1).")


def refused(
    probe: Probe, name: str, error: GraphError, permission: str, lost: str, *, is_required: bool = False
) -> CheckResult:
    """What an error means for a feature: permission is what it needs, lost what there is without it.

    Raises the error again when it is one of signing in.
    """
    if isinstance(error, SignInError):
        raise error
    make = failed if is_required else warning
    if not error.is_permission:
        return make(name, f"{_short(error)} Without it, {lost}.", _remedy(error))
    problem = f"Refused: {permission} is missing."
    if permission in _carried(probe):
        problem = f"Refused: although the token carries {permission}."
    return make(name, f"{problem} Without it, {lost}.", grant(probe, permission))


def _remedy(error: GraphError) -> str:
    if error.status == 429:
        return _LIMITED
    return _BROKEN if isinstance(error, TransientError) and error.status is None else _SUPPORT


def grant(probe: Probe, permission: str) -> str:
    """How the permission is given, and what the token says of it."""
    if permission in _carried(probe):
        waiting = "Consent takes some minutes to reach everything."
        if probe.tenant.sign_in.is_delegated:
            return f"{waiting} If it stays like this, the account lacks a role: {READER_PAGE}."
        return f"{waiting} {_SUPPORT}"
    if isinstance(probe.tenant.sign_in, ManagedIdentity):
        return (
            f"Assign it the app role {permission} of Microsoft Graph (PowerShell: "
            "New-MgServicePrincipalAppRoleAssignment). Azure keeps the token that a machine has for up to a day."
        )
    kind = "Delegated" if probe.tenant.sign_in.is_delegated else "Application"
    return (
        f"Add {permission} ({PERMISSIONS_PAGE} > Add a permission > Microsoft Graph > {kind} permissions), then press "
        "'Grant admin consent' there."
    )


def _carried(probe: Probe) -> set[str]:
    """The permissions that the token says it has; a diagnosis only."""
    roles = probe.claims.get("roles")
    found = set(map(str, roles)) if isinstance(roles, list) else set()
    return found | set(str(probe.claims.get("scp") or "").split())


def _short(error: GraphError) -> str:
    facts = [f"HTTP {error.status}" if error.status else "", error.code or ""]
    known = ", ".join(fact for fact in facts if fact)
    request = f" [request-id {error.request_id}]" if error.request_id else ""
    return f"{error.message.rstrip('.')}{f' ({known})' if known else ''}{request}."
