"""forget and purge as commands, on a simulated company: every file is searched afterwards, and after another sync."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from tests.integration.conftest import Rig, tenant
from tests.integration.test_redaction import texts_of


def every_text(rig: Rig) -> Iterator[tuple[str, str]]:
    """All that stands below the data folder: bodies and databases unpacked, Parquet files and workbooks read."""
    for path in sorted(rig.data_dir.rglob("*")):
        if not path.is_file() or path.is_symlink() or (rig.data_dir / "simulator") in path.parents:
            continue
        yield from texts_of(path)
        if path.suffix == ".parquet":
            yield f"{path} (rows)", repr(duckdb.sql(f"from '{path}'").fetchall())
        elif path.suffix == ".xlsx":
            book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True)
            for sheet in book.worksheets:
                yield f"{path} ({sheet.title})", repr(list(sheet.iter_rows(values_only=True)))


def found(rig: Rig, words: set[str]) -> list[tuple[str, str]]:
    return [(where, word) for where, text in every_text(rig) for word in words if word in text.lower()]


def somebody(rig: Rig) -> dict[str, Any]:
    """A licensed person who is a manager, with a name of their own, active lately."""
    active = {str(name) for (name,) in rig.query(
        "select upn from raw.upn_keys as k join raw.m365_app_user_days as d using (upn_key) "
        "group by upn having count(*) > 5"
    )}  # fmt: skip
    users = rig.server.tenant.users()
    shown = [str(user["displayName"]) for user in users]
    managers = {str(name) for (name,) in rig.query("select distinct lower(manager_id) from raw.users")}
    return next(
        user
        for user in users
        if str(user["userPrincipalName"]).lower() in active
        and str(user["id"]).lower() in managers
        and shown.count(str(user["displayName"])) == 1
        and not any(str(user["displayName"]) in name for name in shown if name != user["displayName"])
    )


def words_of(user: dict[str, Any]) -> set[str]:
    addresses = {str(address).partition(":")[2] for address in user.get("proxyAddresses", [])}
    words = {str(user[key]) for key in ("id", "userPrincipalName", "mail", "displayName") if user.get(key)}
    return {word.lower() for word in words | addresses if word}


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(tenant(users=60))
    done = rig.command("sync")
    assert done.returncode == 0, done.stderr
    return rig


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_forgotten_person_is_nowhere_and_stays_nowhere(rig: Rig) -> None:
    user = somebody(rig)
    words, upn = words_of(user), str(user["userPrincipalName"])
    assert len(words) >= 3
    places = {Path(where.split(" (")[0]).suffix for where, _ in found(rig, words)}
    assert {".zst", ".duckdb", ".parquet"} <= places, "there is something to find"
    assert list(rig.data_dir.rglob("*.xlsx")), "and other kinds of files to search"
    totals = rig.query("select report_date, app, active_users + unknown_users from main.app_usage_daily order by all")

    asked = rig.command("forget", upn)
    assert "To be rewritten" in asked.stderr
    assert found(rig, words), "nothing was changed without a yes"

    done = rig.command("forget", upn.upper(), "--yes")
    assert done.returncode == 0, done.stderr
    assert found(rig, words) == []
    assert len(list((rig.data_dir / "releases").iterdir())) == 1
    assert rig.query(
        "select report_date, app, active_users + unknown_users from main.app_usage_daily order by all"
    ) == totals, "daily totals count them on"  # fmt: skip

    # Weeks later, with answers that name the person as ever.
    rig.server.tenant = rig.server.tenant.with_today(rig.server.tenant.spec.today + timedelta(days=20))
    again = rig.command("sync")
    assert again.returncode == 0, again.stderr
    assert found(rig, words) == []

    unknown = rig.command("forget", "nobody@example.com", "--yes")
    assert unknown.returncode == 2
    assert "cannot be matched" in unknown.stderr
    finished = rig.command("forget", upn)
    assert "forgotten already" in finished.stderr


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_purge_leaves_one_release_and_the_days_that_are_kept(rig: Rig) -> None:
    assert rig.command("purge").returncode == 2
    refused = rig.command("purge", "--keep-days", "3")
    assert "At least 30 days" in refused.stderr
    horizon = rig.server.tenant.spec.today - timedelta(days=30)
    assert rig.query("select min(report_date) from main.report_days")[0][0] < horizon
    done = rig.command("purge", "--yes", M365_RETENTION_DAYS="30")
    assert done.returncode == 0, done.stderr
    assert rig.query("select min(report_date) from raw.m365_app_user_days")[0][0] == horizon
    assert rig.query("select min(report_date) from main.report_days")[0][0] == horizon
    assert len(list((rig.data_dir / "releases").iterdir())) == 1
    days = [path.name for path in (rig.data_dir / "landing").rglob("2026-??-??") if path.is_dir()]
    assert min(days) == str(horizon)
    again = rig.command("purge", "--keep-days", "30", "--yes")
    assert "nothing to do" in again.stderr
