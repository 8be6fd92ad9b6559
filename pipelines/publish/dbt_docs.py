"""The models explained, on one page: dbt's own documentation site with the project's manifest inside it.

    python -m pipelines.publish.dbt_docs dbt_project/target/manifest.json models.html

It is what ``dbt docs generate --static`` writes, made from the manifest that is there anyway: that command parses
the project anew, which a sync would wait twenty seconds for. What the page has no use for stays out, and with it
whatever tells of this machine: paths, ids, and the made-up people of the unit tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from pipelines.publish.page.write import embedded
from pipelines.warehouse.publish import read_manifest

_INDEX = "dbt/task/docs/index.html"
_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'
# The page is dbt's and needs both; but nothing may leave it.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src 'none'; base-uri 'self'; form-action 'none'"
)
_OWN = "m365_usage"
_KEPT = ("sources", "exposures", "metrics", "groups", "docs", "semantic_models", "saved_queries", "disabled")
_NO_USE = frozenset(
    {
        "build_path",
        "checksum",
        "compiled",
        "compiled_code",
        "compiled_path",
        "config_call_dict",
        "contract",
        "created_at",
        "doc_blocks",
        "extra_ctes",
        "extra_ctes_injected",
        "primary_key",
        "root_path",
        "unrendered_config",
    }
)
# Slips of dbt's page: an icon that was never put in, and icons that a browser asks for before they have a name.
_ICON = re.compile(r"<link[^>]*\$\{require\([^>]*>")
_UNNAMED = 'xlink:href="{{'


def docs_page(manifest: Mapping[str, Any]) -> str:
    """The page's HTML."""
    text = Path(str(distribution("dbt-core").locate_file(_INDEX))).read_text(encoding="utf-8")
    for mark in (_MANIFEST, _CATALOG, "<head>"):
        if mark not in text:
            raise RuntimeError(f"The documentation page of this dbt has no {mark}; another dbt-core is installed.")
    text = _ICON.sub("", text).replace(_UNNAMED, f"ng-attr-{_UNNAMED}")
    text = text.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{_POLICY}">', 1)
    return text.replace(_MANIFEST, embedded(shown(manifest))).replace(_CATALOG, embedded(catalog(manifest)))


def shown(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of the manifest."""
    found: dict[str, Any] = {key: manifest.get(key, {}) for key in _KEPT}
    found["nodes"] = {key: _slim(node) for key, node in manifest["nodes"].items()}
    found["sources"] = {key: _slim(source) for key, source in manifest.get("sources", {}).items()}
    found["macros"] = {key: macro for key, macro in manifest.get("macros", {}).items() if macro["package_name"] == _OWN}
    known = found["nodes"].keys() | found["sources"].keys() | found["exposures"].keys()
    for name in ("parent_map", "child_map"):
        found[name] = {
            key: [other for other in others if other in known]
            for key, others in manifest.get(name, {}).items()
            if key in known
        }
    metadata = manifest.get("metadata", {})
    found["metadata"] = {key: metadata.get(key) for key in ("dbt_schema_version", "dbt_version", "generated_at")}
    found["metadata"] |= {key: metadata.get(key) for key in ("adapter_type", "project_name")}
    # dbt's page would tell its makers of each visit.
    found["metadata"] |= {"send_anonymous_usage_stats": False, "user_id": None, "project_id": None, "env": {}}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def catalog(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The columns with their types, as the manifest has them, too: nothing is asked of the warehouse."""
    nodes = {}
    for key, node in manifest["nodes"].items():
        if node["resource_type"] not in ("model", "seed"):
            continue
        about = {"type": node["config"]["materialized"], "schema": node["schema"], "name": node["alias"]}
        columns = {
            name: {"name": name, "type": column.get("data_type") or "", "index": place, "comment": None}
            for place, (name, column) in enumerate(node.get("columns", {}).items(), start=1)
        }
        about |= {"database": None, "owner": None, "comment": None}
        nodes[key] = {"unique_id": key, "metadata": about, "columns": columns, "stats": {}}
    return {
        "metadata": {"generated_at": manifest.get("metadata", {}).get("generated_at")},
        "nodes": nodes,
        "sources": {},
        "errors": None,
    }


def _slim(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in _NO_USE}


def main() -> None:
    """Write the page."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python -m pipelines.publish.dbt_docs MANIFEST PAGE")
    Path(sys.argv[2]).write_text(docs_page(read_manifest(Path(sys.argv[1]))), encoding="utf-8")


if __name__ == "__main__":
    main()
