"""Everything that was written to one tenant since it was made, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.simulator.overlay import History


@dataclass(frozen=True)
class LicenseJob:
    """A change of a group's members that the licences do not follow yet."""

    due: float
    user_id: str
    group_id: str


@dataclass
class Writes:
    """The state of a tenant's write side. The tenant's lock guards it."""

    history: History = field(default_factory=History)
    license_jobs: list[LicenseJob] = field(default_factory=list)
    sessions_revoked: dict[str, int] = field(default_factory=dict)
    """Object id → how often somebody's sign-in sessions were revoked."""
    mailboxes: dict[str, Any] = field(default_factory=dict)
    """Object id → the mailbox (`mailbox.Mailbox`) that somebody looked at."""
    drives: dict[str, Any] = field(default_factory=dict)
    """Object id → the drive (`drives.OpenDrive`) that somebody looked at."""
