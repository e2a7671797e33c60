import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from loyalty.bench import bodies, generator, pgbench, raw, wrk
from loyalty.bench.workload import (
    LoadFailedError,
    Workload,
    get_workload,
    post_workload,
    stride_for,
    write_keys,
)
from loyalty.stays.model import StayPosting

URL = "http://127.0.0.1:1"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys", [f"K{number}" for number in range(7)])


def requests_of(workload: Workload, how_many: int, first: int = 0) -> list[bytes]:
    feed = raw.Feed(workload, Path(workload.keys_file).read_bytes().split(), first)
    return [feed() for _ in range(how_many)]


def test_a_stride_visits_every_key_once_a_lap() -> None:
    for count in (1, 2, 256, 9_999, 20_000):
        stride = stride_for(count)
        assert len({number * stride % count for number in range(count)}) == count


def test_a_post_announces_the_length_it_has(keys: Path) -> None:
    workload = post_workload(URL, "/p", ['{"m":"{key}","r":"{n}","x":"€"}'], keys, 7, token="t")

    (request,) = requests_of(workload, 1)

    head, _, body = request.partition(b"\r\n\r\n")
    assert '{"m":"K4","r":"0000000001","x":"€"}'.encode() == body
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer t" in head


def test_a_batch_joins_as_many_items_as_asked_each_with_its_own_number(keys: Path) -> None:
    workload = post_workload(URL, "/p", ["a{key}-{n}", "b{key}-{n}"], keys, 7, per_request=3)

    first, second = requests_of(workload, 2)

    head, _, body = first.partition(b"\r\n\r\n")
    assert [b"bK4-0000000001", b"aK1-0000000002", b"bK5-0000000003"] == body.split(b"\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"-0000000004" in second


def test_a_percent_sign_is_sent_as_it_is(keys: Path) -> None:
    workload = get_workload(URL, "/a%20b/{key}", keys, 7)

    (request,) = requests_of(workload, 1)

    assert request.startswith(b"GET /a%20b/K4 HTTP/1.1\r\n")


def test_a_request_without_marks_is_sent_as_it_is(keys: Path) -> None:
    (request,) = requests_of(get_workload(URL, "/100%", keys, 7), 1)

    assert request.startswith(b"GET /100% HTTP/1.1\r\n")


def test_items_of_different_lengths_are_refused(keys: Path) -> None:
    with pytest.raises(ValueError, match="one length"):
        post_workload(URL, "/p", ["a", "bb"], keys, 7)


def test_keys_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one length"):
        write_keys(tmp_path / "keys", ["a", "bb"])


def test_the_stays_posted_are_valid_and_of_one_length() -> None:
    filled = [item.replace("{key}", "BX0000001").replace("{n}", "0000000001") for item in bodies.stay_items()]

    stays = [msgspec.json.decode(item, type=StayPosting) for item in filled]

    assert len({len(item) for item in filled}) == 1
    assert all((stay.departure - stay.arrival).days == 2 for stay in stays)


def test_a_pattern_for_lua_keeps_percent_signs_and_marks() -> None:
    assert "5%% %s %010d" == wrk.lua_pattern("5% {key} {n}")
    assert "plain" == wrk.lua_pattern("plain")


@pytest.mark.parametrize("item", ["{n}", "{n} {key}", "{key} {key}"])
def test_marks_that_lua_could_not_fill_are_refused(item: str) -> None:
    with pytest.raises(ValueError, match="key"):
        wrk.lua_pattern(item)


def test_a_text_is_quoted_for_lua() -> None:
    assert '"a\\"b\\\\c\\r\\n"' == wrk.lua_string('a"b\\c\r\n')


def test_what_wrk_printed_is_read() -> None:
    printed = (
        'Running…\nRESULT {"requests":300,"us":3000000,"p50":5000,"p99":9000,'
        '"failed":1,"broken":2,"timeout":3,"next":365}\n'
    )

    found = wrk.parse(printed, cpu_seconds=0.003)

    assert (100.0, 5.0, 9.0, 6, 365) == (
        found.rate,
        found.p50_ms,
        found.p99_ms,
        found.errors,
        found.next_counter,
    )
    assert 10.0 == found.generator_us


def test_wrk_without_a_result_has_failed() -> None:
    with pytest.raises(LoadFailedError, match="no result"):
        wrk.parse("unable to connect", 0)


def test_a_percentile_is_the_nearest_rank() -> None:
    assert 0.0 == raw.percentile([], 0.5)
    assert 100.0 == raw.percentile([float(n) for n in range(1, 101)], 0.99)
    assert 51.0 == raw.percentile([float(n) for n in range(1, 101)], 0.5)


def test_the_length_of_a_reply_is_read_in_any_case() -> None:
    assert 12 == raw.content_length(b"HTTP/1.1 200 OK\r\nContent-LENGTH: 12\r\nx: y")
    with pytest.raises(LoadFailedError):
        raw.content_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


def test_the_rate_of_pgbench_is_read() -> None:
    assert 5681.8 == pgbench.parse(
        "number of failed transactions: 0 (0.000%)\ntps = 5681.8 (without initial connection time)"
    )
    with pytest.raises(LoadFailedError):
        pgbench.parse("number of failed transactions: 3 (0.100%)\ntps = 1.0")
    with pytest.raises(LoadFailedError):
        pgbench.parse("nothing")


class Answers(BaseHTTPRequestHandler):
    """Replies as the path says: `/status/500`, in two pieces so that a reply has to be put together."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(int(self.path.rsplit("/", 1)[1]))
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"12345")
        self.wfile.flush()
        self.wfile.write(b"67890")

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def plan(workload: Workload) -> raw.Plan:
    return raw.Plan(workload, connections=2, seconds=0.1, first=0)


def test_our_own_generator_counts_replies_and_their_time(server: str, keys: Path) -> None:
    measured = asyncio.run(raw.generate(plan(get_workload(server, "/status/200", keys, 7)), [b"k"]))

    assert measured.requests > 0
    assert measured.errors == 0
    assert measured.next_counter == measured.requests + 1
    assert 0 < measured.p50_ms <= measured.p99_ms


def test_a_reply_that_is_no_success_is_counted_and_kept(server: str, keys: Path) -> None:
    measured = asyncio.run(raw.generate(plan(get_workload(server, "/status/503", keys, 7)), [b"k"]))

    assert measured.errors == measured.requests > 0
    assert measured.first_error is not None
    assert measured.first_error.startswith("HTTP/1.1 503")


def test_a_reply_that_lacks_what_it_must_contain_is_an_error(server: str, keys: Path) -> None:
    workload = msgspec.structs.replace(get_workload(server, "/status/200", keys, 7), must_contain="posted")

    measured = asyncio.run(raw.generate(plan(workload), [b"k"]))

    assert measured.errors == measured.requests > 0


@pytest.mark.parametrize("sockets", [False, True])
def test_a_run_with_a_bad_reply_fails_and_shows_it(server: str, keys: Path, *, sockets: bool) -> None:
    workload = get_workload(server, "/status/404", keys, 7)

    with pytest.raises(LoadFailedError, match=r"were not a success(?s:.)*HTTP/1\.1 404"):
        generator.generate(workload, connections=2, seconds=1, first=0, sockets=sockets)
