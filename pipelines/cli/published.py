"""What is published: where it stands, how to open it, and how files for others are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.connection import connect
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import BUILDS


def published_folder(settings: Settings, *, shareable: bool = False) -> Path:
    """The link to the newest release of a build; raises SettingsError when nothing is published yet."""
    folder = settings.data_dir / BUILDS["shareable" if shareable else "admin"]
    if not (folder / DATABASE_NAME).exists():
        raise SettingsError(f"Nothing is published below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    return folder


def published_file(folder: Path, name: str) -> Path:
    """A file or folder of a release; raises SettingsError when that release is from before it was made."""
    path = folder / name
    if not path.exists():
        raise SettingsError(
            f"The published release has no {name}, as an older version made it: run m365-usage sync to publish anew."
        )
    return path


def open_published(settings: Settings, *, shareable: bool = False) -> duckdb.DuckDBPyConnection:
    """The published database, read-only; raises SettingsError when nothing is published yet."""
    path = published_folder(settings, shareable=shareable) / DATABASE_NAME
    con = connect(path.resolve(), read_only=True)
    con.execute("set timezone = 'UTC'")
    return con


def note_on_people(con: duckdb.DuckDBPyConnection) -> str | None:
    """What is to be known of the people in a published database; None: nothing."""
    if not con.execute("select 1 from publish_info where name = 'people' and value = 'pseudonyms'").fetchone():
        return None
    return "People are pseudonyms here (M365_PSEUDONYMIZE); the warehouse alone tells who is meant: docs/privacy.md."


@contextmanager
def whole_file(path: Path, *, shareable: bool) -> Iterator[Path]:
    """A temporary file beside ``path``, which takes its place when it is whole.

    What comes from the admin build is readable by its owner only. Raises SettingsError when it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if path.is_dir():
            raise SettingsError(f"{path} is a folder; name a file.")
        new.touch(mode=0o600)
        yield new
        if shareable:
            new.chmod(0o644)
        new.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if new.exists():
            new.unlink()
