"""Problem documents, logs and metrics: what refusals look like, and what never leaks."""

import io
import json
import logging
import time
from datetime import date
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from loyalty import log, metrics
from loyalty.errors import CODES, FieldError, Problem
from loyalty.http.problems import PROBLEM_JSON, decode, encode, problem_responses, unexpected
from loyalty.wording import field_error


class Kind(StrEnum):
    A = "a"


class Line(msgspec.Struct, forbid_unknown_fields=True):
    n: Annotated[int, msgspec.Meta(ge=1)]
    on: date | None = None
    kind: Kind = Kind.A
    text: Annotated[str, msgspec.Meta(max_length=3)] = ""
    amount: Decimal = Decimal(0)


class Body(msgspec.Struct, forbid_unknown_fields=True):
    x: int
    lines: list[Line] = []
    by_name: dict[str, Line] = {}
    grid: list[list[Line]] = []


DECODER = msgspec.json.Decoder(Body)


def refusal(raw: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        decode(DECODER, raw)
    return caught.value


@pytest.mark.parametrize(
    ("raw", "pointer", "detail"),
    [
        (b'{"x":1,"foo":1}', "/foo", "Unknown field."),
        (b'{"x":1,"lines":[{"n":1},{"n":1,"foo":2}]}', "/lines/1/foo", "Unknown field."),
        (b"{}", "/x", "Required field is missing."),
        (b'{"x":1,"lines":[{}]}', "/lines/0/n", "Required field is missing."),
        (b'{"x":"1"}', "/x", "Expected an integer, got a string."),
        (b'{"x":null}', "/x", "Expected an integer, got null."),
        (b'{"x":1,"lines":[{"n":true}]}', "/lines/0/n", "Expected an integer, got true or false."),
        (b'{"x":1,"lines":[{"n":0}]}', "/lines/0/n", "Expected an integer >= 1."),
        (b'{"x":1,"lines":[{"n":1,"text":"long"}]}', "/lines/0/text", "Expected a string of length <= 3."),
        (b'{"x":1,"lines":[{"n":1,"on":5}]}', "/lines/0/on", "Expected a date or null, got an integer."),
        (b'{"x":1,"lines":[{"n":1,"kind":"z"}]}', "/lines/0/kind", "Expected one of: a."),
        (b'{"x":1,"grid":[[],[{"n":"q"}]]}', "/grid/1/0/n", "Expected an integer, got a string."),
        (b'{"x":1,"by_name":{"k":{"n":"q"}}}', "/by_name", "Expected an integer, got a string."),
        (b'{"x":1,"by_name":{"k":{}}}', "/by_name", "Required field is missing."),
        (b'{"x":1,"by_name":{"k":{"foo":1}}}', "/by_name", "Unknown field."),
        (b"[]", "", "Expected an object, got an array."),
        (b'{"x":1,"a/b~c":1}', "/a~1b~0c", "Unknown field."),
        (b'{"x":1,"f - at `$.x`":1}', "/f - at `$.x`", "Unknown field."),
        (b'{"x":1e400}', "/x", "Number out of range."),
    ],
)
def test_a_bad_field_is_pointed_at(raw: bytes, pointer: str, detail: str) -> None:
    problem = refusal(raw)

    assert (problem.status, problem.code) == (400, "invalid_body")
    assert problem.errors == (FieldError(pointer, detail),)


def test_bad_dates_and_decimals_are_answered_with_an_example() -> None:
    on = refusal(b'{"x":1,"lines":[{"n":1,"on":"31.1.2026"}]}').errors[0]
    amount = refusal(b'{"x":1,"lines":[{"n":1,"amount":"12,5"}]}').errors[0]

    assert on == FieldError("/lines/0/on", "Expected a date, like 2026-01-31.")
    assert amount.pointer == "/lines/0/amount"
    assert "1197.00" in amount.detail


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"x":1}}', "trailing characters (byte 8)"),
        (b'{"x":1,}', "trailing comma"),
        (b'{"x":1,"lines":[{"n":1,"text":"\xff"}]}', "UTF-8"),
        (b'{"x":1,"lines":[{"n":1,"text":"\\ud800\\u0041"}]}', "surrogate"),
        (b'{"\xff":1}', "UTF-8"),
        (b"\xef\xbb\xbf{}", "invalid character (byte 0)"),
        (b'{"x":1,"lines":' + b"[" * 100, ""),
    ],
)
def test_what_is_no_json_is_called_so(raw: bytes, says: str) -> None:
    problem = refusal(raw)

    assert problem.status == 400
    assert problem.code in ({"malformed_json"} if says else {"malformed_json", "invalid_body"})
    assert says.lower() in problem.detail.lower()


