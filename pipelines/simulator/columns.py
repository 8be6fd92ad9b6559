"""The columns of the Microsoft 365 apps reports, and one bit for each app on each platform."""

from __future__ import annotations

from functools import lru_cache

APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
PLATFORMS = ("Windows", "Mac", "Mobile", "Web")

USER_DETAIL_COLUMNS = (
    "Report Refresh Date",
    "User Principal Name",
    "Last Activation Date",
    "Last Activity Date",
    "Report Period",
    *PLATFORMS,
    *APPS,
    *(f"{app} ({platform})" for platform in PLATFORMS for app in APPS),
)
"""The 39 columns of getM365AppUserDetail in Graph's order."""

USER_COUNTS_COLUMNS = ("Report Refresh Date", "Report Period", "Report Date", *APPS)
"""The columns of getM365AppUserCounts in Graph's order."""

ALL_USE = (1 << (len(APPS) * len(PLATFORMS))) - 1


def use_bit(app: int, platform: int) -> int:
    """The bit of an app on a platform, by their positions in APPS and PLATFORMS."""
    return 1 << (platform * len(APPS) + app)


APP_MASKS = tuple(sum(use_bit(app, platform) for platform in range(len(PLATFORMS))) for app in range(len(APPS)))
PLATFORM_MASKS = tuple(sum(use_bit(app, platform) for app in range(len(APPS))) for platform in range(len(PLATFORMS)))


def use_mask(app: str, *platforms: str) -> int:
    """The bits of an app on the named platforms, or on all of them when none is named."""
    chosen = platforms or PLATFORMS
    return sum(use_bit(APPS.index(app), PLATFORMS.index(platform)) for platform in chosen)


@lru_cache(maxsize=65536)
def flag_cells(mask: int) -> str:
    """The 34 flag cells of a row, comma-joined: platforms, apps, then each app on each platform.

    A platform is Yes when any app ran on it and an app is Yes when it ran on any platform.
    """
    flags = [bool(mask & platform) for platform in PLATFORM_MASKS]
    flags += [bool(mask & app) for app in APP_MASKS]
    flags += [bool(mask >> bit & 1) for bit in range(len(APPS) * len(PLATFORMS))]
    return ",".join("Yes" if flag else "No" for flag in flags)


def used_pairs(mask: int) -> frozenset[tuple[str, str]]:
    """The mask as (app, platform) names."""
    return frozenset(
        (app, platform) for p, platform in enumerate(PLATFORMS) for a, app in enumerate(APPS) if mask & use_bit(a, p)
    )
