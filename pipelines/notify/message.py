"""One message, whatever the channel: words, figures, a link, at most one picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Mood(Enum):
    """What a message is, so that a channel can colour it."""

    PROBLEM = "problem"
    RESOLVED = "resolved"
    DIGEST = "digest"
    ACTIONS = "actions"
    TEST = "test"


@dataclass(frozen=True)
class Message:
    """Plain text throughout: channels escape it. link: an address for people; picture: PNG, with its words."""

    title: str
    mood: Mood
    text: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    picture_words: str = ""

    def as_text(self) -> str:
        """The message as lines, for mail programs without HTML and for the terminal."""
        width = max((len(label) for label, _ in self.facts), default=0)
        parts = [*self.text]
        if self.facts:
            parts.append("\n".join(f"{label + ':':<{width + 1}}  {value}" for label, value in self.facts))
        if self.picture_words:
            parts.append(self.picture_words)
        if self.link:
            parts.append(f"The page: {self.link}")
        return "\n\n".join(parts)
