"""The connection test as an asset check: of the report that everything rests on, in a job of its own."""

import dagster as dg

from pipelines.check.results import CheckReport, CheckResult, State
from pipelines.check.run import check_all
from pipelines.defs.extract.assets import graph_source
from pipelines.defs.resources import Workplace, readable_errors


@dg.asset_check(
    asset=graph_source("getM365AppUserDetail"),
    name="connection",
    description="The connection test, as m365-usage check makes it: sign-in, permissions, one report, licences, "
    "clock, settings, folder, disk. Makes one report request per tenant.",
)
def connection(workplace: Workplace) -> dg.AssetCheckResult:
    """Every check of every tenant; the table says what was found and how it is mended."""
    settings = workplace.settings()
    with readable_errors():
        report = check_all(settings, workplace.tenants())
    return dg.AssetCheckResult(
        passed=report.state in (State.OK, State.SKIPPED),
        severity=dg.AssetCheckSeverity.ERROR if report.state is State.FAILED else dg.AssetCheckSeverity.WARN,
        description=_summary(report),
        metadata={"checks": dg.MetadataValue.table(_rows(report))},
    )


def _rows(report: CheckReport) -> list[dg.TableRecord]:
    found = [("", result) for result in report.machine]
    found += [(tenant.tenant_id, result) for tenant in report.tenants for result in tenant.results]
    return [
        dg.TableRecord(
            {
                "tenant_id": tenant_id,
                "check": result.name,
                "state": result.state.value,
                "message": result.message,
                "remedy": result.remedy or "",
            }
        )
        for tenant_id, result in found
    ]


def _summary(report: CheckReport) -> str:
    bad = [result for result in report.results if result.state in (State.WARNING, State.FAILED)]
    return (
        "\n".join(f"{result.name}: {result.message} {_mended(result)}".strip() for result in bad) or "Everything works."
    )


def _mended(result: CheckResult) -> str:
    return f"-> {result.remedy}" if result.remedy else ""
