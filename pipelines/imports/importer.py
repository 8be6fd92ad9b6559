"""One import: recognise every file, rehearse the load of all of them, and only then land them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from pipelines.imports.items import ImportItem, ImportOptions
from pipelines.imports.json_files import JsonAnswer
from pipelines.imports.land import Rehearsal, land
from pipelines.imports.landed import Landed, refuse_losses
from pipelines.imports.prepare import known_names, prepare
from pipelines.imports.recognise import recognise
from pipelines.settings import SettingsError
from pipelines.warehouse.connection import connect
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, Verdict

_SCRATCH = ".import-"
_CHUNK = 1 << 20
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ImportedThing:
    """One thing of the command. fetch_id: under which it is landed; None when it is not, and ``why_not`` says why.

    is_concealed: its names are.
    """

    item: ImportItem
    fetch_id: str | None = None
    why_not: str | None = None
    is_concealed: bool = False


@dataclass(frozen=True)
class ImportResult:
    """What became of the files; empty_files hold an answer without objects."""

    things: tuple[ImportedThing, ...]
    empty_files: tuple[Path, ...] = ()

    @property
    def landed(self) -> tuple[ImportedThing, ...]:
        """What is new in landing/."""
        return tuple(thing for thing in self.things if thing.fetch_id is not None)


def import_files(
    paths: Sequence[Path],
    landing: Landing,
    options: ImportOptions,
    data_dir: Path,
    on_progress: Progress = lambda _: None,
) -> ImportResult:
    """Land the files, all of them or none. Raises RefusedFileError (or SettingsError) before anything is landed."""
    if options.day is not None and options.day > options.today:
        raise SettingsError(f"--date {options.day} lies ahead; today (UTC) is {options.today}.")
    files = collect_files(paths)
    with _scratch_folder(data_dir) as scratch, _shaping(scratch) as con:
        found = []
        for number, path in enumerate(files):
            on_progress(f"Reading {path.name} ({number + 1} of {len(files)}) …")
            found.append(recognise(con, path, scratch, number))
        known = Landed.of(landing, options.tenant_id)
        skus = known.newest_skus()
        items = prepare(con, found, options, known_names(landing.read_body(skus) if skus else None), scratch)
        empty = tuple(each.path for each in found if isinstance(each, JsonAnswer) and not each.source)
        things = _rehearse(con, items, known, options, scratch, on_progress)
        on_progress("Landing …")
        done = []
        for thing in things:
            if thing.why_not is None:
                thing = replace(thing, fetch_id=land(landing, options.tenant_id, thing.item).fetch_id)
            done.append(thing)
    return ImportResult(tuple(done), empty)


def verdicts(landing: Landing, fetch_ids: Iterable[str]) -> dict[str, Verdict]:
    """What loading made of the landed things; those not loaded yet are left out."""
    wanted = set(fetch_ids)
    return {
        landed.record.fetch_id: landed.verdict
        for landed in landing.all_fetches()
        if landed.record.fetch_id in wanted and landed.verdict is not None
    }


def collect_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named (hidden ones and subfolders aside), each once."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
            if not inside:
                raise SettingsError(f"There is no file in the folder {path}.")
        elif path.is_file():
            inside = [path]
        else:
            raise SettingsError(f"There is no file {path}.")
        for each in inside:
            found.setdefault(each.resolve(), each)
    return list(found.values())


def _rehearse(
    con: duckdb.DuckDBPyConnection,
    items: Sequence[ImportItem],
    known: Landed,
    options: ImportOptions,
    scratch: Path,
    on_progress: Progress,
) -> list[ImportedThing]:
    """Try every thing that is not known yet; raises RefusedFileError when one of them cannot be loaded."""
    rehearsal = Rehearsal(scratch, options.tenant_id)
    things: list[ImportedThing] = []
    tried: list[tuple[ImportItem, FetchRecord]] = []
    seen = set()
    for item in items:
        sha256 = _sha256(item.body)
        why_not = known.why_not(item, sha256, is_day_given=options.day is not None)
        if why_not is None and (item.thing, item.as_of, sha256) in seen:
            why_not = "the same as another of these files"
        seen.add((item.thing, item.as_of, sha256))
        things.append(ImportedThing(item, why_not=why_not))
        if why_not is None:
            refuse_losses(con, item, known)
            tried.append((item, rehearsal.land(item)))
    on_progress("Trying to load …")
    concealed = rehearsal.load(tried)
    return [replace(thing, is_concealed=thing.item in concealed) for thing in things]


def _sha256(path: Path) -> str:
    """The hash of a body as landing counts it."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


@contextmanager
def _shaping(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(config={"autoinstall_known_extensions": "false", "temp_directory": str(scratch / "spilled")})
    try:
        con.execute("set timezone = 'UTC'")
        yield con
    finally:
        con.close()


@contextmanager
def _scratch_folder(data_dir: Path) -> Iterator[Path]:
    """A folder for the owner only, gone afterwards; what killed imports have left goes, too."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in data_dir.glob(f"{_SCRATCH}*"):
        owner = re.match(rf"{re.escape(_SCRATCH)}(\d+)-", left.name)
        if owner and not _is_running(int(owner.group(1))):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
