"""The tenants that are read: what is known of each, wherever it is described."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.admin_centre import TENANT_ID_PAGE
from pipelines.clouds import CLOUDS, Cloud
from pipelines.sign_in import CACHE_FOLDER, DeviceCode, SettingsError, SignIn, SignInSettings

TENANT_ID = re.compile(r"^[a-z0-9][a-z0-9.-]{2,100}$")
# What the system-assigned managed identity, which has no client id of ours, is called in the request budget.
SYSTEM_ASSIGNED = "system-assigned"


@dataclass(frozen=True)
class ActionsApp:
    """The app registration that takes action in a tenant: never the one that reads it."""

    client_id: str
    sign_in: SignIn


# Settings that the app for actions has of its own; the others are the tenant's.
_OF_APP = ("auth", "client_", "certificate_", "federated_")


@dataclass(frozen=True)
class TenantSettings:
    """One tenant, and the app registration or account that reads it.

    place: where it is described, in words; None is the environment. actions: the app that may take action, if
    there is one. is_for_actions: this is the tenant as that app sees it.
    """

    tenant_id: str
    client_id: str
    sign_in: SignIn
    cloud: Cloud
    authority_url: str
    graph_url: str
    name: str | None = None
    place: str | None = None
    actions: ActionsApp | None = None
    is_for_actions: bool = False

    @property
    def label(self) -> str:
        """The tenant for people: its id, and its name where it was given one."""
        return f"{self.tenant_id} ({self.name})" if self.name else self.tenant_id

    def setting(self, key: str) -> str:
        """What a setting of this tenant is called where a person mends it."""
        is_own = self.is_for_actions and key.startswith(_OF_APP)
        if self.place:
            return f"{'actions.' if is_own else ''}{key} of {self.place}"
        return f"M365_{'ACTIONS_' if is_own else ''}{key.upper()}"

    def is_called(self, wanted: str) -> bool:
        """Whether this is the tenant that somebody named by id or by name."""
        return wanted.strip().lower() in (self.tenant_id, (self.name or self.tenant_id).lower())


@dataclass(frozen=True)
class TenantDefaults:
    """What holds for a tenant that does not say otherwise."""

    data_dir: Path
    cloud: str
    authority_url: str | None
    graph_url: str | None
    env_file: Path | None = None


def https_address(value: str) -> str:
    """The address without a slash at its end; raises ValueError when it cannot be asked safely."""
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("must be an https address")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must be an https address without a user name, a query or a fragment")
    return value.rstrip("/")


def checked_tenant_id(value: str, setting: str) -> str:
    """The tenant id or domain, in lower case; raises SettingsError when it cannot be one."""
    folded = value.strip().lower()
    if not TENANT_ID.match(folded):
        raise SettingsError(
            f"{setting} must be the directory (tenant) id ({TENANT_ID_PAGE}), or the tenant's domain name."
        )
    return folded


def make_tenant(
    tenant_id: str,
    client_id: str | None,
    sign_in: SignInSettings,
    defaults: TenantDefaults,
    *,
    name: str | None = None,
    cloud: str | None = None,
    authority_url: str | None = None,
    graph_url: str | None = None,
    place: str | None = None,
    actions: ActionsApp | None = None,
) -> TenantSettings:
    """A tenant of parts that have been checked."""
    chosen = CLOUDS[cloud or defaults.cloud]
    return TenantSettings(
        tenant_id=tenant_id,
        client_id=client_id or SYSTEM_ASSIGNED,
        sign_in=sign_in.choose(client_id, defaults.data_dir / CACHE_FOLDER / f"{tenant_id}.json"),
        cloud=chosen,
        authority_url=authority_url or defaults.authority_url or chosen.authority_url,
        graph_url=graph_url or defaults.graph_url or chosen.graph_url,
        name=name,
        place=place,
        actions=actions,
    )


def make_actions_app(
    client_id: str | None, sign_in: SignInSettings, reading_client_id: str | None, call: Callable[[str], str]
) -> ActionsApp:
    """The app for actions, of parts that are complete; call: how its settings are called.

    Raises SettingsError where it is the app that reads, or signs in as a person.
    """
    if sign_in.kind() == DeviceCode.name:
        raise SettingsError(f"{call('auth')}: actions are taken by an app of their own, not with a person's sign-in.")
    if client_id == reading_client_id:
        raise SettingsError(
            f"{call('client_id')} is the app that reads. Register another one for actions: the one that reads never "
            "holds a permission to write (docs/actions.md)."
        )
    # No file: only a sign-in with a code keeps one.
    return ActionsApp(client_id or SYSTEM_ASSIGNED, sign_in.choose(client_id, Path()))
