"""Redemptions on the real service, with a clock that is moved: what returns late, the job, two processes at once."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import structlog
from msgspec import structs

from loyalty import balances, moving, offering, redeeming
from loyalty.commands.capture import CaptureRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.mint_token import TokenRequest
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import RefundRequest
from loyalty.commands.release import ReleaseRequest
from loyalty.errors import Problem
from loyalty.ids import parse
from loyalty.migrate import packaged_migrations
from loyalty.partners.model import Contract, Limit, Offer, Partner, Price, Stock, Title
from tests.builders import PRINCIPAL, idle_rules, small_rules
from tests.conftest import run_sql
from tests.property.live import Live, LiveBooks, opened
from tests.property.strategies import START

SITE = Caller("site")
ANY = frozenset({"*"})
MUSEUM = Partner(code="museum", name=Title("Museum", "美术馆"), contract=Contract("CNY", "0.0125"))
TICKET = Offer(
    code="monet", kind="exhibition", partner="museum", name=Title("Lilies", "睡莲"), prices=(Price(points=10),),
    stock=Stock(per="date", amount=6), events=("monet",), hold_until_use=True,
)  # fmt: skip


class Counter(LiveBooks):
    """A history of redemptions, asked of any of the services."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.keys = 0

    def put(self, offer: Offer, process: int = 0) -> None:
        service = self.live.services[process]
        self.live.run(offering.put_partner(service, MUSEUM, "test", ANY if offer is not TICKET else None))
        self.live.run(offering.put_offer(service, offer, "test", ANY if offer is not TICKET else None))

    async def said(self, work: Any) -> Any:
        """Return an answer's body; of a refusal, its code alone."""
        try:
            answer = await work
        except Problem as problem:
            return {"code": problem.code}
        body = msgspec.json.decode(answer.body)
        return body if answer.status < 400 else {"code": body["code"]}

    def key(self) -> Any:
        self.keys += 1
        name = f"{self.prefix}{self.keys}"
        return self.service.key(PRINCIPAL, name, name.encode())

    def hold(self, number: str, seats: int = 1, days: int = 20, process: int = 0, **more: Any) -> Any:
        day = str(self.service.today() + timedelta(days=days))
        request = RedemptionRequest(
            offer="monet",
            details={"event": "monet", "date": day, "seats": seats},
            member=self.prefix + number,
            **more,
        )
        return self.said(redeeming.redeem(self.live.services[process], request, SITE, self.key()))

    def step(self, said: Any, request: Any, process: int = 0) -> Any:
        one = said["redemption_id"]
        return self.said(redeeming.step(self.live.services[process], one, request, SITE, self.key()))

    def do(self, work: Any) -> Any:
        self._tick()
        return self.live.run(work)

    def left(self, days: int = 20) -> int:
        [(budget, used)] = self.live.query(
            "SELECT budget, coalesce((SELECT sum(used) FROM promotion_budget AS b WHERE b.promotion = p.promotion), 0)"
            " FROM promotion_pool AS p WHERE promotion = $1",
            f"stock:monet/{self.service.today() + timedelta(days=days)}",
        )
        return budget - int(used)


@pytest.fixture
def counter(database: str, tmp_path: Path) -> Iterator[Counter]:
    with opened(database, small_rules(), tmp_path, services=2) as live:
        books = Counter(live)
        for number in ("T1", "T2", "T3"):
            books.enrol(number, f"enrol {number}")
            books.adjust(number, 100, f"points {number}")
        books.put(TICKET)
        yield books