def test_a_deeply_nested_body_is_refused_not_crashed_on() -> None:
    decoder = msgspec.json.Decoder(dict[str, Any])
    with pytest.raises(Problem) as caught:
        decode(decoder, b'{"a":' + b"[" * 100_000)

    assert caught.value.code == "malformed_json"
    assert "nested too deeply" in caught.value.detail


@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda name: json.dumps({"x": 1, name: 2}).encode()))
def test_no_body_whatever_escapes_as_another_exception(raw: bytes) -> None:
    problem: Problem | None = None
    try:
        decode(DECODER, raw)
    except Problem as refused:
        problem = refused

    assert problem is None or problem.status == 400
    assert problem is None or all(not it.pointer or it.pointer.startswith("/") for it in problem.errors)


def test_an_endless_field_name_is_cut_in_the_answer() -> None:
    name = "y" * 100_000
    bad = field_error(f"Object contains unknown field `{name}`")

    assert len(bad.pointer) == 201


def test_the_document_has_the_members_of_rfc_9457_and_ours() -> None:
    problem = Problem(
        "stay_departure_before_arrival", "Departure 2026-01-01 is before arrival.", at="/departure"
    )

    assert json.loads(encode(problem, "req-1")) == {
        "type": "/docs/problems#stay_departure_before_arrival",
        "title": "The stay ends before it begins",
        "status": 422,
        "code": "stay_departure_before_arrival",
        "detail": "Departure 2026-01-01 is before arrival.",
        "errors": [{"pointer": "/departure", "detail": "Departure 2026-01-01 is before arrival."}],
        "request_id": "req-1",
    }


def test_a_problem_without_bad_fields_leaves_them_out() -> None:
    assert json.loads(encode(Problem("not_found"))).keys() == {"type", "title", "status", "code", "detail"}


def test_every_code_has_an_error_status_and_a_title_of_its_own() -> None:
    statuses = {int(status) for status in HTTPStatus}

    assert all(code.status in statuses and code.status >= 400 for code in CODES.values())
    assert len({code.title for code in CODES.values()}) == len(CODES)


def test_a_code_that_is_not_in_the_table_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code")


def test_responses_are_documented_as_problem_json_by_status() -> None:
    responses = problem_responses("unknown_property", "unknown_member", "stay_too_long")

    assert list(responses) == [404, 422]
    assert {spec.media_type for spec in responses.values()} == {PROBLEM_JSON}
    assert "`unknown_property`" in responses[422].description
    assert "`stay_too_long`" in responses[422].description


def test_encoding_a_problem_counts_it() -> None:
    before = metrics.REGISTRY.get_sample_value("loyalty_refusals_total", {"code": "number_taken"}) or 0
    encode(Problem("number_taken"))

    assert metrics.REGISTRY.get_sample_value("loyalty_refusals_total", {"code": "number_taken"}) == before + 1


# --- Logs ------------------------------------------------------------------------------------------------------------


def fail(error: Exception) -> None:
    raise error


