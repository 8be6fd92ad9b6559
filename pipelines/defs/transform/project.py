"""Where the dbt project is, its manifest, and how its models become assets."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import yaml  # type: ignore[import-untyped]
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from dbt.constants import PARTIAL_PARSE_FILE_NAME
from filelock import FileLock
from packaging.version import Version

from pipelines import dbt_process
from pipelines.dbt_process.ahead import dbt_ahead
from pipelines.dbt_process.lifetime import PARENT_VARIABLE
from pipelines.defs.transform.describe import column_lineage, describe_test, lineage_parent, owners
from pipelines.rules import load_rules
from pipelines.settings import Settings

PROJECT_DIR = Path(__file__).resolve().parents[3] / "dbt_project"

# What a run tests is what came in and what goes out. The keys in between and the words that models write follow from
# the models, whatever the data, and the seeds are ours: the project's own tests see to them. By the names of tests, as
# to leave out a folder of models leaves out every test that reads one of them.
TESTED_ELSEWHERE = (
    *(
        f"fqn:m365_usage.{tests}_*"
        for tests in (
            "staging.graph.unique",
            "intermediate.unique",
            "intermediate.expression",
            "intermediate.relationships",
            "intermediate.accepted",
            "marts.accepted_values",
            # of seeds
            "unique",
            "not_null",
            "relationships",
            "accepted_values",
        )
    ),
    "fqn:m365_usage.packed_apps_agree_with_seed",
)


def dbt_project() -> DbtProject:
    """The project, its manifest in place: made when it is missing or older than a model.

    Of processes that begin at the same moment one parses and the others wait for it; none reads half a manifest.
    """
    project = DbtProject(PROJECT_DIR, profiles_dir=PROJECT_DIR)
    if not _is_parsed(project.manifest_path):
        target = project.manifest_path.parent
        target.mkdir(exist_ok=True)
        with FileLock(target / ".parsing.lock"):
            if not _is_parsed(project.manifest_path):
                _parse(project, target)
    return project


def _is_parsed(manifest: Path) -> bool:
    return manifest.exists() and _newest_source() <= manifest.stat().st_mtime


def _parse(project: DbtProject, target: Path) -> None:
    with TemporaryDirectory(prefix=".parsing-", dir=target) as folder:
        known = target / PARTIAL_PARSE_FILE_NAME
        if known.exists():
            # What dbt knows from before: it then reads again only what has changed.
            shutil.copy2(known, folder)
        dbt_resource(project).cli(["parse", "--quiet"], target_path=Path(folder)).wait()
        made = [path for path in Path(folder).iterdir() if path.is_file()]
        # The manifest last: with it the rest counts as there.
        for path in sorted(made, key=lambda path: path.name == project.manifest_path.name):
            path.replace(target / path.name)


class DbtResource(DbtCliResource):
    """dbt from the environment that this very interpreter runs in, whatever PATH says; it ends when the run does."""

    @cached_property
    def _cli_version(self) -> Version:
        # Asking a process for it takes seconds.
        return Version(version("dbt-core"))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["DbtResource"]:  # noqa: ARG002
        """While the run fetches and loads, dbt is loaded beside it."""
        with dbt_ahead():
            yield self

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002
        # For looking into the database after each model, which nothing here does: it would load all of dbt once more.
        return None


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """dbt, run by way of dbt_process."""
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    return DbtResource(
        project_dir=str(project.project_dir),
        profiles_dir=str(project.profiles_dir or project.project_dir),
        dbt_executable=sys.executable,
        global_config_flags=["-m", dbt_process.__name__],
    )


def _newest_source() -> float:
    suffixes = {".sql", ".yml", ".csv", ".md"}
    folders = [PROJECT_DIR / name for name in ("models", "macros", "seeds", "tests")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    return max((path.stat().st_mtime for path in [*files, PROJECT_DIR / "dbt_project.yml"]), default=0.0)


def dbt_environment(settings: Settings) -> None:
    """Tell dbt, which runs as a child process, where the warehouse and its own scratch files are."""
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    os.environ["M365_WAREHOUSE"] = str(settings.warehouse_path)
    os.environ["M365_DBT_TODAY"] = settings.today_utc.isoformat()
    os.environ["DBT_LOG_PATH"] = str(settings.data_dir / "dbt" / "logs")
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    # Every event of dbt would be written a second time, in detail that nobody reads.
    os.environ["DBT_LOG_LEVEL_FILE"] = "info"


def dbt_variables(settings: Settings) -> dict[str, Any]:
    """What the report window and the thresholds have other than the dbt project, from day to day the same.

    With none, dbt need not parse the project again. Raises SettingsError when rules.toml cannot be used.
    """
    wanted = load_rules(settings.rules_dir).dbt_variables() | {
        "window_days": settings.window_days,
        "lag_days": settings.lag_days,
        "settle_days": settings.settle_days,
    }
    known = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    return {name: value for name, value in wanted.items() if value != known.get(name)}


def explain_failures(target: Path) -> str:
    """The models and tests that failed in the run whose artefacts stand in ``target``, a sentence each."""
    try:
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError):
        return "it left no results."
    failed = [result for result in results if result["status"] in ("error", "fail")]
    sentences = []
    for result in failed[:5]:
        kind, _, name = result["unique_id"].split(".")[:3]
        lines = [line.strip() for line in str(result.get("message") or "").splitlines() if line.strip()]
        sentences.append(f"{kind} {name}: {(lines[1] if len(lines) > 1 else ''.join(lines)) or 'no reason given'}.")
    more = f" And {len(failed) - 5} more." if len(failed) > 5 else ""
    return " ".join(sentences) + more if sentences else "it could not start."


class LayerTranslator(DagsterDbtTranslator):
    """Names models by their layer: staging/…, intermediate/…, marts/…, shareable/…, seeds/….

    Owners, columns and their lineage come from the manifest; describe.py says how.
    """

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._layered: dict[tuple[int, str], dg.AssetSpec] = {}

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The asset of one dbt node, in the group of its layer."""
        found = self._layered.get((id(manifest), unique_id))
        if found is None:
            found = self._layered[id(manifest), unique_id] = self._in_layer(manifest, unique_id, project)
        return found

    def _in_layer(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None or node["resource_type"] not in ("model", "seed"):
            return spec
        layer = "seeds" if node["resource_type"] == "seed" else node["fqn"][1]
        parent = lineage_parent(manifest, node)
        if parent is not None:
            key = self.get_asset_spec(manifest, parent["unique_id"], project).key
            lineage = column_lineage(node, parent, key)
            spec = spec.merge_attributes(metadata={"dagster/column_lineage": lineage})
        return spec.replace_attributes(key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=owners(node))

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """The check of one dbt test, with a sentence on what it sees to."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        description = describe_test(manifest["nodes"][unique_id]) if spec else None
        return spec._replace(description=description) if spec and description else spec
