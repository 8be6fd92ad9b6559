"""E-mail: a message as text and as HTML without scripts, the picture inside and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape

from pipelines.notify.message import Message, Mood

PICTURE_NAME = "usage.png"
_COLOURS = {
    Mood.PROBLEM: "#b3261e",
    Mood.RESOLVED: "#1b6e3c",
    Mood.DIGEST: "#1f4e8c",
    Mood.ACTIONS: "#1f4e8c",
    Mood.TEST: "#1f4e8c",
}


def letter(message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The letter, ready to be sent."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(f"Microsoft 365 usage: {message.title}".split())
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.as_text() + "\n")
    picture_id = make_msgid(domain="m365-usage")
    mail.add_alternative(_html(message, picture_id[1:-1]), subtype="html")
    if message.picture is not None:
        parts = mail.get_payload()
        assert isinstance(parts, list)
        html = parts[1]
        assert isinstance(html, EmailMessage)
        html.add_related(message.picture, "image", "png", cid=picture_id, filename=PICTURE_NAME)
        mail.add_attachment(message.picture, maintype="image", subtype="png", filename=PICTURE_NAME)
    return mail


def _html(message: Message, picture_id: str) -> str:
    colour = _COLOURS[message.mood]
    parts = [f'<h2 style="color:{colour};font-size:18px;margin:0 0 12px">{escape(message.title)}</h2>']
    parts += [f'<p style="margin:0 0 10px">{escape(text)}</p>' for text in message.text]
    if message.facts:
        cell = "padding:3px 14px 3px 0;text-align:left;vertical-align:top"
        rows = "".join(
            f'<tr><th scope="row" style="{cell};font-weight:normal;color:#555">{escape(label)}</th>'
            f'<td style="{cell}">{escape(value)}</td></tr>'
            for label, value in message.facts
        )
        parts.append(f'<table style="border-collapse:collapse;margin:0 0 12px">{rows}</table>')
    if message.picture is not None:
        words = escape(message.picture_words)
        parts.append(f'<p><img src="cid:{picture_id}" alt="{words}" width="640" style="max-width:100%"></p>')
    if message.picture_words:
        parts.append(f'<p style="margin:0 0 10px;color:#555">{escape(message.picture_words)}</p>')
    if message.link:
        parts.append(f'<p><a href="{escape(message.link)}">Open the page</a></p>')
    font = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;color:#1a1a1a"
    return f'<!doctype html><html lang="en"><body style="{font}">{"".join(parts)}</body></html>\n'
