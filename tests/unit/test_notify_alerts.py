"""Who is told of what, when, and how often."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import filelock
import pytest
from unit_landing import TENANT, Lander
from unit_notify import TODAY, publish, settings
from unit_reports import report, row

from pipelines.notify import deliver
from pipelines.notify.alerts import alerts, clean, run_failed
from pipelines.notify.card import payload as card
from pipelines.notify.channels import DeliveryError
from pipelines.notify.deliver import Outcome, after_run
from pipelines.notify.digest import digest, digest_week
from pipelines.notify.message import Message, Mood
from pipelines.notify.situation import read_situation
from pipelines.notify.state import read_told, state_file
from pipelines.warehouse.publish import DATABASE_NAME

FAILURE = run_failed("sync", ["The client secret has expired: make a new one."])


class Recorded:
    """A channel that remembers, or does not work."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: list[Message] = []
        self.is_down = False

    def send(self, message: Message) -> None:
        if self.is_down:
            raise DeliveryError(f"{self.name} was not told: it cannot be reached; see the network.")
        self.messages.append(message)

    def heard(self) -> list[str]:
        """The titles since this was last asked."""
        titles = [message.title for message in self.messages]
        self.messages.clear()
        return titles


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    channel = Recorded("Teams")
    monkeypatch.setattr(deliver, "channels", lambda _: [channel])
    return channel


@pytest.fixture
def tell(tmp_path: Path) -> Callable[..., Outcome]:
    def run(failure: Any = None, *, is_run: bool = True, **changes: Any) -> Outcome:
        return after_run(settings(tmp_path, **changes), failure, is_run=is_run)

    return run


def test_an_alert_is_told_once_and_once_more_when_it_is_over(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome]
) -> None:
    publish(tmp_path, over_assigned=3)
    assert tell() == Outcome(1, [])
    assert teams.heard() == ["Licences of Contoso are over-assigned"]
    assert tell(today=TODAY + timedelta(days=1)) == Outcome(0, [])
    publish(tmp_path, over_assigned=5)
    assert tell() == Outcome(0, []), "more of the same is no other state"
    publish(tmp_path)
    assert tell() == Outcome(1, [])
    assert teams.heard() == ["No licences are over-assigned any more"]
    assert tell() == Outcome(0, [])
    publish(tmp_path, over_assigned=1)
    tell()
    assert teams.heard() == ["Licences of Contoso are over-assigned"], "it begins anew"


def test_a_failed_run_is_told_once_until_one_goes_well(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome]
) -> None:
    assert tell(FAILURE) == Outcome(1, [])
    (message,) = teams.messages
    assert message.mood is Mood.PROBLEM
    assert "The client secret has expired: make a new one." in message.text
    assert "What is published stays as it is." in message.as_text()
    teams.heard()
    assert tell(FAILURE) == Outcome(0, [])
    assert tell(is_run=False) == Outcome(0, []), "without a run nothing is known of runs"
    assert tell() == Outcome(1, [])
    assert teams.heard() == ["The run works again"]


def test_a_channel_that_is_down_hears_later_and_the_others_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teams: Recorded, tell: Callable[..., Outcome]
) -> None:
    slack = Recorded("Slack")
    monkeypatch.setattr(deliver, "channels", lambda _: [teams, slack])
    publish(tmp_path, concealed=True)
    teams.is_down = True
    outcome = tell()
    assert outcome == Outcome(1, ["Teams was not told: it cannot be reached; see the network."])
    assert slack.heard() == ["Names are concealed in the reports of Contoso"]
    teams.is_down = False
    assert tell() == Outcome(1, [])
    assert (teams.heard(), slack.heard()) == (["Names are concealed in the reports of Contoso"], [])
    teams.is_down = True
    publish(tmp_path)
    tell()
    assert slack.heard() == ["Names are shown again"]
    teams.is_down = False
    tell()
    assert (teams.heard(), slack.heard()) == (["Names are shown again"], [])


def test_nobody_hears_that_something_is_over_who_never_heard_that_it_was(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome]
) -> None:
    publish(tmp_path, concealed=True)
    teams.is_down = True
    tell()
    teams.is_down = False
    publish(tmp_path)
    assert tell() == Outcome(0, [])


