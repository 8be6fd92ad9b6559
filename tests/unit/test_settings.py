"""Configuration: what is refused says which setting is wrong, and nothing secret is ever shown."""

from __future__ import annotations

import traceback
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from pipelines.clouds import CLOUDS
from pipelines.settings import Settings, SettingsError, load_settings

SECRET = "Canary~s3cr3t.Value_that_must-not-show"
TENANT = {
    "M365_TENANT_ID": "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97",
    "M365_CLIENT_ID": "c0f3a5de-1b42-4a7e-8d96-20e47b9f51ac",
    "M365_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Set the environment; the working directory is empty but for what a test writes into it."""
    monkeypatch.chdir(tmp_path)

    def apply(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return apply


def refusal(action=load_settings) -> str:
    with pytest.raises(SettingsError) as caught:
        action()
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    return str(caught.value)


# --- the tenant ---------------------------------------------------------------------------------------------


def test_defaults_without_any_configuration(configure, tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.window_days, settings.lag_days, settings.settle_days) == (28, 2, 10)
    assert (settings.throttle_requests, settings.throttle_tenant_requests) == (14, 40)
    assert settings.throttle_window_seconds == 600
    assert settings.download_hosts == (".office.com", ".office365.com")
    assert settings.data_dir == tmp_path / "data"
    assert settings.landing_dir == tmp_path / "data" / "landing"
    assert settings.warehouse_path == tmp_path / "data" / "warehouse.duckdb"
    assert settings.ca_bundle is None
    message = refusal(settings.tenants)
    assert message.startswith(
        "No tenant is configured: set M365_TENANT_ID (Entra admin centre > Overview: Tenant ID), "
    )
    assert f"{tmp_path / '.env'}, which is not there yet" in message


@pytest.mark.parametrize("missing", sorted(TENANT))
@pytest.mark.parametrize("value", [None, "", "   ", "\n"])
def test_a_missing_tenant_setting_is_named_and_only_it(configure, missing: str, value: str | None) -> None:
    configure(**{name: text for name, text in TENANT.items() if name != missing})
    if value is not None:
        configure(**{missing: value})
    settings = load_settings()
    assert settings.missing_tenant_settings == [missing]
    message = refusal(settings.tenants)
    assert message.startswith(f"The tenant is only partly configured: set {missing} (Entra admin centre > ")
    assert not any(name in message for name in TENANT if name != missing)


def test_the_tenant_of_the_global_cloud(configure) -> None:
    configure(**TENANT)
    (tenant,) = load_settings().tenants()
    assert tenant.tenant_id == TENANT["M365_TENANT_ID"]
    assert tenant.client_id == TENANT["M365_CLIENT_ID"]
    assert tenant.sign_in.secret.read() == SECRET
    assert tenant.authority_url == "https://login.microsoftonline.com"
    assert tenant.graph_url == "https://graph.microsoft.com"
    assert tenant.cloud.has_usage_reports


@pytest.mark.parametrize(
    ("cloud", "authority", "graph", "has_usage_reports"),
    [
        ("global", "https://login.microsoftonline.com", "https://graph.microsoft.com", True),
        ("gcc-high", "https://login.microsoftonline.us", "https://graph.microsoft.us", False),
        ("dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", False),
        ("china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", False),
    ],
)
def test_the_clouds_by_name(configure, cloud: str, authority: str, graph: str, has_usage_reports: bool) -> None:
    configure(**TENANT, M365_CLOUD=cloud)
    (tenant,) = load_settings().tenants()
    assert (tenant.authority_url, tenant.graph_url) == (authority, graph)
    assert tenant.cloud.has_usage_reports is has_usage_reports
    assert set(CLOUDS) == {"global", "gcc-high", "dod", "china"}


def test_endpoints_can_be_replaced_and_lose_their_last_slash(configure) -> None:
    configure(**TENANT, M365_AUTHORITY_URL="https://localhost:8443/", M365_GRAPH_URL="https://localhost:8443")
    (tenant,) = load_settings().tenants()
    assert (tenant.authority_url, tenant.graph_url) == ("https://localhost:8443", "https://localhost:8443")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Contoso.COM", "contoso.com"),
        ("5B1A2C3D-7E84-4F6A-9D0B-3C2E1F408A97", "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"),
        ("  contoso.onmicrosoft.com\n", "contoso.onmicrosoft.com"),
    ],
)
def test_the_tenant_id_is_folded(configure, given: str, meant: str) -> None:
    configure(**TENANT | {"M365_TENANT_ID": given})
    assert load_settings().tenants()[0].tenant_id == meant


