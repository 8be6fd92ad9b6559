"""OData query options as the directory understands them: $select, $top, $expand, $filter, pages."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from pipelines.simulator.wire import Call, GraphError, bad_request, directory_request, unsupported_query

Json = dict[str, Any]

METADATA = "https://graph.microsoft.com/v1.0/$metadata"
"""The root of `@odata.context`; the real service's name, so that answers do not depend on the port."""
DEFAULT_PAGE = 100
MAX_PAGE = 999

_MANAGER = re.compile(r"manager(?:\(\$select=(?P<select>[^()]*)\))?\Z")
_COMPARISON = re.compile(r"\s*(?P<name>\w+)\s+eq\s+(?P<value>'(?:[^']|'')*'|true|false|null)\s*\Z", re.IGNORECASE)


def parse_select(text: str | None, known: frozenset[str], type_name: str) -> tuple[str, ...] | None:
    """The selected property names as the type spells them; None when nothing is selected."""
    if text is None:
        return None
    spelled = {name.lower(): name for name in known}
    selected = []
    for wanted in (part.strip() for part in text.split(",")):
        if not wanted:
            raise bad_request("Parsing OData Select and Expand failed: an empty property name.")
        name = spelled.get(wanted.lower())
        if name is None:
            raise directory_request(
                f"Could not find a property named '{wanted}' on type 'microsoft.graph.{type_name}'."
            )
        if name not in selected:
            selected.append(name)
    return tuple(selected)


def parse_top(text: str | None, default: int = DEFAULT_PAGE, largest: int = MAX_PAGE) -> int:
    """The page size: 1 to 999."""
    if text is None:
        return default
    if not re.fullmatch(r"-?\d+", text):
        raise bad_request(
            f"Invalid value '{text}' for $top query option found. The $top query option requires a "
            "non-negative integer value."
        )
    if not 1 <= int(text) <= MAX_PAGE:
        raise directory_request(
            f"Invalid page size specified: '{int(text)}'. Must be between 1 and {MAX_PAGE} inclusive."
        )
    return min(int(text), largest)


@dataclass(frozen=True)
class Expand:
    """`$expand=manager`, with the properties wanted of it (None: the default ones)."""

    select: tuple[str, ...] | None


def parse_expand(text: str | None, known: frozenset[str]) -> Expand | None:
    """Only the manager can be expanded here."""
    if text is None:
        return None
    match = _MANAGER.match(text.strip())
    if match is None:
        raise unsupported_query(f"The expand '{text}' is not supported.")
    return Expand(parse_select(match["select"], known, "user"))


def parse_filter(text: str | None, known: frozenset[str], type_name: str) -> Callable[[Json], bool]:
    """`name eq value` terms joined by `and`; the rest of the language is refused, never ignored."""
    if text is None:
        return lambda _: True
    spelled = {name.lower(): name for name in known}
    terms: list[tuple[str, Any]] = []
    for term in re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*\Z)", text, flags=re.IGNORECASE):
        match = _COMPARISON.match(term)
        if match is None:
            raise unsupported_query(f"Unsupported Query: the filter '{text}'.")
        name = spelled.get(match["name"].lower())
        if name is None:
            raise directory_request(
                f"Could not find a property named '{match['name']}' on type 'microsoft.graph.{type_name}'."
            )
        literal = match["value"]
        if literal.startswith("'"):
            terms.append((name, literal[1:-1].replace("''", "'").lower()))
        else:
            terms.append((name, {"true": True, "false": False, "null": None}[literal.lower()]))

    def matches(item: Json) -> bool:
        for name, value in terms:
            found = item.get(name)
            if (found.lower() if isinstance(found, str) else found) != value:
                return False
        return True

    return matches


def refuse_options(query: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Refuse any system query option that the collection does not take."""
    for name in query:
        if name.startswith("$") and name not in allowed:
            raise unsupported_query(f"'{name}' is not supported by the service.")


def project(item: Json, select: tuple[str, ...] | None, default: tuple[str, ...]) -> Json:
    """The selected properties of an item, with its id first.

    A selected property that is not modelled is null; one that Graph leaves out when there is nothing to
    say (`signInActivity`) stays out.
    """
    names = select if select is not None else default
    found = {name: item.get(name) for name in names if name in item or name not in LEFT_OUT_WHEN_NONE}
    return {"id": item.get("id"), **found} if "id" not in found else found


LEFT_OUT_WHEN_NONE = frozenset({"signInActivity"})


def encode_token(content: Mapping[str, Any]) -> str:
    """An opaque token."""
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_token(token: str) -> Json:
    """What encode_token put in, or 400 for anything else."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        content = None
    if not isinstance(content, dict):
        raise GraphError(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    return content


def link_to(base_url: str, call: Call, **replaced: str) -> str:
    """The call's URL with some system options put in place of the old ones; `skiptoken=` means `$skiptoken=`."""
    dropped = {"$skiptoken", "$deltatoken"}
    pairs = [(n, v) for n, v in parse_qsl(call.raw_query, keep_blank_values=True) if n not in dropped]
    pairs += [(f"${name}", value) for name, value in replaced.items()]
    query = "&".join(f"{quote(name, safe='$')}={quote(value, safe='$,()=;')}" for name, value in pairs)
    return f"{base_url}{quote(call.path)}?{query}"


@dataclass(frozen=True)
class Page:
    """Some items, and the id after which the next page begins (None on the last)."""

    items: list[Json]
    resume_after: str | None


def page_of(items: list[Json], size: int, after: str | None) -> Page:
    """The next page of items ordered by id, behind the id `after`."""
    ordered = sorted(items, key=lambda item: str(item.get("id", "")))
    if after is not None:
        ordered = [item for item in ordered if str(item.get("id", "")) > after]
    taken = ordered[:size]
    return Page(taken, str(taken[-1].get("id", "")) if len(ordered) > size else None)
