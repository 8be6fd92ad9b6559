"""Nothing of a secret, a token or a download address is written anywhere, whatever goes wrong; names stay in the data.

One run of the real job with a canary for a secret, and with faults in sign-in, Graph, pages and downloads; then every
file below the data folder is searched, compressed bodies and databases column by column, and all that was printed.
"""

from __future__ import annotations

import io
import re
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
import zstandard

from pipelines.graph.errors import GraphError, SignInError
from pipelines.simulator import Rule, SimulatorServer, Tenant
from pipelines.simulator.faults_library import FAULTS, Scope
from tests.integration.conftest import Rig, tenant

CANARY = "CANARY8Q~secret&value=with/odd+signs%21x7Kd2"
DOWNLOAD_CANARY = "CANARYsignature0815"
# A part of a secret is a secret, too; shorter parts would be found by chance.
PART = 20


@dataclass(frozen=True)
class Traces:
    """What must not be found."""

    secrets: frozenset[str]
    names: frozenset[str]

    def found_in(self, text: str, *, names: bool = True) -> list[str]:
        """The secrets in a text, and where asked for the names of people."""
        lower = text.lower()
        return [item for item in self.secrets if item in text] + [
            name for name in (self.names if names else ()) if name in lower
        ]


def strike(rig: Rig, stranger: SimulatorServer) -> None:
    """Everything that can go wrong where secrets, tokens and addresses are at hand."""
    faults = rig.server.faults

    def on(day: int, name: str, **parameters: object) -> None:
        faults.add(FAULTS[name](Scope(date=date(2026, 10, day)), **parameters))

    on(2, "token_revoked")
    on(3, "forbidden")
    on(4, "link_expired")
    on(5, "truncated_lying")
    on(6, "truncated_honest")
    on(7, "not_found", at="download")
    on(8, "internal_error", at="download")
    on(9, "json_error")
    on(12, "html_page")
    on(13, "connection_reset", at="download")
    elsewhere = f"https://files.example.net/data/download?sig={DOWNLOAD_CANARY}&token={DOWNLOAD_CANARY}"
    # A host that is not accepted; one whose certificate nobody vouches for; one without encryption.
    for day, location in (
        (14, elsewhere),
        (15, f"{stranger.graph_url}/data/download/x.csv?token={DOWNLOAD_CANARY}"),
        (16, f"http://127.0.0.1:{rig.server.port}/data?token={DOWNLOAD_CANARY}"),
    ):
        faults.add(
            Rule(path=rf"getM365AppUserDetail\(date=2026-10-{day}\)", times=None, status=302, body=b"",
                 headers={"Location": location})
        )  # fmt: skip
    # Microsoft's own messages may hold an address or somebody's name.
    somebody = rig.server.tenant.users()[0]
    faults.add(
        Rule(path=r"getM365AppUserDetail\(date=2026-10-19\)", times=None, status=400, code="BadRequest",
             message=f"No report for {somebody['userPrincipalName']} at {elsewhere}")
    )  # fmt: skip
    faults.add(Rule(path="/directory/deletedItems", status=403, times=None, code="Authorization_RequestDenied",
                    message=f"{somebody['mail']} may not see https://graph.example.net/?token={DOWNLOAD_CANARY}")
               )  # fmt: skip
    faults.add(Rule(path="/directory/subscriptions", times=None, transform=lambda body: body[: len(body) // 2]))


def traces(rig: Rig, company: Tenant) -> Traces:
    """What the simulator knows and nobody else may: collected from its own memory."""
    service = rig.server.service
    whole = {CANARY, quote(CANARY, safe=""), quote(CANARY), DOWNLOAD_CANARY}
    tokens = set(service.identity._grants) | set(service.links._links)
    assert len(tokens) > 30, "the simulator has issued tokens and links"
    parts = {token[:PART] for token in tokens if not token.startswith("ey")} | {token[-PART:] for token in tokens}
    # A mailbox called Info is nobody's name.
    shown = {str(user["displayName"]).lower() for user in company.users() if " " in str(user["displayName"])}
    names = {str(user["userPrincipalName"]).lower() for user in company.users()} | shown
    assert len(names) > 60
    return Traces(frozenset(whole | parts | {CANARY[:PART], CANARY[-PART:], "data/download/"}), frozenset(names))


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """The contents of a file, readable: decompressed, or cell by cell, and as it stands on disk."""
    raw = path.read_bytes()
    yield str(path), raw.decode("utf-8", "replace") + raw.decode("utf-16-le", "replace")
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw)) as body:
            yield f"{path} (body)", body.read().decode("utf-8", "replace")
    elif raw.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
            for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in con.execute(f'select * from "{table}"').fetchall():
                    yield f"{path} ({table})", repr(row)
        con.close()
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            for schema, table in con.execute(
                "select schema_name, table_name from duckdb_tables() where not internal"
            ).fetchall():
                for row in con.execute(f'from "{schema}"."{table}"').fetchall():
                    yield f"{path} ({schema}.{table})", repr(row)


@pytest.fixture(scope="module")
def company() -> Tenant:
    return tenant(users=40, client_secret=CANARY)


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig], company: Tenant) -> Rig:
    return make_rig(company)


