"""policies.toml: what is to be planned, for whom, and whether it may be applied without anybody looking at it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from pipelines.sign_in import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POLICIES_FILE = "policies.toml"
_TABLE = re.compile(r"^\s*\[\[\s*policy\s*\]\]")


class _Policy(BaseModel):
    """What all policies say. apply: plan, or auto: applied at once where all limits allow. tenant: an id or name."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    apply: Literal["plan", "auto"] = "plan"
    tenant: str | None = None
    # No plan of the policy is applied by itself when it would change more; never above M365_ACTIONS_MAX_CHANGES.
    max_changes: int | None = Field(default=None, ge=1)

    def limit(self, most: int) -> int:
        """How many changes of the policy may be applied at once where ``most`` are allowed in all."""
        return min(self.max_changes or most, most)

    @property
    def source(self) -> dict[str, str]:
        """What plans of this policy say that they were made from."""
        return {"kind": f"policy-{self.name}", "policy": self.name}


class DisabledLicensed(_Policy):
    """An account is disabled for so many days and still holds licences: take them back. skus: only these."""

    kind: Literal["disabled_licensed"]
    days: int = Field(default=30, ge=0, le=3650)
    skus: tuple[str, ...] = ()


class LeftDepartment(_Policy):
    """Somebody left a department in the last so many days: take back the licences, and out of the groups (object ids),
    that belong to it.
    """

    kind: Literal["left_department"]
    days: int = Field(default=30, ge=1, le=3650)
    department: str = Field(min_length=1)
    skus: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something_to_do(self) -> LeftDepartment:
        if not self.skus and not self.groups:
            raise ValueError("names neither skus nor groups, so there is nothing to plan")
        return self


class JoinerWithoutLicence(_Policy):
    """A member's account was made in the last so many days, is enabled, and holds no licence: assign these."""

    kind: Literal["joiner_without_licence"]
    skus: tuple[str, ...] = Field(min_length=1)
    days: int = Field(default=14, ge=1, le=3650)
    department: str | None = None


class Leaver(_Policy):
    """Somebody leaves: disable, revoke sessions, hand the OneDrive over, then take licences back, each waiting for the
    one before. mark: what in the directory tells of a leaver; days: since when.
    """

    kind: Literal["leaver"]
    mark: Literal["disabled", "department", "employee_type", "manager_gone"]
    value: str | None = None
    days: int = Field(default=0, ge=0, le=3650)
    onedrive: Literal["copy", "grant", "none"] = "copy"
    reply: str | None = None
    forward_to: str | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Leaver:
        needs = self.mark in ("department", "employee_type")
        if needs and not self.value:
            raise ValueError(f"mark = {self.mark!r} needs a value, such as the {self.mark} that leavers are given")
        if not needs and self.value:
            raise ValueError(f"mark = {self.mark!r} takes no value")
        return self


Policy = Annotated[DisabledLicensed | LeftDepartment | JoinerWithoutLicence | Leaver, Field(discriminator="kind")]
_ONE: TypeAdapter[Policy] = TypeAdapter(Policy)
KINDS = ("disabled_licensed", "left_department", "joiner_without_licence", "leaver")


def load_policies(folder: Path) -> tuple[Policy, ...]:
    """The policies of ``folder/policies.toml``, in order; none where there is no such file.

    Raises SettingsError naming the file, the line of the policy, and what is wrong with it.
    """
    path = folder / POLICIES_FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    strange = [name for name in content if name != "policy"]
    tables = content.get("policy", [])
    if strange or not isinstance(tables, list):
        raise SettingsError(f"{path} cannot be used: write each policy as a table of its own that begins [[policy]].")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _TABLE.match(line)]
    found = [_read(path, _line(lines, number), table) for number, table in enumerate(tables)]
    _refuse_doubles(path, lines, found)
    return tuple(found)


def _read(path: Path, line: str, table: Any) -> Policy:
    try:
        return _ONE.validate_python(table)
    except ValidationError as error:
        problems = "; ".join(
            _in_words(dict(problem)) for problem in error.errors(include_url=False, include_input=False)
        )
        raise SettingsError(f"{path}{line}: {problems}.") from None


def _in_words(problem: dict[str, Any]) -> str:
    where = [str(part) for part in problem["loc"] if part not in KINDS]
    message = str(problem["msg"]).removeprefix("Value error, ")
    match problem["type"]:
        case "union_tag_not_found":
            return f"kind is missing; it is one of {', '.join(KINDS)}"
        case "union_tag_invalid":
            return f"there is no such kind; it is one of {', '.join(KINDS)}"
        case "extra_forbidden":
            return f"{where[-1]} is nothing that this kind of policy has"
        case "missing":
            return f"{where[-1]} is missing"
        case "string_pattern_mismatch":
            return "name must be small letters, digits and hyphens, 40 at most"
    return f"{where[0]}: {message}" if where else f"the policy {message}"


def _line(lines: Sequence[int], number: int) -> str:
    return f", line {lines[number]}" if number < len(lines) else ""


def _refuse_doubles(path: Path, lines: Sequence[int], found: Sequence[Policy]) -> None:
    names: dict[str, int] = {}
    for number, policy in enumerate(found):
        if policy.name in names:
            raise SettingsError(f"{path}{_line(lines, number)}: another policy is called {policy.name}, too.")
        names[policy.name] = number
