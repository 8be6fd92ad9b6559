"""What a simulated tenant is, and how hard its reports are throttled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

REPORTS_READ = "Reports.Read.All"
REPORT_SETTINGS_READ = "ReportSettings.Read.All"
REPORT_SETTINGS_WRITE = "ReportSettings.ReadWrite.All"
USER_READ_BASIC = "User.ReadBasic.All"
USER_READ = "User.Read.All"
USER_WRITE = "User.ReadWrite.All"
LICENSE_READ = "LicenseAssignment.Read.All"
ORGANIZATION_READ = "Organization.Read.All"
AUDIT_LOG_READ = "AuditLog.Read.All"
GROUP_MEMBER_READ = "GroupMember.Read.All"
GROUP_READ = "Group.Read.All"
DIRECTORY_READ = "Directory.Read.All"
DIRECTORY_WRITE = "Directory.ReadWrite.All"
USER_ENABLE = "User.EnableDisableAccount.All"
USER_PASSWORD = "User-PasswordProfile.ReadWrite.All"  # noqa: S105
USER_REVOKE = "User.RevokeSessions.All"
USER_DELETE = "User.DeleteRestore.All"
LICENSE_WRITE = "LicenseAssignment.ReadWrite.All"
GROUP_WRITE = "Group.ReadWrite.All"
GROUP_MEMBER_WRITE = "GroupMember.ReadWrite.All"
MAILBOX_READ = "MailboxSettings.Read"
MAILBOX_WRITE = "MailboxSettings.ReadWrite"
FILES_READ = "Files.Read.All"
FILES_WRITE = "Files.ReadWrite.All"
SITES_READ = "Sites.Read.All"
SITES_WRITE = "Sites.ReadWrite.All"

READ_PERMISSIONS = frozenset(
    {
        REPORTS_READ,
        REPORT_SETTINGS_READ,
        USER_READ,
        LICENSE_READ,
        ORGANIZATION_READ,
        AUDIT_LOG_READ,
        GROUP_MEMBER_READ,
    }
)
"""Every application permission that reading the whole simulated surface needs."""

ACTION_PERMISSIONS = frozenset(
    {
        USER_READ,
        GROUP_MEMBER_READ,
        LICENSE_READ,
        USER_WRITE,
        USER_ENABLE,
        USER_REVOKE,
        USER_DELETE,
        LICENSE_WRITE,
        GROUP_MEMBER_WRITE,
        MAILBOX_WRITE,
        FILES_WRITE,
    }
)
"""Every application permission that an app needs to take all the simulated actions, and no more."""

EARLIEST_TODAY = date(2022, 1, 1)


def utc_today() -> date:
    """The calendar date in UTC, the only calendar that the reports know."""
    return datetime.now(timezone.utc).date()


@dataclass(frozen=True)
class AppRegistration:
    """One more application of the tenant, with a secret and permissions of its own."""

    client_id: str
    client_secret: str = field(repr=False)
    permissions: frozenset[str] = READ_PERMISSIONS
    is_secret_expired: bool = False


ACTIONS_APP = AppRegistration(
    "7d9e41b6-3c58-4f0a-b2e7-91ac60d5384f", "Sim8Q~another-local-not-a-real-secret-Hq40z", ACTION_PERMISSIONS
)
"""The second application of every made-up tenant: the one that may change things. The first one only reads."""


@dataclass(frozen=True)
class TenantSpec:
    """What a tenant is. Two equal specs are the same tenant, byte for byte.

    `users` counts the positions that people fill; guests, shared mailboxes, rooms and service accounts
    come on top (about one for every six), and a position may stand vacant for some weeks.
    """

    seed: int = 1
    users: int = 300
    today: date = field(default_factory=utc_today)
    oldest_age_days: int = 29
    """The oldest report date served is `today` minus this: 28 or 29, as sources differ."""
    newest_age_days: int = 2
    """The newest report date served is `today` minus this."""
    is_concealed: bool = False
    """The `displayConcealedNames` setting; reports then name people by 32 upper-case hex characters."""
    conceal_salt: str = ""
    """Another salt gives other hashes for the same people."""
    history_days: int = 180
    """How many days before a refresh date a period report still knows, at most."""
    tenant_id: str = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
    domain: str = "fabrikam.example"
    display_name: str = "Fabrikam"
    client_id: str = "c0f3a5de-1b42-4a7e-8d96-20e47b9f51ac"
    client_secret: str = field(default="Sim8Q~local-only-not-a-real-secret-x7Kd2", repr=False)
    is_secret_expired: bool = False
    permissions: frozenset[str] = READ_PERMISSIONS
    """Application permissions granted to the app with admin consent; a token carries those of its hour."""
    has_premium: bool = True
    """Entra ID P1: without it `signInActivity` is refused."""
    other_apps: tuple[AppRegistration, ...] = ()
    actions_app: AppRegistration | None = ACTIONS_APP
    """The application that may change things; None for a tenant that has registered no such application."""

    def __post_init__(self) -> None:
        if self.users < 1:
            raise ValueError(f"A tenant needs at least one user, not {self.users}.")
        if self.today < EARLIEST_TODAY:
            raise ValueError(f"The simulated company is described from {EARLIEST_TODAY} on, not {self.today}.")
        if not 0 <= self.newest_age_days <= self.oldest_age_days:
            raise ValueError(
                f"The newest report age ({self.newest_age_days}) must lie between 0 and the oldest "
                f"({self.oldest_age_days})."
            )

    @property
    def oldest_report_date(self) -> date:
        """The oldest day that `date=` still answers."""
        return self.today - timedelta(days=self.oldest_age_days)

    @property
    def newest_report_date(self) -> date:
        """The newest day that `date=` already answers; the refresh date of every period report."""
        return self.today - timedelta(days=self.newest_age_days)

    def serves(self, report_date: date) -> bool:
        """Whether `date=` answers for this day."""
        return self.oldest_report_date <= report_date <= self.newest_report_date

    @property
    def apps(self) -> tuple[AppRegistration, ...]:
        """The applications that read, the main one first."""
        main = AppRegistration(self.client_id, self.client_secret, self.permissions, self.is_secret_expired)
        return (main, *self.other_apps)

    @property
    def registrations(self) -> tuple[AppRegistration, ...]:
        """Every application that may ask for a token."""
        return self.apps if self.actions_app is None else (*self.apps, self.actions_app)


@dataclass(frozen=True)
class Limits:
    """How many CSV report requests are let through in any `window_seconds`.

    Graph's own: 14 in ten minutes per app and tenant, 40 per tenant over all its apps, counted for each
    report function on its own (Graph documentation, throttling limits).
    """

    report_requests: int = 14
    tenant_report_requests: int = 40
    window_seconds: float = 600.0

    @classmethod
    def generous(cls) -> Limits:
        """Limits that no client meets; the shape stays."""
        return cls(report_requests=100_000, tenant_report_requests=100_000)


@dataclass(frozen=True)
class Pace:
    """How long the service takes for what it does in the background, in seconds."""

    group_licenses: float = 1.0
    """Until a change of a group's members changes licences (minutes, and sometimes hours, in Entra)."""
    copy: float = 0.5
    """Until a copy of one file is done."""
    copied_item: float = 0.0002
    """How much longer a copy takes for every further file or folder."""

    @classmethod
    def instant(cls) -> Pace:
        """Everything done by the next request."""
        return cls(0.0, 0.0, 0.0)
