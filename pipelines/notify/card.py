"""Teams: a message as the adaptive card that the Workflows app takes."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from pipelines.notify.message import Message, Mood

# Teams takes 28 KB; a picture that does not fit is left out.
MOST_BYTES = 26_000
_COLOURS = {
    Mood.PROBLEM: "attention",
    Mood.RESOLVED: "good",
    Mood.DIGEST: "accent",
    Mood.ACTIONS: "accent",
    Mood.TEST: "accent",
}
# What cards could take for Markdown; an underscore inside a word is none.
_MARKDOWN = re.compile(r"[\\`*\[\]~#]|(?<!\w)_|_(?!\w)")


def payload(message: Message) -> dict[str, Any]:
    """The JSON that is posted."""
    with_picture = _wrapped(message, with_picture=message.picture is not None)
    if len(json.dumps(with_picture)) <= MOST_BYTES:
        return with_picture
    return _wrapped(message, with_picture=False)


def _wrapped(message: Message, *, with_picture: bool) -> dict[str, Any]:
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": _escaped(message.title),
            "size": "large",
            "weight": "bolder",
            "color": _COLOURS[message.mood],
            "wrap": True,
            "style": "heading",
        },
        *({"type": "TextBlock", "text": _escaped(text), "wrap": True} for text in message.text),
    ]
    if message.facts:
        facts = [{"title": _escaped(label), "value": _escaped(value)} for label, value in message.facts]
        body.append({"type": "FactSet", "facts": facts})
    if with_picture and message.picture is not None:
        data = base64.b64encode(message.picture).decode()
        body.append({"type": "Image", "url": f"data:image/png;base64,{data}", "altText": message.picture_words})
    if message.picture_words:
        body.append({"type": "TextBlock", "text": _escaped(message.picture_words), "wrap": True, "isSubtle": True})
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    if message.link:
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Open the page", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _escaped(text: str) -> str:
    """Nothing in the data is a link or a mark: a zero-width space parts them, where a backslash might be shown."""
    return _MARKDOWN.sub(lambda found: f"{found[0]}\u200b", text)