def test_case_7_points_held_when_they_would_expire_return_later_and_expire_at_once(counter: Counter) -> None:
    """Points expire on one day; a hold that was made before is released five days later: both are to be seen."""
    expires_on = counter.balance("T1").expiring[0].on
    counter.travel((expires_on - START).days - 1)
    said = counter.do(counter.hold("T1", 4))
    counter.travel(1)
    between = counter.balance("T1")
    counter.travel(5)
    released = counter.do(counter.step(said, ReleaseRequest()))
    lines = counter.statement("T1")[:4]

    assert (0, 40) == (between.available, between.held)
    assert {"available": 0, "pending": 0, "held": 0, "debt": 0} == released["balance"]
    today = expires_on + timedelta(days=5)
    assert [
        ("expired", -40, today), ("hold_released", 40, today), ("expired", -60, expires_on), ("points_held", -40, None),
    ] == [
        (one.kind, sum(part.amount for part in one.parts), one.effective_on if one.kind != "points_held" else None)
        for one in lines
    ]  # fmt: skip
    as_of = counter.live.run(
        balances.as_of(counter.service, counter.member("T1"), expires_on + timedelta(days=2), None)
    )
    assert (0, 40, 0) == (as_of.available, as_of.held, as_of.debt)


def test_the_job_expires_what_is_due_with_effect_from_its_day_and_leaves_the_rest(counter: Counter) -> None:
    soon = [counter.do(counter.hold(number, 2, days=3)) for number in ("T1", "T2")]
    far = counter.do(counter.hold("T3", 1, days=30))
    done = counter.do(counter.hold("T3", 1, days=3, capture=True))
    counter.travel(9)
    looked_at = counter.do(redeeming.expire_holds(counter.service))
    again = counter.do(redeeming.expire_holds(counter.live.services[1]))
    ones = [
        counter.live.run(redeeming.find(counter.service, one["redemption_id"], SITE)).status
        for one in (*soon, far, done)
    ]

    assert (2, 0) == (looked_at, again)
    assert ["expired", "expired", "held", "captured"] == ones
    assert (100, 0) == (counter.balance("T1").available, counter.balance("T1").held)
    line = counter.statement("T1")[0]
    assert ("hold_expired", START + timedelta(days=5), "monet") == (line.kind, line.effective_on, line.reason)
    assert 5 == counter.left(-6)
    assert "hold_expired" == counter.do(counter.step(soon[0], CaptureRequest()))["code"]


def test_the_job_passes_over_a_hold_that_cannot_be_expired_and_tries_it_again_next_time(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redeeming, "PAGE", 1)
    held: list[str] = [
        counter.do(counter.hold("T1", days=days))["redemption_id"] for days in (3, 3, 4, 5)
    ]  # fmt: skip
    counter.travel(9)

    def rename(offer: str) -> None:
        counter.live.query(
            "UPDATE redemption SET offer = $2 WHERE redemption_id = $1", parse("red", held[0]), offer
        )

    def statuses() -> list[str]:
        found = [counter.live.run(redeeming.find(counter.service, one, SITE)) for one in held]
        return [one.status for one in found]

    rename("nowhere")
    with structlog.testing.capture_logs() as logs:
        looked_at = counter.do(redeeming.expire_holds(counter.service))
    first = statuses()
    rename("monet")
    again = counter.do(redeeming.expire_holds(counter.service))

    assert (4, 1) == (looked_at, again)
    assert ["held", "expired", "expired", "expired"] == first
    assert ["expired"] * 4 == statuses()
    assert [
        {
            "event": "due_postponed",
            "log_level": "warning",
            "of": held[0],
            "code": "unknown_redemption",
        }
    ] == [one for one in logs if one["event"] == "due_postponed"]


def test_what_another_process_has_changed_in_the_catalogue_counts_at_once(counter: Counter) -> None:
    first = counter.do(counter.hold("T1", process=0))
    counter.put(structs.replace(TICKET, prices=(Price(points=15),)), process=1)
    second = counter.do(counter.hold("T1", process=0))
    counter.put(structs.replace(TICKET, status="suspended"), process=1)
    third = counter.do(counter.hold("T1", process=0))
    captured = counter.do(counter.step(first, CaptureRequest()))

    assert [10, 15] == [first["points"], second["points"]]
    assert "offer_suspended" == third["code"]
    assert ("captured", 1) == (captured["status"], captured["offer_version"])


