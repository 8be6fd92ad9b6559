"""The two levels, "read" and "read and take action": which of them is set up, and what each action needs."""

from __future__ import annotations

import time
from typing import Any

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.permissions import actions_by_permission, missing_permissions, writing_permissions
from pipelines.admin_centre import PERMISSIONS_PAGE
from pipelines.check.connection import as_sentence, told
from pipelines.check.probe import ATTEMPTS, LONGEST_PAUSE, Probe
from pipelines.check.results import CheckResult, failed, ok, warning
from pipelines.graph.claims import claims_of
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError, SignInError
from pipelines.settings import ActionsNotAllowedError, SettingsError

READ_ONLY, LEVEL, ACTION = "reads only", "level", "action"


def check_read_only(probe: Probe) -> CheckResult:
    """Whether the app that reads could change something, which it must not."""
    found = writing_permissions(_carried(probe.claims))
    if not found:
        return ok(READ_ONLY, "The app that reads holds no permission to change anything.")
    return warning(
        READ_ONLY,
        f"The app that reads could change something: {', '.join(found)}. This product never does so with it.",
        f"Remove {'them' if len(found) > 1 else 'it'} ({PERMISSIONS_PAGE} > … > Remove permission); "
        "actions have an app of their own.",
    )


def check_level(probe: Probe) -> list[CheckResult]:
    """Which level is set up; at "read and take action" every action with its permission. Nothing is changed."""
    needs = "; ".join(f"{permission} ({', '.join(names)})" for permission, names in actions_by_permission().items())
    if not probe.settings.allow_actions:
        return [
            ok(
                LEVEL,
                "Read. 'Read and take action' is off: it wants M365_ALLOW_ACTIONS=1 and an app of its own with "
                f"User.Read.All and, for what it is to do, {needs}.",
            )
        ]
    try:
        tenant = probe.settings.actions_tenant(probe.tenant)
    except ActionsNotAllowedError as error:
        return [warning(LEVEL, f"Read. {error}", f"The app needs User.Read.All and, for what it is to do, {needs}.")]
    client = GraphClient.connect(
        tenant, probe.settings, None, lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE)), attempts=ATTEMPTS
    )
    try:
        carried = _carried(claims_of(client.tokens.token()))
    except SignInError as error:
        return [failed(LEVEL, f"The app for actions cannot sign in: {told(error)}", as_sentence(error.remedy))]
    except (GraphError, SettingsError) as error:
        return [failed(LEVEL, f"The app for actions cannot sign in: {error}")]
    finally:
        client.close()
    if not carried:
        return [warning(LEVEL, "Read and take action. What the app for actions may do cannot be told from its token.")]
    rows = [_of_permission(permission, names, carried) for permission, names in actions_by_permission().items()]
    return [ok(LEVEL, "Read and take action: the app for actions can sign in."), *rows]


def _of_permission(permission: str, names: list[str], carried: set[str]) -> CheckResult:
    actions = ", ".join(names)
    missing = sorted({name for action in names for name in missing_permissions(ACTIONS[action], carried)})
    if not missing:
        return ok(ACTION, f"{actions}: allowed ({permission}).")
    return warning(
        ACTION,
        f"{actions}: not allowed, as {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
        f"If wanted, add {' and '.join(missing)} to the app for actions ({PERMISSIONS_PAGE}), and "
        "press 'Grant admin consent' there.",
    )


def _carried(claims: dict[str, Any]) -> set[str]:
    """The permissions that a token says it has; a diagnosis only."""
    roles = claims.get("roles")
    found = set(map(str, roles)) if isinstance(roles, list) else set()
    return found | set(str(claims.get("scp") or "").split())
