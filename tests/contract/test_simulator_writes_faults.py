"""Writes that are refused, throttled, or done though nobody hears of it; and the journal that knows."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import requests

from pipelines.simulator import ACTIONS_APP, Scope, SimulatorServer, TenantSpec
from pipelines.simulator import faults_library as library
from pipelines.simulator import skus as catalog
from pipelines.simulator.faults_file import FaultFileError, parse_faults
from tests.contract.writing import Writer, holder

SPEC = TenantSpec(users=60, today=date(2026, 9, 14))
E3 = catalog.E3.sku_id


def test_a_write_is_done_though_its_answer_is_lost(server: SimulatorServer, writer: Writer) -> None:
    person = holder(server.tenant)
    server.faults.add(library.answer_lost())
    assert writer.user(person["id"])["id"] == person["id"]
    with pytest.raises(requests.ConnectionError):
        writer.assign(person["id"], remove=(E3,))
    assert writer.user(person["id"])["assignedLicenses"] == []
    assert writer.assign(person["id"], remove=(E3,)).status_code == 400
    path = f"/v1.0/users/{person['id']}/assignLicense"
    assert [(w.method, w.path, w.status, w.answered, w.is_applied) for w in server.writes] == [
        ("POST", path, 200, 0, True),
        ("POST", path, 400, 400, False),
    ]
    assert server.writes.applied() == [("POST", path)]
    assert {record.app_id for record in server.writes} == {ACTIONS_APP.client_id}


def test_a_lost_answer_may_say_something_else(server: SimulatorServer, writer: Writer) -> None:
    person = holder(server.tenant)
    server.faults.add(library.answer_lost(Scope(method="delete"), status=504))
    assert writer.ask("PATCH", f"/users/{person['id']}", {"accountEnabled": False}).status_code == 204
    assert writer.ask("DELETE", "/users/nobody").status_code == 404
    assert writer.ask("DELETE", f"/users/{person['id']}").status_code == 504
    assert writer.ask("GET", f"/users/{person['id']}").status_code == 404
    assert [record.answered for record in server.writes] == [204, 404, 504]
    assert [method for method, _ in server.writes.applied()] == ["PATCH", "DELETE"]


def test_a_refused_write_is_not_done(server: SimulatorServer, writer: Writer) -> None:
    person = holder(server.tenant)
    server.faults.add(library.throttled(Scope(path="^/v1.0/users/", method="PATCH"), retry_after=4))
    server.faults.add(library.internal_error(Scope(path="^/v1.0/users/", method="PATCH")))
    assert writer.ask("GET", f"/users/{person['id']}").status_code == 200
    answers = [writer.ask("PATCH", f"/users/{person['id']}", {"accountEnabled": False}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 500, 204]
    assert answers[0].headers["Retry-After"] == "4"
    assert [record.status for record in server.writes] == [None, None, 204]
    assert len(server.writes.applied()) == 1


def test_the_monitor_of_a_copy_may_fail_too(server: SimulatorServer, writer: Writer) -> None:
    server.faults.add(library.unavailable(Scope(path="/monitor/"), at="download", retry_after=1))
    drives = []
    for user in server.tenant.users():
        answer = writer.ask("GET", f"/users/{user['id']}/drive")
        drives += [answer.json()] if answer.status_code == 200 else []
    source, target = (f"/drives/{drive['id']}" for drive in drives[:2])
    item = writer.items(f"{source}/root/children")[-1]
    to = {"driveId": drives[1]["id"], "id": writer.get(f"{target}/root")["id"]}
    started = writer.ask("POST", f"{source}/items/{item['id']}/copy", {"parentReference": to, "name": "Copied"})
    answers = [writer.session.get(started.headers["Location"], timeout=5) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 202]
    assert answers[1].json()["status"] == "completed"


def test_the_journal_of_writes_keeps_no_secret(server: SimulatorServer, writer: Writer) -> None:
    body = {
        "accountEnabled": True,
        "displayName": "N N",
        "mailNickname": "n.n",
        "userPrincipalName": f"n.n@{SPEC.domain}",
        "passwordProfile": {"password": "Correct-Horse-7"},
    }
    assert writer.ask("POST", "/users", body).status_code == 201
    assert requests.post(f"{server.graph_url}/v1.0/users", json=body, verify=str(server.ca_bundle)).status_code == 401
    text = repr(list(server.writes)) + repr(list(server.requests)) + repr(server.tenant.writes)
    for secret in ("Correct-Horse-7", writer.token, ACTIONS_APP.client_secret):
        assert secret not in text
    assert [(record.app_id, record.status) for record in server.writes] == [(ACTIONS_APP.client_id, 201), ("", 401)]
    server.writes.clear()
    assert len(server.writes) == 0


def test_methods_in_a_fault_file() -> None:
    (fault,) = parse_faults({"fault": [{"name": "throttled", "path": "^/v1.0/users", "method": "PATCH"}]})
    assert getattr(fault, "method") == "PATCH"  # noqa: B009
    for odd in ({"method": "FETCH"}, {"name": "answer_lost", "status": 200}):
        with pytest.raises(FaultFileError):
            parse_faults({"fault": [{"name": "throttled", **odd}]})


def test_the_command_prints_both_applications_and_leaves_permissions_out(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("m365-usage")
    arguments = [
        "simulate",
        "--port",
        "0",
        "--users",
        "5",
        "--without",
        "User.RevokeSessions.All",
        "--group-seconds",
        "0",
    ]
    environment = {"PATH": "", "M365_DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [command, *arguments], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            found, changed = _change_somebody(process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
    assert changed.status_code == 204
    assert found["M365_CLIENT_ID"] != found["M365_ACTIONS_CLIENT_ID"]
    odd = subprocess.run([command, "simulate", "--without", "Nothing"], env=environment, capture_output=True, text=True)
    assert odd.returncode == 2
    assert "No permission is called 'Nothing'" in " ".join(odd.stderr.replace("│", " ").split())


def _change_somebody(process: subprocess.Popen[str]) -> tuple[dict[str, str], requests.Response]:
    """The settings that the command printed, and the answer to a write with the second application of them."""
    assert process.stdout is not None
    lines = list(itertools.takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
    found = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export"))
    form = {
        "grant_type": "client_credentials",
        "client_id": found["M365_ACTIONS_CLIENT_ID"],
        "client_secret": found["M365_ACTIONS_CLIENT_SECRET"],
        "scope": "https://graph.microsoft.com/.default",
    }
    with requests.Session() as session:
        session.trust_env = False
        session.verify = found["M365_CA_BUNDLE"]
        url = f"{found['M365_AUTHORITY_URL']}/{found['M365_TENANT_ID']}/oauth2/v2.0/token"
        token = session.post(url, data=form, timeout=5).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        people = session.get(f"{found['M365_GRAPH_URL']}/v1.0/users?$select=id", timeout=5).json()["value"]
        person = f"{found['M365_GRAPH_URL']}/v1.0/users/{people[0]['id']}"
        return found, session.patch(person, json={"usageLocation": "FR"}, timeout=5)
