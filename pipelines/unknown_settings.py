"""Names that look like settings and are none: a misspelt setting would be ignored without a word."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

# How alike two names are, from 0 to 1, before the one may be meant by the other.
_ALIKE = 0.8


@dataclass(frozen=True)
class UnknownSetting:
    """A name that is set and ignored; meant: the setting that it resembles. Never its value."""

    name: str
    meant: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.meant} is meant?)" if self.meant else self.name


def unknown_settings(model: type[BaseSettings], file: Path) -> list[UnknownSetting]:
    """What is set in vain, in the order of the names.

    In the file: each name with the prefix that is no setting, and each setting without its prefix. In the environment,
    which belongs to other programs, too: only what resembles a setting.
    """
    known = list(model.model_fields)
    prefix = model.model_config["env_prefix"].lower()
    in_file = set(DotEnvSettingsSource(model, env_file=file).env_vars)
    in_environment = set(EnvSettingsSource(model).env_vars)
    found = {name: name for name in in_file if name in known}
    for name in in_file | in_environment:
        bare = name.removeprefix(prefix)
        if name.startswith(prefix) and bare not in known:
            meant = next(iter(difflib.get_close_matches(bare, known, n=1, cutoff=_ALIKE)), None)
            if meant or name in in_file:
                found[name] = meant or ""
    return [
        UnknownSetting(name.upper(), f"{prefix}{meant}".upper() if meant else None)
        for name, meant in sorted(found.items())
    ]
