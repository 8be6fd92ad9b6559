"""The fault file: which things go wrong in a simulated tenant, in TOML (or in JSON, by its suffix).

Every table ``[[fault]]`` is one fault; those named first are asked first.

    [[fault]]
    name = "throttled"        # one of the faults of `faults_library`; `m365-usage simulate --list-faults`
    date = 2026-08-01         # where it strikes, see below
    times = 3                 # when it strikes, see below
    retry_after = 30          # a parameter of this fault

Where, all of it optional; without any, the first request strikes for which the fault makes sense:

    date = 2026-08-01         # only this report day
    period = "D30"            # only this period report
    path = "^/v1.0/users"     # a regular expression, searched for in the path and query asked of Graph; for a
                              # download, in those that led to it
    method = "POST"           # only this method: GET, POST, PATCH, PUT or DELETE
    tenant = "<tenant id>"    # only this tenant
    at = "download"           # "graph" (the answer of Graph), "download" or "sign-in"; not for every fault

When:

    times = 1                 # how many requests are struck; "always" for all (default: 1)
    skip = 0                  # how many requests that would be struck go well before
    after = 0                 # how many requests of any kind go well before

In JSON the same: ``{"fault": [{"name": "throttled", "date": "2026-08-01", "times": 3}]}``.
"""

from __future__ import annotations

import datetime
import difflib
import inspect
import json
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipelines.simulator.faults import Fault
from pipelines.simulator.faults_library import FAULTS, Scope
from pipelines.simulator.reports import PERIODS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALWAYS = "always"
_SCOPE = get_type_hints(Scope)


class FaultFileError(ValueError):
    """The file cannot be used; the message says where and why."""


def read_faults(path: Path) -> list[Fault]:
    """The faults of a file, in its order. Raises FaultFileError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FaultFileError(f"{path} cannot be read ({type(error).__name__}).") from None
    try:
        content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except ValueError as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise FaultFileError(f"{path} is no {kind}: {error}.") from None
    try:
        return parse_faults(content)
    except FaultFileError as error:
        raise FaultFileError(f"{path}: {error}") from None


def parse_faults(content: Any) -> list[Fault]:
    """The faults that the content of a file describes. Raises FaultFileError."""
    listed = content.get("fault") if isinstance(content, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        raise FaultFileError("there must be one table [[fault]] for every fault.")
    others = [repr(name) for name in content if name != "fault"]
    if others:
        raise FaultFileError(f"{', '.join(others)} stands outside of the tables [[fault]].")
    return [_fault(number, item) for number, item in enumerate(listed, start=1)]


def describe_faults() -> list[tuple[str, str, str]]:
    """Every fault: its name, its own parameters with their defaults, and what it does."""
    return [(name, ", ".join(_shown(make)), " ".join((make.__doc__ or "").split())) for name, make in FAULTS.items()]


def _fault(number: int, item: Mapping[str, Any]) -> Fault:
    name = item.get("name")
    if not isinstance(name, str):
        raise FaultFileError(f"fault {number} has no name.")
    make = FAULTS.get(name)
    if make is None:
        near = difflib.get_close_matches(name, FAULTS, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(FAULTS)}."
        raise FaultFileError(f"fault {number}: no fault is called {name!r}; {advice}")
    own = _parameters(make)
    try:
        given = {key: value for key, value in item.items() if key != "name"}
        unknown = [repr(key) for key in given if key not in own and key not in _SCOPE]
        if unknown:
            raise ValueError(f"it takes no {', '.join(unknown)}, but {', '.join([*own, *_SCOPE])}")
        scope = {key: _value(key, value, _SCOPE[key]) for key, value in given.items() if key in _SCOPE}
        if scope.get("period", "D7") not in PERIODS:
            raise ValueError(f"period must be one of {', '.join(PERIODS)}")
        return make(Scope(**scope), **{key: _value(key, given[key], own[key]) for key in given if key in own})
    except ValueError as error:
        raise FaultFileError(f"fault {number} ({name}): {error}.") from None


def _parameters(make: Callable[..., Fault]) -> dict[str, Any]:
    hints = get_type_hints(make)
    return {name: hints[name] for name in inspect.signature(make).parameters if name != "scope"}


def _shown(make: Callable[..., Fault]) -> list[str]:
    parameters = inspect.signature(make).parameters.values()
    return [
        item.name if item.default is None else f"{item.name} = {json.dumps(item.default)}"
        for item in parameters
        if item.name != "scope"
    ]


def _value(name: str, value: Any, kind: Any) -> Any:
    """The value of a parameter as its type. Raises ValueError."""
    if name == "times" and value == ALWAYS:
        return None
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}")
        return value
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    if kind is datetime.date and isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{name} must be a date such as 2026-08-01") from None
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        also = f' or "{ALWAYS}"' if name == "times" else ""
        raise ValueError(f"{name} must be {_WORDS[kind]}{also}")
    return value


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    datetime.date: "a date such as 2026-08-01",
}
