"""The rules that can be changed: thresholds in rules.toml, and where the user's own lists stand beside it."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.sign_in import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RULES_FILE = "rules.toml"
# Raised when a rule's SQL changes its meaning: a row of evidence names it.
RULE_SET = 1


class Rules(BaseModel):
    """Every threshold, with its default; each is a variable of the dbt project by the same name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    idle_days: int = Field(default=90, ge=7, le=730, description="Observed days without use that make a licence idle.")
    never_used_held_days: int = Field(
        default=30, ge=1, le=730, description="Days that a licence must be known to be held to count as never used."
    )
    grace_days: int = Field(
        default=30, ge=0, le=730, description="Days from assignment in which lack of use is held against nobody."
    )
    core_share: float = Field(
        default=0.5, gt=0, lt=1, description="Core use: on more than this share of the observed working days."
    )
    regular_share: float = Field(
        default=0.2, gt=0, lt=1, description="Regular use: on at least this share of the observed working days."
    )
    history_days: int = Field(
        default=60, ge=1, le=730, description="Days of history before first-time and lost people are told."
    )
    reconciliation_tolerance: float = Field(
        default=0.02, ge=0, le=1, description="Largest share by which our counts may differ from Microsoft's."
    )
    min_group_size: int = Field(
        default=5, ge=2, le=1000, description="Smaller groups of people are hidden in the shareable tables."
    )
    min_tenant_size: int = Field(
        default=20, ge=2, le=10_000, description="Smaller tenants show no splits in the shareable tables."
    )
    hash_stability: float = Field(
        default=0.9, gt=0, le=1, description="Share of concealed names found again within five weekdays to trust them."
    )

    @property
    def version(self) -> str:
        """The rule set and its thresholds in one short word, which changes with either."""
        thresholds = json.dumps(self.model_dump(), sort_keys=True).encode()
        return f"{RULE_SET}-{hashlib.sha256(thresholds).hexdigest()[:8]}"

    def dbt_variables(self) -> dict[str, Any]:
        """The variables of a dbt run: the thresholds, and the version that evidence is marked with."""
        return self.model_dump() | {"rule_version": self.version}


def load_rules(folder: Path) -> Rules:
    """The thresholds of ``folder/rules.toml``; the defaults where there is no such file.

    Raises SettingsError naming the file and each key that is wrong.
    """
    path = folder / RULES_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Rules()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    try:
        return Rules.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{problem['loc'][0]}: {_in_words(problem['type'], problem['msg'])}"
            for problem in error.errors(include_url=False)
        )
        raise SettingsError(f"{path} cannot be used: {problems}.") from None


def _in_words(kind: str, message: str) -> str:
    return f"is no setting; there are {', '.join(Rules.model_fields)}" if kind == "extra_forbidden" else message