def test_two_processes_sell_the_last_tickets_once(counter: Counter) -> None:
    async def rush() -> list[Any]:
        holds = [counter.hold(f"T{place % 3 + 1}", process=place % 2) for place in range(20)]
        return await asyncio.gather(*holds)

    said = counter.do(rush())
    sold = [one for one in said if "status" in one]

    assert (6, 0) == (len(sold), counter.left())
    assert {"sold_out"} == {one["code"] for one in said if "code" in one}


def test_capture_release_and_expiry_at_once_resolve_to_one(counter: Counter) -> None:
    said = counter.do(counter.hold("T1", 2))

    async def race() -> list[Any]:
        asked = [
            counter.step(said, request, process)
            for request in (CaptureRequest(), ReleaseRequest(), CaptureRequest(1))
            for process in (0, 1)
        ]
        return await asyncio.gather(*asked)

    found = [one.get("status", one.get("code")) for one in counter.do(race())]

    assert 5 == found.count("redemption_not_held")
    view = counter.balance("T1")
    assert (0, True) == (view.held, view.available in {80, 90, 100})


def test_what_is_given_back_is_on_sale_again_wherever_it_was_sold(counter: Counter) -> None:
    sold = [counter.do(counter.hold(f"T{place % 3 + 1}", 2, capture=True)) for place in range(3)]
    refused = counter.do(counter.hold("T1"))
    counter.do(counter.step(sold[0], RefundRequest("Rain", 1), process=1))
    again = counter.do(counter.hold("T3", process=1))

    assert ["sold_out", "held"] == [refused["code"], again["status"]]
    assert 0 == counter.left()


def test_a_token_of_a_process_is_good_in_another_and_only_once(counter: Counter) -> None:
    key, target = counter.key(), counter.prefix + "T1"
    made, again = (
        counter.do(counter.said(redeeming.mint_token(service, target, TokenRequest("museum", 30), SITE, key)))
        for service in counter.live.services
    )
    day = str(counter.service.today() + timedelta(days=20))
    request = RedemptionRequest(
        offer="monet", details={"event": "monet", "date": day, "seats": 1}, token=made["token"]
    )
    caller = Caller("museum", partner="museum")

    async def spend() -> list[Any]:
        services = counter.live.services
        return await asyncio.gather(
            *(counter.said(redeeming.redeem(services[n % 2], request, caller, counter.key())) for n in range(6))
        )  # fmt: skip

    said = counter.do(spend())

    assert made == again
    assert ["held"] == [one["status"] for one in said if "status" in one]
    assert ["token_used"] * 5 == [one["code"] for one in said if "code" in one]


def test_what_is_refunded_after_the_rest_has_lapsed_is_as_if_it_came_new(
    database: str, tmp_path: Path
) -> None:
    with opened(database, idle_rules(), tmp_path) as live:
        books = Counter(live)
        books.enrol("T1", "enrol")
        books.adjust("T1", 100, "points")
        books.put(TICKET)
        said = books.do(books.hold("T1", 4, days=60, capture=True))
        lapses_on = books.balance("T1").expiring[0].on
        books.travel(40)
        books.expire("T1")
        refunded = books.do(books.step(said, RefundRequest("Rain")))
        view = books.balance("T1")
        days = [lapses_on + timedelta(days=ahead) for ahead in (-1, 0, 9)]
        then = [
            live.run(balances.as_of(books.service, books.member("T1"), day, None)) for day in (*days, START)
        ]

        assert (40, 40) == (refunded["balance"]["available"], view.available)
        assert 40 == sum(one.points for one in view.expiring)
        assert [(60, 0), (0, 0), (40, 0), (60, 0)] == [(one.available, one.debt) for one in then]


