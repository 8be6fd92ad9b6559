"""A made-up company of any size as files: reports by day and period, directory and licences. The same bytes always.

    N/reports/getM365AppUserDetail/2026-10-01.csv …   39 columns, as Graph sends them (byte order mark, CR LF)
    N/reports/getM365AppUserDetail/D7.csv …           the period reports
    N/reports/getM365AppUserCounts/D30.csv            Microsoft's own counts
    N/users.jsonl …                                   directory pages, one a line

DuckDB writes them: the simulator's people are worth more, but take minutes for a hundred thousand.
python -m benchmarks.generate PEOPLE FOLDER
"""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.report import APPS, CELLS, COLUMNS, NEXT_DAY, PLATFORMS, TODAY, WINDOW
from pipelines.simulator import Tenant, TenantSpec

PERIODS = {"D7": 7, "D30": 30, "D90": 90, "D180": 180}
PAGE = 999
# Raised when other files are made: folders of an older number are made anew.
VERSION = "1"

# In a hundred: who uses an app on a working day; who has a platform; how much of an app's use is on it.
_USES = {"Outlook": 95, "Word": 45, "Excel": 50, "PowerPoint": 25, "OneNote": 10, "Teams": 88}
_HAS = {"Windows": 82, "Mac": 14, "Mobile": 55, "Web": 70}
_ON = {"Windows": 90, "Mac": 85, "Mobile": 50, "Web": 35}
_PRODUCTS = {"SPE_E3": 70, "SPE_E5": 15, "SPE_F1": 15}


def generate(people: int, folder: Path) -> None:
    """Make the company's files, unless they stand there; whole or not at all."""
    mark = folder / "complete.txt"
    if mark.is_file() and mark.read_text() == VERSION:
        return
    details = folder / "reports" / "getM365AppUserDetail"
    details.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("set preserve_insertion_order = true")
        _people(con, people)
        for day in (*WINDOW, NEXT_DAY):
            _flags(con, day.toordinal(), day, days=1)
            _write_report(con, details / f"{day}.csv", day, "")
        for name, days in PERIODS.items():
            _flags(con, days, WINDOW[-1], days=days)
            _write_report(con, details / f"{name}.csv", WINDOW[-1], str(days))
        _write_directory(con, folder)
    counts = folder / "reports" / "getM365AppUserCounts"
    counts.mkdir(parents=True, exist_ok=True)
    header = ",".join(("Report Refresh Date", "Report Period", "Report Date", *APPS)) + "\r\n"
    (counts / "D30.csv").write_bytes(b"\xef\xbb\xbf" + header.encode())
    mark.write_text(VERSION)


def _people(con: duckdb.DuckDBPyConnection, people: int) -> None:
    """Everybody, in the fixed order of the reports, with what does not change from day to day."""
    has = ", ".join(f"hash(i, '{platform}') % 100 < {share} as has_{platform}" for platform, share in _HAS.items())
    con.execute(
        f"""
        create table people as
        select
            i, lower(first) || '.' || lower(last) || i || '@fabrikam.example' as upn, first || ' ' || last as name,
            -- A fifth hardly ever comes, the others on most working days.
            case when hash(i, 'kind') % 5 = 0 then cast(hash(i, 'rare') % 10 as integer)
                else 55 + cast(hash(i, 'often') % 40 as integer) end as eager,
            cast(hash(i, 'department') % 40 as integer) as department,
            cast(hash(i, 'product') % 100 as integer) as product,
            date '2026-09-30' - cast(hash(i, 'activated') % 900 as integer) as activated, {has}
        from (
            select
                range as i,
                cast(hash(range, 'first') % 16 as integer) as one, cast(hash(range, 'last') % 16 as integer) as two,
                ['Ada', 'Bela', 'Chloe', 'Dmitri', 'Elena', 'Farid', 'Grace', 'Hiro', 'Ines', 'Johan', 'Katharina',
                 'Liam', 'Maria', 'Nikolai', 'Olivia', 'Petra'][1 + one] as first,
                ['Andersen', 'Baker', 'Costa', 'Dubois', 'Eriksen', 'Fontaine', 'Garcia', 'Hoffmann', 'Ivanova',
                 'Jensen', 'Kowalski', 'Larsson', 'Moreau', 'Novak', 'Olsen', 'Petrov'][1 + two] as last
            from range({people})
        ) as names
        order by hash(i, 'row'), i
        """
    )