@pytest.mark.parametrize(
    "wrong", ["../../etc", "a/b", "<your tenant id>", "x", "a b.com", "me@contoso.com", ".", "é.de"]
)
def test_a_tenant_id_that_cannot_be_one_is_refused(configure, wrong: str) -> None:
    configure(**TENANT | {"M365_TENANT_ID": wrong})
    assert "M365_TENANT_ID must be" in refusal(load_settings().tenants)


def test_white_space_copied_along_with_id_and_secret_is_dropped(configure) -> None:
    configure(**TENANT | {"M365_CLIENT_ID": " abc ", "M365_CLIENT_SECRET": f" {SECRET}\n"})
    (tenant,) = load_settings().tenants()
    assert tenant.client_id == "abc"
    assert tenant.sign_in.secret.read() == SECRET


def test_the_secret_is_in_no_representation(configure) -> None:
    configure(**TENANT)
    settings = load_settings()
    (tenant,) = settings.tenants()
    for shown in (repr(settings), str(settings), repr(tenant), str(tenant), settings.model_dump_json()):
        assert SECRET not in shown
        assert TENANT["M365_TENANT_ID"] in shown


# --- wrong values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("M365_TODAY", "yesterday", "date"),
        ("M365_WINDOW_DAYS", "29", "28"),
        ("M365_WINDOW_DAYS", "0", "1"),
        ("M365_LAG_DAYS", "0", "1"),
        ("M365_SETTLE_DAYS", "ten", "integer"),
        ("M365_THROTTLE_REQUESTS", "0", "1"),
        ("M365_THROTTLE_WINDOW_SECONDS", "0", "greater than 0"),
        ("M365_THROTTLE_WINDOW_SECONDS", "inf", "finite"),
        ("M365_THROTTLE_WINDOW_SECONDS", "nan", "finite"),
        ("M365_DIRECTORY_PAGE_SIZE", "1000", "999"),
        ("M365_KEEP_RELEASES", "0", "1"),
        ("M365_LOCK_WAIT_SECONDS", "-1", "0"),
        ("M365_CLOUD", "mars", "must be one of global, gcc-high, dod, china"),
        ("M365_GRAPH_URL", "http://graph.microsoft.com", "must be an https address"),
        ("M365_GRAPH_URL", "graph.microsoft.com", "must be an https address"),
        ("M365_AUTHORITY_URL", "https://", "must be an https address"),
        ("M365_AUTHORITY_URL", "https://[bad", "Invalid"),
        ("M365_GRAPH_URL", "https://me:pw@graph.microsoft.com", "without a user name"),
        ("M365_GRAPH_URL", "https://graph.microsoft.com?x=1", "a query"),
        ("M365_SCHEDULE_TIMEZONE", "Mars/Phobos", "time zone name such as Europe/Berlin"),
        ("M365_SCHEDULE_TIMEZONE", "Europe", "time zone name such as Europe/Berlin"),
        ("M365_SCHEDULE_TIMEZONE", "../../etc/passwd", "time zone name such as Europe/Berlin"),
        ("M365_CA_BUNDLE", "/no/such/file.pem", "names no readable file"),
    ],
)
def test_a_wrong_value_is_refused_by_name(configure, name: str, value: str, words: str) -> None:
    configure(**TENANT, **{name: value})
    message = refusal()
    assert name in message
    assert words in message


def test_all_wrong_settings_are_named_at_once_without_their_values(configure) -> None:
    configure(**TENANT, M365_TODAY=f"{SECRET}-1", M365_WINDOW_DAYS=f"{SECRET}-2", M365_CLOUD=f"{SECRET}-3")
    message = refusal()
    assert all(name in message for name in ("M365_TODAY", "M365_WINDOW_DAYS", "M365_CLOUD"))


