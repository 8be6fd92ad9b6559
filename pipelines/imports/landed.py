"""What landing/ holds already of the things that a command brings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.items import USER_DETAIL, ImportItem
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, LandedFetch

# More people than this, and this share of all, missing from a new list of people: it is not the whole directory.
MOST_LEAVERS = 10
MOST_LEAVERS_SHARE = 0.2

Thing = tuple[str, date | None, str | None]


@dataclass(frozen=True)
class Landed:
    """The good answers of one tenant, by the thing they speak of, in the order in which they came."""

    landing: Landing
    answers: dict[Thing, list[LandedFetch]]

    @classmethod
    def of(cls, landing: Landing, tenant_id: str) -> Landed:
        """Read the records of the tenant."""
        answers: dict[Thing, list[LandedFetch]] = defaultdict(list)
        for landed in landing.all_fetches():
            if landed.record.tenant_id == tenant_id and landed.is_good and landed.record.body_path:
                answers[_thing(landed.record)].append(landed)
        return cls(landing, dict(answers))

    def why_not(self, item: ImportItem, sha256: str, *, is_day_given: bool) -> str | None:
        """Why a thing is not landed: the same is there, or something newer; None when it is to be landed.

        The same people or SKUs at another day, when that day was said, are another observation.
        """
        known = self.answers.get(item.thing, [])
        for landed in known:
            is_same_day = landed.record.as_of == item.as_of
            if landed.record.body_sha256 == sha256 and (item.kind == "csv" or is_same_day or not is_day_given):
                return f"imported already (on {landed.record.completed_at:%Y-%m-%d})"
        # An answer without rows is worth less than any other.
        telling = [landed for landed in known if landed.verdict is None or landed.verdict.rows != 0]
        newest = max((landed.record.as_of for landed in telling), default=None)
        if newest is not None and newest > item.as_of and item.source in (USER_DETAIL, "users", "deletedUsers"):
            return f"not imported: an answer of {newest} is stored, and this one is of {item.as_of}"
        return None

    def newest_people(self) -> LandedFetch | None:
        """The newest complete list of people."""
        known = self.answers.get(("users", None, None), [])
        return next((landed for landed in reversed(known) if landed.record.is_complete), None)

    def newest_skus(self) -> LandedFetch | None:
        """The newest list of SKUs."""
        known = self.answers.get(("subscribedSkus", None, None), [])
        return known[-1] if known else None


def refuse_losses(con: duckdb.DuckDBPyConnection, item: ImportItem, known: Landed) -> None:
    """Refuse a list of people that would take away licences, or people, that the directory is known to have.

    Raises RefusedFileError.
    """
    newest = known.newest_people()
    if newest is None or item.source != "users" or item.table is None:
        return
    before = f"read_json({_literal(known.landing.body_path(newest.record))}, format = 'newline_delimited', " + (
        "compression = 'zstd', maximum_object_size = 268435456, columns = {value: 'JSON[]'})"
    )
    found = con.execute(
        f"""
        with old as (select unnest(value) as item from {before}),
        new as (select item from {item.table})
        select
            (select count(distinct item->>'id') from old),
            (select count(distinct item->>'id') from old where item->>'id' not in (select item->>'id' from new)),
            (select bool_or({_has_licenses()}) from old),
            (select bool_or({_names_licenses()}) from new)
        """
    ).fetchone()
    assert found is not None
    everyone, missing, had_licenses, has_licenses = found
    path = item.files[0]
    if had_licenses and not has_licenses:
        raise RefusedFileError(
            path,
            f"says nothing about licences, but the directory of {newest.record.as_of} does; after it nobody would hold "
            "any. Import the admin centre's active users, or people as JSON with assignedLicenses.",
        )
    if item.is_complete and missing > max(MOST_LEAVERS, MOST_LEAVERS_SHARE * everyone):
        raise RefusedFileError(
            path,
            f"lacks {missing:,} of the {everyone:,} people of the directory of {newest.record.as_of}, who would all "
            "count as gone. If it holds only some of the people, import it with --partial.",
        )


def _has_licenses() -> str:
    return (
        "coalesce(json_array_length(item, '$.assignedLicenses'), 0) "
        "+ coalesce(json_array_length(item, '$.licenseAssignmentStates'), 0) > 0"
    )


def _names_licenses() -> str:
    return "json_type(item, '$.assignedLicenses') = 'ARRAY' or json_type(item, '$.licenseAssignmentStates') = 'ARRAY'"


def _thing(record: FetchRecord) -> Thing:
    return record.source, record.report_date, record.report_period


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
