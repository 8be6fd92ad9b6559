"""The dbt models as assets, their tests as checks: one dbt run for all of them."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from pipelines.defs.resources import Workplace, readable_errors
from pipelines.defs.transform.project import (
    TESTED_ELSEWHERE,
    LayerTranslator,
    dbt_environment,
    dbt_project,
    dbt_variables,
    explain_failures,
)
from pipelines.warehouse.lock import warehouse_lock

project = dbt_project()


@dbt_assets(
    name="dbt",
    manifest=project.manifest_path,
    project=project,
    exclude=" ".join(TESTED_ELSEWHERE),
    dagster_dbt_translator=LayerTranslator(),
    pool="duckdb",
)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource, workplace: Workplace) -> Iterator[Any]:
    """Build every model from the raw tables and test it."""
    settings = workplace.settings()
    dbt_environment(settings)
    with readable_errors():
        variables = dbt_variables(settings)
    target = settings.data_dir / "dbt" / "target"
    target.mkdir(parents=True, exist_ok=True)
    with readable_errors(), warehouse_lock(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds):
        # Unit tests look at the models, not at the data: they belong to the project's own tests.
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        arguments += ["--vars", json.dumps(variables)] if variables else []
        invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
        yield from invocation.stream()
    if not invocation.is_successful():
        raise dg.Failure(
            description=f"dbt stopped: {explain_failures(target)} Nothing new is published; the last release stands. "
            f"Details: {target / 'dbt.log'}",
            allow_retries=False,
        )
