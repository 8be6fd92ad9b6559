"""Messages on the wire: what Teams, Slack and a mail server get, and what is said when they do not take it."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit_notify import settings
from unit_smtp import PASSWORD, USER, SmtpRecorder
from unit_tls import Answer, Seen, TlsStub

from pipelines.notify.card import MOST_BYTES
from pipelines.notify.card import payload as card
from pipelines.notify.channels import DeliveryError, channels
from pipelines.notify.message import Message, Mood
from pipelines.settings import Settings, SettingsError

SECRET = "canary-signature-0123456789"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")
HOSTILE = "Büro <b>*1*</b> & [x](https://evil.example) `y` _z_"
MESSAGE = Message(
    "Licences of Contoso are over-assigned",
    Mood.PROBLEM,
    (f"Three more than are paid for: {HOSTILE}",),
    (("Microsoft 365 E3", "3 too_many"),),
    link="https://intranet.example/m365",
    picture=PNG,
    picture_words="People on a working day: 179.",
)


class Hook:
    """A service that takes webhooks, and the settings that lead to it."""

    def __init__(self, folder: Path) -> None:
        self.status = 202
        self.stub = TlsStub(folder, lambda _: Answer(self.status, b"said: " + SECRET.encode()))

    @property
    def address(self) -> str:
        return f"{self.stub.url}/workflows/abc/triggers/manual/paths/invoke?sp=%2Frun&sig={SECRET}"

    @property
    def seen(self) -> list[Seen]:
        return self.stub.seen


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Hook]:
    hook = Hook(tmp_path)
    yield hook
    hook.stub.stop()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[SmtpRecorder]:
    recorder = SmtpRecorder(tmp_path)
    yield recorder
    recorder.stop()


def teams(tmp_path: Path, hook: Hook, **changes: Any) -> Settings:
    return settings(tmp_path, **{"notify_teams_url": hook.address, "ca_bundle": hook.stub.bundle, **changes})


def by_mail(tmp_path: Path, mailbox: SmtpRecorder, **changes: Any) -> Settings:
    given = {
        "notify_email_to": "a@example.org; b@example.org",
        "notify_email_from": "usage@example.org",
        "notify_smtp_host": "localhost",
        "notify_smtp_port": mailbox.port,
        "notify_smtp_user": USER,
        "notify_smtp_password": PASSWORD,
        "ca_bundle": mailbox.bundle,
    }
    return settings(tmp_path, **{**given, **changes})


def send(found: Settings) -> None:
    (channel,) = channels(found)
    channel.send(MESSAGE)


def test_nothing_is_set_by_default(tmp_path: Path) -> None:
    assert channels(settings(tmp_path)) == []
    assert not settings(tmp_path).notify_is_on
    assert channels(settings(tmp_path, notify_teams_url="https://x.example/", notify=False)) == []


def test_teams_gets_an_adaptive_card(tmp_path: Path, hook: Hook) -> None:
    send(teams(tmp_path, hook))
    (seen,) = hook.seen
    assert (seen.method, seen.headers["content-type"]) == ("POST", "application/json")
    assert seen.path.endswith(f"&sig={SECRET}")
    content = json.loads(seen.body)
    assert content["type"] == "message"
    (attachment,) = content["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    title, text, facts, image, words = attachment["content"]["body"]
    assert title["text"] == "Licences of Contoso are over-assigned"
    assert text["text"].replace("\u200b", "|").endswith("Büro <b>*|1*|</b> & [|x]|(https://evil.example) `|y`| _|z_|")
    assert facts["facts"] == [{"title": "Microsoft 365 E3", "value": "3 too_many"}]
    assert base64.b64decode(image["url"].removeprefix("data:image/png;base64,")) == PNG
    assert image["altText"] == words["text"]
    assert attachment["content"]["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the page", "url": "https://intranet.example/m365"}
    ]


def test_a_picture_that_teams_would_refuse_stays_out() -> None:
    large = Message("t", Mood.DIGEST, picture=PNG * 1000, picture_words="words")
    sent = json.dumps(card(large))
    assert len(sent) < MOST_BYTES
    assert "data:image" not in sent
    assert "words" in sent


def test_slack_gets_blocks_without_live_links(tmp_path: Path, hook: Hook) -> None:
    hook.status = 200
    send(settings(tmp_path, notify_slack_url=hook.address, ca_bundle=hook.stub.bundle))
    content = json.loads(hook.seen[0].body)
    header, text, words, facts, link = content["blocks"]
    assert header["text"]["text"] == ":warning: Licences of Contoso are over-assigned"
    assert "&lt;b&gt;" in text["text"]["text"]
    assert "<b>" not in text["text"]["text"]
    assert words["text"]["text"] == "People on a working day: 179."
    assert facts["fields"] == [{"type": "mrkdwn", "text": "*Microsoft 365 E3*\n3 too_many"}]
    assert link["text"]["text"] == "<https://intranet.example/m365|Open the page>"


def test_a_letter_has_text_html_and_the_picture(tmp_path: Path, mailbox: SmtpRecorder) -> None:
    send(by_mail(tmp_path, mailbox))
    (letter,) = mailbox.letters
    assert mailbox.was_encrypted == [True]
    assert mailbox.signed_in == [USER]
    assert mailbox.recipients == ["a@example.org", "b@example.org"]
    assert letter["Subject"] == "Microsoft 365 usage: Licences of Contoso are over-assigned"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Microsoft 365 E3:  3 too_many" in text.get_content()
    assert "&lt;b&gt;" in html.get_content()
    assert "<script" not in html.get_content()
    (attached,) = letter.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("image/png", "usage.png")
    assert attached.get_content() == PNG
    shown = [part for part in letter.walk() if part["Content-ID"]]
    assert [part.get_content() for part in shown] == [PNG]
    assert shown[0]["Content-ID"].strip("<>") in html.get_content()


def test_secrets_come_from_files_too(tmp_path: Path, hook: Hook) -> None:
    file = tmp_path / "teams.url"
    file.write_text(hook.address + "\n")
    send(settings(tmp_path, notify_teams_url_file=file, ca_bundle=hook.stub.bundle))
    assert len(hook.seen) == 1
    with pytest.raises(SettingsError, match="both set"):
        channels(settings(tmp_path, notify_teams_url_file=file, notify_teams_url=hook.address))
    file.unlink()
    with pytest.raises(SettingsError, match="is not there"):
        send(settings(tmp_path, notify_teams_url_file=file))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (500, "Teams was not told: the service answered 500; the next run tries again."),
        (429, "the next run tries again"),
        (302, "make a new one and set M365_NOTIFY_TEAMS_URL"),
        (404, "the address is no longer taken (404): make a new one and set M365_NOTIFY_TEAMS_URL to it."),
        (413, "the message was refused (413)"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_secret(
    tmp_path: Path, hook: Hook, status: int, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = status
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError) as caught:
        send(teams(tmp_path, hook))
    assert advice in str(caught.value)
    assert SECRET not in str(caught.value) + caplog.text
    assert caught.value.__cause__ is None
    assert len(hook.seen) == 1


def test_no_answer_and_no_trust(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeliveryError, match="not trusted; M365_CA_BUNDLE"):
        send(teams(tmp_path, hook, ca_bundle=None))
    hook.stub.answer = lambda _: Answer(200, b"", declared_length=10, cut_after=0)
    with pytest.raises(DeliveryError) as caught:
        send(teams(tmp_path, hook))
    assert SECRET not in str(caught.value)
    waiting = threading.Event()
    hook.stub.answer = lambda _: Answer(200 if waiting.wait(2) else 500)
    (channel,) = channels(teams(tmp_path, hook))
    object.__setattr__(channel, "timeout", (5.0, 0.2))
    with pytest.raises(DeliveryError, match="did not answer in time"):
        channel.send(MESSAGE)
    waiting.set()
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(DeliveryError, match="HTTPS_PROXY"):
        send(teams(tmp_path, hook))
    with pytest.raises(SettingsError, match="https://"):
        send(teams(tmp_path, hook, notify_teams_url=f"http://localhost/{SECRET}"))


def test_a_mail_server_that_refuses(tmp_path: Path, mailbox: SmtpRecorder) -> None:
    with pytest.raises(DeliveryError, match=r"refused the user or the password \(535\)") as caught:
        send(by_mail(tmp_path, mailbox, notify_smtp_password="canary-other"))
    assert "canary" not in str(caught.value)
    with pytest.raises(DeliveryError, match="not trusted"):
        send(by_mail(tmp_path, mailbox, ca_bundle=None))
    mailbox.refusals["RCPT"] = "550 nobody here"
    with pytest.raises(DeliveryError, match="takes none of M365_NOTIFY_EMAIL_TO"):
        send(by_mail(tmp_path, mailbox))
    mailbox.refusals = {"STARTTLS": "502 no"}
    with pytest.raises(DeliveryError):
        send(by_mail(tmp_path, mailbox))
    assert mailbox.letters == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"notify_smtp_host": None}, "need M365_NOTIFY_SMTP_HOST too"),
        ({"notify_email_from": None}, "need M365_NOTIFY_EMAIL_FROM too"),
        ({"notify_smtp_password": None}, "need M365_NOTIFY_SMTP_PASSWORD too"),
        ({"notify_smtp_security": "none"}, "in the clear"),
    ],
)
def test_half_a_mail_server_is_said(
    tmp_path: Path, mailbox: SmtpRecorder, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        channels(by_mail(tmp_path, mailbox, **changes))


def test_no_secret_shows_in_the_settings(tmp_path: Path, hook: Hook, mailbox: SmtpRecorder) -> None:
    found = teams(tmp_path, hook, **{"notify_slack_url": hook.address, "notify_smtp_password": PASSWORD})
    shown = repr(found) + str(found.model_dump()) + repr(channels(found)) + found.model_dump_json()
    assert SECRET not in shown
    assert PASSWORD not in shown
