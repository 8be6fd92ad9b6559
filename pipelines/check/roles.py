"""Entra roles: which of them open the reports to a signed-in account, and what others are for.

Source: Graph documentation, "Authorization for APIs to read Microsoft 365 usage reports", and Entra's list of
built-in roles (template ids).
"""

from __future__ import annotations

from typing import Any

from pipelines.admin_centre import READER_PAGE
from pipelines.check.results import CheckResult, failed, ok, warning

ROLES, OTHERS = "Entra roles", "other roles"
_REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
# With these a signed-in account gets reports about people …
_DETAIL = {
    _REPORTS_READER: "Reports Reader",
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "75941009-915a-4869-abe7-691bff18279e": "Skype for Business Administrator",
    "69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator",
    "baf37b3a-610e-45da-9e62-d9d1e5e8914b": "Teams Communications Administrator",
}
# … with these about the tenant as a whole only …
_SUMMARY = {
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "75934031-6c7e-415a-99d7-48dbd49e875e": "Usage Summary Reports Reader",
    "27460883-1df1-4691-b032-3b79643e5e63": "User Experience Success Manager",
}
# … and with these none at all.
_NONE = {"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator"}
_KNOWN = {**_DETAIL, **_SUMMARY, **_NONE}

# Roles that other products list among their requirements, and what they are to this one.
NOT_NEEDED = (
    "Application Administrator is needed once, by whoever registers the app, and not to read; Global Reader is not "
    "needed and gives a signed-in account no report about people; Teams Administrator is not needed, as use of "
    "Teams is in the same report."
)


def check_roles(claims: dict[str, Any], *, is_delegated: bool) -> list[CheckResult]:
    """What the token says of roles, and what roles that other products ask for are to this one.

    claims: empty where the token cannot be read, as it need not be.
    """
    return [_held(claims, is_delegated=is_delegated), ok(OTHERS, NOT_NEEDED)]


def _held(claims: dict[str, Any], *, is_delegated: bool) -> CheckResult:
    held = [str(role) for role in claims.get("wids") or []]
    if not is_delegated:
        given = [_KNOWN[role] for role in held if role in _KNOWN]
        extra = f" It has the role {' and '.join(given)}, which it does not need." if given else ""
        return ok(ROLES, f"The app needs none: its own permissions decide.{extra}")
    if not held:
        return warning(
            ROLES,
            "The roles of the signed-in account cannot be told from its token. For reports about people it needs "
            "Reports Reader.",
            f"If the reports below are refused: {READER_PAGE}.",
        )
    names = [_KNOWN[role] for role in held if role in _KNOWN]
    detail = [_DETAIL[role] for role in held if role in _DETAIL]
    if _REPORTS_READER in held:
        others = [name for name in names if name != "Reports Reader"]
        extra = f" It does not need its role {' and '.join(others)} for that." if others else ""
        return ok(ROLES, f"The signed-in account is a Reports Reader: enough for every report.{extra}")
    if detail:
        return warning(
            ROLES,
            f"The signed-in account reads the reports as {' and '.join(detail)}: more than is needed.",
            f"Reports Reader is enough: {READER_PAGE}.",
        )
    summary = [_SUMMARY[role] for role in held if role in _SUMMARY]
    found = (
        f"The signed-in account is {' and '.join(summary)}: that opens figures of the whole tenant, no report about "
        "people."
        if summary
        else "The signed-in account has no role that opens usage reports"
        + (f" ({' and '.join(names)} does not)." if names else ".")
    )
    return failed(ROLES, found, f"Give it Reports Reader: {READER_PAGE}. Then sign in again.")
