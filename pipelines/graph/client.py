"""One tenant's Graph client: token, retries, paging and the two-step report download."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from pipelines.graph.auth import TokenProvider
from pipelines.graph.budget import RequestBudget
from pipelines.graph.errors import (
    LONGEST_WAIT,
    GraphContext,
    GraphError,
    ProtocolError,
    SignInDownError,
    SignInError,
    TransientError,
    error_from_response,
)
from pipelines.graph.transport import UNTRUSTED_REMEDY, TlsSession, is_untrusted
from pipelines.settings import Settings, TenantSettings

ATTEMPTS = 6
# More pages than any tenant has: links that are always new would never end.
MOST_PAGES = 20_000
CHUNK_BYTES = 1 << 20
T = TypeVar("T")


@dataclass
class CallStatistics:
    """What one call cost: requests sent to Graph, seconds waited because of limits, the last request-id."""

    requests: int = 0
    throttled_seconds: float = 0.0
    request_id: str | None = None
    http_status: int | None = None


@dataclass
class GraphClient:
    """Reads one tenant: it sends GET and nothing else.

    budget: for reports; a client without one asks for none. download_hosts: host names, or suffixes that begin
    with a dot, from which report downloads are accepted. sleep: replaced in tests. attempts: how often a request
    is sent that may work a moment later.
    """

    tenant: TenantSettings
    session: TlsSession
    tokens: TokenProvider
    budget: RequestBudget | None
    download_hosts: tuple[str, ...]
    sleep: Callable[[float], None]
    attempts: int = ATTEMPTS
    statistics: CallStatistics = field(default_factory=CallStatistics)

    @classmethod
    def connect(
        cls,
        tenant: TenantSettings,
        settings: Settings,
        budget: RequestBudget | None,
        sleep: Callable[[float], None],
        *,
        attempts: int = ATTEMPTS,
    ) -> GraphClient:
        """A client for the tenant; nothing is sent before the first call."""
        session = TlsSession(settings.ca_bundle, graph_url=tenant.graph_url)
        return cls(
            tenant=tenant,
            session=session,
            tokens=TokenProvider(tenant, session),
            budget=budget,
            download_hosts=settings.download_hosts,
            sleep=sleep,
            attempts=attempts,
        )

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def context(self, what: str, **facts: Any) -> GraphContext:
        """What every error of a call says about it."""
        needs_role = self.tenant.sign_in.is_delegated and facts.get("permission") == "Reports.Read.All"
        return GraphContext(self.tenant.tenant_id, what, needs_role=needs_role, **facts)

    def get_pages(
        self, path: str, context: GraphContext, params: dict[str, str] | None = None
    ) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """GET a collection, page by page: each page as received and parsed.

        Follows ``@odata.nextLink`` as given, whatever it holds, but only on the Graph host; an empty page may
        have a next one. Links that repeat or never end are refused. path: below ``/v1.0/``, or a
        whole link that Graph gave earlier.
        """
        is_link = path.startswith("https://")
        url, seen = self._checked_next_link(path, context) if is_link else self._url(path), set[str]()
        while True:
            asked, query = url, None if seen else params
            body = self._retrying(lambda asked=asked, query=query: self._get_page(asked, context, query))  # type: ignore[misc]
            page = _as_object(body, context)
            yield body, page
            following = page.get("@odata.nextLink")
            if not following:
                return
            url = self._checked_next_link(str(following), context)
            if url in seen:
                raise ProtocolError("The pages repeat: a next link came twice.", context=context)
            if len(seen) >= MOST_PAGES:
                raise ProtocolError(f"The pages do not end: {MOST_PAGES} were read.", context=context)
            seen.add(url)

    def download_report(self, report: str, argument: str, context: GraphContext, target: BinaryIO) -> None:
        """Fetch one CSV report into ``target``, which is emptied before every new try.

        argument: ``date=2026-08-01`` (unquoted) or ``period='D7'``. Graph answers 302 with a short-lived,
        pre-authenticated address, which is asked without the bearer token; when it has expired, or the body
        was cut, Graph is asked for a new one (and the budget for another request).
        """

        budget = self.budget
        if budget is None:
            raise ValueError("Reports are asked for within a budget only.")

        def attempt() -> None:
            target.seek(0)
            target.truncate()
            self.statistics.throttled_seconds += budget.acquire(self.tenant.tenant_id, self.tenant.client_id, report)
            location = self._report_location(f"reports/{report}({argument})", context)
            self._download(location, context, target)

        self._retrying(attempt)

    def _url(self, path: str) -> str:
        return f"{self.tenant.graph_url}/v1.0/{path}"

    def _send(self, url: str, context: GraphContext, params: dict[str, str] | None) -> requests.Response:
        """GET with the bearer token; a 401 or 403 drops the token and asks once more."""
        for is_last in (False, True):
            response = self._send_once(url, params, context, self.tokens.token())
            if response.status_code not in (401, 403) or is_last:
                return response
            response.close()
            self.tokens.drop()
        raise AssertionError("unreachable")

    def _send_once(
        self, url: str, params: dict[str, str] | None, context: GraphContext, token: str
    ) -> requests.Response:
        self.statistics.requests += 1
        try:
            response = self.session.get(url, params=params, headers={"Authorization": f"Bearer {token}"}, stream=True)
        except requests.exceptions.RequestException as error:
            raise _connection_error(error, context, urlsplit(url).hostname) from None
        self.statistics.request_id = response.headers.get("request-id")
        self.statistics.http_status = response.status_code
        return response

    def _get_page(self, url: str, context: GraphContext, params: dict[str, str] | None) -> bytes:
        with self._send(url, context, params) as response:
            if response.status_code != 200:
                raise self._unexpected(response, context)
            try:
                return response.content
            except requests.exceptions.RequestException as error:
                raise _connection_error(error, context, urlsplit(url).hostname) from None

    def _report_location(self, path: str, context: GraphContext) -> str:
        with self._send(self._url(path), context, None) as response:
            if response.status_code not in (301, 302, 303, 307, 308):
                raise self._unexpected(response, context)
            return self._checked_location(response.headers.get("Location", ""), context)

    def _checked_location(self, location: str, context: GraphContext) -> str:
        parts = _split(location)
        host = (parts.hostname or "").lower()
        allowed = any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in self.download_hosts)
        if parts.scheme != "https" or not allowed:
            raise ProtocolError(
                f"The report was to be downloaded from {parts.scheme or 'no'}://{host or '?'}, which is not an "
                f"accepted download host. If it belongs to Microsoft, set {self._download_hosts_with(host)}.",
                context=context,
            )
        return location

    def _download_hosts_with(self, host: str) -> str:
        """The setting that accepts one more host: it replaces the hosts accepted so far, so they are said again."""
        return f"M365_DOWNLOAD_HOSTS={','.join((*self.download_hosts, host or '(the host)'))}"

    def _checked_next_link(self, link: str, context: GraphContext) -> str:
        ours, theirs = urlsplit(self.tenant.graph_url), _split(link)
        if (theirs.scheme, theirs.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
            raise ProtocolError(
                f"The next page was to be read from {theirs.hostname or '?'}, not from {ours.hostname}; refused.",
                context=context,
            )
        return link

    def _download(self, location: str, context: GraphContext, target: BinaryIO) -> None:
        host = urlsplit(location).hostname
        try:
            # identity: Content-Length then speaks of the very bytes that are kept.
            with self.session.get_without_credentials(location, {"Accept-Encoding": "identity"}) as response:
                if response.status_code != 200:
                    raise self._download_refused(response, context)
                head = tail = b""
                for chunk in response.iter_content(CHUNK_BYTES):
                    target.write(chunk)
                    head, tail = head or chunk[:16], chunk[-1:]
                expected = response.headers.get("Content-Length")
        except requests.exceptions.RequestException as error:
            raise _connection_error(error, context, host) from None
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(f"The download broke off ({type(error).__name__}).", context=context) from None
        is_encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        if expected and expected.isdigit() and not is_encoded and target.tell() != int(expected):
            raise TransientError(f"The download was cut: {target.tell()} of {expected} bytes arrived.", context=context)
        if tail != b"\n" and not _is_page(head):
            # Cut before it was sent, so the length agrees with what came.
            reason = "The report breaks off inside a line." if head else "The report is empty."
            raise TransientError(reason, context=context)

    def _download_refused(self, response: requests.Response, context: GraphContext) -> GraphError:
        error = error_from_response(response, context)
        if response.status_code in (401, 403, 404, 410):
            # The address lives for a few minutes only: a new one is asked for.
            return TransientError(
                "The download address was refused or has expired.",
                context=context,
                status=response.status_code,
                code=error.code,
            )
        return error

    def _unexpected(self, response: requests.Response, context: GraphContext) -> GraphError:
        if 200 <= response.status_code < 400:
            return ProtocolError(
                "The answer is not what Graph gives for this request.",
                context=context,
                status=response.status_code,
                request_id=response.headers.get("request-id"),
            )
        return error_from_response(response, context)

    def _retrying(self, attempt: Callable[[], T]) -> T:
        backoff = wait_exponential_jitter(initial=1, max=60, jitter=2)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, TransientError) else None
            return backoff(state) if asked is None else asked

        def note(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, TransientError) and error.status == 429 and state.next_action:
                self.statistics.throttled_seconds += state.next_action.sleep

        retrying = Retrying(
            retry=retry_if_exception(_is_worth_a_wait),
            wait=wait,
            stop=stop_after_attempt(self.attempts),
            before_sleep=note,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except SignInDownError as error:
            # Without a token nothing else can be asked either: whoever works on the tenant is to stop.
            raise SignInError(error.message, context=error.context) from None


def _is_worth_a_wait(error: BaseException) -> bool:
    return isinstance(error, TransientError) and (error.retry_after or 0) <= LONGEST_WAIT


def _split(address: str) -> SplitResult:
    """The parts of an address; nothing of one that another reader might split differently."""
    try:
        parts = urlsplit(address)
        is_plain = "\\" not in address and "@" not in parts.netloc
    except ValueError:
        is_plain = False
    return parts if is_plain else urlsplit("")


def _is_page(head: bytes) -> bool:
    """Whether a body is HTML or JSON: no report, and kept as it is for a closer look."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"[")


def _as_object(body: bytes, context: GraphContext) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        raise ProtocolError("The answer is no JSON.", context=context) from None
    if not isinstance(parsed, dict):
        raise ProtocolError("The answer is not a JSON object.", context=context)
    return parsed


def _connection_error(
    error: requests.exceptions.RequestException, context: GraphContext, host: str | None
) -> GraphError:
    """The address may be pre-authenticated, so only the host and the kind of failure are told."""
    if is_untrusted(error):
        return GraphError(f"The certificate of {host} is not trusted here: {UNTRUSTED_REMEDY}.", context=context)
    return TransientError(f"{host} cannot be reached or broke off ({type(error).__name__}).", context=context)
