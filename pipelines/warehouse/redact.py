"""Landed bodies without the people who are to stay forgotten.

Reports: their rows stay as use of nobody ('(Unknown)'), so that daily totals are right. Directory: their objects go;
where they are somebody's manager, or their address is an alias of somebody else's, that is left empty. What cannot
be read as either loses the names wherever they stand.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import zstandard

from pipelines.warehouse.forgotten import TOKEN, Forgotten
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, LandedFetch
from pipelines.warehouse.report_csv import APP_FLAGS, APP_PLATFORM_FLAGS, REFRESH_DATE, UPN

UNKNOWN = "(Unknown)"
_KEPT_COLUMNS = frozenset(
    (REFRESH_DATE, "Report Period", "Report Date", "Windows", "Mac", "Mobile", "Web", *APP_FLAGS, *APP_PLATFORM_FLAGS)
)
_BLOCK_BYTES = 1 << 20
_REDACTED = re.compile(r"^(?P<stem>.+?)(?:\.r(?P<number>\d+))?(?P<kind>\.(?:csv|jsonl)\.zst)$")
_GONE = object()


@dataclass(frozen=True)
class _Search:
    forgotten: Forgotten
    tenant_id: str
    day: date

    def tokens(self, text: str) -> set[str]:
        return self.forgotten.tokens(self.tenant_id, text, self.day)

    def tokens_in(self, text: bytes) -> set[str]:
        return self.forgotten.tokens_in(self.tenant_id, text, self.day)

    def names(self, value: object, *, only: bool = False) -> bool:
        return isinstance(value, str) and self.forgotten.is_forgotten(self.tenant_id, value, self.day, only=only)


def redact_pending(landing: Landing, pending: Iterable[LandedFetch], forgotten: Forgotten) -> int:
    """Rewrite the bodies of ``pending`` that name somebody who is forgotten; returns how many were.

    The new body stands, whole, before a record names it, and the old one goes last: killed at any moment, it is done
    again by the next load.
    """
    done = 0
    found = _by_body(pending)
    for body, landed in found.items():
        path = landing.root / body
        if not path.is_file():
            continue
        for left in path.parent.glob(f"{landed[0].record.fetch_id}*.zst"):
            # An old body that a killed rewriting left behind, and that no other record names.
            if landed[0].record.redacted_at and landing.relative(left) not in found:
                left.unlink()
        if names_somebody(landing, landed[0].record, forgotten):
            _rewrite(landing, path, landed[0].record, forgotten)
            done += 1
    return done


def bodies_naming(landing: Landing, fetches: Iterable[LandedFetch], forgotten: Forgotten) -> list[Path]:
    """The bodies that name somebody of ``forgotten``."""
    return [
        landing.root / body
        for body, landed in _by_body(fetches).items()
        if (landing.root / body).is_file() and names_somebody(landing, landed[0].record, forgotten)
    ]


def names_somebody(landing: Landing, record: FetchRecord, forgotten: Forgotten) -> bool:
    """Whether the body would be rewritten. One that cannot be unpacked names nobody: it is never loaded."""
    changed = False

    def note() -> None:
        nonlocal changed
        changed = True

    try:
        for _ in _redacted(landing.body_path(record), _search(record, forgotten), note):
            if changed:
                return True
    except zstandard.ZstdError:
        return False
    return changed


def _by_body(fetches: Iterable[LandedFetch]) -> dict[str, list[LandedFetch]]:
    """An accepted correction has the body of the one that was held."""
    found: dict[str, list[LandedFetch]] = {}
    for item in fetches:
        if item.record.body_path:
            found.setdefault(item.record.body_path, []).append(item)
    return found


def _search(record: FetchRecord, forgotten: Forgotten) -> _Search:
    return _Search(forgotten, record.tenant_id, record.report_date or record.as_of)


def _rewrite(landing: Landing, path: Path, record: FetchRecord, forgotten: Forgotten) -> None:
    parts = _REDACTED.match(path.name)
    assert parts is not None, "bodies are named by the fetcher"
    new = path.with_name(f"{parts['stem']}.r{int(parts['number'] or 0) + 1}{parts['kind']}")
    with landing.body(new) as body:
        for block in _redacted(path, _search(record, forgotten), lambda: None):
            body.write(block)
    for item in landing.folder_fetches(path.parent):
        if item.record.body_path == record.body_path:
            changed = replace(
                item.record,
                body_path=landing.relative(new),
                body_bytes=body.bytes,
                body_sha256=body.sha256,
                redacted_at=landing.clock(),
            )
            landing.commit(path.parent, changed)
    path.unlink()


def _redacted(path: Path, search: _Search, note: Callable[[], None]) -> Iterator[bytes]:
    """The body, block by block, without the forgotten; note is called when something is left out."""
    is_report = path.name.endswith(".csv.zst")
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        header: list[str] | None = None
        for block in _blocks(stream):
            if is_report and header is None:
                header = _column_names(block)
            found = search.tokens_in(block)
            # JSON may write any character by its number, and so hide a name from the eye.
            if not found and (is_report or b"\\u" not in block):
                yield block
                continue
            text = block.decode("utf-8", "surrogateescape")
            new = _report(text, header or [], found, search) if is_report else _pages(text, search)
            if new != text:
                note()
            yield new.encode("utf-8", "surrogateescape")


def _column_names(block: bytes) -> list[str]:
    line = block.decode("utf-8-sig", "surrogateescape").partition("\n")[0]
    return [" ".join(cell.split()) for cell in next(csv.reader([line.rstrip("\r")]), [])]


def _blocks(stream: Any) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time."""
    left = b""
    while data := stream.read(_BLOCK_BYTES):
        end = data.rfind(b"\n") + 1
        if not end:
            left += data
            continue
        yield left + data[:end]
        left = data[end:]
    if left:
        yield left


