"""Why a change did not work, in words, and what to do about it."""

from __future__ import annotations

from pipelines.actions.base import ActionError
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.permissions import missing_permissions
from pipelines.actions.plan import Step
from pipelines.graph.claims import claims_of
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError


def in_words(error: GraphError | ActionError, client: GraphClient, step: Step) -> str:
    """Why it did not work, and what to do about it."""
    if not isinstance(error, GraphError):
        return str(error)
    facts = ", ".join(fact for fact in (f"HTTP {error.status}" if error.status else "", error.code or "") if fact)
    message = f"{error.message.rstrip('.')}{f' ({facts})' if facts else ''}."
    if not error.is_permission:
        return message
    missing = missing_permissions(ACTIONS[step.action], _carried(client))
    if missing:
        return f"{message} The app for actions needs {' and '.join(missing)}, with admin consent."
    return (
        f"{message} The app has the permissions for it, so the target is protected: people with an administrator's "
        "role are changed by hand, or by an app that holds a higher role."
    )


def _carried(client: GraphClient) -> set[str]:
    """What the token says it may do; a diagnosis only."""
    roles = claims_of(client.tokens.token()).get("roles")
    return set(map(str, roles)) if isinstance(roles, list) else set()
