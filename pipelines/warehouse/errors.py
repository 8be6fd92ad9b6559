"""What loading can refuse."""

from __future__ import annotations

import errno


class RefusedBodyError(ValueError):
    """A landed body that is not what it should be: nothing of it is stored, the old day is kept.

    The message names no person.
    """


class OwnListError(ValueError):
    """A list of the user's own (prices, allow list, renames, product names) that cannot be used, and where."""


class ForgottenError(RuntimeError):
    """The list of forgotten people cannot be used, so nothing may be loaded."""


class WarehouseBusyError(RuntimeError):
    """Another process works on the warehouse and did not finish in time."""


class WarehouseOutdatedError(RuntimeError):
    """A warehouse of another version whose tables cannot be changed into those of this one."""


NO_SPACE = (
    "The disk of the data folder is full. Free some space and run again: what was landed and loaded is kept, the last "
    "published release stands, and the next run goes on from there."
)


def is_out_of_space(error: BaseException) -> bool:
    """Whether a full disk is behind an error, however DuckDB, SQLite or Dagster wrapped it."""
    current: BaseException | None = error
    while current is not None:
        is_full = isinstance(current, OSError) and current.errno in (errno.ENOSPC, errno.EDQUOT)
        if is_full or any(words in str(current) for words in ("No space left on device", "disk is full")):
            return True
        current = current.__cause__ or current.__context__
    return False
