"""Load by our own raw sockets, for machines without `wrk` and for requests whose replies must be looked into.

Runs as a process of its own (`python -m loyalty.bench.raw`): a plan as JSON on stdin, a measurement on stdout.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from loyalty.bench.workload import (
    COUNTER,
    COUNTER_DIGITS,
    KEY,
    LoadFailedError,
    Measurement,
    Workload,
    marks_of,
)

REPLY_LIMIT = 64 * 1024 * 1024
# How long the replies under way may take once the last request is sent.
DRAIN_SECONDS = 30.0


class Plan(msgspec.Struct, frozen=True):
    """What the generator's process is told."""

    workload: Workload
    connections: int
    seconds: float
    first: int


def run(workload: Workload, *, connections: int, seconds: float, first: int) -> Measurement:
    """Run the generator in another process, so that it shares no interpreter with whoever measures."""
    plan = msgspec.json.encode(Plan(workload, connections, seconds, first))
    command = [sys.executable, "-m", "loyalty.bench.raw"]
    done = subprocess.run(  # noqa: S603  (our own module)
        command, input=plan, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise LoadFailedError(
            f"the load generator ended with status {done.returncode}:\n{done.stderr.decode()[-2000:]}"
        )
    return msgspec.json.decode(done.stdout, type=Measurement)


class Feed:
    """Makes the bytes of one request after another."""

    def __init__(self, workload: Workload, keys: list[bytes], first: int) -> None:
        self.counter = first
        self._keys = keys
        self._stride = workload.stride
        self._per_request = workload.per_request
        self._head = workload.head.encode() if workload.per_request > 1 else b""
        heads = "" if workload.per_request > 1 else workload.head
        self._fillers = [filler(heads + item) for item in workload.items]

    def __call__(self) -> bytes:
        """Return the next request."""
        if self._per_request == 1:
            return self._item()
        return self._head + b"\n".join([self._item() for _ in range(self._per_request)])

    def _item(self) -> bytes:
        self.counter = n = self.counter + 1
        key = self._keys[n * self._stride % len(self._keys)]
        return self._fillers[n % len(self._fillers)](key, n)


def filler(item: str) -> Callable[[bytes, int], bytes]:
    """Compile an item into a function of key and counter."""
    pattern = item.replace("%", "%%").replace(KEY, "%b").replace(COUNTER, f"%0{COUNTER_DIGITS}d").encode()
    marks = len(marks_of(item))
    return lambda key, n: pattern % (key, n, key)[:marks]


class Run:
    """The state that the connections share: until when to send, and what came back."""

    def __init__(self, plan: Plan, feed: Feed) -> None:
        self.feed = feed
        self.must_contain = plan.workload.must_contain.encode()
        self.latencies: list[float] = []
        self.errors = 0
        self.first_error: str | None = None
        self.started = time.perf_counter()
        self.stop_at = self.started + plan.seconds
        self.last_reply = self.started
        self.open = plan.connections
        self.finished = asyncio.Event()

    def replied(self, latency: float, now: float, reply: bytes) -> None:
        """Count one reply, good or bad."""
        self.latencies.append(latency)
        self.last_reply = now
        # "HTTP/1.1 2": the tenth byte tells success from the rest.
        if reply[9:10] != b"2" or (self.must_contain and self.must_contain not in reply):
            self.failed(reply[-4000:].decode(errors="replace") if reply[9:10] == b"2" else _shown(reply))

    def failed(self, what: str) -> None:
        """Count an error and keep the first."""
        self.errors += 1
        self.first_error = self.first_error or what

    def closed(self) -> None:
        """Count down the connections that are still at work."""
        self.open -= 1
        if self.open == 0:
            self.finished.set()


class Client(asyncio.Protocol):
    """One connection: a request, its whole reply, the next request."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._missing = 0
        self._chunks: list[bytes] = []
        self._sent_at = 0.0
        self._reply_is_known = False
        self._done = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # uvloop's transports are asyncio's in all but name.
        self._transport = cast("asyncio.Transport", transport)
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        """Collect until the length that the head announced is there."""
        self._chunks.append(data)
        if self._missing:
            self._missing -= len(data)
        else:
            self._start_reply()
        if self._missing == 0 and self._reply_is_known:
            self._complete()

    def _start_reply(self) -> None:
        head = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        end = head.find(b"\r\n\r\n")
        if end < 0:
            return
        self._chunks = [head]
        self._reply_is_known = True
        self._missing = max(0, end + 4 + content_length(head[:end]) - len(head))

    def _complete(self) -> None:
        now = time.perf_counter()
        reply = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        self._reply_is_known = False
        self._run.replied(now - self._sent_at, now, reply)
        self._send(now)

    def _send(self, now: float) -> None:
        if now >= self._run.stop_at:
            self._done = True
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(self._run.feed())

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that the other side ends is an error."""
        if not self._done:
            self._run.failed(f"the connection broke: {exc}")
        self._run.closed()


def content_length(head: bytes) -> int:
    """Read the length of a body from the head of its reply."""
    at = head.lower().find(b"content-length:")
    if at < 0:
        raise LoadFailedError(f"a reply without Content-Length:\n{head.decode(errors='replace')}")
    end = head.find(b"\r\n", at)
    return int(head[at + 15 : end if end >= 0 else len(head)])


def summary(run: Run, cpu_seconds: float) -> Measurement:
    """Sum a run up; its clock stops at the last reply, so every request sent is counted with its time."""
    latencies = sorted(run.latencies)
    seconds = max(run.last_reply - run.started, 1e-9)
    return Measurement(
        requests=len(latencies),
        seconds=seconds,
        rate=len(latencies) / seconds,
        p50_ms=percentile(latencies, 0.50) * 1000,
        p99_ms=percentile(latencies, 0.99) * 1000,
        errors=run.errors,
        next_counter=run.feed.counter + 1,
        generator_us=cpu_seconds * 1e6 / max(1, len(latencies)),
        generator="sockets",
        first_error=run.first_error,
    )


def percentile(ordered: list[float], fraction: float) -> float:
    """Return the nearest-rank percentile of values in order; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


async def generate(plan: Plan, keys: list[bytes]) -> Measurement:
    """Open the connections, keep each busy until the time is up, wait for the replies under way."""
    run = Run(plan, Feed(plan.workload, keys, plan.first))
    host, port = plan.workload.address
    loop = asyncio.get_running_loop()
    cpu = time.process_time()
    for _ in range(plan.connections):
        await loop.create_connection(lambda: Client(run), host, port)
    async with asyncio.timeout(plan.seconds + DRAIN_SECONDS):
        await run.finished.wait()
    return summary(run, time.process_time() - cpu)


def _shown(reply: bytes) -> str:
    return reply[:4000].decode(errors="replace")


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not to be had on Windows
        return None
    return uvloop.new_event_loop


def main() -> None:
    """Read a plan from stdin, run it, print what was measured."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    keys = Path(plan.workload.keys_file).read_bytes().split()
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        measured = runner.run(generate(plan, keys))
    sys.stdout.buffer.write(msgspec.json.encode(measured))


if __name__ == "__main__":
    main()
