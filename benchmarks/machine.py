"""What was measured on: cores, memory, processor, versions, date."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "polars", "dlt", "pandas", "pyarrow", "zstandard")


def describe_machine() -> dict[str, str]:
    """In words."""
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "cores": str(os.cpu_count()),
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "busy": f"{os.getloadavg()[2]:.1f}",
        **{name: _version(name) for name in PACKAGES},
    }


def _line(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