@pytest.fixture(scope="module")
def stranger() -> Iterator[SimulatorServer]:
    """A server whose certificate comes from an authority that nobody trusts."""
    with SimulatorServer(tenant(2, users=1)) as running:
        yield running


@pytest.fixture(scope="module")
def printed(rig: Rig, stranger: SimulatorServer) -> str:
    """All that two runs say, one with a wrong secret and one with every other fault, and the look at its days."""
    said = []
    wrong = rig.command("sync", M365_CLIENT_SECRET=CANARY[:-1] + "?")
    assert wrong.returncode == 1
    said.append(wrong.stdout + wrong.stderr)
    strike(rig, stranger)
    struck = rig.command("sync", M365_DOWNLOAD_HOSTS="127.0.0.1,localhost")
    assert struck.returncode == 1
    said.append(struck.stdout + struck.stderr)
    assert "Publishing" in struck.stderr, "what could be had is published"
    for words in ("not an accepted download host", "not trusted", "(name)", "(address)"):
        assert words in struck.stderr
    status = rig.command("status")
    said.append(status.stdout + status.stderr)
    return "\n".join(said)


@pytest.mark.timeout(600)
def test_nothing_printed_gives_a_secret_or_a_name_away(rig: Rig, company: Tenant, printed: str) -> None:
    assert "The client secret is wrong" in printed
    assert "Traceback" not in printed
    assert traces(rig, company).found_in(printed) == []


@pytest.mark.timeout(600)
def test_no_file_holds_a_secret_a_token_or_a_download_address(rig: Rig, company: Tenant, printed: str) -> None:
    sought = traces(rig, company)
    searched, found = 0, []
    for path in sorted(rig.data_dir.rglob("*")):
        # The simulator's own folder is not the product's.
        if not path.is_file() or path.is_symlink() or (rig.data_dir / "simulator") in path.parents:
            continue
        for where, text in texts_of(path):
            searched += 1
            found += [f"{where}: {item}" for item in sought.found_in(text, names=False)]
    assert searched > 500
    assert found == []
    kinds = {path.suffix for path in rig.data_dir.rglob("*") if path.is_file()}
    assert {".zst", ".json", ".db", ".duckdb", ".log"} <= kinds, "every kind of file was there to be searched"


@pytest.mark.timeout(600)
def test_no_log_and_no_event_of_dagster_or_dbt_names_anybody(rig: Rig, company: Tenant, printed: str) -> None:
    sought = traces(rig, company)
    events = 0
    for folder in ("dagster", "dbt"):
        for path in sorted((rig.data_dir / folder).rglob("*")):
            if path.is_file():
                for where, text in texts_of(path):
                    events += "STEP_START" in text
                    assert sought.found_in(text) == [], where
    assert events


def test_landing_records_hold_no_address_and_no_name_in_their_messages(rig: Rig, company: Tenant, printed: str) -> None:
    sought = traces(rig, company)
    with duckdb.connect(str(rig.data_dir / "warehouse.duckdb"), read_only=True) as con:
        messages = [str(message) for (message,) in con.execute(
            "select distinct unnest([error_message, verdict_reason, error_code, request_id]) from ledger.fetches"
        ).fetchall()]  # fmt: skip
    assert len(messages) > 5
    for message in messages:
        assert sought.found_in(message) == []
        assert not re.search(r"[?&](token|sig|code)=", message)


def test_no_exception_carries_one_along(rig: Rig, company: Tenant, stranger: SimulatorServer, printed: str) -> None:
    """Neither its text, nor its causes, nor what a debugger's representation of it shows."""
    rig.server.faults.clear()
    strike(rig, stranger)
    caught: list[BaseException] = []
    landing_errors = (GraphError, SignInError)
    from pipelines.graph.reports import download_user_detail_day
    from pipelines.sync.extract import open_fetcher
    from pipelines.warehouse.landing import Landing

    target = rig.tenant_settings(company)
    with open_fetcher(rig.settings, target, Landing(rig.data_dir / "elsewhere"), sleep=lambda _: None) as fetcher:
        for day in (3, 9, 12, 14, 15, 16, 19):
            try:
                download_user_detail_day(fetcher.client, date(2026, 10, day), io.BytesIO())
            except landing_errors as error:
                caught.append(error)
        assert len(caught) >= 4
        shown = [repr(fetcher.client), repr(fetcher), repr(target), repr(rig.settings)]
    for error in caught:
        shown += [repr(error), str(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    sought = traces(rig, company)
    assert [sought.found_in(text) for text in shown] == [[]] * len(shown)
