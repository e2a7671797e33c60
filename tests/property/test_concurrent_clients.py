"""Clients that post at the same time, to two services on one database as to two worker processes.

What they post may arrive in any order, twice, at both services at once. Each stay says its revisions, so where it ends
doesn't depend on the order; the program gives no tier bonus, so what it is worth doesn't either.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.model import Answer
from loyalty.errors import Problem
from loyalty.ids import number_shard
from loyalty.members.model import EnrolRequest
from tests.builders import PRINCIPAL, PROGRAM, small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Oracle, Stay, three_months_later
from tests.property.strategies import MEMBERS, REFS, START, members, shaped, shapes
from tests.property.wording import as_posting

NO_BONUS = PROGRAM.replace("bonus_percent = 25", "bonus_percent = 0").replace(
    "bonus_percent = 50", "bonus_percent = 0"
)
TRIES = 50

recent = shapes.map(lambda shape: shape | {"ago": shape["ago"] % 6})
stories = st.lists(st.lists(recent, min_size=1, max_size=4), min_size=1, max_size=5)
adjustments = st.lists(st.tuples(members, st.integers(-200, 200).filter(bool)), max_size=8)


def told(stories: list[list[dict[str, Any]]]) -> list[Stay]:
    """Return all revisions of some stays; each revision has one content."""
    return [
        shaped(shape | {"ref": REFS[place], "revision": number}, START)
        for place, story in enumerate(stories)
        for number, shape in enumerate(story)
    ]


class Clients:
    """Clients of both services that try again when told to."""

    def __init__(self, live: Live, books: LiveBooks) -> None:
        self.live = live
        self.books = books

    async def again(self, ask: Any) -> Answer | Problem:
        for _ in range(TRIES):
            try:
                return await ask()
            except Problem as problem:
                if problem.status != 503:
                    return problem
                await asyncio.sleep(0.01)
        raise AssertionError("the service never had time")

    async def post(self, server: int, stay: Stay) -> Answer | Problem:
        posting = as_posting(self.books.mine(stay), server)
        return await self.again(lambda: self.live.services[server].post_stay(posting, "test"))

    async def adjust(self, server: int, number: str, points: int, name: str) -> Answer | Problem:
        service = self.live.services[server]
        request = AdjustmentRequest(self.books.prefix + number, points, "goodwill")
        key = service.key(PRINCIPAL, self.books.prefix + name, repr(request).encode())
        return await self.again(lambda: service.adjust(request, "test", key))

    async def enrol(self, server: int, number: str) -> Answer | Problem:
        service = self.live.services[server]
        key = service.key(PRINCIPAL, self.books.prefix + "enrol" + number, b"")
        request = EnrolRequest(number=self.books.prefix + number)
        return await self.again(lambda: service.enrol(request, "test", key))


Answers = dict[object, list[Answer | Problem]]


async def send_all_at_once(
    clients: Clients, stays: list[Stay], adjusted: list[tuple[str, int]], chance: Random
) -> Answers:
    """Send everything at the same time, each request to both services; return the answers by request."""
    work: list[tuple[object, Any]] = []
    for server in (0, 1):
        work += [((stay.ref, stay.revision), clients.post(server, stay)) for stay in stays]
        work += [
            (place, clients.adjust(server, number, points, f"adjust-{place}"))
            for place, (number, points) in enumerate(adjusted)
        ]
    chance.shuffle(work)
    found: Answers = {}
    for (name, _), answer in zip(work, await asyncio.gather(*(ask for _, ask in work)), strict=True):
        found.setdefault(name, []).append(answer)
    return found


def each_has_one_outcome(answers: Answers) -> None:
    """Check that both services told the same of each request, and that one of them did it."""
    for both in answers.values():
        assert all(isinstance(one, Answer) for one in both), both
        assert 1 == len({one.body for one in both if isinstance(one, Answer)})
        assert [False, True] == sorted(one.replayed for one in both if isinstance(one, Answer))


def expected(stays: list[Stay]) -> Oracle:
    """Return where the stays end, posted in the order of their revisions."""
    oracle = Oracle(START, dict.fromkeys(("silver", "gold", "platinum"), 0))
    for number in MEMBERS:
        oracle.enrol(number, f"enrol-{number}")
    for stay in stays:
        oracle.post(stay)
    return oracle


def end_where_the_oracle_ends(books: LiveBooks, oracle: Oracle, adjusted: Counter[str]) -> None:
    for number in MEMBERS:
        view = books.balance(number)

        assert oracle.available(number) + adjusted[number] == view.available
        assert str(oracle.year(number, "nights")) == view.year["nights"]
        assert str(oracle.year(number, "stays")) == view.year["stays"]
        assert f"{oracle.year(number, 'spend') / 100:.2f}" == view.year["spend"]
        assert oracle.granted(number) == books.granted(number)
        assert oracle.tier(number) == view.tier.code


def play(live: Live, stays: list[Stay], adjusted: list[tuple[str, int]], chance: Random) -> None:
    books = LiveBooks(live)
    clients = Clients(live, books)
    enrolments = [clients.enrol(server, number) for server in (0, 1) for number in MEMBERS]
    first = live.run(gather(enrolments))
    answers = live.run(send_all_at_once(clients, stays, adjusted, chance))
    done: Counter[str] = Counter()
    for place, (number, points) in enumerate(adjusted):
        answer = answers[place][0]
        done[number] += points if isinstance(answer, Answer) and answer.status == 201 else 0

    each_has_one_outcome({number: first[place :: len(MEMBERS)] for place, number in enumerate(MEMBERS)})
    each_has_one_outcome(answers)
    end_where_the_oracle_ends(books, expected(stays), done)


async def gather(work: list[Any]) -> list[Any]:
    return await asyncio.gather(*work)


def test_whatever_clients_do_at_once_every_stay_ends_where_the_oracle_ends(
    database: str, tmp_path: Path
) -> None:
    with opened(database, small_rules(NO_BONUS), tmp_path, services=2) as live:

        @settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        @given(stories, adjustments, st.integers(0, 2**32))
        def check(stories: list[list[dict[str, Any]]], adjusted: list[tuple[str, int]], seed: int) -> None:
            play(live, told(stories), adjusted, Random(seed))

        check()

        assert {} == live.verify()


def test_a_crowd_of_clients_over_few_members_posts_nothing_twice(database: str, tmp_path: Path) -> None:
    """Many stays with revisions that move to and fro between three members, all at once."""
    chance = Random(8)
    stays = [
        Stay(
            f"C-{number}", chance.choice(MEMBERS), START - timedelta(days=3), 2, (("room", chance.randrange(500_00)),),
            revision=revision,
        )
        for number in range(60)
        for revision in range(chance.randrange(1, 5))
    ]  # fmt: skip
    adjusted = [(chance.choice(MEMBERS), chance.randrange(-50, 500)) for _ in range(100)]
    with opened(database, small_rules(NO_BONUS), tmp_path, services=2) as live:
        play(live, stays, [one for one in adjusted if one[1]], chance)
        posted = live.query(
            "SELECT stay_id FROM journal WHERE kind = 'stay_posted' GROUP BY 1 HAVING count(*) > 1"
        )

        assert [] == posted
        assert {} == live.verify()


def test_a_reversal_takes_from_its_own_stay_whatever_is_said_of_another_stay_at_once(
    database: str, tmp_path: Path
) -> None:
    """In one batch: a stay of T1 is reversed, and another stay of T1 is claimed for a neighbour."""
    day, night = START - timedelta(days=30), timedelta(days=1)
    older = Stay("S-1", "T1", day, 1, (("room", 100_00),), revision=1)
    newer = Stay("S-2", "T1", day + 9 * night, 1, (("room", 100_00),))
    with opened(database, small_rules(NO_BONUS), tmp_path) as live:
        books = LiveBooks(live)
        shards = live.service.poster.shards
        shard = number_shard(books.prefix + "T1", shards)
        other = next(
            name
            for name in map("T{}".format, range(2, 99))
            if shard == number_shard(books.prefix + name, shards)
        )
        clients = Clients(live, books)
        live.run(gather([clients.enrol(0, number) for number in ("T1", other)]))
        books.post_many([older, newer])
        live.run(
            gather([
                clients.post(0, replace(older, member=other, revision=0)),
                clients.post(0, replace(newer, status="cancelled")),
            ])
        )  # fmt: skip

        assert [(three_months_later(older.departure), 100)] == [
            (one.on, one.points) for one in books.balance("T1").expiring
        ]
        assert {} == live.verify()
