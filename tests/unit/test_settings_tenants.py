"""Several tenants in tenants.toml: what is read, what is refused, and that no secret belongs in it."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from pipelines.settings import SettingsError, TenantSettings, load_settings
from pipelines.sign_in import Certificate, ClientSecret, DeviceCode, Federated, ManagedIdentity

SECRET = "Canary~s3cr3t.Value_that_must-not-show"
FIRST = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
SECOND = "00000002-7e84-4f6a-9d0b-3c2e1f408a97"
CLIENT = "c0f3a5de-1b42-4a7e-8d96-20e47b9f51ac"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "tenants.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def entry(**values: str) -> str:
    values = {"tenant_id": FIRST, "client_id": CLIENT, "client_secret_env": "FIRST_SECRET", **values}
    lines = [f'{key} = "{value}"' for key, value in values.items() if value is not None]
    return "\n".join(["[[tenant]]", *lines, ""])


def tenants() -> list[TenantSettings]:
    return load_settings().tenants()


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        tenants()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


# --- what is read -------------------------------------------------------------------------------------------


def test_every_tenant_is_read_in_order_with_its_own_cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        folder,
        entry(name="Fabrikam")
        + entry(tenant_id=SECOND.upper(), client_secret_env=None, client_secret_file="second.txt", cloud="dod"),
    )
    (folder / "second.txt").write_text(f"\ufeff {SECRET}-2\n", encoding="utf-8")
    monkeypatch.setenv("FIRST_SECRET", f" {SECRET}-1\n")
    first, second = tenants()
    assert (first.tenant_id, first.name, first.cloud.name) == (FIRST, "Fabrikam", "global")
    assert (second.tenant_id, second.name, second.cloud.name) == (SECOND, None, "dod")
    assert second.graph_url == "https://dod-graph.microsoft.us"
    assert isinstance(first.sign_in, ClientSecret)
    assert isinstance(second.sign_in, ClientSecret)
    assert (first.sign_in.secret.read(), second.sign_in.secret.read()) == (f"{SECRET}-1", f"{SECRET}-2")
    assert SECRET not in repr(first) + repr(second)
    assert (first.label, second.label) == (f"{FIRST} (Fabrikam)", SECOND)


def test_the_environment_says_what_the_file_leaves_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, entry() + entry(tenant_id=SECOND, cloud="global", graph_url="https://graph.example/"))
    monkeypatch.setenv("M365_CLOUD", "china")
    monkeypatch.setenv("M365_AUTHORITY_URL", "https://login.example")
    first, second = tenants()
    assert (first.cloud.name, first.authority_url) == ("china", "https://login.example")
    assert first.graph_url == "https://microsoftgraph.chinacloudapi.cn"
    assert (second.cloud.name, second.graph_url) == ("global", "https://graph.example")


def test_every_kind_of_sign_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"0000000{n}-7e84-4f6a-9d0b-3c2e1f408a97" for n in range(6)]
    write(
        folder,
        entry(tenant_id=ids[0])
        + entry(
            tenant_id=ids[1],
            client_secret_env=None,
            certificate_file="keys/app.pem",
            certificate_passphrase_env="PASSPHRASE",
        )
        + entry(tenant_id=ids[2], client_secret_env=None, federated_token_file="/run/token")
        + entry(tenant_id=ids[3], client_secret_env=None, client_id=None, auth="managed_identity")
        + entry(tenant_id=ids[4], client_secret_env=None, auth="managed_identity")
        + entry(tenant_id=ids[5], client_secret_env=None, auth="device_code"),
    )
    secret, certificate, federated, system, user, device = (tenant.sign_in for tenant in tenants())
    assert isinstance(secret, ClientSecret)
    assert isinstance(certificate, Certificate)
    assert certificate.file == folder / "keys" / "app.pem"
    assert certificate.passphrase is not None
    assert certificate.passphrase.variable == "PASSPHRASE"
    assert isinstance(federated, Federated)
    assert federated.token_file == Path("/run/token")
    assert isinstance(system, ManagedIdentity)
    assert system.client_id is None
    assert isinstance(user, ManagedIdentity)
    assert user.client_id == CLIENT
    assert isinstance(device, DeviceCode)
    assert device.cache_file == folder / "data" / "sign-in" / f"{ids[5]}.json"


def test_a_secret_may_stand_in_the_env_file(folder: Path) -> None:
    write(folder, entry())
    write(folder, f"FIRST_SECRET={SECRET}\n", ".env")
    (tenant,) = tenants()
    assert tenant.sign_in.secret.read() == SECRET


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_secret_is_an_error_of_its_own_tenant_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    write(folder, entry(name="Contoso") + entry(tenant_id=SECOND, client_secret_env="SECOND_SECRET"))
    monkeypatch.setenv("SECOND_SECRET", SECRET)
    if value is not None:
        monkeypatch.setenv("FIRST_SECRET", value)
    first, second = tenants()
    with pytest.raises(SettingsError) as caught:
        first.sign_in.secret.read()
    assert str(caught.value) == (
        "client_secret_env of Contoso in tenants.toml: the environment variable FIRST_SECRET is not set."
    )
    assert second.sign_in.secret.read() == SECRET


def test_a_secret_file_that_is_not_there_or_is_empty(folder: Path) -> None:
    write(folder, entry(client_secret_env=None, client_secret_file="gone.txt"))
    (tenant,) = tenants()
    with pytest.raises(SettingsError, match=r"gone\.txt is not there"):
        tenant.sign_in.secret.read()
    (folder / "gone.txt").write_text("\n")
    with pytest.raises(SettingsError, match=r"gone\.txt is empty"):
        tenant.sign_in.secret.read()
    (folder / "gone.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is no text file"):
        tenant.sign_in.secret.read()


# --- where the file is --------------------------------------------------------------------------------------


def test_the_file_may_be_elsewhere_and_names_files_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "etc").mkdir()
    path = write(folder / "etc", entry(client_secret_env=None, client_secret_file="first.txt"), "m365.toml")
    (folder / "etc" / "first.txt").write_text(SECRET)
    monkeypatch.setenv("M365_TENANTS_FILE", "etc/m365.toml")
    assert load_settings().tenants_file == path
    assert tenants()[0].sign_in.secret.read() == SECRET


def test_a_file_that_is_named_must_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M365_TENANTS_FILE", "gone.toml")
    assert "M365_TENANTS_FILE: names no readable file" in refusal()


def test_both_ways_at_once_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, entry())
    monkeypatch.setenv("M365_TENANT_ID", SECOND)
    assert "Tenants are named twice: by M365_TENANT_ID and by" in refusal()
    assert "M365_TENANTS_FILE=none" in refusal()
    monkeypatch.setenv("M365_TENANTS_FILE", "none")
    monkeypatch.setenv("M365_CLIENT_ID", CLIENT)
    monkeypatch.setenv("M365_CLIENT_SECRET", SECRET)
    (tenant,) = tenants()
    assert tenant.tenant_id == SECOND


def test_settings_built_in_code_read_no_file_of_the_working_directory(folder: Path) -> None:
    from pipelines.settings import Settings

    write(folder, entry())
    assert Settings(_env_file=None).tenants_file is None


def test_a_child_process_in_another_folder_finds_the_same_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(folder, entry())
    write(folder, f"FIRST_SECRET={SECRET}\nM365_DATA_DIR=kept\nM365_CA_BUNDLE=ca.pem\nM365_WINDOW_DAYS=21\n", ".env")
    write(folder, "-----BEGIN CERTIFICATE-----", "ca.pem")
    here = load_settings()
    for name, value in here.for_child_process().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    there = load_settings()
    assert there == here
    assert there.window_days == 21
    assert there.tenants() == here.tenants()
    assert there.tenants()[0].sign_in.secret.read() == SECRET
    for name in here.for_child_process():
        monkeypatch.delenv(name)
    assert "No tenant is configured" in refusal()


# --- which tenant -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [SECOND, SECOND.upper(), "Contoso", "contoso "])
def test_a_tenant_is_chosen_by_id_or_name(folder: Path, wanted: str) -> None:
    write(folder, entry(name="Fabrikam") + entry(tenant_id=SECOND, name="Contoso"))
    settings = load_settings()
    assert [tenant.tenant_id for tenant in settings.chosen_tenants(wanted)] == [SECOND]
    assert len(settings.chosen_tenants()) == 2


def test_an_unknown_tenant_is_told_those_that_there_are(folder: Path) -> None:
    write(folder, entry(name="Fabrikam") + entry(tenant_id=SECOND))
    with pytest.raises(SettingsError) as caught:
        load_settings().chosen_tenants("Contoso")
    assert str(caught.value) == (
        f"There is no tenant Contoso in the configuration; there are: {FIRST} (Fabrikam), {SECOND}."
    )


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "ways"),
    [
        ("client_secret", "client_secret_env or client_secret_file"),
        ("secret", "client_secret_env or client_secret_file"),
        ("password", "client_secret_env or client_secret_file"),
        ("certificate_passphrase", "certificate_passphrase_env or certificate_passphrase_file"),
        ("private_key", "certificate"),
        ("client_assertion", "federated_token_file"),
    ],
)
def test_a_literal_secret_is_refused_with_the_way_to_do_it(folder: Path, key: str, ways: str) -> None:
    write(folder, entry(name="Contoso", **{key: SECRET}))
    message = refusal()
    assert f"{key} of [[tenant]] number 1 in tenants.toml: a secret does not belong in this file." in message
    assert ways in message


def test_a_secret_in_place_of_a_variable_s_name_is_refused(folder: Path) -> None:
    write(folder, entry(client_secret_env=SECRET))
    assert "must be the name of an environment variable; a secret does not belong in this file." in refusal()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no tenant"),
        ("tenant = []", "names no tenant"),
        ("[tenant]\ntenant_id = 'x'", "must hold [[tenant]] tables and nothing else"),
        ("[[tenants]]\ntenant_id = 'x'", "must hold [[tenant]] tables and nothing else"),
        ("tenant = [1]", "must hold [[tenant]] tables and nothing else"),
        (f"client_secret = '{SECRET}", "is no valid TOML (at "),
        (f"[[tenant]]\nclient_secret {SECRET}", "is no valid TOML (at "),
        (entry(tenant_id=None), "tenant_id of [[tenant]] number 1 in tenants.toml is missing"),
        (entry() + entry(tenant_id=""), "tenant_id of [[tenant]] number 2 in tenants.toml is missing"),
        (entry(client_id=None), f"client_id of {FIRST} in tenants.toml is missing"),
        (entry(tenant_id="../../etc"), "tenant_id of [[tenant]] number 1 in tenants.toml must be"),
        (entry(client_secret_env=None), "client_secret_env of"),
        (entry(auth="certificate"), f"certificate_file of {FIRST} in tenants.toml is missing"),
        (entry(auth="federated"), f"federated_token_file of {FIRST} in tenants.toml is missing"),
        (entry(auth="magic"), "must be one of secret, certificate, federated, managed_identity, device_code"),
        (entry(certificate_file="a.pem"), "More than one way to sign in is set (secret, certificate)"),
        (entry(client_secret_file="a.txt"), "are both set: keep one"),
        (entry(cloud="mars"), "must be one of global, gcc-high, dod, china"),
        (entry(graph_url="http://graph.microsoft.com"), f"graph_url of {FIRST} in tenants.toml must be an https"),
        (entry(colour="red"), "there is no such setting"),
        (entry().replace(f'"{CLIENT}"', "7"), "must be a text in quotes"),
        (entry() + entry(tenant_id=FIRST.upper()), f"names the tenant_id {FIRST} twice"),
        (entry(name="A") + entry(name="a", tenant_id=SECOND), "names the name a twice"),
    ],
)
def test_a_file_that_cannot_be_used(folder: Path, text: str, words: str) -> None:
    write(folder, text)
    assert words in refusal()


def test_a_file_in_another_encoding(folder: Path) -> None:
    (folder / "tenants.toml").write_bytes("# für alle\n".encode("latin-1"))
    assert "is not saved as UTF-8" in refusal()


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    path = write(folder, entry())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this account may read everything")
    assert "cannot be read" in refusal()


# --- the sign-in of the environment -------------------------------------------------------------------------


@pytest.fixture
def tenant_of_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("M365_TENANT_ID", FIRST)
    monkeypatch.setenv("M365_CLIENT_ID", CLIENT)
    return folder


@pytest.mark.parametrize(
    ("set_too", "kind"),
    [
        ({"M365_CLIENT_SECRET": SECRET}, ClientSecret),
        ({"M365_CLIENT_SECRET_FILE": "secret.txt"}, ClientSecret),
        ({"M365_CERTIFICATE_FILE": "app.pem"}, Certificate),
        ({"M365_CERTIFICATE_FILE": "app.pfx", "M365_CERTIFICATE_PASSPHRASE": SECRET}, Certificate),
        ({"M365_FEDERATED_TOKEN_FILE": "token"}, Federated),
        ({"AZURE_FEDERATED_TOKEN_FILE": "token"}, Federated),
        ({"AZURE_FEDERATED_TOKEN_FILE": "token", "M365_CLIENT_SECRET": SECRET}, ClientSecret),
        ({"M365_AUTH": "managed_identity"}, ManagedIdentity),
        ({"M365_AUTH": "managed_identity", "M365_CLIENT_SECRET": SECRET}, ManagedIdentity),
        ({"M365_AUTH": "device_code"}, DeviceCode),
        (
            {"M365_AUTH": "certificate", "M365_CERTIFICATE_FILE": "a.pem", "M365_CLIENT_SECRET": SECRET},
            Certificate,
        ),
    ],
)
def test_the_kind_is_the_one_named_or_the_only_one_described(
    tenant_of_environment: Path, monkeypatch: pytest.MonkeyPatch, set_too: dict[str, str], kind: type
) -> None:
    for name, value in set_too.items():
        monkeypatch.setenv(name, value)
    (tenant,) = tenants()
    assert isinstance(tenant.sign_in, kind)
    assert SECRET not in repr(tenant)
    assert tenant.sign_in.setting in (*set_too, "M365_AUTH")


def test_files_are_found_from_the_working_directory(
    tenant_of_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M365_CLIENT_SECRET_FILE", "secret.txt")
    (tenant_of_environment / "secret.txt").write_text(f"{SECRET}\n")
    (tenant,) = tenants()
    assert tenant.sign_in.secret.read() == SECRET


def test_a_system_assigned_identity_needs_no_client_id(
    tenant_of_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("M365_CLIENT_ID")
    monkeypatch.setenv("M365_AUTH", "managed_identity")
    (tenant,) = tenants()
    assert tenant.sign_in == ManagedIdentity("M365_AUTH", None)
    assert tenant.client_id == "system-assigned"


@pytest.mark.parametrize(
    ("set_too", "words"),
    [
        ({"M365_CLIENT_SECRET": SECRET, "M365_CERTIFICATE_FILE": "a.pem"}, "name the one to use in M365_AUTH"),
        ({"M365_CLIENT_SECRET": SECRET, "M365_CLIENT_SECRET_FILE": "a"}, "are both set: keep one"),
        ({"M365_AUTH": "certificate"}, "set M365_CERTIFICATE_FILE"),
        ({"M365_AUTH": "federated"}, "set M365_FEDERATED_TOKEN_FILE"),
        ({"M365_AUTH": "secret"}, "set M365_CLIENT_SECRET"),
        ({"M365_AUTH": "password"}, "M365_AUTH: must be one of secret, certificate"),
    ],
)
def test_a_sign_in_that_is_not_clear(
    tenant_of_environment: Path, monkeypatch: pytest.MonkeyPatch, set_too: dict[str, str], words: str
) -> None:
    for name, value in set_too.items():
        monkeypatch.setenv(name, value)
    assert words in refusal()
