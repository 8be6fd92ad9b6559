"""From a file of whatever encoding to plain text: UTF-8, no byte order mark, line feeds only."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines.imports.errors import RefusedFileError

_CHUNK = 1 << 20
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
# First bytes -> what the file is, and what to do about it.
_BINARY = {
    b"PK\x03\x04": "is an Excel workbook or a zip archive; save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the sheet as CSV",
    b"%PDF": "is a PDF; export the report as CSV",
    b"\x1f\x8b": "is compressed; unpack it",
    b"\x28\xb5\x2f\xfd": "is compressed; unpack it",
}


@dataclass(frozen=True)
class TextFile:
    """A file and its plain text.

    original: the file given. text: its normalised copy. is_plain: the original's own bytes are UTF-8 (a byte
    order mark may stand before them) with one kind of line end, the last line ended too.
    """

    original: Path
    text: Path
    is_plain: bool
    ends_with_line_end: bool

    def head(self, characters: int = 65536) -> str:
        """How the text begins."""
        with self.text.open(encoding="utf-8", newline="") as file:
            return file.read(characters)

    def count(self, character: str) -> int:
        """How often an ASCII character stands in the text."""
        wanted, found = character.encode("ascii"), 0
        with self.text.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found += chunk.count(wanted)
        return found

    def ends_with(self, character: str) -> bool:
        """Whether the text, blanks and line ends aside, ends with an ASCII character."""
        with self.text.open("rb") as file:
            file.seek(max(self.text.stat().st_size - 4096, 0))
            return file.read().rstrip(b" \n").endswith(character.encode("ascii"))


def read_text(path: Path, target: Path) -> TextFile:
    """Write the normalised text of a file to ``target``.

    UTF-16 is known by its byte order mark; what is not UTF-8 is taken for Windows-1252. Raises RefusedFileError.
    """
    try:
        with path.open("rb") as file:
            first = file.read(_CHUNK)
    except OSError as error:
        raise RefusedFileError(path, f"cannot be read ({error.strerror}).") from None
    if not first.strip():
        raise RefusedFileError(path, "is empty.")
    for magic, what in _BINARY.items():
        if first.startswith(magic):
            raise RefusedFileError(path, f"{what}.")
    marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if first.startswith(mark)), None)
    if marked != "utf-16" and b"\x00" in first:
        raise RefusedFileError(path, "is no text file.")
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            line_ends = _copy(path, encoding, target)
        except UnicodeError:
            continue
        text = TextFile(path, target, is_plain=False, ends_with_line_end=_ends_with_line_feed(target))
        is_plain = encoding.startswith("utf-8") and isinstance(line_ends, str) and line_ends != "\r"
        return TextFile(path, target, is_plain and text.ends_with_line_end, text.ends_with_line_end)
    raise RefusedFileError(path, "is neither UTF-8 nor Windows-1252 text; save it as UTF-8.")


def _copy(path: Path, encoding: str, target: Path) -> str | tuple[str, ...] | None:
    """Copy with line feeds for all line ends; returns the kinds of line end that were there."""
    with (
        path.open(encoding=encoding, newline=None) as source,
        target.open("w", encoding="utf-8", newline="") as copy,
    ):
        shutil.copyfileobj(source, copy, _CHUNK)
        return source.newlines


def _ends_with_line_feed(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read() == b"\n"
