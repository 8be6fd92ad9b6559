"""Which application permission opens what, and how Graph says no."""

from __future__ import annotations

from pipelines.simulator import spec
from pipelines.simulator.identity import Grant
from pipelines.simulator.sign_ins import DETAIL_ROLES, SUMMARY_ROLES
from pipelines.simulator.wire import GraphError, nested_report_error

REPORTS = frozenset({spec.REPORTS_READ})
REPORT_SETTINGS = frozenset({spec.REPORT_SETTINGS_READ, spec.REPORT_SETTINGS_WRITE})
USERS = frozenset({spec.USER_READ, spec.USER_WRITE, spec.DIRECTORY_READ, spec.DIRECTORY_WRITE})
USERS_BASIC = USERS | {spec.USER_READ_BASIC}
SKUS = frozenset(
    {spec.LICENSE_READ, spec.LICENSE_WRITE, spec.ORGANIZATION_READ, spec.DIRECTORY_READ, spec.DIRECTORY_WRITE}
)
ORGANIZATION = frozenset({spec.ORGANIZATION_READ, spec.DIRECTORY_READ})
GROUP_MEMBERS_WRITE = frozenset({spec.GROUP_MEMBER_WRITE, spec.GROUP_WRITE, spec.DIRECTORY_WRITE})
GROUPS = GROUP_MEMBERS_WRITE | {spec.GROUP_MEMBER_READ, spec.GROUP_READ, spec.DIRECTORY_READ}
USERS_WRITE = frozenset({spec.USER_WRITE, spec.DIRECTORY_WRITE})
USERS_ENABLE = USERS_WRITE | {spec.USER_ENABLE}
"""What may change `accountEnabled`, and nothing else of a user."""
PASSWORDS = frozenset({spec.USER_PASSWORD})
USERS_DELETE = frozenset({spec.USER_WRITE, spec.USER_DELETE})
SESSIONS = USERS_WRITE | {spec.USER_REVOKE}
LICENSES_WRITE = USERS_WRITE | {spec.LICENSE_WRITE}
FILES_WRITE = frozenset({spec.FILES_WRITE, spec.SITES_WRITE})
FILES = FILES_WRITE | {spec.FILES_READ, spec.SITES_READ}
MAILBOX_WRITE = frozenset({spec.MAILBOX_WRITE})
MAILBOX = MAILBOX_WRITE | {spec.MAILBOX_READ}
SIGN_INS = frozenset({spec.AUDIT_LOG_READ})


def require(grant: Grant, any_of: frozenset[str]) -> None:
    """Refuse a token with none of these directory permissions."""
    if not grant.permissions & any_of:
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def require_files(grant: Grant, any_of: frozenset[str]) -> None:
    """Refuse a token with none of these permissions the way OneDrive does."""
    if not grant.permissions & any_of:
        raise GraphError(403, "accessDenied", "Access denied")


def require_mailbox(grant: Grant, any_of: frozenset[str]) -> None:
    """Refuse a token with none of these permissions the way Exchange does."""
    if not grant.permissions & any_of:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def require_report(grant: Grant, any_of: frozenset[str]) -> None:
    """Refuse a token with none of these permissions the way the reports service does.

    A signed-in account needs a role too.
    """
    has_role = grant.roles is None or grant.roles & SUMMARY_ROLES
    if not grant.permissions & any_of or not has_role:
        raise nested_report_error(403, "S2SUnauthorized", "Invalid permission.")


def require_detail(grant: Grant) -> None:
    """Refuse a signed-in account whose roles open reports about the tenant only."""
    if grant.roles is not None and not grant.roles & DETAIL_ROLES:
        raise nested_report_error(403, "S2SUnauthorized", "Invalid permission.")
