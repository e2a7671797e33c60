"""Sets up everything that is measured against each other, on one ground, and measures it."""

import asyncio
import contextlib
import datetime as dt
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from loyalty.bench import bodies, fixtures, measure, population
from loyalty.bench import rich as rules
from loyalty.bench.bare import running_bare
from loyalty.bench.generator import generate
from loyalty.bench.ground import Ground, open_ground, peak_memory_mb
from loyalty.bench.measure import Run, Slice
from loyalty.bench.pgbench import Pgbench
from loyalty.bench.population import Group, Size
from loyalty.bench.workload import (
    COUNTER,
    KEY,
    LoadFailedError,
    Workload,
    get_workload,
    post_workload,
    write_keys,
)
from loyalty.db import connect
from loyalty.http.auth import Role
from loyalty.http.keys_command import create_key
from loyalty.ids import number_shard, show
from loyalty.migrate import migrate
from loyalty.serve import RunningService, running_service
from loyalty.settings import Settings

HISTORY_PROPERTY: Final = "BENCH0"
BALANCE: Final = "/v1/members/{key}/balance"
WARM_UP_SECONDS: Final = 1.0
HOLDS_A_SECOND: Final = 10_000
"""More than are captured in a second: none is captured twice."""


class Progress:
    """Is told how far things are; this one keeps it to itself."""

    def step(self, what: str, total: int | None = None) -> None:
        """Begin something, of so many parts."""

    def advance(self, parts: int, note: str = "") -> None:
        """Some parts of it are done."""


class Kept(Struct, frozen=True):
    """How many were acknowledged, and how many of them are in the database."""

    acknowledged: int
    in_database: int


class Outcome(Struct, frozen=True, kw_only=True):
    """All that was measured, and what was found in the database afterwards."""

    samples: Mapping[str, list[Slice]]
    peak_rss_mb: float | None
    stays: Kept
    redemptions: Kept
    journals_at_start: int
    journals_at_end: int
    generator: str
    seconds: float


class Stage(Struct, frozen=True):
    """A database full of members, the service on it, and a key to it."""

    dsn: str
    service: RunningService
    token: str
    groups: list[Group]
    enrolled: dt.datetime
    shards: int
    files: Path

    def numbers(self, name: str) -> tuple[Path, int]:
        """Write down the membership numbers of the groups of this name; return the file and how many they are."""
        numbers = [population.number_of(index) for index in self._members(name)]
        return write_keys(self.files / f"{name}.numbers", numbers), len(numbers)

    def ids(self, name: str) -> tuple[Path, int]:
        """Write down the member ids likewise."""
        found = [self._id(index) for index in self._members(name)]
        return write_keys(self.files / f"{name}.ids", found), len(found)

    def _members(self, name: str) -> list[int]:
        return [index for group in self.groups if group.name == name for index in group.indexes]

    def _id(self, index: int) -> str:
        shard = number_shard(population.number_of(index), self.shards)
        return show("mem", population.member_id(index, shard, self.enrolled))


class Stream:
    """A workload that never repeats itself: where one run ends, the next begins. Counts what was acknowledged."""

    def __init__(self, workload: Workload, connections: int) -> None:
        self._workload = workload
        self._connections = connections
        self._next = 0
        self.acknowledged = 0
        self.generator = ""

    def run(self, seconds: float) -> Slice:
        """Load for some seconds."""
        found = generate(self._workload, connections=self._connections, seconds=seconds, first=self._next)
        each = self._workload.per_request
        self._next = found.next_counter
        self.acknowledged += found.requests * each
        self.generator = found.generator
        return Slice(found.rate * each, found.p50_ms, found.p99_ms, found.generator_us)


class Captures:
    """Captures what the holds have left, each once."""

    def __init__(self, stage: Stage, holds: Stream, connections: int) -> None:
        self._stage = stage
        self._holds = holds
        self._connections = connections

    def run(self, _: int, seconds: float) -> Slice:
        """Load for some seconds; before that, hold as much more as could be captured in that time."""
        while len(held := asyncio.run(_held(self._stage.dsn))) < HOLDS_A_SECOND * seconds:
            self._holds.run(seconds)
        keys = write_keys(self._stage.files / "held.ids", held)
        workload = post_workload(
            self._stage.service.url, f"/v1/redemptions/{KEY}/capture", ["{}"], keys, len(held),
            token=self._stage.token, headers=f"Idempotency-Key: capture-{COUNTER}-{secrets.token_hex(4)}\r\n",
        )  # fmt: skip
        found = generate(workload, connections=self._connections, seconds=seconds, first=0)
        return Slice(found.rate, found.p50_ms, found.p99_ms, found.generator_us)


Streams = dict[str, list[Stream]]
"""By contestant: one for all rounds, or one for each."""


