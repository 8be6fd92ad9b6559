"""Writing imported things into landing/, with records like those of a fetch; rehearsed first in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.items import ImportItem
from pipelines.warehouse.body import as_binary
from pipelines.warehouse.connection import connect
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.records import FetchRecord
from pipelines.warehouse.schema import schema_text

# The cloud of a record that no cloud was asked for.
CLOUD = "import"
_CHUNK = 1 << 20


def land(landing: Landing, tenant_id: str, item: ImportItem) -> FetchRecord:
    """Write the body and, last, the record that makes it count."""
    folder = landing.folder(tenant_id, item.source, item.report_date, item.report_period)
    fetch_id = landing.new_fetch_id()
    path = folder / f"{fetch_id}.{item.kind}.zst"
    requested_at = landing.clock()
    with item.body.open("rb") as source, landing.body(path) as body:
        shutil.copyfileobj(source, as_binary(body), _CHUNK)
    record = FetchRecord(
        fetch_id=fetch_id,
        tenant_id=tenant_id,
        source=item.source,
        as_of=item.as_of,
        requested_at=requested_at,
        completed_at=landing.clock(),
        outcome="ok",
        report_date=item.report_date,
        report_period=item.report_period,
        cloud=CLOUD,
        requests=0,
        body_path=landing.relative(path),
        body_bytes=body.bytes,
        body_sha256=body.sha256,
        is_complete=item.is_complete,
    )
    landing.commit(folder, record)
    return record


class Rehearsal:
    """A landing folder of no account and an empty warehouse in memory, in which everything is tried first."""

    def __init__(self, scratch: Path, tenant_id: str) -> None:
        self._landing = Landing(scratch / "landing")
        self._spilled = scratch / "rehearsal"
        self._tenant_id = tenant_id

    def land(self, item: ImportItem) -> FetchRecord:
        """Land one thing for trial; its record tells the hash of the body."""
        return land(self._landing, self._tenant_id, item)

    def load(self, landed: Sequence[tuple[ImportItem, FetchRecord]]) -> set[ImportItem]:
        """Load all of it; returns what has concealed names. Raises RefusedFileError for what loading refuses."""
        if not landed:
            return set()
        with connect(config={"autoinstall_known_extensions": "false", "temp_directory": str(self._spilled)}) as con:
            con.execute("set timezone = 'UTC'")
            con.execute(schema_text())
            verdicts = {result.record.fetch_id: result.verdict for result in load_pending(con, self._landing)}
        concealed = set()
        for item, record in landed:
            verdict = verdicts[record.fetch_id]
            if verdict is not None and verdict.verdict == "refused":
                raise RefusedFileError(item.files[0], f"cannot be loaded. {verdict.reason}")
            if verdict is not None and verdict.is_concealed:
                concealed.add(item)
        return concealed
