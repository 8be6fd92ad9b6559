"""How the product signs in to a tenant: the kinds, and where their secrets are.

Nothing here is read before it is needed: a secret that is missing is an error of its own tenant only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dotenv import dotenv_values
from pydantic import SecretStr


class SettingsError(ValueError):
    """The configuration cannot be used; the message names the setting and the way to mend it."""


@dataclass(frozen=True)
class Secret:
    """A secret, or the place where it is: an environment variable (or a line of .env), or a file.

    setting: what a person mends, in words for a message.
    """

    setting: str
    value: SecretStr | None = None
    variable: str | None = None
    file: Path | None = None
    env_file: Path | None = None

    def read(self) -> str:
        """The secret itself. Raises SettingsError when it is not where it should be."""
        if self.value is not None:
            return self.value.get_secret_value()
        if self.variable is not None:
            found = os.environ.get(self.variable) or self._from_env_file(self.variable)
            if not (found or "").strip():
                raise SettingsError(f"{self.setting}: the environment variable {self.variable} is not set.")
            return str(found).strip()
        assert self.file is not None
        found = read_secret_file(self.file, self.setting)
        if not found:
            raise SettingsError(f"{self.setting}: the file {self.file} is empty.")
        return found

    def _from_env_file(self, name: str) -> str | None:
        try:
            return dotenv_values(self.env_file).get(name) if self.env_file and self.env_file.is_file() else None
        except UnicodeDecodeError:
            return None


def read_secret_file(path: Path, setting: str) -> str:
    """The text of a file that holds a secret, without white space around it. Raises SettingsError."""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except FileNotFoundError:
        raise SettingsError(f"{setting}: the file {path} is not there.") from None
    except OSError as error:
        raise SettingsError(f"{setting}: the file {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: the file {path} is no text file.") from None


@dataclass(frozen=True)
class ClientSecret:
    """The app's own client secret."""

    name: ClassVar[str] = "secret"
    words: ClassVar[str] = "client secret"
    is_delegated: ClassVar[bool] = False
    secret: Secret

    @property
    def setting(self) -> str:
        """What a person mends."""
        return self.secret.setting


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key: PEM (both in one file) or PFX."""

    name: ClassVar[str] = "certificate"
    words: ClassVar[str] = "certificate"
    is_delegated: ClassVar[bool] = False
    file: Path
    setting: str
    passphrase: Secret | None = None


@dataclass(frozen=True)
class Federated:
    """Workload identity federation: a token of another platform, in a file that the platform renews."""

    name: ClassVar[str] = "federated"
    words: ClassVar[str] = "workload identity federation"
    is_delegated: ClassVar[bool] = False
    token_file: Path
    setting: str


@dataclass(frozen=True)
class ManagedIdentity:
    """The identity of the Azure machine: its own, or the user-assigned one with this client id."""

    name: ClassVar[str] = "managed_identity"
    words: ClassVar[str] = "managed identity"
    is_delegated: ClassVar[bool] = False
    setting: str
    client_id: str | None = None


@dataclass(frozen=True)
class DeviceCode:
    """A service account that signed in once with a code; its token cache is in the data folder."""

    name: ClassVar[str] = "device_code"
    words: ClassVar[str] = "device code of a service account"
    is_delegated: ClassVar[bool] = True
    cache_file: Path
    setting: str


SignIn = ClientSecret | Certificate | Federated | ManagedIdentity | DeviceCode
SIGN_IN_KINDS = tuple(kind.name for kind in (ClientSecret, Certificate, Federated, ManagedIdentity, DeviceCode))

# In which folder of the data folder the token caches of device-code sign-ins are.
CACHE_FOLDER = "sign-in"


@dataclass(frozen=True)
class SignInSettings:
    """What is set for the sign-in of one tenant, wherever it is set.

    call: how a setting is called there (``M365_CERTIFICATE_FILE``, or ``certificate_file`` of a tenant in
    tenants.toml).
    """

    call: Callable[[str], str]
    auth: str | None = None
    client_secret: Secret | None = None
    certificate_file: Path | None = None
    certificate_passphrase: Secret | None = None
    federated_token_file: Path | None = None

    def kind(self) -> str | None:
        """The kind of sign-in: the one that is named, else the only one that is described; None if none is.

        A token file that the platform offers (AZURE_FEDERATED_TOKEN_FILE) counts where nothing else is set.
        """
        if self.auth is not None:
            return self.auth
        described = {
            ClientSecret.name: self.client_secret,
            Certificate.name: self.certificate_file,
            Federated.name: self.federated_token_file,
        }
        found = [name for name, value in described.items() if value is not None]
        if len(found) > 1:
            raise SettingsError(
                f"More than one way to sign in is set ({', '.join(found)}): name the one to use in {self.call('auth')}."
            )
        if found:
            return found[0]
        return Federated.name if os.environ.get("AZURE_FEDERATED_TOKEN_FILE") else None

    def missing(self) -> str | None:
        """The setting without which the chosen kind cannot work, by field name; None when there is none."""
        needed = {
            ClientSecret.name: ("client_secret", self.client_secret),
            Certificate.name: ("certificate_file", self.certificate_file),
            Federated.name: ("federated_token_file", self._token_file()),
            ManagedIdentity.name: ("auth", self.auth),
            DeviceCode.name: ("auth", self.auth),
        }
        name, value = needed[self.kind() or ClientSecret.name]
        return name if value is None else None

    def choose(self, client_id: str | None, cache_file: Path) -> SignIn:
        """The sign-in; nothing may be missing."""
        kind = self.kind()
        if kind == Certificate.name and self.certificate_file:
            return Certificate(self.certificate_file, self.call("certificate_file"), self.certificate_passphrase)
        token_file = self._token_file()
        if kind == Federated.name and token_file:
            name = self.call("federated_token_file") if self.federated_token_file else "AZURE_FEDERATED_TOKEN_FILE"
            return Federated(token_file, name)
        if kind == ManagedIdentity.name:
            return ManagedIdentity(self.call("auth"), client_id)
        if kind == DeviceCode.name:
            return DeviceCode(cache_file, self.call("auth"))
        assert self.client_secret is not None
        return ClientSecret(self.client_secret)

    def _token_file(self) -> Path | None:
        offered = os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
        return self.federated_token_file or (Path(offered) if offered else None)


def variable(name: str) -> str:
    """The environment variable of a field of Settings."""
    return f"M365_{name.upper()}"


def sign_in_of(settings: Any, prefix: str = "") -> SignInSettings:
    """How an app of the environment is signed in to, by the fields of Settings that begin with the prefix.

    Raises SettingsError where a secret is set twice.
    """

    def secret(name: str) -> Secret | None:
        value, file = getattr(settings, prefix + name), getattr(settings, f"{prefix}{name}_file")
        if value is not None and file is not None:
            raise SettingsError(f"{variable(prefix + name)} and {variable(prefix + name)}_FILE are both set: keep one.")
        if value is not None:
            return Secret(variable(prefix + name), value=value)
        return Secret(variable(f"{prefix}{name}_file"), file=file) if file else None

    return SignInSettings(
        call=lambda name: variable(prefix + name),
        auth=getattr(settings, f"{prefix}auth"),
        client_secret=secret("client_secret"),
        certificate_file=getattr(settings, f"{prefix}certificate_file"),
        certificate_passphrase=secret("certificate_passphrase"),
        federated_token_file=getattr(settings, f"{prefix}federated_token_file"),
    )
