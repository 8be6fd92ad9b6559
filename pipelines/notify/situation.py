"""How things stand: what the published copy and landing/ say of every tenant, in counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.settings import Settings
from pipelines.sync.status import day_statuses
from pipelines.warehouse.health import EXPIRING_DAYS
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import BUILDS

# A report day that is not stored yet and can still be had.
_WANTED = ("missing", "failed", "late")
_TENANTS = """
select t.tenant_id, coalesce(t.name, t.tenant_id), t.data_through, coalesce(t.is_concealed_now, false)
from tenants as t
order by 2, 1
"""
_OVER_ASSIGNED = """
select product_name, over_assigned
from license_inventory
where tenant_id = $tenant and applies_to = 'User' and over_assigned > 0
order by over_assigned desc, product_name
"""


@dataclass(frozen=True)
class TenantSituation:
    """One tenant. over_assigned: product -> licences; expiring: days that Microsoft will soon forget."""

    tenant_id: str
    name: str
    data_through: date | None
    is_concealed: bool
    over_assigned: dict[str, int]
    expiring: tuple[date, ...]


def read_situation(settings: Settings) -> list[TenantSituation]:
    """Every tenant that is published; those that are only landed yet stand under their id.

    The shareable build is read: nobody's name can come into a message.
    """
    path = settings.data_dir / BUILDS["shareable"] / DATABASE_NAME
    landing = Landing(settings.landing_dir)
    found: list[TenantSituation] = []
    if path.is_file():
        with duckdb.connect(str(path), read_only=True) as con:
            for tenant_id, name, data_through, is_concealed in con.execute(_TENANTS).fetchall():
                over = {
                    str(row[0]): int(row[1]) for row in con.execute(_OVER_ASSIGNED, {"tenant": tenant_id}).fetchall()
                }
                expiring = _expiring(settings, landing, tenant_id)
                found.append(TenantSituation(tenant_id, name, data_through, bool(is_concealed), over, expiring))
    known = {tenant.tenant_id for tenant in found}
    root = settings.landing_dir
    landed = sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    for tenant_id in landed:
        if tenant_id not in known:
            expiring = _expiring(settings, landing, tenant_id)
            found.append(TenantSituation(tenant_id, tenant_id, None, False, {}, expiring))
    return found


def _expiring(settings: Settings, landing: Landing, tenant_id: str) -> tuple[date, ...]:
    days = day_statuses(landing, tenant_id, settings.window, settings.settle_days)[:EXPIRING_DAYS]
    return tuple(day.report_date for day in days if day.state in _WANTED)
