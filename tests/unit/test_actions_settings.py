"""Settings of actions: off unless asked for, an app of their own, per tenant in tenants.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.making import make_plan
from pipelines.cli.actions import _usable
from pipelines.graph.write import GraphWriter
from pipelines.settings import ActionsNotAllowedError, Settings, SettingsError, load_settings
from pipelines.sign_in import Certificate, ClientSecret, ManagedIdentity

TENANT = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
READER = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
ACTOR = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    values = {"TENANT_ID": TENANT, "CLIENT_ID": READER, "CLIENT_SECRET": "reading"}
    for name, value in values.items():
        monkeypatch.setenv(f"M365_{name}", value)
    return monkeypatch


def actor(settings: Settings):  # type: ignore[no-untyped-def]
    return settings.actions_tenant(settings.tenants()[0])


def test_off_is_the_default(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("M365_ACTIONS_CLIENT_ID", ACTOR)
    environment.setenv("M365_ACTIONS_CLIENT_SECRET", "acting")
    settings = load_settings()
    assert (settings.allow_actions, settings.actions_max_changes, settings.actions_plan_days) == (False, 25, 7)
    with pytest.raises(ActionsNotAllowedError, match="M365_ALLOW_ACTIONS=1"):
        actor(settings)


def test_the_app_for_actions_is_another_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("M365_ALLOW_ACTIONS", "1")
    with pytest.raises(ActionsNotAllowedError, match="set M365_ACTIONS_CLIENT_ID"):
        actor(load_settings())
    environment.setenv("M365_ACTIONS_CLIENT_ID", f" {ACTOR}\n")
    with pytest.raises(SettingsError, match="M365_ACTIONS_CLIENT_SECRET is missing"):
        load_settings().tenants()
    environment.setenv("M365_ACTIONS_CLIENT_SECRET", "acting")
    found = actor(load_settings())
    assert found.client_id == ACTOR
    assert isinstance(found.sign_in, ClientSecret)
    assert found.sign_in.secret.read() == "acting"
    assert found.setting("client_id") == "M365_ACTIONS_CLIENT_ID"
    assert found.setting("tenant_id") == "M365_TENANT_ID"
    reading = load_settings().tenants()[0]
    assert (reading.client_id, reading.setting("client_id")) == (READER, "M365_CLIENT_ID")
    assert "acting" not in repr(load_settings())


def test_the_reading_app_is_refused_for_actions(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("M365_ACTIONS_CLIENT_ID", READER)
    environment.setenv("M365_ACTIONS_CLIENT_SECRET", "acting")
    with pytest.raises(SettingsError, match="M365_ACTIONS_CLIENT_ID is the app that reads"):
        load_settings().tenants()


def test_secret_files_certificates_and_identities_work_as_for_the_reader(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    environment.setenv("M365_ALLOW_ACTIONS", "1")
    environment.setenv("M365_ACTIONS_CLIENT_ID", ACTOR)
    environment.setenv("M365_ACTIONS_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    assert actor(load_settings()).sign_in.secret.read() == "from-file"
    environment.delenv("M365_ACTIONS_CLIENT_SECRET_FILE")
    environment.setenv("M365_ACTIONS_CERTIFICATE_FILE", str(tmp_path / "one.pem"))
    found = actor(load_settings()).sign_in
    assert isinstance(found, Certificate)
    assert found.setting == "M365_ACTIONS_CERTIFICATE_FILE"
    environment.setenv("M365_ACTIONS_AUTH", "managed_identity")
    assert isinstance(actor(load_settings()).sign_in, ManagedIdentity)
    environment.setenv("M365_ACTIONS_AUTH", "device_code")
    with pytest.raises(SettingsError, match="M365_ACTIONS_AUTH: actions are taken by an app"):
        load_settings().tenants()


@pytest.mark.parametrize(("name", "value"), [("MAX_CHANGES", "0"), ("PLAN_DAYS", "0"), ("AUTH", "password")])
def test_wrong_values_are_refused_by_name(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(f"M365_ACTIONS_{name}", value)
    with pytest.raises(SettingsError, match=f"M365_ACTIONS_{name}"):
        load_settings()


# --- tenants.toml -------------------------------------------------------------------------------------------


def with_file(monkeypatch: pytest.MonkeyPatch, folder: Path, actions: str) -> Settings:
    (folder / "tenants.toml").write_text(
        f'[[tenant]]\nname = "One"\ntenant_id = "{TENANT}"\nclient_id = "{READER}"\nclient_secret_env = "READING"\n'
        f'{actions}\n[[tenant]]\nname = "Two"\ntenant_id = "22222222-2222-4222-8222-222222222222"\n'
        f'client_id = "{READER}"\nclient_secret_env = "READING"\n'
    )
    monkeypatch.setenv("M365_TENANTS_FILE", str(folder / "tenants.toml"))
    monkeypatch.setenv("M365_ALLOW_ACTIONS", "1")
    monkeypatch.setenv("ACTING", "acting")
    return load_settings()


def test_each_tenant_has_its_own_app_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = with_file(
        monkeypatch, tmp_path, f'[tenant.actions]\nclient_id = "{ACTOR}"\nclient_secret_env = "ACTING"\n'
    )
    one, two = settings.tenants()
    found = settings.actions_tenant(one)
    assert (found.client_id, found.sign_in.secret.read()) == (ACTOR, "acting")  # type: ignore[union-attr]
    assert found.setting("client_id") == "actions.client_id of One in tenants.toml"
    with pytest.raises(ActionsNotAllowedError, match=r"a table \[tenant.actions\] for Two in tenants.toml"):
        settings.actions_tenant(two)


def test_a_plan_is_applied_in_its_own_tenant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the app of that tenant, whichever stands first in the file; a tenant without one is only read."""
    settings = with_file(
        monkeypatch, tmp_path, f'[tenant.actions]\nclient_id = "{ACTOR}"\nclient_secret_env = "ACTING"\n'
    )
    for tenant in settings.tenants():
        plan = make_plan(tenant.tenant_id, {"kind": "test"}, [])
        assert _usable(settings, write_plan(tmp_path / "plans", plan)) == (plan, tenant)
    with pytest.raises(ActionsNotAllowedError, match=r"for Two in tenants.toml"):
        GraphWriter(settings, tenant)


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (f'[tenant.actions]\nclient_id = "{ACTOR}"\n', "actions.client_secret_env of One in tenants.toml is missing"),
        ('[tenant.actions]\nclient_secret_env = "ACTING"\n', "actions.client_id of One in tenants.toml is missing"),
        (f'[tenant.actions]\nclient_id = "{READER}"\nclient_secret_env = "ACTING"\n', "is the app that reads"),
        (f'[tenant.actions]\nclient_id = "{ACTOR}"\nclient_secret = "s3cret"\n', "a secret does not belong"),
        (f'[tenant.actions]\nclient_id = "{ACTOR}"\ncloud = "dod"\n', "that is said once, for the tenant itself"),
        (f'[tenant.actions]\nclient_id = "{ACTOR}"\nauth = "device_code"\n', "actions are taken by an app"),
        ('actions = "yes"\n', "must be a table"),
        (f'[tenant.actions]\nclient_id = "{ACTOR}"\ncolour = "red"\n', "there is no such setting"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actions: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        with_file(monkeypatch, tmp_path, actions).tenants()
    assert "s3cret" not in str(caught.value)
