"""Where things go wrong on purpose: rules that are asked before and after every answer is made.

Ready-made faults stand in `faults_library`, and `faults_file` reads them from a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Protocol

from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, json_reply


class Fault(Protocol):
    """Something that goes wrong. Rules are asked in order; they may be called from several threads."""

    def before(self, call: Call) -> Reply | None:
        """An answer in place of the tenant's, or None to let the tenant answer."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """The tenant's answer as it goes out, changed or not."""


class TenantStore(Protocol):
    """The tenants that a server serves."""

    def by_id(self, tenant_id: str) -> Tenant | None:
        """The tenant of an id."""

    def put(self, tenant: Tenant) -> None:
        """Serve a tenant from now on, in place of the one with the same id."""


class FaultRules:
    """The rules in force, in order."""

    def __init__(self, tenants: TenantStore | None = None) -> None:
        self._lock = Lock()
        self._rules: list[Fault] = []
        self._tenants = tenants

    def add(self, fault: Fault) -> Fault:
        """Put a rule behind the others."""
        if isinstance(fault, Rule):
            fault.tenants = self._tenants
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
    restricts the change to answers with that status. `skip` lets so many matching requests through first,
    `starts_after` so many requests of any kind (of those that no earlier rule has answered).
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
    subject: str | None = None
    """A regular expression, searched for in `path?query` of a request to Graph, or of that which led to the
    download asked for: `/v1.0/reports/getM365AppUserDetail(date=2026-08-01)`."""
    tenant: str | None = None
    """Only requests for the tenant of this id."""
    starts_after: int = 0
    tenants: TenantStore | None = field(default=None, repr=False)
    """The tenants of the server that the rule was added to."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._pattern = re.compile(self.path)
        self._subject = None if self.subject is None else re.compile(self.subject)
        self._passed = 0
        self._seen = 0

    def before(self, call: Call) -> Reply | None:
        """The rule's own answer where it has one."""
        self._see()
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
        return self._change(call, changed)

    def _change(self, call: Call, reply: Reply) -> Reply:  # noqa: ARG002
        return self.change(reply) if self.change else reply

    def tenant_of(self, call: Call) -> Tenant | None:
        """The tenant that the request is for."""
        return self.tenants.by_id(call.tenant_id) if self.tenants is not None else None

    def _see(self) -> None:
        with self._lock:
            self._seen += 1

    def _own(self, call: Call, status: int) -> Reply:
        if self.body is not None:
            return Reply(status, self.body, self.headers)
        if self.content is not None:
            return json_reply(status, self.content, self.headers)
        return GraphError(status, self.code, self.message, self.headers).reply(call)

    def _matches(self, call: Call) -> bool:
        return (
            (self.method is None or self.method == call.method)
            and (self.host is None or self.host == call.host)
            and (self.tenant is None or self.tenant == call.tenant_id)
            and self._pattern.search(call.target) is not None
            and (self._subject is None or self._subject.search(call.subject) is not None)
        )

    def _strike(self) -> bool:
        with self._lock:
            if self._seen <= self.starts_after:
                return False
            if self._passed < self.skip:
                self._passed += 1
                return False
            if self.times is not None and self.hits >= self.times:
                return False
            self.hits += 1
            return True


@dataclass
class TenantChange(Rule):
    """A change of the tenant: made just before a matching request is answered, and served from then on."""

    change_tenant: Callable[[Tenant], Tenant] = lambda tenant: tenant

    def before(self, call: Call) -> Reply | None:
        """Change the tenant, and leave the answer to it."""
        self._see()
        tenant = self.tenant_of(call)
        if tenant is not None and self.tenants is not None and self._matches(call) and self._strike():
            self.tenants.put(self.change_tenant(tenant))
        return None

    def after(self, call: Call, reply: Reply) -> Reply:  # noqa: ARG002
        """The tenant's answer as it is."""
        return reply


@dataclass
class Revocation(Rule):
    """Refuses for good what a matching request carried: its bearer token, or the key of its download link.

    Other tokens and links work; `times` counts those that were revoked.
    """

    key_of: Callable[[Call], str | None] = lambda call: call.bearer

    def __post_init__(self) -> None:
        super().__post_init__()
        self._revoked: set[str] = set()

    def before(self, call: Call) -> Reply | None:
        """The refusal, for what was revoked and for what now is."""
        key = self.key_of(call)
        if key in self._revoked:
            return self._own(call, self.status or 401)
        reply = super().before(call) if key is not None else None
        if reply is not None and key is not None:
            self._revoked.add(key)
        return reply
