"""The channels: Teams, Slack, e-mail. What cannot be delivered is one sentence, in which no secret stands."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from pipelines.graph.transport import TlsSession
from pipelines.notify import card, mail, slack
from pipelines.notify.message import Message
from pipelines.settings import Settings
from pipelines.sign_in import Secret, SettingsError

TIMEOUT_SECONDS = (10.0, 20.0)


class DeliveryError(Exception):
    """A message did not arrive; says which channel and what to check."""


class Channel(Protocol):
    """Somewhere to send messages to."""

    @property
    def name(self) -> str:
        """What people call it."""

    def send(self, message: Message) -> None:
        """Deliver the message; raises DeliveryError or SettingsError."""


@dataclass(frozen=True)
class Webhook:
    """A secret address that takes JSON: Teams Workflows, Slack."""

    name: str
    address: Secret
    ca_bundle: Path | None
    timeout: tuple[float, float] = TIMEOUT_SECONDS

    def payload(self, message: Message) -> dict[str, Any]:
        """What is posted."""
        return card.payload(message) if self.name == TEAMS else slack.payload(message)

    def send(self, message: Message) -> None:
        """Post it; the address stands in no error and in no log."""
        address = self.address.read()
        if urlsplit(address).scheme != "https":
            raise SettingsError(f"{self.address.setting} must be an address that starts with https://.")
        with TlsSession(self.ca_bundle) as session, _no_word_of_addresses():
            try:
                answer = session.post(address, json=self.payload(message), timeout=self.timeout, allow_redirects=False)
            except (requests.RequestException, ValueError, OSError) as error:
                raise DeliveryError(f"{self.name} was not told: {_reason(error)}") from None
        if not 200 <= answer.status_code < 300:
            raise DeliveryError(f"{self.name} was not told: {self._refused(answer.status_code)}")

    def _refused(self, status: int) -> str:
        if status in (400, 413):
            return f"the message was refused ({status})."
        if status < 500 and status != 429:
            return f"the address is no longer taken ({status}): make a new one and set {self.address.setting} to it."
        return f"the service answered {status}; the next run tries again."


@dataclass(frozen=True)
class Mail:
    """E-mail by a server of the organisation's own."""

    settings: Settings
    password: Secret | None
    name: str = "E-mail"
    timeout: float = TIMEOUT_SECONDS[1]

    def send(self, message: Message) -> None:
        """Hand it to the mail server."""
        settings = self.settings
        password = self.password.read() if self.password else None
        letter = mail.letter(message, str(settings.notify_email_from), settings.notify_email_to)
        try:
            with self._connect() as server:
                if settings.notify_smtp_user and password:
                    server.login(settings.notify_smtp_user, password)
                server.send_message(letter)
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError(
                f"E-mail was not sent: the server refused the user or the password ({error.smtp_code}); see "
                "M365_NOTIFY_SMTP_USER and M365_NOTIFY_SMTP_PASSWORD."
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise DeliveryError(
                "E-mail was not sent: the server offers no STARTTLS or no sign-in; see M365_NOTIFY_SMTP_SECURITY."
            ) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"E-mail was not sent: the server answered {error.smtp_code}.") from None
        except smtplib.SMTPRecipientsRefused:
            raise DeliveryError("E-mail was not sent: the server takes none of M365_NOTIFY_EMAIL_TO.") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(
                f"E-mail was not sent: {_reason(error)} See M365_NOTIFY_SMTP_HOST, _PORT and _SECURITY."
            ) from None

    def _connect(self) -> smtplib.SMTP:
        settings = self.settings
        host, port = str(settings.notify_smtp_host), settings.notify_smtp_port
        context = ssl.create_default_context(cafile=str(settings.ca_bundle) if settings.ca_bundle else None)
        if settings.notify_smtp_security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=context)
        server = smtplib.SMTP(host, port, timeout=self.timeout)
        if settings.notify_smtp_security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


TEAMS, SLACK = "Teams", "Slack"


def channels(settings: Settings) -> list[Channel]:
    """The channels that are set; raises SettingsError for one that is set by half."""
    found: list[Channel] = []
    if not settings.notify_is_on:
        return found
    for name, setting in ((TEAMS, "notify_teams_url"), (SLACK, "notify_slack_url")):
        address = settings.notify_secret(setting)
        if address:
            found.append(Webhook(name, address, settings.ca_bundle))
    password = settings.notify_secret("notify_smtp_password")
    if settings.notify_email_to:
        given = {"HOST": settings.notify_smtp_host, "FROM": settings.notify_email_from}
        names = {"HOST": "M365_NOTIFY_SMTP_HOST", "FROM": "M365_NOTIFY_EMAIL_FROM"}
        missing = [names[key] for key, value in given.items() if not value]
        if bool(settings.notify_smtp_user) != bool(password):
            missing.append("M365_NOTIFY_SMTP_PASSWORD" if settings.notify_smtp_user else "M365_NOTIFY_SMTP_USER")
        if missing:
            raise SettingsError(f"Messages by e-mail need {' and '.join(missing)} too (see docs/notifications.md).")
        if password and settings.notify_smtp_security == "none":
            raise SettingsError(
                "M365_NOTIFY_SMTP_SECURITY=none would send the password in the clear: use starttls or tls."
            )
        found.append(Mail(settings, password))
    return found


def _reason(error: Exception) -> str:
    """Why nobody was reached, without the address, which is a secret."""
    if isinstance(error, (requests.exceptions.SSLError, ssl.SSLError)):
        return "its certificate is not trusted; M365_CA_BUNDLE names the certificate of a proxy or server of your own."
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy of HTTPS_PROXY does not let it through."
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return "it did not answer in time; the next run tries again."
    if isinstance(error, (requests.ConnectionError, OSError)):
        return "it cannot be reached; see the network, or HTTPS_PROXY."
    return "it gave an answer that makes no sense."


@contextmanager
def _no_word_of_addresses() -> Iterator[None]:
    """urllib3 writes whole addresses to its debug log."""
    logger = logging.getLogger("urllib3")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
