"""Slack: a message as blocks for an incoming webhook, which takes no pictures."""

from __future__ import annotations

import re
from typing import Any

from pipelines.notify.message import Message, Mood

_SIGNS = {
    Mood.PROBLEM: ":warning:",
    Mood.RESOLVED: ":white_check_mark:",
    Mood.DIGEST: ":bar_chart:",
    Mood.ACTIONS: ":clipboard:",
    Mood.TEST: ":bell:",
}
_MARKS = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)")
# Slack's own limits.
_MOST_TITLE, _MOST_TEXT, _MOST_FIELDS = 140, 2900, 10


def payload(message: Message) -> dict[str, Any]:
    """The JSON that is posted. text is what a notification on a phone shows."""
    title = f"{_SIGNS[message.mood]} {message.title}"[:_MOST_TITLE]
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}}]
    texts = [*message.text, *([message.picture_words] if message.picture_words else [])]
    blocks += [{"type": "section", "text": _markdown(text)} for text in texts]
    for start in range(0, len(message.facts), _MOST_FIELDS):
        some = message.facts[start : start + _MOST_FIELDS]
        fields = [_markdown(value, label) for label, value in some]
        blocks.append({"type": "section", "fields": fields})
    if message.link:
        link = message.link.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{link}|Open the page>"}})
    return {"text": _escaped(title), "blocks": blocks}


def _markdown(text: str, label: str = "") -> dict[str, str]:
    heading = f"*{_escaped(label)}*\n" if label else ""
    return {"type": "mrkdwn", "text": (heading + _escaped(text))[:_MOST_TEXT]}


def _escaped(text: str) -> str:
    """Nothing in the data is a link, a mention or a mark."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A zero-width space parts the marks from the words that they would format.
    return _MARKS.sub(lambda found: f"{found[0]}\u200b", escaped)
