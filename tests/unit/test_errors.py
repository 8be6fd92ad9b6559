"""Graph's errors as one exception type: what is read out of a body, and what is never said."""

from __future__ import annotations

import gzip
import io
import json
import time
from datetime import date

import pytest
import requests
import urllib3

from pipelines.graph.errors import (
    ErrorBody,
    GraphContext,
    GraphError,
    ProtocolError,
    SignInError,
    TransientError,
    error_from_response,
    parse_error,
    retry_after_seconds,
)

CONTEXT = GraphContext("contoso.com", "getM365AppUserDetail", date(2026, 8, 1))
REQUEST_ID = "1b0f2c3d-0000-4000-8000-123456789abc"


def response(status: int, body: object = b"", **headers: str) -> requests.Response:
    """A streamed answer, as requests gives it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    made = requests.Response()
    made.status_code = status
    made.headers.update(named)
    made.raw = urllib3.HTTPResponse(io.BytesIO(content), headers=named, status=status, preload_content=False)
    return made


def graph_body(code: object, message: object, **inner: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "innerError": {"date": "2026-08-31T06:00:00", **inner}}}


def error(status: int, body: object = b"", **headers: str) -> GraphError:
    return error_from_response(response(status, body, **headers), CONTEXT)


# --- bodies -------------------------------------------------------------------------------------------------


def test_a_plain_graph_error() -> None:
    found = error(404, graph_body("ResourceNotFound", "No such user.", **{"request-id": REQUEST_ID}))
    assert (found.status, found.code, found.message, found.request_id) == (
        404,
        "ResourceNotFound",
        "No such user.",
        REQUEST_ID,
    )
    assert str(found) == (
        "getM365AppUserDetail (tenant contoso.com, report date 2026-08-01): No such user. "
        f"(HTTP 404, ResourceNotFound) [request-id {REQUEST_ID}]"
    )


def test_the_reports_service_nests_its_error_as_json_in_the_message() -> None:
    nested = json.dumps({"error": {"code": "S2SUnauthorized", "message": "Invalid permission."}})
    found = error(403, graph_body("UnknownError", nested, **{"request-id": REQUEST_ID}))
    assert (found.code, found.message, found.request_id) == ("S2SUnauthorized", "Invalid permission.", REQUEST_ID)
    assert found.is_permission


def test_errors_may_be_nested_twice_and_hold_the_request_id_inside() -> None:
    innermost = json.dumps({"error": {"code": "InvalidArgument", "message": "Bad date."}})
    middle = json.dumps({"error": {"code": "Wrapped", "message": innermost, "innerError": {"request-id": "inner"}}})
    found = error(400, {"error": {"code": "UnknownError", "message": middle}})
    assert (found.code, found.message, found.request_id) == ("InvalidArgument", "Bad date.", "inner")
    assert found.is_refused_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"error":{"code":"C","message":"M","innererror":{"request-id":"r"}}}', ErrorBody("C", "M", "r")),
        ('{"error":{"code":"C","message":"{\\"Message\\":\\"JSON is not supported.\\"}"}}', None),
        ('{"Message":"Plain words."}', ErrorBody(None, "Plain words.", None)),
        ('{"error":{"code":"UnknownError","message":""}}', ErrorBody("UnknownError", None, None)),
        ('{"error":{"code":403,"message":["a"],"innerError":{"request-id":7}}}', ErrorBody()),
        ('{"error":{"code":"C","message":"M","innerError":"text"}}', ErrorBody("C", "M", None)),
        ('{"error":"invalid_client","error_description":"x"}', ErrorBody()),
        ('{"error":null}', ErrorBody()),
        ("[]", ErrorBody()),
        ('"text"', ErrorBody()),
        ("", ErrorBody()),
        ("<html><body>502 Bad Gateway</body></html>", ErrorBody()),
        ('{"error":{"code":"C","message":"{not json"}}', ErrorBody("C", "{not json", None)),
        ("[" * 50_000, ErrorBody()),
    ],
)
def test_bodies_of_every_kind(text: str, expected: ErrorBody | None) -> None:
    assert parse_error(text) == (expected or ErrorBody("C", "JSON is not supported.", None))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "The token was not accepted."),
        (403, "A permission or role is missing."),
        (404, "There is no such thing."),
        (418, "The service gave no reason."),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>\xff</html>", {"error": {"code": 1, "message": None}}])
def test_a_body_without_words_gets_ours(status: int, reason: str, body: object) -> None:
    found = error(status, body)
    assert found.message == reason
    assert str(found).endswith(f"(HTTP {status})")


def test_the_request_id_of_the_header_wins() -> None:
    found = error(400, graph_body("C", "M", **{"request-id": "body"}), request_id="header")
    assert found.request_id == "header"


def test_a_compressed_error_body_is_read() -> None:
    packed = gzip.compress(json.dumps(graph_body("C", "Readable.")).encode())
    assert error(400, packed, Content_Encoding="gzip").message == "Readable."


def test_a_huge_body_is_read_only_to_64_kib() -> None:
    source = io.BytesIO(b"<html>" + b"x" * 10_000_000)
    made = response(500)
    made.raw = urllib3.HTTPResponse(source, status=500, preload_content=False)
    assert error_from_response(made, CONTEXT).message == "The service gave no reason."
    assert source.tell() <= 200_000


def test_a_body_that_breaks_off_is_no_second_error() -> None:
    class BrokenOff(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise ConnectionResetError("reset by peer")

    made = response(503, Retry_After="7")
    made.raw = urllib3.HTTPResponse(BrokenOff(), status=503, preload_content=False)
    found = error_from_response(made, CONTEXT)
    assert isinstance(found, TransientError)
    assert (found.status, found.retry_after) == (503, 7)


# --- what a message may hold --------------------------------------------------------------------------------


def test_a_message_is_cut_to_a_readable_length_and_kept_on_one_line() -> None:
    found = error(400, graph_body("C", "first line\r\nsecond line\t" + "x" * 60_000))
    assert found.message.startswith("first line second line xxx")
    assert len(found.message) == 500
    assert found.message.endswith("…")


@pytest.mark.parametrize("wall", ["x" * 60_000, "a." * 30_000, "a@" * 30_000, "a+b." * 15_000])
def test_a_wall_of_text_takes_no_time(wall: str) -> None:
    began = time.process_time()
    assert len(error(500, graph_body("C", wall)).message) <= 500
    assert time.process_time() - began < 1


@pytest.mark.parametrize("address", ["https://h.example/data?token=CANARY", "HTTP://CANARY", "x-fetch://CANARY/a"])
def test_an_address_in_the_service_s_words_is_not_repeated(address: str) -> None:
    found = error(500, graph_body("C", f"Cannot read {address} now."))
    assert found.message == "Cannot read (address) now."
    assert "CANARY" not in str(found) + repr(found)


def test_the_context_is_optional_and_leaves_no_gap() -> None:
    assert str(GraphError("It broke.")) == "It broke."
    assert str(GraphError("It broke.", status=500)) == "It broke. (HTTP 500)"
    assert str(GraphContext("t", "users")) == "users (tenant t)"


# --- what kind of error it is -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_worth_asking_again(status: int) -> None:
    assert isinstance(error(status), TransientError)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 416])
def test_not_worth_asking_again(status: int) -> None:
    found = error(status)
    assert type(found) is GraphError


def test_kinds_are_told_apart() -> None:
    assert issubclass(SignInError, GraphError)
    assert issubclass(ProtocolError, GraphError)
    assert not issubclass(SignInError, TransientError)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "InvalidArgument", True),
        (400, "BadRequest", False),
        (403, "InvalidArgument", False),
        (400, None, False),
    ],
)
def test_a_refused_date_is_400_and_invalid_argument(status: int, code: str | None, expected: bool) -> None:
    assert GraphError("x", status=status, code=code).is_refused_date is expected


def test_permission_is_403_but_not_of_a_download_address() -> None:
    assert GraphError("x", status=403).is_permission
    assert not GraphError("x", status=401).is_permission
    assert not TransientError("The download address was refused.", status=403).is_permission


# --- Retry-After --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("10", 10),
        ("315", 315),
        ("0", 0),
        ("1.5", 1.5),
        ("-5", 0),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 480),
        ("Wed, 21 Oct 2026 07:28:00 -0000", 480),
        ("Wed, 21 Oct 2026 07:19:00 GMT", 0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after(given: str, seconds: float | None) -> None:
    sent = "Wed, 21 Oct 2026 07:20:00 GMT"
    assert retry_after_seconds(response(429, Retry_After=given, Date=sent)) == seconds


def test_no_retry_after() -> None:
    assert retry_after_seconds(response(429)) is None


def test_retry_after_comes_with_429_and_503() -> None:
    for status in (429, 503):
        found = error(status, Retry_After="42")
        assert isinstance(found, TransientError)
        assert found.retry_after == 42
