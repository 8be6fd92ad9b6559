"""tenants.toml: several tenants in one file, every value checked where it stands."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.admin_centre import CLIENT_ID_PAGE, TENANT_ID_PAGE
from pipelines.clouds import CLOUDS
from pipelines.sign_in import SIGN_IN_KINDS, Secret, SettingsError, SignInSettings
from pipelines.tenants import (
    ActionsApp,
    TenantDefaults,
    TenantSettings,
    checked_tenant_id,
    https_address,
    make_actions_app,
    make_tenant,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_OWN = ("name", "tenant_id", "cloud", "authority_url", "graph_url")
_TEXTS = ("name", "tenant_id", "client_id", "auth", "cloud", "authority_url", "graph_url")
_FILES = ("client_secret_file", "certificate_file", "certificate_passphrase_file", "federated_token_file")
_VARIABLES = ("client_secret_env", "certificate_passphrase_env")
# Where an administrator finds the value of a key.
_FOUND = {"tenant_id": TENANT_ID_PAGE, "client_id": CLIENT_ID_PAGE}
_KEYS = (*_TEXTS, *_FILES, *_VARIABLES)
_LITERALS = {
    "client_secret": "client_secret",
    "secret": "client_secret",
    "password": "client_secret",
    "certificate_passphrase": "certificate_passphrase",
    "certificate_password": "certificate_passphrase",
    "passphrase": "certificate_passphrase",
    "private_key": "certificate",
    "certificate": "certificate",
    "federated_token": "federated_token",
    "client_assertion": "federated_token",
    "token": "federated_token",
}


def read_tenants_file(path: Path, defaults: TenantDefaults) -> list[TenantSettings]:
    """The tenants of a tenants.toml, in order; see tenants.example.toml.

    Raises SettingsError for a file that cannot be used. Secrets are not read here. No value of the file is
    ever quoted: one may be a secret in the wrong place.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not saved as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at .*\)", str(error))
        found = f"{path} is no valid TOML {where.group(0) if where else ''}".rstrip()
        raise SettingsError(f"{found}; see tenants.example.toml.") from None
    entries = content.pop("tenant", [])
    if content or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(f"{path} must hold [[tenant]] tables and nothing else; see tenants.example.toml.")
    if not entries:
        raise SettingsError(f"{path} names no tenant: add a [[tenant]] table, see tenants.example.toml.")
    tenants = [_read_entry(entry, _Place(path, number), defaults) for number, entry in enumerate(entries, 1)]
    for what, values in (
        ("tenant_id", [tenant.tenant_id for tenant in tenants]),
        ("name", [tenant.name.lower() for tenant in tenants if tenant.name]),
    ):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise SettingsError(f"{path} names the {what} {twice} twice.")
    return tenants


@dataclass(frozen=True)
class _Place:
    """A [[tenant]] table, for messages."""

    path: Path
    number: int
    tenant: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.tenant or f'[[tenant]] number {self.number}'} in {self.path.name}"

    def call(self, key: str) -> str:
        return f"{self.prefix}{key} of {self}"


def _read_entry(entry: Mapping[str, Any], place: _Place, defaults: TenantDefaults) -> TenantSettings:
    actions = entry.get("actions")
    if actions is not None and not isinstance(actions, dict):
        raise SettingsError(f"{place.call('actions')} must be a table: [tenant.actions], see tenants.example.toml.")
    values = _texts({key: value for key, value in entry.items() if key != "actions"}, place)
    tenant_id = checked_tenant_id(_required(values, "tenant_id", place), place.call("tenant_id"))
    place = _Place(place.path, place.number, values.get("name") or tenant_id)
    _one_of(values, "cloud", tuple(CLOUDS), place)
    for key in ("authority_url", "graph_url"):
        if key in values:
            try:
                values[key] = https_address(values[key])
            except ValueError as error:
                raise SettingsError(f"{place.call(key)} {error}.") from None
    sign_in = _sign_in(values, place, defaults)
    app = _actions_app(actions, values, place, defaults) if actions else None
    return make_tenant(
        tenant_id,
        values.get("client_id"),
        sign_in,
        defaults,
        place=str(place),
        actions=app,
        **{key: values.get(key) for key in ("name", "cloud", "authority_url", "graph_url")},
    )