def measure_all(settings: Settings, size: Size, *, port: int, progress: Progress) -> Outcome:
    """Fill, start, warm up, measure in turn, check that what was acknowledged is there, and clean up."""
    started = time.monotonic()
    with open_ground(settings) as ground, contextlib.ExitStack() as stack:
        pgbench = Pgbench(settings, stack.enter_context(ground.database("pgbench")), size.pgbench_scale)
        progress.step("filling the database of pgbench")
        pgbench.fill()
        main = stack.enter_context(_stage(ground, "bench", population.main_population(size), port, progress))
        small = stack.enter_context(
            _stage(ground, "bench_small", population.small_population(size), 0, progress)
        )
        rich = stack.enter_context(
            _stage(
                ground, "bench_rich", population.small_population(size), 0, progress, program=rules.definition
            )
        )
        posting = _posting(main, size)
        redeeming = _redeeming(main, size)
        others = _others(main, small, rich, stack.enter_context(running_bare()), size)
        before = asyncio.run(_journals(main.dsn))
        captures = Captures(main, redeeming[measure.HOLD][0], size.connections)
        samples = _run(posting | redeeming | others, captures, pgbench, size, progress)
        outcome = Outcome(
            samples=samples,
            peak_rss_mb=peak_memory_mb(main.service.process.pid),
            stays=Kept(_acknowledged(posting), asyncio.run(_stays_posted(main.dsn))),
            redemptions=Kept(_acknowledged(redeeming), asyncio.run(_redemptions(main.dsn))),
            journals_at_start=before,
            journals_at_end=asyncio.run(_journals(main.dsn)),
            generator=posting[measure.POST_STAY][0].generator,
            seconds=time.monotonic() - started,
        )
        progress.step("cleaning up")
    check(outcome)
    return outcome


def check(outcome: Outcome) -> None:
    """Refuse the figures of a service that lost what it acknowledged, or acknowledged what it had already."""
    for what, kept in (("new stays", outcome.stays), ("holds", outcome.redemptions)):
        if kept.in_database < kept.acknowledged:
            raise LoadFailedError(
                f"{kept.acknowledged} {what} were acknowledged, but {kept.in_database} are there"
            )


@contextlib.contextmanager
def _stage(
    ground: Ground, suffix: str, groups: list[Group], port: int, progress: Progress,
    *, program: Callable[[dt.date], str] | None = None,
) -> Generator[Stage]:  # fmt: skip
    """Fill a database and run the service on it with its defaults: auth, logs and metrics on."""
    now = dt.datetime.now(dt.UTC)
    with ground.database(suffix) as dsn:
        asyncio.run(migrate(dsn))
        progress.step(
            f"filling {ground.name_of(suffix)}", sum(group.members * group.stays for group in groups)
        )
        hotels = (HISTORY_PROPERTY, bodies.PROPERTY)
        asyncio.run(fixtures.fill(dsn, groups, properties=hotels, now=now, progress=progress.advance))
        token, shards = asyncio.run(_key_and_shards(dsn))
        files = ground.directory / suffix
        environment = _environment(dsn, port)
        if program is not None:
            files.mkdir(parents=True, exist_ok=True)
            written = files / "program.toml"
            written.write_text(program(now.date()), encoding="utf-8")
            environment["LOYALTY_PROGRAM"] = str(written)
            progress.step("reviewing all members under the rules")
            asyncio.run(fixtures.review(dsn, written, files))
        with running_service(files, env=environment) as service:
            yield Stage(dsn, service, token, groups, population.enrolment(now), shards, files)


def _environment(dsn: str, port: int) -> dict[str, str]:
    vault_key = secrets.token_urlsafe(32)
    return {"LOYALTY_DATABASE_URL": dsn, "LOYALTY_VAULT_KEY": vault_key, "LOYALTY_PORT": str(port)}


def _posting(main: Stage, size: Size) -> Streams:
    """Everything that posts stays into the main database."""
    shorts = [f"short{number}" for number in range(size.rounds + 1)]
    return {
        measure.POST_STAY: [_singles(main, "crowd", "P", size)],
        measure.BATCH: [_batches(main, size)],
        measure.LONG_HISTORY: [_singles(main, "long", "L", size)],
        measure.SHORT_HISTORY: [
            _singles(main, name, "S", size, suffix=number) for number, name in enumerate(shorts)
        ],
    }


def _others(main: Stage, small: Stage, rich: Stage, bare: str, size: Size) -> Streams:
    """What that is compared with, and the reads."""
    ids, count = main.ids("crowd")
    numbers, _ = main.numbers("crowd")
    return {
        measure.SMALL_DATABASE: [_singles(small, "crowd", "P", size)],
        measure.RICH_PROGRAM: [_singles(rich, "crowd", "P", size)],
        measure.BARE_POST: [
            Stream(post_workload(bare, "/v1/stays", bodies.stay_items(), numbers, count), size.connections)
        ],
        measure.GET_BALANCE: [
            Stream(get_workload(main.service.url, BALANCE, ids, count, token=main.token), size.connections)
        ],
        measure.BARE_GET: [Stream(get_workload(bare, BALANCE, ids, count), size.connections)],
    }


