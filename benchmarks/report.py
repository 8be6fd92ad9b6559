"""The report as the peers know it, without importing anything of the product: what they measure is their own."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
PLATFORMS = ("Windows", "Mac", "Mobile", "Web")
CELLS = tuple(f"{app} ({platform})" for platform in PLATFORMS for app in APPS)
FLAGS = (*PLATFORMS, *APPS, *CELLS)
HEAD = ("Report Refresh Date", "User Principal Name", "Last Activation Date", "Last Activity Date", "Report Period")
COLUMNS = (*HEAD, *FLAGS)

TODAY = date(2026, 10, 30)
WINDOW = tuple(date(2026, 10, 1) + timedelta(days=age) for age in range(28))
# The day that the next day's run asks for beside those that still settle.
NEXT_DAY = WINDOW[-1] + timedelta(days=1)


def day_files(folder: Path) -> list[str]:
    """The day reports of the window, oldest first."""
    return [str(folder / "reports" / "getM365AppUserDetail" / f"{day}.csv") for day in WINDOW]
