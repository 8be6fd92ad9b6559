"""What loading can refuse."""

from __future__ import annotations


class RefusedBodyError(ValueError):
    """A landed body that is not what it should be: nothing of it is stored, the old day is kept.

    The message names no person.
    """


class WarehouseBusyError(RuntimeError):
    """Another process works on the warehouse and did not finish in time."""