def test_what_goes_on_to_a_survivor_who_was_idle_is_as_if_it_came_new(database: str, tmp_path: Path) -> None:
    with opened(database, idle_rules(), tmp_path) as live:
        books = Counter(live)
        for number in ("T1", "T2"):
            books.enrol(number, f"enrol {number}")
            books.adjust(number, 100, f"points {number}")
        books.put(TICKET)
        said = books.do(books.hold("T1", 4, days=60, capture=True))
        books.do(moving.merge(books.service, books.prefix + "T1", books.prefix + "T2", "test", books.key()))
        books.travel(40)
        books.expire("T2")
        refunded = books.do(books.step(said, RefundRequest("Rain")))
        view = books.balance("T2")
        first = view.expiring[0].on
        books.travel((first - books.service.today()).days)
        books.expire("T2")

        assert (40, 40) == (refunded["balance"]["available"], view.available)
        assert 0 == books.balance("T2").available
        assert {} == live.verify()


def test_nothing_lapses_while_points_are_held(database: str, tmp_path: Path) -> None:
    with opened(database, idle_rules(), tmp_path) as live:
        books = Counter(live)
        for number in ("T1", "T2"):
            books.enrol(number, f"enrol {number}")
            books.adjust(number, 100, f"points {number}")
        books.put(TICKET)
        said = books.do(books.hold("T1", days=60))
        lapses_on = books.balance("T1").expiring[0]
        books.travel(40)
        views = [books.balance(number) for number in ("T1", "T2")]
        for number in ("T1", "T2"):
            books.expire(number)
        written = [books.balance(number) for number in ("T1", "T2")]
        books.do(books.step(said, ReleaseRequest()))

        assert 90 == lapses_on.points
        assert [90, 0] == [view.available for view in views] == [view.available for view in written]
        assert 100 == books.balance("T1").available


