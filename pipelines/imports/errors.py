"""What an import refuses."""

from __future__ import annotations

from pathlib import Path

from pipelines.settings import SettingsError


class RefusedFileError(SettingsError):
    """A file that cannot be imported: which one, why, and what to do about it. Names no person."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.path = path
        self.reason = reason
