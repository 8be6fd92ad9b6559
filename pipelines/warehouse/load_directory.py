"""Loading directory and licence answers: JSON pages as landed, flattened by DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.load_users import load_deleted_users, load_user_changes, load_users
from pipelines.warehouse.records import FetchRecord, Verdict
from pipelines.warehouse.report_csv import explain_damage
from pipelines.warehouse.stage_json import stage_objects

# The parts of Graph's objects that are kept; what a tenant does not send is NULL, what it adds is ignored.
_SKU = """STRUCT(
    skuId VARCHAR, skuPartNumber VARCHAR, appliesTo VARCHAR, capabilityStatus VARCHAR, consumedUnits INTEGER,
    prepaidUnits STRUCT(enabled INTEGER, suspended INTEGER, warning INTEGER, lockedOut INTEGER),
    servicePlans STRUCT(servicePlanId VARCHAR, servicePlanName VARCHAR, provisioningStatus VARCHAR,
        appliesTo VARCHAR)[],
    subscriptionIds VARCHAR[]
)"""
_SUBSCRIPTION = """STRUCT(
    id VARCHAR, commerceSubscriptionId VARCHAR, skuId VARCHAR, skuPartNumber VARCHAR, status VARCHAR,
    isTrial BOOLEAN, totalLicenses INTEGER, createdDateTime TIMESTAMPTZ, nextLifecycleDateTime TIMESTAMPTZ
)"""
_ORGANIZATION = """STRUCT(
    id VARCHAR, displayName VARCHAR, countryLetterCode VARCHAR, createdDateTime TIMESTAMPTZ,
    verifiedDomains STRUCT(name VARCHAR, isDefault BOOLEAN, isInitial BOOLEAN)[]
)"""


def load_directory(con: duckdb.DuckDBPyConnection, record: FetchRecord, path: Path) -> tuple[Verdict, int]:
    """Load one landed answer of a directory or licence endpoint; returns the verdict and its row count.

    Runs inside the caller's transaction. Raises RefusedBodyError.
    """
    facts = {
        "tenant_id": record.tenant_id,
        "observed_at": record.completed_at,
        "observed_on": record.as_of,
    }
    try:
        rows = _LOADERS[record.source](con, path, facts, record.is_complete is True)
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.ConstraintException):
        # DuckDB's own words quote the data.
        raise RefusedBodyError(f"The answer for {record.source} does not have the form that Graph gives.") from None
    except duckdb.IOException as error:
        raise explain_damage(error) from None
    return Verdict("applied", rows=rows), rows


def _load_subscribed_skus(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = stage_objects(con, path, _SKU)
    _forget_day(con, facts, "raw.subscribed_skus", "raw.sku_service_plans")
    con.execute(
        """
        insert into raw.subscribed_skus
        select $tenant_id, $observed_on, $observed_at, lower(skuId), skuPartNumber, appliesTo, capabilityStatus,
            consumedUnits, prepaidUnits.enabled, prepaidUnits.suspended, prepaidUnits.warning,
            prepaidUnits.lockedOut, subscriptionIds
        from staged order by skuId
        """,
        facts,
    )
    con.execute(
        """
        insert into raw.sku_service_plans
        select $tenant_id, $observed_on, lower(skuId), p.servicePlanId, p.servicePlanName, p.provisioningStatus,
            p.appliesTo
        from (select skuId, unnest(servicePlans) as p from staged) as listed
        order by all
        """,
        {"tenant_id": facts["tenant_id"], "observed_on": facts["observed_on"]},
    )
    return rows


def _load_subscriptions(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = stage_objects(con, path, _SUBSCRIPTION)
    _forget_day(con, facts, "raw.subscriptions")
    con.execute(
        """
        insert into raw.subscriptions
        select $tenant_id, $observed_on, $observed_at, id, commerceSubscriptionId, lower(skuId), skuPartNumber,
            status, isTrial, totalLicenses, createdDateTime, nextLifecycleDateTime
        from staged order by id
        """,
        facts,
    )
    return rows


def _load_organization(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    rows = stage_objects(con, path, _ORGANIZATION)
    _forget_day(con, facts, "raw.organization")
    con.execute(
        """
        insert into raw.organization
        select $tenant_id, $observed_on, $observed_at, id, displayName,
            list_filter(verifiedDomains, lambda d: d.isDefault)[1].name,
            list_filter(verifiedDomains, lambda d: d.isInitial)[1].name,
            countryLetterCode, createdDateTime
        from staged
        """,
        facts,
    )
    return rows


def _load_report_settings(con: duckdb.DuckDBPyConnection, path: Path, facts: dict[str, Any], _: bool) -> int:
    _forget_day(con, facts, "raw.report_settings")
    con.execute(
        """
        insert into raw.report_settings
        select $tenant_id, $observed_on, $observed_at, displayConcealedNames
        from read_json($path, format = 'newline_delimited', compression = 'zstd',
            columns = {displayConcealedNames: 'BOOLEAN'})
        """,
        {**facts, "path": str(path)},
    )
    return 1


def _forget_day(con: duckdb.DuckDBPyConnection, facts: dict[str, Any], *tables: str) -> None:
    for table in tables:
        con.execute(
            f"delete from {table} where tenant_id = $tenant_id and observed_on = $observed_on",
            {"tenant_id": facts["tenant_id"], "observed_on": facts["observed_on"]},
        )


_LOADERS: dict[str, Callable[[duckdb.DuckDBPyConnection, Path, dict[str, Any], bool], int]] = {
    "users": load_users,
    "usersDelta": load_user_changes,
    "deletedUsers": load_deleted_users,
    "subscribedSkus": _load_subscribed_skus,
    "subscriptions": _load_subscriptions,
    "organization": _load_organization,
    "reportSettings": _load_report_settings,
}
DIRECTORY_SOURCES = frozenset(_LOADERS)
