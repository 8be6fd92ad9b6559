"""The accounts of the tenant: what a position is, and who holds it from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.simulator.departments import Department
from pipelines.simulator.names import CastMember

DELETED_ITEMS_DAYS = 30
"""How long Entra keeps a soft-deleted user (Graph documentation, directory deletedItems)."""


@dataclass(frozen=True)
class Position:
    """A place in the company that somebody fills, or an account that is nobody's (`department` None)."""

    index: int
    department: Department | None
    title: str
    country: str
    city: str
    office: str
    is_studio: bool
    manager: int | None
    """The index of the position that this one reports to; such a position never changes hands."""
    traits: frozenset[str]
    device: str
    turnover: int | None = None
    """The number of its line among the positions that change hands, or None when it never does."""
    cast: CastMember | None = None
    """A holder with a given name, where the name itself is the point."""
    products: frozenset[str] = frozenset()
    """What the position holds beyond its base licence; see positions.PRODUCTS."""


@dataclass(frozen=True)
class NamePeriod:
    """A user principal name and the names that went with it, from a day to the first day not."""

    upn: str
    given_name: str
    surname: str
    display_name: str
    valid_from: date
    valid_to: date | None

    def covers(self, day: date) -> bool:
        """Whether the name was in force on the day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Person:
    """One directory object: a person, a guest, a mailbox or a service account, for its whole life."""

    key: str
    user_id: str
    position: Position
    names: tuple[NamePeriod, ...]
    created: date
    disabled: date | None = None
    """The first day on which the account is blocked."""
    deleted: date | None = None
    """The first day on which the account is among the deleted items."""
    keeps_alias: bool = True
    """Whether the old address stays among the proxy addresses after a rename."""
    user_type: str = "Member"
    is_account_enabled: bool = True
    has_mail: bool = True
    employee_id: str | None = None
    is_synced: bool = False

    def exists_on(self, day: date) -> bool:
        """Whether the account is in the directory on the day."""
        return self.created <= day and (self.deleted is None or day < self.deleted)

    def is_deleted_item_on(self, day: date) -> bool:
        """Whether the account is among the deleted items on the day."""
        return self.deleted is not None and self.deleted <= day < self.purged

    @property
    def purged(self) -> date:
        """The first day on which nothing is left of the account."""
        if self.deleted is None:
            return date.max
        return self.deleted + timedelta(days=DELETED_ITEMS_DAYS)

    def is_enabled_on(self, day: date) -> bool:
        """Whether the account can sign in on the day."""
        return self.is_account_enabled and (self.disabled is None or day < self.disabled)

    def name_on(self, day: date) -> NamePeriod:
        """The names in force on the day; before the first the first, after the last the last."""
        for period in self.names:
            if period.covers(day):
                return period
        return self.names[0] if day < self.names[0].valid_from else self.names[-1]

    def renamed_on(self) -> date | None:
        """The day of the newest rename, or None."""
        return self.names[-1].valid_from if len(self.names) > 1 else None

    @property
    def is_employee(self) -> bool:
        """Whether a human of the company stands behind the account."""
        return self.position.department is not None
