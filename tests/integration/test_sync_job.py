"""The real job, run as users run it, against a tenant over TLS: first sync, corrections, readers, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.simulator import Rule
from tests.integration.conftest import ROOT, TODAY, Rig, tenant
from tests.integration.files_of_release import ADMIN_ONLY, QUERIES, answers, parquet_counts, sheet_rows, texts
from tests.synced import Synced, company

FIRST_DAY, LAST_DAY = date(2026, 10, 1), date(2026, 10, 28)


@pytest.fixture(scope="module")
def rig(synced_company: Synced, make_rig: Callable[..., Rig]) -> Rig:
    """The data folder of a first sync, and its company, of which nothing was asked yet."""
    rig = make_rig(company())
    synced_company.copied_to(rig.data_dir)
    return rig


def published(rig: Rig, sql: str, build: str = "published_admin") -> list[tuple]:
    with duckdb.connect(str((rig.data_dir / build / "m365_usage.duckdb").resolve()), read_only=True) as con:
        return con.execute(sql).fetchall()


def days_asked(paths: Iterable[str]) -> list[date]:
    """The report days that were asked of Graph, in order."""
    return [date.fromisoformat(path.split("date=")[1][:10]) for path in paths if "getM365AppUserDetail(date=" in path]


def paths_asked(rig: Rig) -> list[str]:
    """What was asked of Graph since the log was last emptied, in order."""
    return [record.path for record in rig.server.requests]


@pytest.mark.timeout(600)
class TestSyncs:
    """One tenant over four days; the tests follow one another."""

    def test_first_sync_publishes(self, rig: Rig, synced_company: Synced) -> None:
        days = days_asked(path for path, _ in synced_company.requests)
        assert days[0] == FIRST_DAY, "the oldest day expires first"
        assert set(days) == {FIRST_DAY + timedelta(days=n) for n in range(28)}
        assert not [path for path, status in synced_company.requests if status == 429]
        assert f"Published: {synced_company.data_dir / 'published'} and" in synced_company.output
        assert published(rig, "select count(*), sum(is_observed::int) from report_days") == [(28, 28)]
        tables = {row[0] for row in published(rig, "select table_name from duckdb_tables() where not internal")}
        views = {row[0] for row in published(rig, "select view_name from duckdb_views() where not internal")}
        assert {
            "tenants", "apps", "users", "app_usage_daily", "suite_usage_daily", "app_usage_28d", "suite_usage_28d",
            "user_app_usage_28d", "license_inventory", "license_assignments", "report_days",
        } <= tables  # fmt: skip
        assert {"user_app_days", "user_suite_days"} <= views
        assert published(rig, "select count(*) from user_app_days")[0][0] > 1000

    def test_the_shareable_build_names_nobody(self, rig: Rig) -> None:
        shared = {
            row[0] for row in published(rig, "select table_name from duckdb_tables() where not internal", "published")
        }
        assert {"app_usage_daily", "license_inventory"} <= shared
        assert not shared & {"users", "user_app_days", "user_suite_days", "user_app_usage_28d", "license_assignments"}
        content = (rig.data_dir / "published" / "m365_usage.duckdb").resolve().read_bytes()
        for user in company().users():
            assert user["userPrincipalName"].encode() not in content
        admin = rig.data_dir / "published_admin"
        assert (admin.resolve().stat().st_mode & 0o777) == 0o700
        assert ((admin / "m365_usage.duckdb").resolve().stat().st_mode & 0o777) == 0o600

    def test_every_published_column_has_a_comment(self, rig: Rig) -> None:
        for build in ("published", "published_admin"):
            bare = published(
                rig,
                "select table_name, column_name from duckdb_columns() where not internal and comment is null",
                build,
            )
            assert bare == []
            undescribed = published(
                rig,
                "select table_name, column_name from duckdb_columns() where not internal "
                "except select table_name, column_name from data_dictionary where meaning <> '' and grain <> ''",
                build,
            )
            assert undescribed == []

    def test_the_ten_questions_have_answers(self, rig: Rig) -> None:
        admin, shared = (answers(rig.data_dir / build) for build in ("published_admin", "published"))
        assert len(admin) == len(QUERIES) == 10
        assert set(shared) == set(admin) - ADMIN_ONLY
        assert not [name for name, rows in {**shared, **admin}.items() if not rows]
        assert [row["licensed_users"] for row in admin["01_active_people"]] == [
            users for (users,) in published(
                rig, "select licensed_users from usage_weekly where app = 'suite' and is_total and is_complete "
                "order by week_start desc",
            )
        ]  # fmt: skip
        days = admin["02_apps_by_day"]
        assert [row["report_date"] for row in days] == [LAST_DAY - timedelta(days=n) for n in range(28)]
        assert sum(row["teams_on_its_own"] for row in days) == published(
            rig, "select user_days from app_usage_28d where app = 'teams'"
        )[0][0]  # fmt: skip
        assert admin["06_depth"][0]["department"] == "All"
        assert admin["06_depth"][0]["people"] == sum(row["people"] for row in admin["06_depth"][1:])
        assert all(row["desktop"] + row["mobile"] + row["web"] >= 1 for row in admin["07_devices"])
        assert len(admin["09_take_back"]) == published(rig, "select count(*) from reclaimable_licenses")[0][0] > 0
        (trust,) = admin["10_trust"]
        assert (trust["data_through"], trust["missing_days"], trust["missing"]) == (LAST_DAY, 0, None)

    def test_workbook_and_parquet_say_what_the_database_says(self, rig: Rig) -> None:
        for build in ("published_admin", "published"):
            folder = rig.data_dir / build
            figures = {row["figure"]: row["value"] for row in sheet_rows(folder, "Overview")}
            ((people, app_days),) = published(rig, "select active_users, app_user_days from suite_usage_28d", build)
            assert figures["Office suite: people"] == people
            assert figures["Office suite: app-days"] == app_days
            daily = sheet_rows(folder, "Daily usage")
            assert [row["active_users"] for row in daily if row["app"] == "Excel"] == [
                users for (users,) in published(
                    rig, "select active_users from app_usage_daily where app = 'excel' order by report_date", build
                )
            ]  # fmt: skip
            for name, count in parquet_counts(folder).items():
                assert published(rig, f"select count(*) from {name}", build) == [(count,)]
        assert "user_app_days" not in parquet_counts(rig.data_dir / "published_admin")
        assert {"user_days", "users"} <= set(parquet_counts(rig.data_dir / "published_admin"))
        people = {row["user_principal_name"] for row in sheet_rows(rig.data_dir / "published_admin", "Reclaimable")}
        assert people == {name for (name,) in published(rig, "select user_principal_name from reclaimable_licenses")}
        for name, text in texts(rig.data_dir / "published").items():
            assert "@" + company().spec.domain not in text, name

    def test_second_run_on_the_same_day_asks_for_no_day(self, rig: Rig) -> None:
        before = published(rig, "from app_usage_28d order by all")
        rig.server.requests.clear()
        done = rig.command("sync")
        assert done.returncode == 0, done.stderr
        assert days_asked(paths_asked(rig)) == []
        assert published(rig, "from app_usage_28d order by all") == before

    def test_next_day_asks_for_the_new_day_and_those_still_settling(self, rig: Rig) -> None:
        """Two of the settling days come back corrected; a reader keeps the old release open all the while."""
        reader = duckdb.connect(str((rig.data_dir / "published_admin" / "m365_usage.duckdb").resolve()), read_only=True)
        sql = "select report_date, active_users from app_usage_daily where app = 'outlook' order by all"
        old = reader.execute(sql).fetchall()
        tomorrow = TODAY + timedelta(days=1)
        rig.server.tenant = rig.server.tenant.with_today(tomorrow)
        dropped = rig.server.tenant.correct(date(2026, 10, 26), drop=3, app="Outlook")
        switched = rig.server.tenant.correct(date(2026, 10, 27), switch_on=4, switch_off=2, app="Excel")
        rig.server.requests.clear()
        done = rig.command("sync")
        assert done.returncode == 0, done.stderr
        newest = LAST_DAY + timedelta(days=1)
        settling = [LAST_DAY - timedelta(days=n) for n in range(8)]
        assert days_asked(paths_asked(rig)) == [newest, *settling]
        assert reader.execute(sql).fetchall() == old
        reader.close()
        changed = dict(published(rig, sql))
        ((removed,),) = rig.query(
            "select rows_removed from ledger.restatements where report_date = '2026-10-26' and app = 'outlook'"
        )
        assert removed == len(dropped.dropped) == 3
        assert rig.query(
            "select switched_on, switched_off from ledger.restatements "
            "where report_date = '2026-10-27' and app = 'excel'"
        ) == [(len(switched.switched_on), len(switched.switched_off))]
        truth = rig.server.tenant.report_csv(date(2026, 10, 26)).decode("utf-8-sig").splitlines()
        column = truth[0].split(",").index("Outlook")
        known = [line.split(",") for line in truth[1:] if line.split(",")[1] not in ("", "(Unknown)")]
        assert changed[date(2026, 10, 26)] == sum(row[column] == "Yes" for row in known)
        assert dict(old)[date(2026, 10, 26)] == changed[date(2026, 10, 26)] + 3

    @pytest.mark.soak
    def test_dagster_runs_the_same_job(self, rig: Rig) -> None:
        """`dagster job execute` in a process of its own; a day that fails makes the run red, after publishing."""
        rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=2))
        broken = date(2026, 10, 25)
        rig.server.faults.add(
            Rule(
                path=rf"/data/download/.*{broken}|getM365AppUserDetail\(date={broken}\)",
                times=None, status=400, code="BadRequest", message="No such thing today.",
            )
        )  # fmt: skip
        home = rig.data_dir / "dagster"
        done = subprocess.run(
            [Path(sys.executable).with_name("dagster"), "job", "execute", "-m", "pipelines.definitions", "-j", "sync"],
            env={**rig.environment(), "DAGSTER_HOME": str(home), "M365_TODAY": str(TODAY + timedelta(days=2))},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        rig.server.faults.clear()
        output = done.stdout + done.stderr
        assert done.returncode != 0, output[-2000:]
        assert "No such thing today." in output
        states = dict(published(rig, "select report_date, state from report_days"))
        assert states[LAST_DAY + timedelta(days=2)] == "provisional", "the other days are published all the same"
        assert states[broken] == "provisional", "the stored day stays as it was"

    @pytest.mark.soak
    def test_only_observed_days_are_materialised(self, rig: Rig) -> None:
        os.environ["DAGSTER_HOME"] = str(rig.data_dir / "dagster")
        try:
            import dagster as dg

            with dg.DagsterInstance.get() as instance:
                days = instance.get_materialized_partitions(dg.AssetKey(["raw", "m365_app_user_days"]))
        finally:
            del os.environ["DAGSTER_HOME"]
        assert days == {str(FIRST_DAY + timedelta(days=n)) for n in range(30)}


def test_a_wrong_secret_is_one_sentence(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant())
    done = rig.command("sync", M365_CLIENT_SECRET="canary-wrong-secret")
    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert "The client secret is wrong" in output
    assert output.count("sign-in (tenant ") == 1, "two steps fail side by side, for one reason"
    assert "M365_CLIENT_SECRET" in output
    assert "Traceback" not in output
    assert "canary-wrong-secret" not in output


def test_nothing_configured_is_one_sentence(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("m365-usage")), "sync"],
        env=kept, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "M365_TENANT_ID" in done.stderr
    assert "Traceback" not in done.stderr
