"""Several tenants through real fetches: what stops one of them stops no other, and is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import pytest
from pydantic import SecretStr

from pipelines.clouds import CLOUDS
from pipelines.settings import SettingsError, TenantSettings
from pipelines.sign_in import ClientSecret, Secret
from pipelines.simulator import Tenant
from pipelines.sync.extract import extract_directory, extract_report_days, plan_report_days, read_report_settings
from pipelines.sync.fetch import Fetcher
from pipelines.sync.outcome import failures_of_run
from pipelines.sync.tenants import TenantWork
from pipelines.warehouse.landing import Landing
from tests.integration.conftest import Rig, tenant

CANARY = "CANARY~Secret.Value-0815"
SOURCES = {"users", "subscribedSkus"}


@pytest.fixture
def companies() -> list[Tenant]:
    return [tenant(users=30), tenant(2, users=20), tenant(3, users=20), tenant(4, users=20)]


@pytest.fixture
def rig(make_rig: Callable[..., Rig], companies: list[Tenant]) -> Rig:
    return make_rig(*companies)


def with_secret(found: TenantSettings, secret: Secret) -> TenantSettings:
    return replace(found, sign_in=ClientSecret(secret))


def work_on(rig: Rig, tenants: list[TenantSettings], said: list[str]) -> TenantWork:
    return TenantWork(
        rig.settings, tenants, Landing(rig.data_dir / "landing"), "run", sleep=lambda _: None, on_failure=said.append
    )


def run(rig: Rig, tenants: list[TenantSettings], days: int = 2) -> list[str]:
    """The steps of a sync that ask Microsoft, for every tenant; returns what was said of tenants left out."""
    said: list[str] = []
    work = work_on(rig, tenants, said)
    newest = rig.settings.window.days[-days:]

    def extract(fetcher: Fetcher) -> None:
        plan = plan_report_days(rig.settings, fetcher.client.tenant, fetcher.landing, days=newest)
        extract_report_days(fetcher, plan)

    work.for_each(read_report_settings)
    work.for_each(extract)
    work.for_each(lambda fetcher: extract_directory(fetcher, rig.settings, SOURCES))
    rig.load()
    return said


def loaded(rig: Rig) -> dict[str, set[str]]:
    """The sources that were answered well, by tenant."""
    rows = rig.query("select tenant_id, source from ledger.fetches where outcome = 'ok' group by all")
    return {tenant_id: {source for other, source in rows if other == tenant_id} for tenant_id, _ in rows}


def test_a_wrong_secret_and_a_missing_one_stop_no_other_tenant(rig: Rig, companies: list[Tenant]) -> None:
    good, wrong, missing, _ = (rig.tenant_settings(company) for company in companies)
    wrong = with_secret(wrong, Secret("client_secret_env of B in tenants.toml", value=SecretStr(CANARY)))
    missing = with_secret(missing, Secret("client_secret_env of C in tenants.toml", variable="NO_SUCH_VARIABLE_HERE"))
    wrong, missing = replace(wrong, name="B"), replace(missing, name="C")
    said = run(rig, [wrong, missing, good])
    everything = {"reportSettings", "getM365AppUserDetail", "users", "subscribedSkus"}
    assert loaded(rig) == {good.tenant_id: everything}
    assert len(said) == 6
    assert said[0].startswith(f"Tenant {wrong.tenant_id} (B) is left out: The client secret is wrong: make a new")
    assert "client_secret_env of B in tenants.toml" in said[0]
    assert said[1] == (
        f"Tenant {missing.tenant_id} (C) is left out: client_secret_env of C in tenants.toml: the environment "
        "variable NO_SUCH_VARIABLE_HERE is not set."
    )
    failures = failures_of_run(rig.settings, "run")
    assert [failure.split(":")[0] for failure in failures] == [
        f"Tenant {wrong.tenant_id} was left out",
        f"Tenant {missing.tenant_id} was left out",
    ]
    assert "The client secret is wrong" in failures[0]
    kept = "".join(path.read_text() for path in (rig.data_dir / "landing").rglob("*.json"))
    assert "client secret is wrong" in kept
    assert CANARY not in kept + "".join(said + failures)


def test_a_tenant_that_cannot_be_reached_stops_no_other_and_is_not_asked_for_everything(
    rig: Rig, companies: list[Tenant]
) -> None:
    good = rig.tenant_settings(companies[0])
    elsewhere = replace(rig.tenant_settings(companies[1]), graph_url="https://graph.invalid")
    away = replace(rig.tenant_settings(companies[2]), authority_url="https://login.invalid")
    said = run(rig, [elsewhere, away, good], days=5)
    assert loaded(rig)[good.tenant_id] >= {"users", "getM365AppUserDetail"}
    reason = "The sign-in service https://login.invalid cannot be reached (ConnectionError): check the"
    assert any(reason in sentence for sentence in said)
    assert any("The tenant does not know https://graph.invalid" in sentence for sentence in said)
    recorded = rig.query(f"select distinct source from ledger.fetches where tenant_id = '{away.tenant_id}'")
    assert recorded == [("signIn",)], "after the first sign-in that did not work nothing more is asked for"
    assert any(
        failure.startswith(f"Tenant {away.tenant_id} was left out: {reason}")
        for failure in failures_of_run(rig.settings, "run")
    )


def test_the_only_tenant_s_error_is_raised_and_on_record(rig: Rig, companies: list[Tenant]) -> None:
    lonely = with_secret(rig.tenant_settings(companies[0]), Secret("M365_CLIENT_SECRET", variable="NO_SUCH_VARIABLE"))
    with pytest.raises(SettingsError, match="NO_SUCH_VARIABLE is not set"):
        run(rig, [lonely])
    rig.load()
    assert rig.query("select source, outcome, error_code from ledger.fetches") == [
        ("signIn", "failed", "configuration")
    ]


def test_when_no_tenant_is_left_the_reasons_are_raised_together(rig: Rig, companies: list[Tenant]) -> None:
    wrong = Secret("M365_CLIENT_SECRET", value=SecretStr("wrong"))
    all_wrong = [with_secret(rig.tenant_settings(company), wrong) for company in companies]
    with pytest.raises(Exception, match="The client secret is wrong") as caught:
        run(rig, all_wrong)
    assert all(one.tenant_id in str(caught.value) for one in all_wrong)


def test_a_cloud_without_usage_reports_syncs_people_and_licences(rig: Rig, companies: list[Tenant]) -> None:
    government = replace(rig.tenant_settings(companies[0]), cloud=CLOUDS["gcc-high"])
    rig.server.requests.clear()
    assert run(rig, [government]) == []
    assert loaded(rig) == {government.tenant_id: {"users", "subscribedSkus"}}
    assert failures_of_run(rig.settings, "run") == []
    assert not rig.server.requests.to("/reports/")
    assert not rig.server.requests.to("/admin/")


@pytest.mark.timeout(600)
@pytest.mark.soak
def test_a_whole_sync_publishes_the_others_and_ends_red(rig: Rig, companies: list[Tenant]) -> None:
    """The real job with tenants.toml: a tenant without its secret, one with a wrong one, two that work.

    One of those is in a cloud without usage reports: its people and licences are published all the same.
    """
    ids = [company.spec.tenant_id for company in companies]
    names = ("Good", "Wrong", "Missing", "Government")
    clouds = ("global", "global", "global", "gcc-high")
    (rig.data_dir / "tenants.toml").write_text(
        "".join(
            f'[[tenant]]\nname = "{name}"\ntenant_id = "{tenant_id}"\nclient_id = "{company.spec.client_id}"\n'
            f'client_secret_env = "{name.upper()}_SECRET"\ncloud = "{cloud}"\n\n'
            for name, tenant_id, company, cloud in zip(names, ids, companies, clouds, strict=True)
        )
    )
    first, last = "2026-10-25", "2026-10-28"
    one_tenant = dict.fromkeys(("M365_TENANT_ID", "M365_CLIENT_ID", "M365_CLIENT_SECRET"), "")
    done = rig.command(
        "sync", "--from", first, "--to", last,
        **one_tenant, GOOD_SECRET=companies[0].spec.client_secret, WRONG_SECRET=CANARY,
        GOVERNMENT_SECRET=companies[3].spec.client_secret,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert f"Tenant {ids[1]} was left out: The client secret is wrong" in output
    assert f"Tenant {ids[2]} was left out: client_secret_env of Missing in tenants.toml" in output
    assert "Traceback" not in output
    assert CANARY not in output
    with duckdb.connect(str((rig.data_dir / "published_admin" / "m365_usage.duckdb").resolve()), read_only=True) as con:
        days = con.execute("select tenant_id, count(*) from report_days where is_observed group by all").fetchall()
        people = con.execute("select distinct tenant_id from users").fetchall()
    assert days == [(ids[0], 4)]
    assert sorted(people) == sorted([(ids[0],), (ids[3],)])
    gap = "Microsoft offers no v1.0 usage reports in this cloud; people and licences are still synced."
    assert f"Tenant {ids[3]} (Government), gcc-high: {gap}" in output
    unknown = rig.command("sync", "--tenant", "Nobody", **one_tenant)
    assert unknown.returncode == 2
    assert f"There is no tenant Nobody in the configuration; there are: {ids[0]} (Good)" in unknown.stderr
