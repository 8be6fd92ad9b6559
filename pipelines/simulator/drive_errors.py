"""OneDrive's refusals, and what they are about: names and what to do when one is taken."""

from __future__ import annotations

import re
from typing import Any

from pipelines.simulator.wire import GraphError

CONFLICT = "@microsoft.graph.conflictBehavior"
CONFLICTS = ("fail", "replace", "rename")
_FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f]')


def invalid(message: str) -> GraphError:
    """400: the request makes no sense here."""
    return GraphError(400, "invalidRequest", message)


def not_found() -> GraphError:
    """404: no such item."""
    return GraphError(404, "itemNotFound", "The resource could not be found.")


def name_taken() -> GraphError:
    """409: the name is somebody else's."""
    return GraphError(409, "nameAlreadyExists", "An item with the same name already exists under the parent.")


def check_name(name: Any) -> str:
    """A name that an item may have, or 400."""
    if not isinstance(name, str) or not name.strip() or _FORBIDDEN.search(name) or len(name) > 255:
        raise invalid('The provided name cannot contain any of the following characters: " * : < > ? / \\ |')
    return name


def check_conflict(wanted: Any) -> str:
    """What to do when a name is taken, or 400."""
    if wanted not in CONFLICTS:
        raise invalid(f"The value of {CONFLICT} must be one of {', '.join(CONFLICTS)}.")
    return str(wanted)