def test_stale_concealed_and_nothing_wrong(tmp_path: Path) -> None:
    def kinds(found: Any) -> list[str]:
        return [alert.kind for alert in alerts(found, read_situation(found))]

    publish(tmp_path)
    assert kinds(settings(tmp_path)) == []
    assert kinds(settings(tmp_path, today=TODAY + timedelta(days=2))) == []
    late = settings(tmp_path, today=TODAY + timedelta(days=3))
    (alert,) = alerts(late, read_situation(late))
    assert (alert.kind, alert.title) == ("stale", "The data of Contoso are stale")
    assert "2026-10-28, 5 days ago" in alert.text[0]
    publish(tmp_path, concealed=True, over_assigned=2)
    assert kinds(settings(tmp_path)) == ["concealed", "over_assigned"]


def test_a_day_about_to_be_lost_is_known_without_a_release(tmp_path: Path) -> None:
    """The window is 1 to 28 October: of its three oldest days one is stored, one failed, one was never asked for."""
    lander = Lander(tmp_path)
    lander.day("2026-10-01", report(row("a@contoso.com", word="w")))
    lander.failure("2026-10-02", "failed")
    lander.day("2026-10-05", report(row("a@contoso.com", word="w")))
    found = settings(tmp_path)
    (alert,) = alerts(found, read_situation(found))
    assert alert.kind == "expiring"
    assert alert.facts == (("Days", "2026-10-02, 2026-10-03"),)
    assert "m365-usage sync" in alert.text[1]


def test_reasons_lose_what_may_be_a_name() -> None:
    said = clean("dbt stopped: model x: Duplicate key \"Anna Person\" for a.person@contoso.com:\n no 'Berg'.")
    assert said == "dbt stopped: model x: Duplicate key \u2026 for \u2026 no \u2026."
    ours = "sign-in: create a new one on the app registration's 'Certificates & secrets' page."
    assert clean(f"{ours} [request-id 81c9712f]") == ours
    again = run_failed("sync", [f"{ours} [request-id 1]", f"{ours} [request-id 2]"])
    assert again.text[:-1] == (ours,), "the same reason of two steps is one"
    assert len(clean("x" * 5000)) == 600


def test_the_digest_comes_once_a_week_on_its_day_or_after(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome]
) -> None:
    monday = date(2026, 11, 2)
    publish(tmp_path, data_through=monday - timedelta(days=2))
    heard = {}
    for offset in range(9):
        day = monday + timedelta(days=offset)
        if day.isoweekday() == 1 and offset == 0:
            teams.is_down = True
        publish(tmp_path, data_through=day - timedelta(days=2))
        tell(today=day, notify_digest_day="monday")
        teams.is_down = False
        heard[offset] = teams.heard()
    assert {offset: len(titles) for offset, titles in heard.items() if titles} == {1: 1, 7: 1}
    assert heard[7] == ["The week in Microsoft 365, data as of 2026-11-07"]
    assert tell(FAILURE, today=monday + timedelta(days=14), notify_digest_day="monday").sent == 2, "no digest: stale"
    assert digest_week(settings(tmp_path, notify_digest_day="never")) is None


def test_the_digest_says_the_figures_and_draws_them(tmp_path: Path) -> None:
    assert digest(settings(tmp_path)) is None
    publish(tmp_path)
    message = digest(settings(tmp_path, notify_page_url="https://intranet.example/m365"))
    assert message is not None
    facts = dict(message.facts)
    assert facts["Office suite: people"] == "262 (-4.2% against the 28 days before)"
    assert facts["Office suite: app-days"] == "6,963, its five apps summed up"
    assert facts["Teams on its own"] == "276 people, 3,089 days of use"
    assert facts["Paid licences"] == "199 assigned, 21 unassigned"
    assert facts["Can be taken back"] == "21; 1 product with small groups not counted"
    assert facts["Paid for and not needed"] == "1,386 EUR a month"
    assert facts["Days with data"] == "27, 1 without"
    assert message.picture is not None
    assert message.picture.startswith(b"\x89PNG")
    # The picture fits into a card of Teams, beside all the words.
    (attachment,) = card(message)["attachments"]
    (image,) = [block for block in attachment["content"]["body"] if block["type"] == "Image"]
    assert base64.b64decode(image["url"].partition(",")[2]) == message.picture
    assert message.picture_words == image["altText"]
    assert "Office suite 184, Teams 184" in message.picture_words
    assert "https://intranet.example/m365" in message.as_text()


