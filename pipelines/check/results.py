"""What a check found, apart from how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


class State(str, Enum):
    """How a check ended; skipped is one that could not be made."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


# From good to bad.
_ORDER = (State.OK, State.SKIPPED, State.WARNING, State.FAILED)


@dataclass(frozen=True)
class CheckResult:
    """One check: what was found in one or two sentences, and what mends it. Never a secret or a person's name."""

    name: str
    state: State
    message: str
    remedy: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"name": self.name, "state": self.state.value, "message": self.message, "remedy": self.remedy}


def ok(name: str, message: str) -> CheckResult:
    """It works, or there is nothing to mend."""
    return CheckResult(name, State.OK, message)


def warning(name: str, message: str, remedy: str | None = None) -> CheckResult:
    """A feature is off, or trouble is near; the rest works."""
    return CheckResult(name, State.WARNING, message, remedy)


def failed(name: str, message: str, remedy: str | None = None) -> CheckResult:
    """A sync would fail."""
    return CheckResult(name, State.FAILED, message, remedy)


def skipped(name: str, message: str) -> CheckResult:
    """Something that it builds on does not work."""
    return CheckResult(name, State.SKIPPED, message)


def worst(results: Iterable[CheckResult]) -> State:
    """The worst state among the results; ok when there are none."""
    return max((result.state for result in results), key=_ORDER.index, default=State.OK)


@dataclass(frozen=True)
class TenantReport:
    """The checks of one tenant."""

    tenant_id: str
    name: str | None
    cloud: str
    sign_in: str
    results: tuple[CheckResult, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "tenant_id": self.tenant_id,
            "name": self.name,
            "cloud": self.cloud,
            "sign_in": self.sign_in,
            "state": worst(self.results).value,
            "checks": [result.to_json() for result in self.results],
        }


@dataclass(frozen=True)
class CheckReport:
    """All checks: those of this machine, then those of each tenant."""

    checked_at: datetime
    machine: tuple[CheckResult, ...]
    tenants: tuple[TenantReport, ...]

    @property
    def results(self) -> list[CheckResult]:
        """Every result."""
        return [*self.machine, *(result for tenant in self.tenants for result in tenant.results)]

    @property
    def state(self) -> State:
        """The worst that was found."""
        return worst(self.results)

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, 1 otherwise."""
        return 1 if self.state is State.FAILED else 0

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "checked_at": self.checked_at.isoformat(),
            "state": self.state.value,
            "exit_code": self.exit_code,
            "machine": [result.to_json() for result in self.machine],
            "tenants": [tenant.to_json() for tenant in self.tenants],
        }
