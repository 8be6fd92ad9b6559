"""How a run ended: which of its requests make it a failed one."""

from __future__ import annotations

from pipelines.admin_centre import PERMISSIONS_PAGE
from pipelines.settings import Settings
from pipelines.sync.fetch import SIGN_IN
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.ledger import FailedFetch, failed_fetches

# Without these the warehouse lacks what it is for; other endpoints only switch a feature off.
REQUIRED_SOURCES = frozenset({"getM365AppUserDetail", "users", "subscribedSkus", SIGN_IN})


def failures_of_run(settings: Settings, run_id: str) -> list[str]:
    """One sentence per tenant and source that failed in the run; empty when the run went well.

    Late and lost days are no failures. A source that was refused first and answered later went well.
    """
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        failed = failed_fetches(con, run_id)
    return [_sentence(item) for item in failed if item.source in REQUIRED_SOURCES]


def _sentence(failed: FailedFetch) -> str:
    if failed.source == SIGN_IN:
        return f"Tenant {failed.tenant_id} was left out: {failed.reason}"
    days = f" of {failed.first_day}" if failed.first_day else ""
    days += f" and {failed.days - 1} other days" if failed.days > 2 else " and another day" if failed.days == 2 else ""
    advice = (
        f" Add it ({PERMISSIONS_PAGE} > Add a permission > Microsoft Graph), press 'Grant admin consent' there, and "
        "run again; m365-usage check tests every permission."
        if failed.is_permission
        else " Days that failed are asked for again by the next run."
        if failed.first_day
        else " The next run asks again."
    )
    return f"Tenant {failed.tenant_id}, {failed.source}{days}: {failed.reason}{advice}"
