"""Where things go wrong on purpose: rules that are asked before and after every answer is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Protocol

from pipelines.simulator.wire import Call, GraphError, Reply, json_reply


class Fault(Protocol):
    """Something that goes wrong. Rules are asked in order; they may be called from several threads."""

    def before(self, call: Call) -> Reply | None:
        """An answer in place of the tenant's, or None to let the tenant answer."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """The tenant's answer as it goes out, changed or not."""


class FaultRules:
    """The rules in force, in order."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a rule behind the others."""
        with self._lock:
            self._rules.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a rule out."""
        with self._lock:
            self._rules.remove(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._rules.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._rules))

    def __len__(self) -> int:
        with self._lock:
            return len(self._rules)

    def before(self, call: Call) -> Reply | None:
        """The first rule's answer in place of the tenant's, if any."""
        for fault in self:
            reply = fault.before(call)
            if reply is not None:
                return reply
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        """The answer after every rule had its turn."""
        for fault in self:
            reply = fault.after(call, reply)
        return reply


@dataclass
class Rule:
    """A fault for the requests whose path (with its query) matches, the first `times` times or for ever.

    With a `status` the tenant is not asked: the answer has that status, the Graph-shaped error `code` and
    `message` (or `content` as JSON, or `body` as it is) and `headers`. Without one the tenant's answer goes
    out changed: `headers` added, `transform` applied to the body, `change` to the whole answer. `only_status`
    restricts the change to answers with that status. `skip` lets so many matching requests through first.
    """

    path: str
    """A regular expression, searched for in `path?query`."""
    times: int | None = 1
    skip: int = 0
    method: str | None = None
    host: str | None = None
    status: int | None = None
    code: str = "UnknownError"
    message: str = ""
    content: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    transform: Callable[[bytes], bytes] | None = None
    change: Callable[[Reply], Reply] | None = None
    only_status: int | None = None
    delay_seconds: float = 0.0
    hits: int = 0
    """How often the rule has struck."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._pattern = re.compile(self.path)
        self._passed = 0

    def before(self, call: Call) -> Reply | None:
        """The rule's own answer where it has one."""
        if self.status is None or not self._matches(call) or not self._strike():
            return None
        return replace(self._own(call, self.status), delay_seconds=self.delay_seconds)

    def after(self, call: Call, reply: Reply) -> Reply:
        """The tenant's answer, changed."""
        is_other = self.only_status is not None and reply.status != self.only_status
        if self.status is not None or is_other or not self._matches(call) or not self._strike():
            return reply
        changed = replace(
            reply,
            headers={**reply.headers, **self.headers},
            body=self.transform(reply.body) if self.transform else reply.body,
            delay_seconds=reply.delay_seconds + self.delay_seconds,
        )
        return self.change(changed) if self.change else changed

    def _own(self, call: Call, status: int) -> Reply:
        if self.body is not None:
            return Reply(status, self.body, self.headers)
        if self.content is not None:
            return json_reply(status, self.content, self.headers)
        return GraphError(status, self.code, self.message, self.headers).reply(call)

    def _matches(self, call: Call) -> bool:
        target = f"{call.path}?{call.raw_query}" if call.raw_query else call.path
        return (
            (self.method is None or self.method == call.method)
            and (self.host is None or self.host == call.host)
            and self._pattern.search(target) is not None
        )

    def _strike(self) -> bool:
        with self._lock:
            if self._passed < self.skip:
                self._passed += 1
                return False
            if self.times is not None and self.hits >= self.times:
                return False
            self.hits += 1
            return True