def _sign_in(values: dict[str, str], place: _Place, defaults: TenantDefaults) -> SignInSettings:
    """How the table's app signs in; raises SettingsError when something is missing."""
    _one_of(values, "auth", SIGN_IN_KINDS, place)
    sign_in = SignInSettings(
        call=place.call,
        auth=values.get("auth"),
        client_secret=_secret(values, "client_secret", place, defaults),
        certificate_file=_file(values, "certificate_file", place),
        certificate_passphrase=_secret(values, "certificate_passphrase", place, defaults),
        federated_token_file=_file(values, "federated_token_file", place),
    )
    missing = sign_in.missing()
    if missing == "client_secret":
        raise SettingsError(
            f"{place.call('client_secret_env')} is missing: name the environment variable that holds the client "
            "secret, or another way to sign in (see tenants.example.toml)."
        )
    if missing:
        raise SettingsError(f"{place.call(missing)} is missing.")
    if sign_in.kind() != "managed_identity":
        _required(values, "client_id", place)
    return sign_in


def _actions_app(
    entry: Mapping[str, Any], tenant: Mapping[str, str], place: _Place, defaults: TenantDefaults
) -> ActionsApp:
    """The table [tenant.actions] of a tenant."""
    own = _Place(place.path, place.number, place.tenant, "actions.")
    values = _texts(entry, own)
    for key in _OWN:
        if key in values:
            raise SettingsError(f"{own.call(key)}: that is said once, for the tenant itself.")
    sign_in = _sign_in(values, own, defaults)
    return make_actions_app(values.get("client_id"), sign_in, tenant.get("client_id"), own.call)


def _texts(entry: Mapping[str, Any], place: _Place) -> dict[str, str]:
    """The entry's values, all of them texts under names that are known; empty ones are as good as absent."""
    for key, value in entry.items():
        if key in _LITERALS:
            meant = _LITERALS[key]
            ways = [known for known in (*_VARIABLES, *_FILES) if known.startswith(meant)]
            raise SettingsError(
                f"{place.call(key)}: a secret does not belong in this file. Use {' or '.join(ways)} to say where it is."
            )
        if key not in _KEYS:
            raise SettingsError(f"{place.call(key)}: there is no such setting. There are: {', '.join(_KEYS)}.")
        if not isinstance(value, str):
            raise SettingsError(f"{place.call(key)} must be a text in quotes.")
        if key in _VARIABLES and value.strip() and not _VARIABLE.match(value.strip()):
            raise SettingsError(
                f"{place.call(key)} must be the name of an environment variable; a secret does not belong in this file."
            )
    return {key: value.strip() for key, value in entry.items() if value.strip()}


def _required(values: Mapping[str, str], key: str, place: _Place) -> str:
    if key not in values:
        raise SettingsError(f"{place.call(key)} is missing{f' ({_FOUND[key]})' if key in _FOUND else ''}.")
    return values[key]


def _one_of(values: dict[str, str], key: str, allowed: tuple[str, ...], place: _Place) -> None:
    if key not in values:
        return
    if values[key] not in allowed:
        raise SettingsError(f"{place.call(key)} must be one of {', '.join(allowed)}.")


def _file(values: Mapping[str, str], key: str, place: _Place) -> Path | None:
    """A file; a relative name counts from the folder of tenants.toml."""
    return place.path.parent / Path(values[key]).expanduser() if key in values else None


def _secret(values: Mapping[str, str], key: str, place: _Place, defaults: TenantDefaults) -> Secret | None:
    variable, file = f"{key}_env", f"{key}_file"
    if variable in values and file in values:
        raise SettingsError(f"{place.call(variable)} and {file} are both set: keep one.")
    if variable in values:
        return Secret(place.call(variable), variable=values[variable], env_file=defaults.env_file)
    if file in values:
        return Secret(place.call(file), file=_file(values, file, place))
    return None
