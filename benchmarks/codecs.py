"""What landing could compress with: python -m benchmarks.codecs FILE OUT

One report file, written and hashed as landing does, then read by DuckDB: gzip and zstd by level, and as it is.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import duckdb
import zstandard

CHUNK = 1 << 20
ZSTD_LEVELS = (-1, 1, 3, 6, 9)
GZIP_LEVELS = (1, 6, 9)


def _write(source: Path, target: Path, compressor: Any) -> float:
    digest = hashlib.sha256()
    begun = time.process_time()
    with source.open("rb") as file, target.open("wb") as out:
        while data := file.read(CHUNK):
            digest.update(data)
            out.write(compressor.compress(data) if compressor else data)
        if compressor:
            out.write(compressor.flush())
    return time.process_time() - begun


def _read(path: Path) -> float:
    begun = time.process_time()
    with duckdb.connect() as con:
        con.execute(f"select count(columns(*)) from read_csv('{path}', all_varchar = true, header = true)").fetchall()
    return time.process_time() - begun


def main() -> None:
    """Every codec once."""
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    codecs: dict[str, tuple[str, Any]] = {"none": ("csv", None)}
    for level in GZIP_LEVELS:
        codecs[f"gzip {level}"] = ("csv.gz", zlib.compressobj(level, zlib.DEFLATED, 31))
    for level in ZSTD_LEVELS:
        codecs[f"zstd {level}"] = ("csv.zst", zstandard.ZstdCompressor(level=level).compressobj())
    found = {}
    for name, (suffix, compressor) in codecs.items():
        target = out / f"{name.replace(' ', '_')}.{suffix}"
        write = _write(source, target, compressor)
        found[name] = {"write": write, "read": _read(target), "bytes": target.stat().st_size}
    print(json.dumps({"source": source.stat().st_size, "codecs": found}))


if __name__ == "__main__":
    main()
