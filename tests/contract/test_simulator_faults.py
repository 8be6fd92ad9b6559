"""Faults on the wire: what a client that knows nothing of them gets to see, and the file that asks for them."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.simulator import (
    FaultFileError,
    Limits,
    Rule,
    Scope,
    SimulatorServer,
    Tenant,
    TenantSpec,
    read_faults,
)
from pipelines.simulator import faults_library as library
from pipelines.simulator.faults_file import describe_faults, parse_faults
from pipelines.simulator.faults_library import FAULTS

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 10, 30)
SPEC = TenantSpec(users=12, today=TODAY)
DAY = date(2026, 10, 20)
ALWAYS = Scope(times=None)
DETAIL = "/reports/getM365AppUserDetail"


class Client:
    """Any Graph client: signs in, asks, follows the link of a report without its token."""

    def __init__(self, server: SimulatorServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(server.ca_bundle)
        self.token = ""

    def sign_in(self) -> requests.Response:
        spec = self.server.tenant.spec
        answer = self.session.post(
            f"{self.server.authority_url}/{spec.tenant_id}/oauth2/v2.0/token",
            {
                "grant_type": "client_credentials",
                "client_id": spec.client_id,
                "client_secret": spec.client_secret,
                "scope": "https://graph.microsoft.com/.default",
            },
            timeout=5,
        )
        self.token = answer.json().get("access_token", "") if answer.status_code == 200 else ""
        return answer

    def get(self, path: str) -> requests.Response:
        url = path if path.startswith("https://") else f"{self.server.graph_url}/v1.0{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.session.get(url, headers=headers, allow_redirects=False, timeout=5)

    def link(self, argument: str = f"date={DAY}") -> str:
        answer = self.get(f"{DETAIL}({argument})")
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def download(self, argument: str = f"date={DAY}") -> requests.Response:
        return self.session.get(self.link(argument), timeout=5, headers={"Accept-Encoding": "identity"})

    def rows(self, argument: str = f"date={DAY}") -> list[list[str]]:
        return rows_of(self.download(argument).content)


def rows_of(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Tenant(SPEC), Limits.generous()) as running:
        yield running


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[Client]:
    made = Client(server)
    made.sign_in()
    yield made
    made.session.close()
    server.faults.clear()
    server.tenant = Tenant(SPEC)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


# Where and when


def test_a_scope_says_which_requests_are_struck(server: SimulatorServer, client: Client) -> None:
    other = DAY - timedelta(days=1)
    server.faults.add(library.not_found(Scope(date=DAY, times=2, skip=1)))
    server.faults.add(library.unavailable(Scope(period="D7")))
    server.faults.add(library.internal_error(Scope(path="^/v1.0/users")))
    server.faults.add(library.throttled(Scope(tenant="11111111-2222-4333-8444-555555555555", times=None)))
    assert [client.get(f"{DETAIL}(date={day})").status_code for day in (DAY, DAY, other, DAY, DAY)] == [
        302, 404, 302, 404, 302,
    ]  # fmt: skip
    assert [client.get(f"{DETAIL}(period='{name}')").status_code for name in ("D30", "D7", "D7")] == [302, 503, 302]
    assert [client.get(path).status_code for path in ("/subscribedSkus", "/users", "/users")] == [200, 500, 200]


def test_a_fault_may_wait_for_any_number_of_requests(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.throttled(Scope(after=3, tenant=SPEC.tenant_id.upper()), retry_after=7))
    assert [client.get(path).status_code for path in ("/users", "/organization", "/subscribedSkus")] == [200] * 3
    answer = client.get(f"{DETAIL}(date={DAY})")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_path_and_a_date_must_both_fit(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.html_page(Scope(path="Counts", period="D7", times=None)))
    assert client.download("period='D7'").content.startswith(b"\xef\xbb\xbfReport")
    link = client.get("/reports/getM365AppUserCounts(period='D7')").headers["Location"]
    assert client.session.get(link, timeout=5).content.startswith(b"<!DOCTYPE html>")
    link = client.get("/reports/getM365AppUserCounts(period='D30')").headers["Location"]
    assert client.session.get(link, timeout=5).content.startswith(b"\xef\xbb\xbfReport")


# Refusals and failures


def test_a_revoked_token_stays_refused(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.token_revoked(Scope(skip=1)))
    assert client.get(f"{DETAIL}(date={DAY})").status_code == 302
    answers = [client.get(path) for path in (f"{DETAIL}(date={DAY})", f"{DETAIL}(date={DAY})", "/users")]
    assert [error_of(answer)[:2] for answer in answers] == [(401, "InvalidAuthenticationToken")] * 3
    client.sign_in()
    assert client.get(f"{DETAIL}(date={DAY})").status_code == 302


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (library.not_found(), 404, "ResourceNotFound"),
        (library.throttled(), 429, "TooManyRequests"),
        (library.internal_error(), 500, "InternalServerError"),
        (library.unavailable(), 503, "ServiceUnavailable"),
        (library.gateway_timeout(), 504, "UnknownError"),
    ],
)
def test_refusals_have_graphs_shape(
    server: SimulatorServer, client: Client, fault: Rule, status: int, code: str
) -> None:
    server.faults.add(fault)
    answer = client.get(f"{DETAIL}(date={DAY})")
    assert error_of(answer)[:2] == (status, code)
    assert "Retry-After" not in answer.headers
    assert client.get(f"{DETAIL}(date={DAY})").status_code == 302


def test_a_missing_permission_is_nested_in_the_message(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.forbidden())
    status, code, message = error_of(client.get(f"{DETAIL}(date={DAY})"))
    assert (status, code) == (403, "UnknownError")
    assert json.loads(message)["error"] == {"code": "S2SUnauthorized", "message": "Invalid permission."}


def test_a_late_day_is_the_newest_or_the_one_named(server: SimulatorServer, client: Client) -> None:
    newest = SPEC.newest_report_date
    server.faults.add(library.late_day(ALWAYS))
    server.faults.add(library.late_day(Scope(date=DAY)))
    status, _, message = error_of(client.get(f"{DETAIL}(date={newest})"))
    nested = json.loads(message)["error"]
    assert (status, nested["code"]) == (400, "InvalidArgument")
    assert str(newest) in nested["message"]
    assert client.get(f"{DETAIL}(date={newest - timedelta(days=1)})").status_code == 302
    assert client.get(f"{DETAIL}(period='D7')").status_code == 302
    assert [client.get(f"{DETAIL}(date={DAY})").status_code for _ in range(2)] == [400, 302]
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=1))
    assert client.get(f"{DETAIL}(date={newest})").status_code == 302


def test_gateways_speak_html_and_connections_break(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.bad_gateway())
    answer = client.get(f"{DETAIL}(date={DAY})")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content[:5]) == (502, "text/html", b"<!DOC")
    server.faults.add(library.connection_reset())
    server.faults.add(library.connection_reset(at="sign-in"))
    server.faults.add(library.connection_reset(at="download"))
    link = None
    with pytest.raises(requests.ConnectionError):
        link = client.link()
    link = client.link()
    with pytest.raises(requests.ConnectionError):
        client.session.get(link, timeout=5)
    with pytest.raises(requests.ConnectionError):
        client.sign_in()
    assert client.sign_in().status_code == 200


def test_slow_answers_come_late_or_in_two_parts(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.slow(seconds=0.2))
    server.faults.add(library.slow(seconds=0.2, in_body=True, at="download"))
    started = time.monotonic()
    link = client.link()
    assert time.monotonic() - started >= 0.2
    with client.session.get(link, stream=True, timeout=5) as answer:
        head, began = answer.raw.read(10), time.monotonic()
        rest = answer.raw.read()
    assert time.monotonic() - began >= 0.15
    assert head + rest == server.tenant.report_csv(DAY)


# Downloads


def test_an_expired_link_is_expired_for_good(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.link_expired())
    link = client.link()
    assert [client.session.get(link, timeout=5).status_code for _ in range(2)] == [403, 403]
    assert client.download().status_code == 200


def test_truncated_bodies_lie_or_do_not(server: SimulatorServer, client: Client) -> None:
    whole = server.tenant.report_csv(DAY)
    server.faults.add(library.truncated_lying())
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.download()
    server.faults.add(library.truncated_honest())
    answer = client.download()
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert whole.startswith(answer.content)
    assert not answer.content.endswith(b"\n")
    server.faults.add(library.truncated_honest(whole_lines=True, keep=0.7))
    answer = client.download()
    assert whole.startswith(answer.content)
    assert answer.content.endswith(b"\r\n")
    server.faults.add(library.truncated_honest(keep=0))
    assert client.download().content == b""


def test_compressed_and_other_bodies(server: SimulatorServer, client: Client) -> None:
    whole = server.tenant.report_csv(DAY)
    server.faults.add(library.gzip_encoded())
    with client.session.get(client.link(), stream=True, timeout=5) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.raw.read(decode_content=False)) == whole
    server.faults.add(library.html_page())
    page = client.download()
    assert (page.status_code, page.content[:5]) == (200, b"<!DOC")
    server.faults.add(library.json_error(at="graph"))
    assert error_of(client.get(f"{DETAIL}(date={DAY})"))[0] == 200


def test_rows_and_columns(server: SimulatorServer, client: Client) -> None:
    header, *rows = rows_of(server.tenant.report_csv(DAY))

    def struck(fault: Rule) -> list[list[str]]:
        server.faults.add(fault)
        return client.rows()

    assert struck(library.header_only()) == [header]
    assert struck(library.ragged_row(row=2, cells=-3)) == [header, rows[0], rows[1][:-3], *rows[2:]]
    assert struck(library.ragged_row(row=999, cells=1)) == [header, *rows[:-1], [*rows[-1], "No"]]
    assert struck(library.column_order()) == [row[::-1] for row in (header, *rows)]
    found = struck(library.new_column(column="Loop", value="Yes", place=0))
    assert found == [["Loop", *header], *(["Yes", *row] for row in rows)]
    found = struck(library.missing_column(column="Report Refresh Date"))
    assert found == [row[1:] for row in (header, *rows)]
    assert struck(library.duplicate_rows(count=2)) == [header, *rows, *rows[:2]]
    assert struck(library.duplicate_rows()) == [header, *rows, *rows]
    found = struck(library.unknown_rows(count=3))
    assert [row[0] for row in found] == [row[0] for row in (header, *rows)]
    unknown = sum(row[1] == "(Unknown)" for row in rows)
    assert sum(row[1] == "(Unknown)" for row in found) == unknown + 3
    assert client.rows() == [header, *rows]


def test_what_a_fault_cannot_do_is_an_error_of_the_server(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.missing_column(column="Loop"))
    assert error_of(client.download()) == (500, "InternalServerError", "ValueError: The report has no column 'Loop'.")
    server.faults.add(library.correction(Scope(date=DAY), drop=1000))
    assert error_of(client.get(f"{DETAIL}(date={DAY})"))[:2] == (500, "InternalServerError")
    assert client.download().content == server.tenant.report_csv(DAY)


# The tenant


def test_hashes_flip_from_day_to_day(server: SimulatorServer, client: Client) -> None:
    days = [DAY, DAY + timedelta(days=1)]
    arguments = [f"date={day}" for day in days]

    def names() -> list[set[str]]:
        return [{row[1] for row in client.rows(argument)[1:]} - {"(Unknown)"} for argument in arguments]

    server.faults.add(library.hash_flip(ALWAYS))
    assert names()[0] & names()[1], "names that are shown stay"
    server.tenant = server.tenant.replaced(is_concealed=True)
    first, second = names()
    assert first
    assert not first & second
    assert all(len(name) == 32 and name == name.upper() for name in first | second)
    assert names() == [first, second]
    server.faults.clear()
    assert names()[0] & names()[1]
    assert not names()[0] & first
    server.faults.add(library.hash_flip(ALWAYS, salt="next week"))
    flipped = names()
    assert flipped[0] & flipped[1]
    assert not flipped[0] & first


def test_a_correction_comes_with_the_request_that_it_strikes(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.correction(Scope(date=DAY, skip=1), drop=2, app="Outlook"))
    before, after, later = client.rows(), client.rows(), client.rows()
    assert len(after) == len(before) - 2
    assert later == after
    assert after == rows_of(server.tenant.report_csv(DAY))


def test_names_are_concealed_between_two_requests(server: SimulatorServer, client: Client) -> None:
    server.faults.add(library.concealed_switch(Scope(skip=1)))
    server.faults.add(library.concealed_switch(Scope(skip=3), on=False))
    shown = []
    for _ in range(4):
        shown.append(any("@" in row[1] for row in client.rows()))
        assert client.get("/admin/reportSettings").json()["displayConcealedNames"] is not shown[-1]
    assert shown == [True, False, False, True]


# Pages


def pages(client: Client, path: str, at_most: int = 10) -> list[dict[str, Any]]:
    found, url = [], path
    while url and len(found) < at_most:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        url = found[-1].get("@odata.nextLink")
    return found


def test_pages_loop_lead_away_and_are_empty(server: SimulatorServer, client: Client) -> None:
    path = "/users?$top=6&$select=id"
    everybody = [user["id"] for page in pages(client, path) for user in page["value"]]
    rule = server.faults.add(library.empty_page(Scope(times=2, skip=1)))
    found = pages(client, path)
    assert [user["id"] for page in found for user in page["value"]] == everybody
    assert [bool(page["value"]) for page in found].count(False) == 2
    links = [page["@odata.nextLink"] for page in found[:-1]]
    assert len(links) == len(set(links))
    server.faults.remove(rule)
    rule = server.faults.add(library.next_link_loop(Scope(skip=1, times=None)))
    loop = pages(client, path, at_most=5)
    assert loop[1] == loop[2] == loop[4]
    server.faults.remove(rule)
    server.faults.add(library.next_link_elsewhere())
    link = client.get(path).json()["@odata.nextLink"]
    assert link.startswith("https://graph.example.net/v1.0/users?$top=6")


@pytest.mark.parametrize("name", ["delta_token_expired", "delta_token_gone"])
def test_after_a_lost_delta_token_everything_is_read_again(server: SimulatorServer, client: Client, name: str) -> None:
    server.faults.add(FAULTS[name]())
    first = pages(client, "/users/delta?$select=id")
    answer = client.get(first[-1]["@odata.deltaLink"])
    if name == "delta_token_expired":
        assert error_of(answer)[:2] == (400, "syncStateNotFound")
        start = "/users/delta?$select=id"
    else:
        assert error_of(answer)[:2] == (410, "resyncRequired")
        start = answer.headers["Location"]
    again = pages(client, start)
    assert [user["id"] for page in again for user in page["value"]] == [
        user["id"] for page in first for user in page["value"]
    ]
    assert client.get(again[-1]["@odata.deltaLink"]).json()["value"] == []


# The file


def test_the_example_names_every_fault(server: SimulatorServer) -> None:
    path = ROOT / "docs" / "faults.example.toml"
    assert len(read_faults(path)) >= len(FAULTS)
    text = path.read_text()
    for name, parameters, meaning in describe_faults():
        assert f'name = "{name}"' in text
        assert meaning.endswith(".")
        assert "scope" not in parameters


def test_toml_and_json_say_the_same(tmp_path: Path, server: SimulatorServer, client: Client) -> None:
    (tmp_path / "a.toml").write_text(
        '[[fault]]\nname = "unavailable"\ndate = 2026-10-20\ntimes = "always"\nretry_after = 3\n'
        '[[fault]]\nname = "slow"\nseconds = 0\nat = "download"\n'
    )
    content = {
        "fault": [
            {"name": "unavailable", "date": "2026-10-20", "times": "always", "retry_after": 3},
            {"name": "slow", "seconds": 0, "at": "download"},
        ]
    }
    (tmp_path / "b.json").write_text(json.dumps(content), encoding="utf-8-sig")
    for name in ("a.toml", "b.json"):
        server.faults.clear()
        for fault in read_faults(tmp_path / name):
            server.faults.add(fault)
        assert [client.get(f"{DETAIL}(date={DAY})").headers.get("Retry-After") for _ in range(3)] == ["3"] * 3
        assert client.rows("date=2026-10-19")
    assert [fault.times for fault in parse_faults(content) if isinstance(fault, Rule)] == [None, 1]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "fault 1 has no name"),
        ({"name": "throtled"}, "no fault is called 'throtled'; did you mean 'throttled'"),
        ({"name": "lightning"}, "no fault is called 'lightning'; there are token_revoked, "),
        ({"name": "throttled", "retry": 3}, r"fault 1 \(throttled\): it takes no 'retry', but retry_after, at, path,"),
        ({"name": "header_only", "at": "graph"}, "it takes no 'at'"),
        ({"name": "throttled", "at": "here"}, "at must be one of graph, download, sign-in"),
        ({"name": "throttled", "times": 0}, "times must be at least 1"),
        ({"name": "throttled", "times": "never"}, 'times must be a whole number or "always"'),
        ({"name": "throttled", "times": True}, "times must be a whole number"),
        ({"name": "throttled", "skip": -1}, "skip and after must not be negative"),
        ({"name": "throttled", "path": "("}, "path is no regular expression"),
        ({"name": "throttled", "date": "yesterday"}, "date must be a date such as 2026-08-01"),
        ({"name": "throttled", "date": 20261020}, "date must be a date such as 2026-08-01"),
        ({"name": "throttled", "period": "D8"}, "period must be one of D7, D30, D90, D180"),
        ({"name": "throttled", "period": "D7", "date": "2026-10-20"}, "date and period are two reports"),
        ({"name": "throttled", "retry_after": -1}, "retry_after must not be negative"),
        ({"name": "slow", "seconds": "long"}, "seconds must be a number"),
        ({"name": "slow", "seconds": -1}, "seconds must not be negative"),
        ({"name": "slow", "in_body": 1}, "in_body must be true or false"),
        ({"name": "correction"}, "a correction needs the date"),
        ({"name": "correction", "date": "2026-10-20", "app": "Loop"}, "app must be one of Outlook, "),
        ({"name": "correction", "date": "2026-10-20", "drop": -1}, "must not be negative"),
        ({"name": "truncated_honest", "keep": 1}, "keep must be at least 0 and less than 1"),
        ({"name": "duplicate_rows", "count": 0}, "count must be at least 1"),
        ({"name": "ragged_row", "row": 0}, "row must be at least 1"),
        ({"name": "new_column", "column": 3}, "column must be a text"),
        ({"name": "new_column", "place": -1}, "place must not be negative"),
    ],
)
def test_a_mistake_is_told_in_words(fault: dict[str, Any], words: str) -> None:
    with pytest.raises(FaultFileError, match=words):
        parse_faults({"fault": [fault]})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", '[[fault]\nname = "slow"', "is no TOML"),
        ("a.json", "{", "is no JSON"),
        ("a.toml", 'fault = "slow"', r"a\.toml: there must be one table \[\[fault\]\]"),
        ("a.json", "[]", "there must be one table"),
        ("a.toml", 'port = 1\n[[fault]]\nname = "slow"', "'port' stands outside"),
        ("a.toml", '[[fault]]\nname = "slow"\n\n[[fault]]\nname = "fast"', r"a\.toml: fault 2: no fault is called"),
    ],
)
def test_a_file_that_is_none_is_told_in_words(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FaultFileError, match=words):
        read_faults(tmp_path / name)


def test_a_file_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "a.toml", tmp_path / "nowhere.toml"):
        with pytest.raises(FaultFileError, match="cannot be read"):
            read_faults(path)


def test_the_command_lists_faults_and_refuses_a_wrong_file(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["simulate", "--list-faults"])
    assert listed.exit_code == 0
    assert '\nthrottled (retry_after, at = "graph")\n    429 ' in listed.output
    told = runner.invoke(app, ["simulate", "--help"], env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"})
    assert "[[fault]]" in told.output
    (tmp_path / "a.toml").write_text('[[fault]]\nname = "fast"')
    wrong = runner.invoke(app, ["simulate", "--faults", str(tmp_path / "a.toml")])
    assert wrong.exit_code == 2
    assert "no fault is called" in wrong.output


def test_the_command_serves_a_tenant_with_faults(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[[fault]]\nname = "unavailable"\nretry_after = 9\nat = "sign-in"\n')
    command = Path(sys.executable).with_name("m365-usage")
    with subprocess.Popen(
        [command, "simulate", "--port", "0", "--users", "5", "--today", "2026-10-30", "--faults", "a.toml"],
        cwd=tmp_path,
        env={"PATH": "", "M365_DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = list(itertools.takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        settings = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if "=" in line)
        assert "1 fault is in force, from a.toml.\n" in lines
        url = f"{settings['M365_AUTHORITY_URL']}/{settings['M365_TENANT_ID']}/v2.0/.well-known/openid-configuration"
        answers = [requests.get(url, verify=settings["M365_CA_BUNDLE"], timeout=5) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers] == [(503, "9"), (200, None)]
    assert process.returncode == 0