def _flags(con: duckdb.DuckDBPyConnection, salt: int, day: date, *, days: int) -> None:
    """``day``: of everybody whether each app was used on each platform; over several days it becomes likelier."""
    present = "eager" if day.weekday() < 5 or days > 1 else "eager // 12"
    chance = f"least(100, ({present}) * {min(days, 4)})"
    tries = min(days, 8)
    cells = ", ".join(
        f"""is_here and has_{platform} and hash(i, {salt}, '{app}') % 100 < {min(99, _USES[app] * tries)}
            and hash(i, {salt}, '{app}{platform}') % 100 < {min(99, _ON[platform] * tries)} as "{app} ({platform})" """
        for platform in PLATFORMS
        for app in APPS
    )
    con.execute(
        f"""
        create or replace table day as
        select *, {cells}
        from (select *, hash(i, {salt}) % 100 < {chance} as is_here from people) as people
        """
    )


def _write_report(con: duckdb.DuckDBPyConnection, path: Path, day: date, period: str) -> None:
    pairs = {column: f'"{column}"' for column in CELLS}
    apps = {app: " or ".join(f'"{app} ({platform})"' for platform in PLATFORMS) for app in APPS}
    platforms = {platform: " or ".join(f'"{app} ({platform})"' for app in APPS) for platform in PLATFORMS}
    flags = [f"case when {sql} then 'Yes' else 'No' end" for sql in (platforms | apps | pairs).values()]
    any_use = " or ".join(pairs.values())
    last = f"case when {any_use} then '{day}' when eager >= 10 then '{day - timedelta(days=3)}' else '' end"
    line = f"'{day},' || upn || ',' || activated || ',' || {last} || ',{period},' || " + " || ',' || ".join(flags)
    target = str(path).replace("'", "''")
    con.execute(
        f"""
        copy (
            select chr(65279) || '{",".join(COLUMNS)}' || chr(13)
            union all
            (select {line} || chr(13) from day)
        ) to '{target}' (format csv, header false, delimiter '\x01', quote '', escape '')
        """
    )


def _write_directory(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """People as pages of JSON; products, subscriptions and the organisation are those of the simulated company."""
    tenant = Tenant(TenantSpec(today=TODAY))
    skus = tenant.subscribed_skus()
    by_name = {sku["skuPartNumber"]: sku for sku in skus}
    first, edges = 0, []
    for name, share in _PRODUCTS.items():
        edges.append(f"when product < {first + share} then '{by_name[name]['skuId']}'")
        first += share
    target = str(folder / "users.jsonl").replace("'", "''")
    con.execute(
        f"""
        copy (
            select to_json({{value: list(u order by i)}})
            from (
                select i, {{
                    id: '00000000-0000-4000-8000-' || lpad(i::varchar, 12, '0'), userPrincipalName: upn, mail: upn,
                    proxyAddresses: ['SMTP:' || upn], displayName: name, userType: 'Member',
                    accountEnabled: hash(i, 'enabled') % 50 > 0, department: 'Department ' || department,
                    jobTitle: 'Analyst', officeLocation: 'Oslo', city: 'Oslo', country: 'Norway',
                    usageLocation: 'NO', companyName: 'Fabrikam', employeeId: i::varchar, employeeType: 'Employee',
                    onPremisesSyncEnabled: true, createdDateTime: activated || 'T08:00:00Z',
                    assignedLicenses: [{{skuId: sku, disabledPlans: []::varchar[]}}],
                    licenseAssignmentStates: [{{
                        skuId: sku, disabledPlans: []::varchar[], assignedByGroup: null, state: 'Active',
                        error: 'None', lastUpdatedDateTime: activated || 'T08:00:00Z'
                    }}],
                    manager: {{id: '00000000-0000-4000-8000-' || lpad((i // 10)::varchar, 12, '0'),
                        displayName: 'Somebody'}}
                }} as u
                from (select *, case {" ".join(edges)} end as sku from people) as people
            ) as users
            group by i // {PAGE} order by i // {PAGE}
        ) to '{target}' (format csv, header false, delimiter '\x01', quote '', escape '')
        """
    )
    others = {
        "deletedUsers": tenant.deleted_users(),
        "subscribedSkus": skus,
        "subscriptions": tenant.subscriptions(),
        "organization": tenant.organization(),
    }
    for name, objects in others.items():
        (folder / f"{name}.jsonl").write_text(json.dumps({"value": objects}) + "\n", encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(objects), encoding="utf-8")
    (folder / "reportSettings.jsonl").write_text('{"displayConcealedNames": false}\n', encoding="utf-8")


if __name__ == "__main__":
    generate(int(sys.argv[1]), Path(sys.argv[2]))
