"""A run that ends tells people by itself: no daemon, no sensor, no step of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from unit_notify import TODAY, publish
from unit_tls import Answer, TlsStub

from pipelines.defs.resources import Workplace

SECRET = "canary-signature"


@pytest.fixture
def teams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsStub]:
    """A flow that takes messages; the environment leads to it."""
    publish(tmp_path)
    stub = TlsStub(tmp_path, lambda _: Answer(202))
    given = {
        "M365_DATA_DIR": tmp_path, "M365_TODAY": TODAY, "M365_NOTIFY_DIGEST_DAY": "never",
        "M365_CA_BUNDLE": stub.bundle, "M365_NOTIFY_TEAMS_URL": f"{stub.url}/workflows/x?sig={SECRET}",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    yield stub
    stub.stop()


def run(error: Exception | None = None, name: str = "sync") -> str:
    """A run of two steps; returns all that its event log says."""

    @dg.op
    def fetch(workplace: Workplace) -> None:
        if error is not None:
            raise error

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def publish(workplace: Workplace) -> None:
        pass

    @dg.job(name=name, resource_defs={"workplace": Workplace()}, executor_def=dg.in_process_executor)
    def job() -> None:
        publish(fetch())

    with dg.DagsterInstance.local_temp() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        assert result.success is (error is None)
        return "\n".join(str(entry) for entry in instance.all_logs(result.run_id))


def told(stub: TlsStub) -> list[str]:
    """The text of every card since this was last asked."""
    cards = [json.loads(seen.body)["attachments"][0]["content"]["body"] for seen in stub.seen]
    stub.seen.clear()
    return [" ".join(block["text"] for block in body if "text" in block) for body in cards]


def test_a_failure_is_told_with_its_sentence_and_its_end(teams: TlsStub) -> None:
    log = run(dg.Failure("The client secret has expired: make a new one.", allow_retries=False))
    (message,) = told(teams)
    assert message.startswith(
        "The sync run failed The client secret has expired: make a new one. What is published stays"
    )
    assert SECRET not in log
    run(dg.Failure("The client secret has expired: make a new one.", allow_retries=False))
    assert told(teams) == []
    run()
    (message,) = told(teams)
    assert message.startswith("The run works again")
    run()
    assert told(teams) == []


def test_an_unforeseen_error_keeps_what_it_says_to_itself(teams: TlsStub) -> None:
    run(RuntimeError("canary of Anna Person"))
    (message,) = told(teams)
    assert "Step fetch failed in an unforeseen way" in message
    assert "canary" not in message


def test_what_cannot_be_delivered_is_a_warning_of_a_run_that_goes_well(teams: TlsStub, tmp_path: Path) -> None:
    publish(tmp_path, concealed=True)
    teams.answer = lambda _: Answer(500)
    log = run()
    assert "Teams was not told: the service answered 500; the next run tries again." in log
    assert SECRET not in log


def test_other_jobs_tell_nobody(teams: TlsStub) -> None:
    run(dg.Failure("No."), name="check")
    assert told(teams) == []
