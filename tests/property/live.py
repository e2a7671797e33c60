"""The real service on a real PostgreSQL, played in the oracle's words.

Many histories share one database: each has its own prefix for members, stays and keys.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from asyncpg import Record

from loyalty import balances, bulk
from loyalty.clock import ManualClock
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.balance import BalanceView
from loyalty.commands.model import Answer
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import show
from loyalty.ledger.model import Member
from loyalty.ledger.store import Entry
from loyalty.members.model import EnrolRequest
from loyalty.opening import open_service
from loyalty.service import Found, Service
from loyalty.settings import Settings
from loyalty.stays.properties import Property, PropertyName
from loyalty.verify.run import open_verification
from tests.builders import PRINCIPAL
from tests.property.oracle import Oracle, Stay
from tests.property.strategies import START
from tests.property.wording import as_posting, keyed_seen, stay_seen

NOON = timedelta(hours=12)
PROPERTY = Property("SHA01", PropertyName("Bund", "外滩"), "UTC", "CNY")
T = TypeVar("T")


class Quiet:
    def begin(self, journals: int) -> None: ...

    def at(self, journals: int, what: str) -> None: ...


class Live:
    """Services over one database, like worker processes, with one clock and one event loop."""

    def __init__(self, runner: asyncio.Runner, services: list[Service], clock: ManualClock, dsn: str) -> None:
        self.runner = runner
        self.services = services
        self.clock = clock
        self.dsn = dsn
        self.prefixes = (f"H{number}-" for number in itertools.count(1))

    @property
    def service(self) -> Service:
        return self.services[0]

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def query(self, sql: str, *values: object) -> list[Record]:
        return self.run(self.service.pool.fetch(sql, *values))

    def verify(self) -> dict[str, list[str]]:
        """Return what `loyalty verify` finds wrong."""

        async def work() -> dict[str, list[str]]:
            async with open_verification(
                self.dsn, self.service.rules, Quiet(), codes=self.service.codes
            ) as verification:
                report = await verification.run()
            assert report.members, "there is something to verify"
            return {one.check: one.examples for one in report.tallies.values() if one.differences}

        return self.run(work())


@contextmanager
def opened(dsn: str, rules: Rulebook, data_dir: Path, services: int = 1, **options: Any) -> Iterator[Live]:
    """Open services on a migrated database, with one property registered."""
    # Patient, so that a machine that is busy with other things fails no test.
    settings = Settings(data_dir=data_dir, **{"deadline_ms": 60_000} | options)
    clock = ManualClock(datetime.combine(START, datetime.min.time(), UTC) + NOON)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        made = [
            runner.run(stack.enter_async_context(open_service(settings, dsn, clock=clock, rules=rules)))
            for _ in range(services)
        ]
        try:
            for service in made:
                runner.run(service.register(PROPERTY))
            yield Live(runner, made, clock, dsn)
        finally:
            runner.run(stack.aclose())


class LiveBooks:
    """One history on the service: its members, stays and keys are its own."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.prefix = next(live.prefixes)
        self.bodies: dict[object, bytes] = {}
        live.clock.set(datetime.combine(START, datetime.min.time(), UTC) + NOON)

    @property
    def service(self) -> Service:
        return self.live.service

    def travel(self, days: int) -> None:
        self.live.clock.advance(timedelta(days=days))

    # --- requests -----------------------------------------------------------------------------------------------

    def enrol(self, number: str, key: str) -> dict[str, Any]:
        request = EnrolRequest(number=self.prefix + number)
        bound = self.service.key(PRINCIPAL, self.prefix + key, repr(request).encode())
        return self._own(keyed_seen(self._keyed(bound.key, self.service.enrol(request, "test", bound))))

    def adjust(self, number: str, points: int, key: str) -> dict[str, Any]:
        request = AdjustmentRequest(self.prefix + number, points, "goodwill")
        bound = self.service.key(PRINCIPAL, self.prefix + key, repr(request).encode())
        return keyed_seen(self._keyed(bound.key, self.service.adjust(request, "test", bound)))

    def expire(self, number: str) -> None:
        self._tick()
        self.live.run(self.service.expire(self.member(number).member_id))

    def post(self, stay: Stay, style: int = 0) -> dict[str, Any]:
        posting = as_posting(self.mine(stay), style)
        if style:  # the other name of a member is as good
            found = self.find(stay.member)
            posting = as_posting(
                self.mine(stay), style, show("mem", found.member.member_id) if found else None
            )
        result = self._outcome(self.service.post_stay(posting, "test"))
        self._same_bytes(stay, result)
        return stay_seen(result)

    def post_many(self, stays: list[Stay]) -> list[dict[str, Any]]:
        self._tick()
        results = self.live.run(
            bulk.post_stays(self.service, [as_posting(self.mine(one)) for one in stays], "test")
        )
        for stay, result in zip(stays, results, strict=True):
            self._same_bytes(stay, result)
        return [stay_seen(result) for result in results]

    def mine(self, stay: Stay) -> Stay:
        return replace(stay, ref=self.prefix + stay.ref, member=self.prefix + stay.member)

    def _own(self, seen: dict[str, Any]) -> dict[str, Any]:
        return seen | {"number": seen["number"].removeprefix(self.prefix)} if "number" in seen else seen

    def _outcome(self, work: Any) -> Answer | Problem:
        self._tick()
        try:
            return self.live.run(work)
        except Problem as problem:
            return problem

    def _keyed(self, key: str, work: Any) -> Answer | Problem:
        """Answer a request under a key: what is replayed is the first answer, byte for byte."""
        result = self._outcome(work)
        if isinstance(result, Answer):
            assert result.replayed == (key in self.bodies)
            assert result.body == self.bodies.setdefault(key, result.body)
        return result

    def _same_bytes(self, stay: Stay, result: Answer | Problem) -> None:
        """Hold on to the answers of revisions that say their number: a re-send gets the first one, byte for byte."""
        if isinstance(result, Answer) and stay.revision is not None:
            place = stay.ref, stay.revision
            assert not result.replayed or self.bodies.get(place, result.body) == result.body
            self.bodies.setdefault(place, result.body)

    def _tick(self) -> None:
        """Let a second pass, so that each request is recorded at an instant of its own."""
        self.live.clock.advance(timedelta(seconds=1))

    # --- what there is ------------------------------------------------------------------------------------------

    def find(self, number: str) -> Found | None:
        return self.live.run(self.service.find_member(self.prefix + number))

    def member(self, number: str) -> Member:
        found = self.find(number)
        assert found is not None
        return found.member

    def balance(self, number: str) -> BalanceView:
        found = self.find(number)
        assert found is not None
        return balances.now(self.service, found)

    def statement(self, number: str) -> list[Entry]:
        """Return all lines of a statement, read in small pages, newest first."""
        member, lines = self.member(number), list[Entry]()
        before = 2**62
        while page := self.live.run(balances.statement(self.service, member, before, 7)):
            lines += page
            before = page[-1].version
        return lines

    def granted(self, number: str) -> set[tuple[str, int]]:
        rows = self.live.query(
            "SELECT milestone, ordinal FROM milestone_grant WHERE member_id = $1 AND status = 'granted'",
            self.member(number).member_id,
        )
        return {(row[0], row[1]) for row in rows}


def agree(books: LiveBooks, oracle: Oracle) -> None:
    """Check that all a member can see is what the oracle says."""
    for number in oracle.members:
        view = books.balance(number)

        assert oracle.available(number) == view.available
        assert max(0, -oracle.available(number)) == view.debt
        assert oracle.expiring(number) == {one.on: one.points for one in view.expiring}
        assert oracle.opening(number) == {one.on: one.points for one in view.opening}
        assert sum(oracle.opening(number).values()) == view.pending
        assert oracle.tier(number) == view.tier.code
        assert str(oracle.year(number, "nights")) == view.year["nights"]
        assert str(oracle.year(number, "stays")) == view.year["stays"]
        assert f"{oracle.year(number, 'spend') / 100:.2f}" == view.year["spend"]
        assert oracle.granted(number) == books.granted(number)
        _statement_runs(books, number)


def _statement_runs(books: LiveBooks, number: str) -> None:
    entries = books.statement(number)
    member = books.member(number)
    running = 0
    for entry in reversed(entries):
        running += sum(part.amount for part in entry.parts if part.unit == "points" and not part.pending)

        assert running == entry.balance
    assert running == member.available
    assert list(range(member.version, 0, -1)) == [entry.version for entry in entries]
