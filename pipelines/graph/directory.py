"""The directory and licence endpoints: what is asked of each.

Source: Graph v1.0 ``user: list``, ``directory: deletedItems``, ``subscribedSku: list``,
``directory: subscriptions``, ``organization: get``, ``adminReportSettings: get``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines.graph.client import GraphClient
from pipelines.graph.errors import ProtocolError

USER_PROPERTIES = (
    "id",
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "displayName",
    "userType",
    "accountEnabled",
    "department",
    "jobTitle",
    "officeLocation",
    "city",
    "country",
    "usageLocation",
    "companyName",
    "employeeId",
    "employeeType",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "assignedLicenses",
    "licenseAssignmentStates",
)
# Graph cuts pages to this size when sign-in activity is asked for.
SIGN_IN_PAGE_SIZE = 500


@dataclass(frozen=True)
class Endpoint:
    """One thing to read: its name in landing/ and the ledger, its path below /v1.0/, and its query.

    permission: the least that the app needs for it.
    """

    source: str
    path: str
    permission: str
    params: dict[str, str] = field(default_factory=dict)
    is_collection: bool = True


def users(page_size: int, *, with_sign_ins: bool) -> Endpoint:
    """Everyone in the directory with manager and licences; sign-in activity needs Entra ID P1."""
    properties = (*USER_PROPERTIES, "signInActivity") if with_sign_ins else USER_PROPERTIES
    return Endpoint(
        "users",
        "users",
        "User.Read.All and, for sign-in activity, AuditLog.Read.All" if with_sign_ins else "User.Read.All",
        {
            "$select": ",".join(properties),
            "$expand": "manager($select=id,displayName,userPrincipalName)",
            "$top": str(min(page_size, SIGN_IN_PAGE_SIZE) if with_sign_ins else page_size),
        },
    )


DELETED_USERS = Endpoint(
    "deletedUsers",
    "directory/deletedItems/microsoft.graph.user",
    "User.Read.All",
    {"$select": "id,userPrincipalName,displayName,department,userType,deletedDateTime", "$top": "999"},
)
SUBSCRIBED_SKUS = Endpoint("subscribedSkus", "subscribedSkus", "LicenseAssignment.Read.All or Organization.Read.All")
SUBSCRIPTIONS = Endpoint("subscriptions", "directory/subscriptions", "Organization.Read.All")
ORGANIZATION = Endpoint("organization", "organization", "Organization.Read.All")
REPORT_SETTINGS = Endpoint("reportSettings", "admin/reportSettings", "ReportSettings.Read.All", is_collection=False)
# The link from which changes are to be read later; the answer itself names nobody.
USERS_DELTA = "usersDelta"
USERS_DELTA_LINK = Endpoint(
    USERS_DELTA, "users/delta", "User.Read.All", {"$select": ",".join(USER_PROPERTIES), "$deltatoken": "latest"}
)


def users_changed_since(delta_link: str) -> Endpoint:
    """Everybody who changed since the answer that gave the link; it lives for seven days."""
    return Endpoint(USERS_DELTA, delta_link, "User.Read.All")


def read(client: GraphClient, endpoint: Endpoint) -> Iterator[bytes]:
    """The pages of an endpoint as received, one JSON object each. Raises GraphError."""
    context = client.context(endpoint.source, permission=endpoint.permission)
    for body, page in client.get_pages(endpoint.path, context, endpoint.params or None):
        if endpoint.is_collection and not isinstance(page.get("value"), list):
            raise ProtocolError("The answer is no list of objects.", context=context)
        if "error" in page:
            raise ProtocolError("The answer is an error, whatever its status says.", context=context)
        yield body