def test_the_digest_of_many_tenants_names_each_and_stops_somewhere(tmp_path: Path) -> None:
    publish(tmp_path)
    with duckdb.connect(str((tmp_path / "published" / DATABASE_NAME).resolve())) as con:
        for table in ("tenants", "suite_usage_28d"):
            copies = f"select t.* replace ('t' || n as tenant_id) from {table} as t, range(6) as r(n)"
            con.execute(f"insert into {table} {copies}")
        con.execute("update tenants set name = 'Tenant ' || tenant_id where length(tenant_id) = 2")
        con.execute("update suite_usage_28d set active_users = 100 where length(tenant_id) = 2")
    message = digest(settings(tmp_path))
    assert message is not None
    assert len(message.facts) == 5 * 7 + 1
    assert message.facts[0] == ("Contoso, Office suite: people", "262 (-4.2% against the 28 days before)")
    assert message.facts[7][0] == "Tenant t0, Office suite: people"
    assert message.facts[-1] == ("Other tenants", "2, on the page")
    assert message.picture_words.startswith("People of Contoso on a working day")


def test_a_broken_state_file_and_an_unforeseen_error_stop_nothing(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, concealed=True)
    state_file(tmp_path).parent.mkdir()
    state_file(tmp_path).write_text("{")
    assert tell().sent == 1
    assert json.loads(state_file(tmp_path).read_text())["open"] == {f"concealed:{TENANT}": ["Teams"]}
    assert state_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert read_told(tmp_path).open == {f"concealed:{TENANT}": ["Teams"]}

    def broken(_: Any) -> Any:
        raise RuntimeError("canary of a person")

    monkeypatch.setattr(deliver, "read_situation", broken)
    assert tell().warnings == ["Nobody was told: an unexpected RuntimeError."]


def test_two_runs_do_not_tell_at_the_same_time(
    tmp_path: Path, teams: Recorded, tell: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, over_assigned=3)
    monkeypatch.setattr(deliver, "LOCK_SECONDS", 0.0)
    state_file(tmp_path).parent.mkdir()
    with filelock.FileLock(state_file(tmp_path).with_name("told.lock")):
        assert tell() == Outcome(0, ["Nobody was told: an unexpected Timeout."])
    assert tell().sent == 1


def test_the_command_previews_and_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console
    from typer.testing import CliRunner

    from pipelines.cli import app
    from pipelines.cli import notify as command

    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("M365_TODAY", str(TODAY))
    monkeypatch.chdir(tmp_path)
    text = io.StringIO()
    monkeypatch.setattr(command, "results", lambda: Console(file=text, width=200))
    monkeypatch.setattr(command, "messages", lambda: Console(file=text, width=200))
    runner = CliRunner()
    assert runner.invoke(app, ["notify", "--preview"]).exit_code == 0
    assert "Nothing is known yet" in text.getvalue(), "before the first sync nothing is said to be well"
    publish(tmp_path, over_assigned=4)
    assert runner.invoke(app, ["notify", "--preview"]).exit_code == 0
    assert "Told are: nobody: no channel is set" in text.getvalue()
    assert "Licences of Contoso are over-assigned" in text.getvalue()
    assert "The week in Microsoft 365" in text.getvalue()
    assert "no channel is set" in str(runner.invoke(app, ["notify", "--test"]).exception)
    monkeypatch.setenv("M365_NOTIFY_TEAMS_URL", "https://localhost:9/canary-signature")
    done = runner.invoke(app, ["notify", "--test"])
    assert done.exit_code == 1
    assert "Teams was not told: it cannot be reached" in text.getvalue()
    assert "canary" not in text.getvalue()
