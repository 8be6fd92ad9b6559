"""What a user may be given: the properties that can be written, their values, and whose names are taken."""

from __future__ import annotations

import re
from typing import Any

from pipelines.simulator import user_properties
from pipelines.simulator.locations import LOCATIONS
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import GraphError, directory_request

Json = dict[str, Any]

_SYNCED_TEXTS = """
city companyName country department displayName employeeId employeeType faxNumber givenName jobTitle mail mailNickname
mobilePhone officeLocation postalCode preferredLanguage state streetAddress surname userPrincipalName
"""
TEXTS = frozenset(_SYNCED_TEXTS.split()) | {"usageLocation", "userType"}
LISTS = frozenset({"businessPhones", "otherMails"})
WRITABLE = TEXTS | LISTS | {"accountEnabled", "passwordProfile", "passwordPolicies", "employeeHireDate", "hireDate"}
FROM_ON_PREMISES = frozenset(_SYNCED_TEXTS.split()) | {"businessPhones", "proxyAddresses", "passwordProfile"}
"""What Entra takes from on premises for a synchronised user, and lets nobody change in the cloud.

`accountEnabled`, `usageLocation` and `userType` can be changed all the same.
"""
_SENSITIVE = """
accountEnabled businessPhones mobilePhone onPremisesImmutableId otherMails passwordProfile userPrincipalName
"""
SENSITIVE = frozenset(_SENSITIVE.split())
"""What only a higher role may change of somebody with an administrator role (Graph documentation, users)."""
REQUIRED = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")

_NAME = re.compile(r"[A-Za-z0-9'._!#^~-]+@(?P<domain>[A-Za-z0-9.-]+)\Z")
_NICKNAME = re.compile(r"[^@()\\\[\]\";:<>, \x00-\x1f]{1,64}\Z")


def known_properties(content: Json) -> Json:
    """The properties of a body in their own spelling, or 400 for one that cannot be written."""
    spelled = {name.lower(): name for name in user_properties.ALL | WRITABLE}
    found: Json = {}
    for given, value in content.items():
        if given.startswith("@odata."):
            continue
        name = spelled.get(given.lower())
        if name is None:
            raise directory_request(f"Could not find a property named '{given}' on type 'microsoft.graph.user'.")
        if name not in WRITABLE:
            raise directory_request(f"Property '{name}' is read-only and cannot be set.")
        found[name] = value
    return found


def check_values(content: Json) -> None:
    """Refuse values of the wrong type and those that the directory does not know."""
    for name, value in content.items():
        is_text = name in TEXTS and (value is None or isinstance(value, str))
        is_list = name in LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value)
        is_switch = name == "accountEnabled" and isinstance(value, bool)
        if not (is_text or is_list or is_switch or name not in TEXTS | LISTS | {"accountEnabled"}):
            raise _invalid(name)
    if content.get("userType", "Member") not in ("Member", "Guest"):
        raise _invalid("userType")
    location = content.get("usageLocation")
    if location is not None and location not in LOCATIONS:
        raise _invalid("usageLocation")
    nickname = content.get("mailNickname")
    if nickname is not None and not _NICKNAME.match(nickname):
        raise _invalid("mailNickname")
    if "displayName" in content and not content["displayName"]:
        raise _invalid("displayName")


def check_password(profile: Any) -> None:
    """Refuse what Entra's password policy refuses: 8 to 256 characters of three kinds out of four."""
    password = profile.get("password") if isinstance(profile, dict) else None
    if not isinstance(password, str):
        raise wanted("password")
    kinds = sum(bool(re.search(kind, password)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    if not 8 <= len(password) <= 256 or kinds < 3:
        raise directory_request(
            "The specified password does not comply with password complexity requirements. Please provide a "
            "different password."
        )


def check_name(tenant: Tenant, name: str, user_id: str | None) -> None:
    """Refuse a user principal name of a foreign domain, or one that somebody has."""
    match = _NAME.match(name)
    if match is None:
        raise _invalid("userPrincipalName")
    organization = tenant.organization()
    domains = {str(domain.get("name")).lower() for item in organization for domain in item.get("verifiedDomains", ())}
    if match["domain"].lower() not in (domains or {tenant.spec.domain.lower()}):
        raise directory_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified "
            "domain names in your organization."
        )
    for user in tenant.users():
        if str(user["id"]) == user_id:
            continue
        addresses = {str(address).split(":", 1)[-1].lower() for address in user.get("proxyAddresses") or ()}
        for taken, what in (
            (str(user.get("userPrincipalName", "")).lower() == name.lower(), "userPrincipalName"),
            (name.lower() in addresses, "proxyAddresses"),
        ):
            if taken:
                raise directory_request(f"Another object with the same value for property {what} already exists.")


def wanted(name: str) -> GraphError:
    """400: a value is missing."""
    where = "passwordProfile" if name == "password" else "User"
    return directory_request(f"A value is required for property '{name}' of resource '{where}'.")


def _invalid(name: str) -> GraphError:
    return directory_request(f"Invalid value specified for property '{name}' of resource 'User'.")
