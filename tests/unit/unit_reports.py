"""Helpers: getM365AppUserDetail files, written by hand and independent of the product's own column lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard

_LINE = (
    "Report Refresh Date,User Principal Name,Last Activation Date,Last Activity Date,Report Period,"
    "Windows,Mac,Mobile,Web,Outlook,Word,Excel,PowerPoint,OneNote,Teams,"
    "Outlook (Windows),Word (Windows),Excel (Windows),PowerPoint (Windows),OneNote (Windows),Teams (Windows),"
    "Outlook (Mac),Word (Mac),Excel (Mac),PowerPoint (Mac),OneNote (Mac),Teams (Mac),"
    "Outlook (Mobile),Word (Mobile),Excel (Mobile),PowerPoint (Mobile),OneNote (Mobile),Teams (Mobile),"
    "Outlook (Web),Word (Web),Excel (Web),PowerPoint (Web),OneNote (Web),Teams (Web)"
)
HEADER = _LINE.split(",")
assert len(HEADER) == 39

APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
PLATFORMS = {"w": "Windows", "m": "Mac", "p": "Mobile", "b": "Web"}
REFRESH_DATE = "2026-08-29"

# The meaning of a packed value, by hand: app 16, Windows 1, Mac 2, mobile 4, web 8.
PACKED = {"": 0, "w": 17, "m": 18, "p": 20, "b": 24, "wb": 25, "wm": 19, "wp": 21, "wmpb": 31, "-": 16}

Row = dict[str, str]


def row(upn: str, *, cells: Mapping[str, str] | None = None, **use: str) -> Row:
    """A person's row; outlook="wb" is Outlook on Windows and the web, word="-" Word without any platform."""
    found = dict.fromkeys(HEADER[5:], "No") | dict.fromkeys(HEADER[2:4], "")
    found |= {"Report Refresh Date": REFRESH_DATE, "User Principal Name": upn, "Report Period": "1"}
    for app in APPS:
        for letter in use.pop(app.lower(), ""):
            found[app] = "Yes"
            if letter != "-":
                found[f"{app} ({PLATFORMS[letter]})"] = "Yes"
                found[PLATFORMS[letter]] = "Yes"
    assert not use, use
    return found | dict(cells or {})


def report(
    *rows: Row,
    columns: Sequence[str] = HEADER,
    header: Sequence[str] | None = None,
    line_end: str = "\r\n",
    mark: bool = True,
    quoting: int = csv.QUOTE_MINIMAL,
) -> bytes:
    """The file as Microsoft sends it: a byte order mark, CRLF, quotes only where needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(header or columns)
    for item in rows:
        writer.writerow([item.get(name, "") for name in columns])
    return (b"\xef\xbb\xbf" if mark else b"") + text.getvalue().encode()


def people(*names: str, **use: str) -> list[Row]:
    """Rows of several people with the same use; Outlook on the web unless told otherwise."""
    return [row(f"{name}@fabrikam.example", **(use or {"outlook": "b"})) for name in names]


def packed_file(path: Path, body: bytes) -> Path:
    """The body as it lies in landing/."""
    path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(body))
    return path