def _redeeming(main: Stage, size: Size) -> Streams:
    """Holds of many offers, and of one that all want."""
    for code in (bodies.HOT, *bodies.MANY):
        _put(main, f"/v1/offers/{code}", bodies.offer(code))
    numbers, count = main.numbers("crowd")
    path, headers = "/v1/redemptions", f"Idempotency-Key: {KEY}-{COUNTER}-"
    return {
        name: [
            Stream(
                post_workload(
                    main.service.url, path, bodies.hold_items(codes), numbers, count, token=main.token,
                    headers=f"{headers}{name}\r\n",
                ),
                size.connections,
            )
        ]
        for name, codes in ((measure.HOLD, bodies.MANY), (measure.HOT_OFFER, (bodies.HOT,)))
    }  # fmt: skip


def _put(stage: Stage, path: str, body: bytes) -> None:
    """Put something on file; raise LoadFailedError when the service doesn't take it."""
    headers = {"Authorization": f"Bearer {stage.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(stage.service.url + path, body, headers, method="PUT")  # noqa: S310 - our own service
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - our own service
            return
    except urllib.error.HTTPError as error:
        raise LoadFailedError(f"PUT {path}: {error.read().decode()}") from error


def _singles(stage: Stage, group: str, ref: str, size: Size, *, suffix: int = 0) -> Stream:
    numbers, count = stage.numbers(group)
    items = bodies.stay_items(ref=f"{ref}{suffix}-")
    workload = post_workload(stage.service.url, "/v1/stays", items, numbers, count, token=stage.token)
    return Stream(workload, size.connections)


def _batches(stage: Stage, size: Size) -> Stream:
    numbers, count = stage.numbers("crowd")
    workload = post_workload(
        stage.service.url,
        "/v1/stays/batch",
        bodies.stay_items(ref="B0-"),
        numbers,
        count,
        token=stage.token,
        per_request=size.batch,
        media_type="application/x-ndjson",
        must_contain=f'"posted":{size.batch}',
    )
    return Stream(workload, size.batch_connections)


def _acknowledged(streams: Streams) -> int:
    return sum(stream.acknowledged for each in streams.values() for stream in each)


def _run(
    streams: Streams, captures: Captures, pgbench: Pgbench, size: Size, progress: Progress
) -> dict[str, list[Slice]]:
    """Warm everything up, then measure it."""
    contestants: dict[str, Run] = {name: _runner(them) for name, them in streams.items()}
    contestants[measure.CAPTURE] = captures.run
    contestants[measure.PGBENCH] = lambda _, seconds: Slice(pgbench.rate(seconds))
    progress.step("warming up", len(contestants))
    for name in measure.ORDER:
        contestants[name](-1, WARM_UP_SECONDS)
        progress.advance(1, name)
    progress.step("measuring", len(contestants) * size.rounds)
    return measure.run_interleaved(
        contestants,
        size.rounds,
        size.slice_seconds,
        lambda name, found: progress.advance(1, _note(name, found)),
    )


def _runner(streams: list[Stream]) -> Run:
    # The warm-up is round -1: the last stream of several, which no round uses.
    return lambda number, seconds: streams[number % len(streams)].run(seconds)


def _note(name: str, found: Slice) -> str:
    latency = f", p99 {found.p99_ms:.0f} ms" if found.p99_ms is not None else ""
    return f"{name} {found.rate:,.0f}/s{latency}"


async def _key_and_shards(dsn: str) -> tuple[str, int]:
    connection = await connect(dsn)
    try:
        made, _ = await create_key(connection, Role.OPERATOR, "bench")
        return made.key, await connection.fetchval("SELECT count(*) FROM shard")
    finally:
        await connection.close()


async def _journals(dsn: str) -> int:
    return await _fetch(dsn, "SELECT count(*) FROM journal")


async def _stays_posted(dsn: str) -> int:
    return await _fetch(dsn, f"SELECT count(*) FROM stay_directory WHERE property = '{bodies.PROPERTY}'")  # noqa: S608 - our own constant


async def _redemptions(dsn: str) -> int:
    return await _fetch(dsn, "SELECT count(*) FROM redemption")


async def _held(dsn: str) -> list[str]:
    connection = await connect(dsn)
    try:
        rows = await connection.fetch("SELECT redemption_id FROM redemption WHERE status = 'held'")
        return [show("red", row[0]) for row in rows]
    finally:
        await connection.close()


async def _fetch(dsn: str, query: str) -> int:
    connection = await connect(dsn)
    try:
        return await connection.fetchval(query, timeout=600)
    finally:
        await connection.close()
