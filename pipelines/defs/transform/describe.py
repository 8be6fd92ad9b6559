"""What the Dagster UI says of dbt's nodes, read from the manifest: nothing is opened, run or parsed for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.defs.owners import OWNERS

Node = Mapping[str, Any]
# A variable of the project in the arguments of a test, such as {{ var('window_days') }}.
_VARIABLE = re.compile(r"\{\{\s*var\(['\"](\w+)['\"]\)\s*\}\}")


def owners(node: Node) -> list[str]:
    """Who answers for a model: the owner in its meta, as a team."""
    owner = (node.get("config", {}).get("meta") or {}).get("owner")
    return [f"team:{owner}"] if owner else OWNERS


def table_schema(node: Node, types: Mapping[str, str] | None = None) -> dg.TableSchema:
    """The described columns of a node. types: those of its columns, where the manifest does not hold them."""
    known = types or {}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name, column.get("data_type") or known.get(name) or "?", description=column.get("description")
            )
            for name, column in node["columns"].items()
        ]
    )


def lineage_parent(manifest: Mapping[str, Any], node: Node) -> Node | None:
    """The one node whose columns go by the same names in this one: a staging model's source, a shared table's twin.

    Elsewhere a column may be made of any others, and only its SQL tells.
    """
    if node["resource_type"] != "model":
        return None
    parents = [manifest["sources"].get(name) or manifest["nodes"][name] for name in node["depends_on"]["nodes"]]
    if node["fqn"][1] == "staging":
        return parents[0] if len(parents) == 1 and parents[0]["resource_type"] == "source" else None
    if node["fqn"][1] != "shareable":
        return None
    return next((parent for parent in parents if parent["name"] == node["name"].removeprefix("shareable__")), None)


def column_lineage(node: Node, parent: Node, parent_key: dg.AssetKey) -> dg.TableColumnLineage:
    """Each column to the one of the same name."""
    same = [name for name in node["columns"] if name in parent["columns"]]
    return dg.TableColumnLineage({name: [dg.TableColumnDep(parent_key, name)] for name in same})


def describe_test(node: Node) -> str | None:
    """What a dbt test sees to, in a sentence; None for a test of a kind that is not known and not described."""
    described = (node.get("config", {}).get("meta") or {}).get("description") or node.get("description")
    if described:
        return str(described).strip()
    test = node.get("test_metadata") or {}
    given = test.get("kwargs", {})
    column = given.get("column_name")
    sentence = {
        "not_null": "Every row has a {column}.",
        "unique": "No two rows have the same {column}.",
        "unique_combination_of_columns": "One row per {combination_of_columns}.",
        "accepted_values": "{column} is one of: {values}.",
        "relationships": "Every {column} is to be found in {to}.",
        "expression_is_true": "In every row: {expression}",
        "accepted_range": "{column} is {range}.",
    }.get(test.get("name", ""))
    if sentence is None:
        return None
    low, high = given.get("min_value"), given.get("max_value")
    bounds = [f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else ""]
    words = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in given.items()}
    words |= {"column": column, "range": " and ".join(filter(None, bounds)), "to": _referred(str(given.get("to", "")))}
    return _VARIABLE.sub(r"\1", sentence.format_map(words))


def _referred(reference: str) -> str:
    """The model that a reference such as ref('apps') names."""
    return reference.partition("'")[2].partition("'")[0] or reference