def test_a_folder_is_no_certificate_bundle(configure, tmp_path: Path) -> None:
    configure(M365_CA_BUNDLE=str(tmp_path))
    assert "M365_CA_BUNDLE: names no readable file" in refusal()


def test_a_file_without_a_certificate_is_no_certificate_bundle(configure, tmp_path: Path) -> None:
    """A certificate that was saved in binary form (DER), as browsers offer it first."""
    bundle = tmp_path / "proxy.cer"
    bundle.write_bytes(b"0\x82\x03\x0f")
    configure(M365_CA_BUNDLE=str(bundle))
    assert "M365_CA_BUNDLE: names a file without a certificate in PEM" in refusal()


def test_an_existing_certificate_bundle_is_taken(configure, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----")
    configure(M365_CA_BUNDLE=str(bundle))
    assert load_settings().ca_bundle == bundle


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        (" Reports.Example , .Office.COM ,, ", ("reports.example", ".office.com")),
        ("", (".office.com", ".office365.com")),
    ],
)
def test_download_hosts(configure, given: str, meant: tuple[str, ...]) -> None:
    configure(M365_DOWNLOAD_HOSTS=given)
    assert load_settings().download_hosts == meant


# --- .env, time, folders ------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_env_file_is_read_and_the_environment_wins(configure, tmp_path: Path, line_end: bytes, mark: bytes) -> None:
    lines = [f"{name}={value}".encode() for name, value in TENANT.items()]
    lines += [b"# a comment", b"M365_WINDOW_DAYS=21", b"M365_LAG_DAYS=3", b"OTHER_TOOL=ignored"]
    (tmp_path / ".env").write_bytes(mark + line_end.join(lines) + line_end)
    configure(M365_LAG_DAYS="4")
    settings = load_settings()
    assert settings.tenants()[0].tenant_id == TENANT["M365_TENANT_ID"]
    assert settings.tenants()[0].sign_in.secret.read() == SECRET
    assert (settings.window_days, settings.lag_days) == (21, 4)


def test_an_empty_line_in_the_env_file_means_not_set(configure, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("M365_TENANT_ID=\nM365_TODAY=\nM365_CA_BUNDLE=\n")
    settings = load_settings()
    assert (settings.tenant_id, settings.today, settings.ca_bundle) == (None, None, None)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_an_env_file_in_another_encoding_is_refused_in_words(configure, tmp_path: Path, encoding: str) -> None:
    (tmp_path / ".env").write_bytes(f"M365_CLIENT_SECRET={SECRET}\n# für alle\n".encode(encoding))
    assert ".env is not saved as UTF-8" in refusal()


def test_today_can_be_pinned_and_moves_the_window(configure) -> None:
    configure(M365_TODAY="2026-08-31")
    settings = load_settings()
    assert settings.today_utc == date(2026, 8, 31)
    assert (settings.window.start, settings.window.end) == (date(2026, 8, 2), date(2026, 8, 29))


def test_today_is_the_utc_date(configure, monkeypatch: pytest.MonkeyPatch) -> None:
    class LateEvening(datetime):
        @classmethod
        def now(cls, tz=None):  # half past midnight in UTC, still the day before in New York
            return datetime(2026, 9, 1, 0, 30, tzinfo=timezone.utc).astimezone(tz)

    monkeypatch.setattr("pipelines.settings.datetime", LateEvening)
    assert load_settings().today_utc == date(2026, 9, 1)


def test_the_data_folder_may_be_relative_or_in_the_home_folder(configure, tmp_path: Path) -> None:
    configure(M365_DATA_DIR="x/y")
    assert load_settings().data_dir == tmp_path / "x" / "y"
    configure(M365_DATA_DIR="~/usage", HOME=str(tmp_path))
    assert load_settings().data_dir == tmp_path / "usage"


def test_settings_built_in_code_are_checked_too() -> None:
    with pytest.raises(ValueError, match="must be an https address"):
        Settings(graph_url="http://x")


def test_an_error_of_settings_built_in_code_does_not_quote_the_value() -> None:
    with pytest.raises(ValueError, match="window_days") as caught:
        Settings(window_days=SECRET)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