def test_a_batch_of_holds_takes_four_statements_and_one_of_captures_three(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.do(counter.hold("T1"))  # from now on, the shard has some of the day
    asked: list[str] = []

    def listen(how: str) -> None:
        real = getattr(asyncpg.Connection, how)

        async def listening(connection: Any, query: str, *given: Any, **more: Any) -> Any:
            asked.append(query)
            return await real(connection, query, *given, **more)

        monkeypatch.setattr(asyncpg.Connection, how, listening)

    listen("fetch")
    listen("execute")
    held = counter.do(counter.hold("T1"))
    of_the_hold = len(asked)
    counter.do(counter.step(held, CaptureRequest()))

    assert 4 == of_the_hold
    # Before its batch, a step is led to the member whose it is.
    assert 1 + 3 == len(asked) - of_the_hold


# --- Limits after merges ---------------------------------------------------------------------------------------------

ENOUGH = structs.replace(TICKET, limits=(Limit(3),))


def merge(books: Counter, old: str, new: str) -> str:
    work = moving.merge(books.service, books.prefix + old, books.prefix + new, "test", books.key())
    return books.do(books.said(work))["merge_id"]


def unmerge(books: Counter, merge_id: str) -> str:
    which = parse("mrg", merge_id)
    assert which is not None
    return books.do(books.said(moving.unmerge(books.service, which, "test", books.key())))["status"]


def may_have(books: Counter, number: str) -> int:
    """Return how many of the offer there are left for a member, as the catalogue tells."""
    found = books.find(number)
    had = books.live.run(offering.taken_of(books.service, found)).get("monet", [])
    return 3 - sum(one.quantity for one in had)


def test_a_limit_counts_what_all_accounts_of_a_member_have_had(counter: Counter) -> None:
    counter.put(ENOUGH)
    first = counter.do(counter.hold("T1", 2, capture=True))
    counter.do(counter.hold("T2", capture=True))
    merge(counter, "T1", "T2")
    once = counter.do(counter.hold("T2")), may_have(counter, "T2")
    merge(counter, "T2", "T3")
    twice = counter.do(counter.hold("T3")), may_have(counter, "T1")
    counter.do(counter.step(first, RefundRequest("Rain", 1)))
    freed = counter.do(counter.hold("T3")), may_have(counter, "T3")

    assert [({"code": "limit_reached"}, 0)] * 2 == [once, twice]
    assert ("held", 0) == (freed[0]["status"], freed[1])
    assert {} == counter.live.verify()


def test_undoing_a_merge_gives_back_what_the_other_account_may_have(counter: Counter) -> None:
    counter.put(ENOUGH)
    counter.do(counter.hold("T1", 2, capture=True))
    merge(counter, "T1", "T2")
    last = merge(counter, "T2", "T3")
    together = counter.do(counter.hold("T3", 2)), may_have(counter, "T3")
    undone = unmerge(counter, last)
    apart = [may_have(counter, number) for number in ("T1", "T2", "T3")]

    assert ({"code": "limit_reached"}, 1) == together
    assert ("unmerged", [1, 1, 3]) == (undone, apart)
    assert "held" == counter.do(counter.hold("T3", 3))["status"]
    assert "limit_reached" == counter.do(counter.hold("T2", 2))["code"]
    assert {} == counter.live.verify()


def test_limits_of_many_members_in_one_batch_count_what_is_of_each(counter: Counter) -> None:
    counter.put(structs.replace(ENOUGH, stock=None))
    for number, seats in (("T1", 3), ("T2", 1)):
        counter.do(counter.hold(number, seats, capture=True))
    counter.enrol("T4", "enrol T4")
    merge(counter, "T1", "T4")

    async def rush() -> list[Any]:
        return await asyncio.gather(*(counter.hold(number, 2) for number in ("T4", "T2", "T3")))

    said = counter.do(rush())

    assert ["limit_reached", "held", "held"] == [one.get("status", one.get("code")) for one in said]


def test_a_database_of_before_learns_of_accounts_that_were_merged_into_merged_ones(counter: Counter) -> None:
    counter.enrol("T4", "enrol T4")
    merge(counter, "T1", "T2")
    merge(counter, "T2", "T3")
    last = merge(counter, "T4", "T3")
    learnt = names_of(counter)
    counter.live.query(
        "UPDATE member SET traits = traits || jsonb_build_object('merged', ARRAY(SELECT 'mem_'"
        " || replace(m.member_id::text, '-', '') FROM member_merge AS m WHERE m.into_id = member.member_id))"
        " WHERE traits ? 'merged'"
    )
    counter.live.query(
        "UPDATE member_merge SET traits = traits::jsonb || jsonb_build_object('merged', ARRAY(SELECT 'mem_'"
        " || replace(m.member_id::text, '-', '') FROM member_merge AS m WHERE m.into_id = member_merge.into_id"
        " AND m.last < member_merge.first)) WHERE traits::jsonb ? 'merged'"
    )
    forgotten = names_of(counter)
    [migration] = [one for one in packaged_migrations() if one.number == 11]
    run_sql(counter.live.dsn, migration.sql)
    again = names_of(counter)
    undone = unmerge(counter, last)

    assert {"T3": 3, "T2": 1, "undone": 2} == {what: len(names) for what, names in learnt.items()}
    assert {"T3": 2, "T2": 1, "undone": 1} == {what: len(names) for what, names in forgotten.items()}
    assert learnt == again
    assert ("unmerged", learnt["undone"]) == (undone, {*counter.member("T3").traits.merged})
    assert {} == counter.live.verify()


def names_of(books: Counter) -> dict[str, set[str]]:
    """Return whom survivors stand for; and whom one stood for before the last merge, to which that is undone."""
    rows = books.live.query(
        "SELECT number, traits -> 'merged' FROM member WHERE traits ? 'merged'"
        " UNION ALL SELECT 'undone', traits::jsonb -> 'merged' FROM member_merge WHERE traits::jsonb ? 'merged'"
    )
    return {what.removeprefix(books.prefix): set(json.loads(names)) for what, names in rows}