def _report(text: str, header: list[str], found: set[str], search: _Search) -> str:
    needles = tuple(token.lower() for token in found)
    return "".join(
        _report_line(line, header, search) if any(needle in line.lower() for needle in needles) else line
        for line in _lines(text)
    )


def _report_line(line: str, header: list[str], search: _Search) -> str:
    end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
    cells = next(csv.reader([line.removesuffix(end)]), [])
    if UPN not in header or len(cells) != len(header):
        return _blanked(line, search)
    if search.names(cells[header.index(UPN)]):
        cells = [
            UNKNOWN if name == UPN else cell if name in _KEPT_COLUMNS else ""
            for name, cell in zip(header, cells, strict=True)
        ]
    elif any(search.tokens(cell) for name, cell in zip(header, cells, strict=True) if name != UPN):
        cells = [cell if name == UPN else _blanked(cell, search) for name, cell in zip(header, cells, strict=True)]
    else:
        return line
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerow(cells)
    return out.getvalue()


def _blanked(text: str, search: _Search) -> str:
    return TOKEN.sub(lambda token: UNKNOWN if search.names(token[0]) else token[0], text)


def _pages(text: str, search: _Search) -> str:
    """Landed pages of Graph, one a line."""
    return "".join(_page(line, search) for line in _lines(text))


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one, as for DuckDB."""
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])


def _page(line: str, search: _Search) -> str:
    try:
        page = json.loads(line)
    except ValueError:
        return _blanked(line, search)
    clean, is_changed = _clean(page, search)
    if not is_changed:
        return line
    end = "\n" if line.endswith("\n") else ""
    return json.dumps({} if clean is _GONE else clean, separators=(",", ":")) + end


def _clean(value: Any, search: _Search) -> tuple[Any, bool]:
    """The value without the forgotten, and whether that changed it; _GONE where nothing is left of it."""
    if isinstance(value, str):
        # Addresses come as SMTP:somebody@example.com.
        return (_GONE, True) if search.tokens(value) else (value, False)
    if isinstance(value, list):
        items = [_clean(item, search) for item in value]
        if not any(changed for _, changed in items):
            return value, False
        return [item for item, _ in items if item is not _GONE], True
    if not isinstance(value, dict):
        return value, False
    if search.names(value.get("id")) or search.names(value.get("userPrincipalName"), only=True):
        return _GONE, True
    # Somebody else, by another id, to whom the name was given since: it is theirs.
    own = {key for key in ("userPrincipalName", "mail") if "id" in value and search.names(value.get(key))}
    found = {
        key: (item, False) if key in own or (own and key == "proxyAddresses") else _clean(item, search)
        for key, item in value.items()
    }
    if not any(changed for _, changed in found.values()):
        return value, False
    return {key: None if item is _GONE else item for key, (item, _) in found.items()}, True