@pytest.fixture
def logged() -> Any:
    """A function that returns the lines logged so far, decoded."""
    stream = io.BytesIO()
    log.configure("json", "info", stream)
    yield lambda: [json.loads(line) for line in (log.flush(), stream.getvalue().splitlines())[1]]
    log.configure("json", "info")
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def test_an_unexpected_error_is_logged_with_its_trace_and_answered_without(logged: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        fail(RuntimeError("the secret ingredient"))
    problem = unexpected(caught.value, "req-7")
    (line,) = logged()

    assert (problem.status, problem.code) == (500, "internal_error")
    assert "ingredient" not in encode(problem, "req-7").decode()
    assert "req-7" in problem.detail
    assert (line["level"], line["request_id"]) == ("error", "req-7")
    assert "the secret ingredient" in line["exception"]
    assert "Traceback" in line["exception"]


def test_secrets_never_reach_the_log_whatever_they_are_called(logged: Any) -> None:
    key = "lk_booking_" + "k" * 43
    structlog.get_logger().info(
        f"called with {key}",
        Authorization=f"Bearer {key}",
        headers={"x-api-key": "hush", "inner": [{"refresh_token": "hush"}]},
        email="guest@example.org",
        url="postgresql://loyalty:hush@db/loyalty",
        profile={"name": "hush"},
        name="opera",
    )
    (line,) = logged()
    text = json.dumps(line)

    assert not any(secret in text for secret in ("hush", "guest@", "k" * 20))
    assert line["name"] == "opera"
    assert line["event"] == "called with lk_booking_[redacted]"
    assert line["url"] == "postgresql://loyalty:[redacted]@db/loyalty"


def test_a_trace_with_a_password_inside_is_masked(logged: Any) -> None:
    try:
        fail(OSError("cannot reach postgresql://loyalty:hush@db/loyalty"))
    except OSError:
        structlog.get_logger().exception("lost")
    (line,) = logged()

    assert "hush" not in line["exception"]
    assert "cannot reach" in line["exception"]


def test_lines_carry_the_request_they_belong_to(logged: Any) -> None:
    token = log.REQUEST_ID.set("req-3")
    structlog.get_logger().info("hello")
    log.REQUEST_ID.reset(token)
    (line,) = logged()

    assert line["request_id"] == "req-3"
    assert list(line)[:3] == ["timestamp", "level", "event"]


def test_loggers_of_the_standard_library_end_up_in_the_same_place(logged: Any) -> None:
    logging.getLogger("uvicorn.error").info("Started %s", "well")
    logging.getLogger("uvicorn.access").info("GET /v1/members?number=HX1")
    logging.getLogger("uvicorn.error").debug("noise")
    lines = logged()

    assert [(line["event"], line["logger"]) for line in lines] == [("Started well", "uvicorn.error")]


def test_a_value_that_is_no_json_is_logged_all_the_same(logged: Any) -> None:
    structlog.get_logger().info("odd", value=object, raw=b"x", when=date(2026, 1, 1))
    (line,) = logged()

    assert line["when"] == "2026-01-01"
    assert "object" in line["value"]


class Slow(io.BytesIO):
    writes: list[bytes]

    def write(self, data: Any) -> int:
        self.writes = [*getattr(self, "writes", []), bytes(data)]
        return super().write(data)


def test_lines_are_written_together_whole_and_in_order() -> None:
    stream = Slow()
    sink = log.Sink(stream)
    lines = [b"%04d " % number + b"x" * 200 + b"\n" for number in range(1000)]
    for line in lines:
        sink.write(line)
    sink.flush()

    assert stream.getvalue() == b"".join(lines)
    assert max(map(len, stream.writes)) <= 4096
    assert all(chunk.endswith(b"\n") for chunk in stream.writes)
    assert len(stream.writes) < 100


def test_a_line_is_written_soon_without_anyone_asking() -> None:
    stream = io.BytesIO()
    sink = log.Sink(stream)
    sink.write(b"soon\n")
    deadline = time.monotonic() + 5
    while not stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.02)

    assert stream.getvalue() == b"soon\n"


def test_an_error_is_written_at_once_after_what_came_before() -> None:
    stream = io.BytesIO()
    log.configure("json", "info", stream)
    structlog.get_logger().info("before")
    structlog.get_logger().error("after")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    log.configure("json", "info")
    structlog.reset_defaults()

    assert events == ["before", "after"]


def test_a_reader_that_went_away_is_no_error() -> None:
    class Gone(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise BrokenPipeError

    sink = log.Sink(Gone())

    sink.write_now(b"hello\n")


def test_people_can_read_the_console_format() -> None:
    stream = io.BytesIO()
    log.configure("console", "info", stream)
    structlog.get_logger().info("hello", guests=3)
    log.access("GET", "/v1/members", 200, 1.234, "req-1", "opera", "property")
    log.flush()
    text = stream.getvalue().decode()
    log.configure("json", "info")
    structlog.reset_defaults()

    assert "hello" in text
    assert "200 GET    /v1/members 1.2 ms opera" in text


# --- Metrics ---------------------------------------------------------------------------------------------------------


def test_the_exposition_names_what_an_operator_watches() -> None:
    metrics.describe_build("1.2.3")
    metrics.watch_pool(lambda: 8, lambda: 3)
    metrics.QUEUE_DEPTH.labels("0").set(4)
    text = metrics.exposition().decode()

    assert 'loyalty_build_info{python="3.' in text
    assert 'loyalty_database_connections{state="in_use"} 5.0' in text
    assert 'loyalty_database_connections{state="idle"} 3.0' in text
    assert 'loyalty_poster_queue_depth{lane="0"} 4.0' in text
    for name in (
        "poster_batch_commands",
        "poster_batch_seconds",
        "poster_given_up",
        "points",
        "stays",
        "refusals",
    ):
        assert f"# TYPE loyalty_{name}" in text
