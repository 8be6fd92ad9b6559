"""Which tenants a command is about."""

from __future__ import annotations

from pipelines.settings import Settings, SettingsError


def known_tenants(settings: Settings, only: str | None = None) -> list[str]:
    """The tenant ids that something is landed for, or the one named; raises SettingsError when it is unknown."""
    root = settings.landing_dir
    landed = sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    if only is None:
        return landed
    if only.lower() not in landed:
        raise SettingsError(f"Nothing is landed for tenant {only}; there are: {', '.join(landed) or 'none'}.")
    return [only.lower()]


def the_tenant(settings: Settings, only: str | None) -> str:
    """The one tenant meant: the one named, or the only one there is; raises SettingsError otherwise."""
    tenants = known_tenants(settings, only)
    if not tenants:
        raise SettingsError(f"Nothing is landed below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    if len(tenants) > 1:
        raise SettingsError(f"Say which tenant with --tenant: {', '.join(tenants)}.")
    return tenants[0]
