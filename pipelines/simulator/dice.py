"""Deterministic draws: the same parts always give the same number, in every process and on every day.

Everything the tenant makes up comes from here, never from Python's `hash()`, from the wall clock or
from the order of a set, so that a person's use on a date depends on the seed, the person and the date
alone.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def digest(*parts: object) -> bytes:
    """Thirty-two bytes that depend on the parts alone."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=32).digest()


def number(*parts: object) -> int:
    """A 64-bit number that depends on the parts alone."""
    return int.from_bytes(digest(*parts)[:8], "big")


def fraction(*parts: object) -> float:
    """A number in [0, 1)."""
    return number(*parts) / 2**64


def between(low: int, high: int, *parts: object) -> int:
    """A whole number from low to high, both included."""
    return low + number(*parts) % (high - low + 1)


def pick(options: Sequence[T], *parts: object) -> T:
    """One of the options."""
    return options[number(*parts) % len(options)]


def shuffled(items: Iterable[int], *parts: object) -> list[int]:
    """The items in an order that depends on the parts alone."""
    return sorted(items, key=lambda item: digest(*parts, item))


def guid(*parts: object) -> str:
    """A lower-case GUID of version 4 shape."""
    return str(uuid.UUID(bytes=digest("guid", *parts)[:16], version=4))
