"""From recognised files to things to land: SKUs first, as the licences of people are named after them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb

from pipelines.imports.dates import dates_in_name
from pipelines.imports.errors import RefusedFileError
from pipelines.imports.items import ImportItem, ImportOptions, modified_on
from pipelines.imports.json_files import JsonAnswer, pages
from pipelines.imports.recognise import Recognised
from pipelines.imports.report_files import ReportTable, prepare_report
from pipelines.imports.sku_files import SkuTable, as_pages, learn_names, read_skus
from pipelines.imports.sku_names import SkuNames
from pipelines.imports.user_files import UserTable, read_users, surrogate_sql

_WHAT = {
    "users": "people",
    "deletedUsers": "deleted people",
    "subscribedSkus": "SKUs",
    "subscriptions": "subscriptions",
    "organization": "organization",
}


def prepare(
    con: duckdb.DuckDBPyConnection,
    found: Sequence[Recognised],
    options: ImportOptions,
    names: SkuNames,
    scratch: Path,
) -> list[ImportItem]:
    """The things of one command, in the order in which they are to be landed. Raises RefusedFileError.

    names: the products known already; the SKUs among the files are added.
    """
    bodies = _Bodies(scratch)
    items = [
        prepare_report(con, report, bodies.next("csv"), options) for report in found if isinstance(report, ReportTable)
    ]
    for answers in _same_answers([each for each in found if isinstance(each, JsonAnswer)], options).values():
        if answers[0].source == "subscribedSkus":
            learn_names(_objects(con, answers), names)
        items.append(_prepare_answer(con, answers, options, bodies.next("jsonl")))
    for skus in (each for each in found if isinstance(each, SkuTable)):
        items.append(_prepare_skus(con, skus, options, names, bodies.next("jsonl")))
    for number, users in enumerate(each for each in found if isinstance(each, UserTable)):
        items.append(_prepare_users(con, users, options, names, f"people_{number}", bodies.next("jsonl")))
    _refuse_rivals(items)
    return sorted(items, key=lambda item: item.order)


def observed_on(path: Path, options: ImportOptions) -> date:
    """The day that a file about people or products speaks of: ``--date``, its name, its date of modification."""
    named = [day for day in dates_in_name(path.name) if day <= options.today]
    return options.day or (named[0] if len(named) == 1 else None) or modified_on(path, options.today) or options.today


class _Bodies:
    """Names for the bodies, one after another."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._count = 0

    def next(self, kind: str) -> Path:
        self._count += 1
        return self._scratch / f"body-{self._count}.{kind}"


def _same_answers(answers: Iterable[JsonAnswer], options: ImportOptions) -> dict[tuple[str, date], list[JsonAnswer]]:
    """The pages of one answer may stand in several files: those of the same kind and day belong together."""
    found: dict[tuple[str, date], list[JsonAnswer]] = defaultdict(list)
    for answer in answers:
        if answer.source:
            found[answer.source, observed_on(answer.path, options)].append(answer)
    return found


def _prepare_answer(
    con: duckdb.DuckDBPyConnection, answers: Sequence[JsonAnswer], options: ImportOptions, target: Path
) -> ImportItem:
    source, table = answers[0].source, answers[0].table
    notes: list[str] = []
    for other in answers[1:]:
        con.execute(f"insert into {table} from {other.table}")
    if source in ("users", "deletedUsers"):
        notes += _add_ids(con, table, answers[0].path, options.tenant_id)
    has_more = all(answer.has_more for answer in answers)
    if has_more:
        notes.append("ends in a link to a further page, so nobody counts as gone")
    _write_lines(target, pages(con, table))
    return ImportItem(
        files=tuple(answer.path for answer in answers),
        rows=tuple(answer.rows for answer in answers),
        source=source,
        what=_WHAT[source],
        body=target,
        kind="jsonl",
        as_of=observed_on(answers[0].path, options),
        is_complete=not has_more and not options.is_partial,
        notes=tuple(notes),
        table=table,
    )


def _add_ids(con: duckdb.DuckDBPyConnection, table: str, path: Path, tenant_id: str) -> list[str]:
    counted = con.execute(
        f"""
        select count(*), count(*) filter (where nullif(item->>'userPrincipalName', '') is null)
        from {table} where nullif(item->>'id', '') is null
        """
    ).fetchone()
    assert counted is not None
    missing, nameless = counted
    if nameless:
        raise RefusedFileError(path, f"holds {nameless} people without id and userPrincipalName.")
    if not missing:
        return []
    con.execute(
        f"""
        update {table}
        set item = json_merge_patch(item, json_object('id', {surrogate_sql("item->>'userPrincipalName'")}))
        where nullif(item->>'id', '') is null
        """,
        {"tenant_id": tenant_id},
    )
    return [f"{missing} people without an object id are known by their user principal name"]


def _prepare_skus(
    con: duckdb.DuckDBPyConnection, skus: SkuTable, options: ImportOptions, names: SkuNames, target: Path
) -> ImportItem:
    listed = read_skus(con, skus, names)
    learn_names(listed.skus, names)
    _write_lines(target, as_pages(listed.skus))
    return ImportItem(
        files=(skus.path,),
        rows=(listed.rows,),
        source="subscribedSkus",
        what=_WHAT["subscribedSkus"],
        body=target,
        kind="jsonl",
        as_of=observed_on(skus.path, options),
        notes=listed.notes,
    )


def _prepare_users(
    con: duckdb.DuckDBPyConnection,
    users: UserTable,
    options: ImportOptions,
    names: SkuNames,
    table: str,
    target: Path,
) -> ImportItem:
    listed = read_users(con, users, names, options.tenant_id, table)
    _write_lines(target, pages(con, table))
    return ImportItem(
        files=(users.path,),
        rows=(listed.rows,),
        source=listed.source,
        what=_WHAT[listed.source],
        body=target,
        kind="jsonl",
        as_of=observed_on(users.path, options),
        is_complete=not options.is_partial,
        notes=listed.notes,
        table=table,
    )


def _objects(con: duckdb.DuckDBPyConnection, answers: Iterable[JsonAnswer]) -> list[dict[str, object]]:
    found = []
    for answer in answers:
        rows = con.execute(f"select item->>'skuId', item->>'skuPartNumber' from {answer.table}").fetchall()
        found += [{"skuId": sku_id, "skuPartNumber": part_number} for sku_id, part_number in rows]
    return found


def _refuse_rivals(items: Iterable[ImportItem]) -> None:
    """Of two files that speak of the same thing and day, nobody could say which is right."""
    known: dict[tuple[object, ...], ImportItem] = {}
    for item in items:
        if item.kind == "csv" and item.report_date is None:
            continue
        rival = known.setdefault((item.thing, None if item.report_date else item.as_of), item)
        if rival is not item and rival.body.read_bytes() != item.body.read_bytes():
            raise RefusedFileError(
                item.files[0],
                f"and {rival.files[0].name} are both {item.what} of {item.day}; import only one of them, or say of "
                "which day each is.",
            )


def _write_lines(target: Path, lines: Iterable[str]) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(line)
            file.write("\n")


def known_names(landed_skus: bytes | None) -> SkuNames:
    """The product names known by ourselves, and by the newest list of SKUs that is landed."""
    names = SkuNames.known()
    for line in (landed_skus or b"").splitlines():
        learn_names(json.loads(line).get("value") or [], names)
    return names
