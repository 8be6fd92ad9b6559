"""The views Data health and Dictionary: can I trust it, and what does it mean."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, values
from pipelines.publish.page.model import Column, Panel, Row, Variant, View, day, number
from pipelines.publish.page.names import DOCS_NAME
from pipelines.publish.page.queries import queries_panel
from pipelines.publish.page.read import Published, Record

STATES = {
    "final": ("Final", "var(--good)"),
    "provisional": ("Provisional", "var(--settling)"),
    "unsettled_lost": ("Kept, never settled", "var(--onenote)"),
    "header_only": ("Report without rows", "var(--none)"),
    "late": ("Late at Microsoft", "var(--warn)"),
    "missing": ("Not fetched yet", "var(--missing)"),
    "failed": ("Failed", "var(--powerpoint)"),
    "lost": ("Lost", "var(--bad)"),
}
_DAILY_REPORT = "getM365AppUserDetail"


def health_view(facts: Facts) -> View:
    """Can I trust the data today?"""
    panels = [_calendar_panel(facts), _sources_panel(facts), _reconciliation_panel(facts), _corrections_panel(facts)]
    panels.append(_runs_panel(facts))
    return View("health", "Data health", "Can I trust the data today?", panels)


def _calendar_panel(facts: Facts) -> Panel:
    days = [row for row in facts.report_days if row["report"] == _DAILY_REPORT] or facts.report_days
    rows: list[Row] = []
    for row in days:
        when = row["report_date"]
        monday = when - timedelta(days=when.weekday())
        label = STATES.get(row["state"], (row["state"], ""))[0]
        rows.append(
            [
                when,
                label,
                *values(row, "rows", "unknown_rows", "is_concealed", "last_fetched_at"),
                day(monday),
                f"{when:%a}",
            ]
        )
    counts = Counter(row[1] for row in rows)
    finding = (
        f"{len(rows)} days: " + ", ".join(f"{number(n)} {state.lower()}" for state, n in counts.most_common()) + "."
    )
    columns = [
        Column("report_date", "Day", "date"),
        Column("state", "State"),
        Column("rows", "Rows", "int"),
        Column("unknown_rows", "Rows without a name", "int"),
        Column("is_concealed", "Names concealed", "bool"),
        Column("last_fetched_at", "Last fetched (UTC)", "time"),
        Column("week", "week", hidden=True),
        Column("week_day", "week_day", hidden=True),
    ]
    present = [state for state in STATES.values() if counts[state[0]]]
    spec = charts.calendar(
        [name for name, _ in present], [colour for _, colour in present], list(dict.fromkeys(row[6] for row in rows))
    )
    note = (
        "Provisional: Microsoft may still correct it. Kept, never settled: stored while provisional, and not asked for "
        "again before Microsoft forgot it. Lost: forgotten before it was fetched."
    )
    empty = "" if rows else "No report day is stored yet. Run a sync."
    return Panel(
        "health-days",
        "Which days are there?",
        columns,
        [Variant({}, finding if rows else "", empty=empty)],
        rows,
        spec,
        "A square per day in columns of weeks, coloured by state.",
        note,
    )


def _sources_panel(facts: Facts) -> Panel:
    by_report: dict[str, list[Record]] = {}
    for row in facts.all_report_days:
        by_report.setdefault(row["report"], []).append(row)
    rows: list[Row] = []
    for report, days in by_report.items():
        found = [row for row in days if row["is_observed"]]
        newest = max((row["report_date"] for row in found), default=None)
        fetched = max((row["last_fetched_at"] for row in found), default=None)
        stored = sum(row["rows"] or 0 for row in found)
        rows.append([report, newest, len(found), len(days) - len(found), stored, fetched])
    licences = facts.table("license_inventory", "observed_on")
    if licences:
        rows.append(["Licences (subscribedSkus)", licences[-1]["observed_on"], None, None, len(licences), None])
    columns = [
        Column("source", "Source"),
        Column("newest", "Newest day", "date"),
        Column("with_data", "Days with data", "int"),
        Column("without", "Days without", "int"),
        Column("rows", "Rows", "int"),
        Column("fetched", "Last fetched (UTC)", "time"),
    ]
    empty = "" if rows else "Nothing is stored yet. Run a sync."
    return Panel(
        "health-sources", "What was fetched, and when?", columns, [Variant({}, empty=empty)], rows, kind="table"
    )


def _reconciliation_panel(facts: Facts) -> Panel:
    found = facts.table("reconciliation_daily", "report_date desc, app")
    rows: list[Row] = [
        [
            facts.names.get(row["app"], row["app"]),
            *values(
                row, "report_date", "counted_users", "microsoft_users", "difference", "is_within_tolerance", "cause"
            ),
        ]
        for row in found
        if row["difference"]
    ]
    compared = [row for row in found if row["difference"] is not None]
    within = sum(1 for row in compared if row["is_within_tolerance"])
    finding, empty = "", ""
    if compared:
        finding = f"Of {number(len(compared))} app-days compared, {number(within)} agree within the tolerance."
        empty = "" if rows else "None differs at all."
    else:
        empty = "Microsoft's own counts were not fetched yet."
    columns = [
        Column("app", "App", "app"),
        Column("report_date", "Day", "date"),
        Column("counted_users", "Our count", "int"),
        Column("microsoft_users", "Microsoft's", "int"),
        Column("difference", "Difference", "int"),
        Column("is_within_tolerance", "Within tolerance", "bool"),
        Column("cause", "Likely cause"),
    ]
    return Panel(
        "health-reconciliation",
        "Do the figures agree with Microsoft's own?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        kind="table",
        note="Only app-days that differ are listed.",
    )


def _corrections_panel(facts: Facts) -> Panel:
    columns = [
        Column("report_date", "Day", "date"),
        Column("app", "App"),
        Column("is_applied", "Applied", "bool"),
        Column("rows_added", "Rows added", "int"),
        Column("rows_removed", "Rows removed", "int"),
        Column("switched_on", "Use added", "int"),
        Column("switched_off", "Use removed", "int"),
    ]
    found = facts.table("restatements", "report_date desc, app")
    rows = [values(row, *(column.key for column in columns)) for row in found]
    held = sum(1 for row in found if not row["is_applied"])
    finding = f"{len(rows)} corrections" + (f", {held} held for review." if held else ".") if rows else ""
    empty = "" if rows else "Microsoft has corrected nothing since the days were first stored."
    return Panel(
        "health-corrections",
        "What did Microsoft correct?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        kind="table",
    )


def _runs_panel(facts: Facts) -> Panel:
    columns = [
        Column("started_at", "Started (UTC)", "time"),
        Column("ended_at", "Ended (UTC)", "time"),
        Column("outcome", "Outcome"),
        Column("requests", "Requests", "int"),
        Column("throttled_seconds", "Seconds throttled", "float"),
        Column("rows", "Rows", "int"),
        Column("bytes", "Bytes", "int"),
    ]
    found = facts.table("sync_runs", "started_at desc")[:14]
    rows = [values(row, *(column.key for column in columns)) for row in found]
    finding = (
        f"The last one ended {day(found[0]['ended_at'])}: {found[0]['outcome']}."
        if found and found[0]["ended_at"]
        else ""
    )
    empty = "" if rows else "No run has ended yet."
    return Panel(
        "health-runs", "How did the last runs go?", columns, [Variant({}, finding, empty=empty)], rows, kind="table"
    )


def dictionary_view(db: Published) -> View:
    """What every table and column means."""
    columns = [
        Column("table_name", "Table"),
        Column("column_name", "Column"),
        Column("type", "Type"),
        Column("meaning", "Meaning", "long"),
        Column("additivity", "Adding up", "long"),
    ]
    found = db.records("select * from data_dictionary order by table_name, position", needs=["data_dictionary"])
    rows = [values(row, *(column.key for column in columns)) for row in found]
    tables: dict[str, str] = {row["table_name"]: row["grain"] for row in found}
    finding = f"{len(tables)} tables, {len(rows)} columns, as in the database beside this page."
    empty = "" if rows else "This copy has no dictionary."
    panels = [
        Panel(
            "dict-metrics",
            "What do the words mean?",
            [Column("word", "Word"), Column("meaning", "Meaning")],
            [Variant()],
            METRICS,
            kind="table",
        ),
        queries_panel(db),
        Panel(
            "dict-tables",
            "Which tables are there?",
            [Column("table", "Table"), Column("grain", "What a row is", "long")],
            [Variant({}, empty=empty)],
            list(tables.items()),
            kind="table",
            search=True,
        ),
        Panel(
            "dict-columns",
            "What does each column say?",
            columns,
            [Variant({}, finding, empty=empty)],
            rows,
            note=f"The models behind them, with their tests and lineage: {DOCS_NAME}, beside this page.",
            kind="table",
            search=True,
        ),
    ]
    return View("dictionary", "Dictionary", "What does it all mean?", panels)


METRICS: list[Row] = [
    ["Active", "Used the app that day, as Microsoft's report flags it. Last activation makes nobody active."],
    ["Office suite", "Outlook, Word, Excel, PowerPoint, OneNote. Teams is never in it."],
    ["People", "Distinct people. Whoever uses two apps or two days counts once; such figures do not add up."],
    ["App-days", "Days of use of the five apps summed up: one person can count five times a day."],
    [
        "Licensed",
        "Members who hold a licence that includes the app. No guests, shared mailboxes, rooms, service accounts.",
    ],
    ["Active in a week", "Of the people licensed for it, the share that used it in a complete week, Monday to Sunday."],
    ["Provisional", "Microsoft corrects a day for about a week; until then its figures may change."],
    ["Hidden", "In the copy that may be shared, figures that would tell of a small group are left out."],
    [
        "Can be taken back",
        "Disabled account, never used, idle for long, or contained in another licence; keep lists apart.",
    ],
]
