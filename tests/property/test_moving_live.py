"""Points on the move, on the real service: at the same time, twice, from two processes; the books stay right."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import pytest
import structlog

from loyalty import balances, moving, offering, redeeming
from loyalty.commands import joint
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.compensate import CompensationRequest
from loyalty.commands.found_household import HouseholdRequest
from loyalty.commands.give_status import GiveStatus, StatusRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.join_household import ConsentRequest
from loyalty.commands.model import Answer
from loyalty.commands.purchase import PurchaseRequest
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import Refund, RefundRequest
from loyalty.commands.set_segments import SegmentsRequest, SetSegments
from loyalty.commands.transfer import TransferRequest
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.members.model import EnrolRequest
from loyalty.partners.model import Offer, Price, Stock
from loyalty.program.model import Name
from tests.builders import PRINCIPAL, PROGRAM, reply, small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Stay
from tests.property.wording import as_posting

TERMS = """
[transfers]
least = 1
sent_a_year = 500
received_a_year = 300

[referral]
points = 70
times_a_year = 3
within_days = 30

[household]
members = 3

[purchase]
price = "0.10"
a_year = 250

[compensation]
approval_above = 100
agent_a_day = 1000
member_a_year = 600

[compensation.reasons]
noise = { en = "Noise", zh = "噪音" }
"""
RULES = small_rules(PROGRAM + TERMS)


class Movers(LiveBooks):
    """A history in which points move, asked of either of two services."""

    def key(self, name: str, body: object, server: int = 0) -> Any:
        return self.live.services[server].key(PRINCIPAL, self.prefix + name, repr(body).encode())

    @cached_property
    def lamp(self) -> str:
        """An offer of the hotel, for 10 points each."""
        code = self.prefix.lower().replace("-", "_") + "lamp"
        offer = Offer(
            code=code, kind="merchandise", name=Name("Lamp", "灯"), prices=(Price(points=10),), stock=Stock(amount=900)
        )  # fmt: skip
        self.live.run(offering.put_offer(self.service, offer, "test", None))
        return code

    def many(self, *work: Any) -> list[Any]:
        """Run requests at the same time; return their answers and problems in order."""

        async def run() -> list[Any]:
            return await asyncio.gather(*work, return_exceptions=True)

        self._tick()
        found = self.live.run(run())
        assert all(isinstance(one, Answer | Problem) for one in found), found
        return found

    def one(self, work: Any) -> Any:
        [found] = self.many(work)
        return found

    def have(self, number: str, points: int) -> None:
        request = AdjustmentRequest(self.prefix + number, points, "goodwill")
        found = self.one(
            self.service.adjust(request, "test", self.key(f"have-{number}-{len(self.bodies)}", request))
        )
        self.bodies[len(self.bodies)] = b""
        assert isinstance(found, Answer)

    def give(self, giver: str, taker: str, points: int, name: str, server: int = 0) -> Any:
        request = TransferRequest(self.prefix + giver, self.prefix + taker, points)
        service = self.live.services[server]
        return moving.transfer(service, request, "test", self.key(name, request, server))

    def compensate(self, number: str, points: int, name: str, server: int = 0, who: Any = PRINCIPAL) -> Any:
        request = CompensationRequest(self.prefix + number, points, "noise")
        service = self.live.services[server]
        key = service.key(who, self.prefix + name, repr(request).encode())
        return moving.compensate(service, request, "desk", key)

    def judge(self, approval: str, verdict: Any, who: Any, server: int = 0) -> Any:
        approval_id = parse("apr", approval)
        assert approval_id is not None
        return moving.approve(self.live.services[server], approval_id, verdict, who, "boss")

    def available(self, *numbers: str) -> list[int]:
        return [self.balance(number).available for number in numbers]


def codes(found: list[Any]) -> list[str]:
    """Return what requests came to: ok, or the code of the refusal."""
    return [
        one.code if isinstance(one, Problem) else "ok" if one.status < 400 else reply(one)["code"]
        for one in found
    ]


@pytest.fixture(scope="module")
def live(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two services on one database, like two processes; the books are verified at the end."""
    from tests.conftest import run_sql

    run_sql(postgres.dsn, f"CREATE DATABASE moving TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("moving"), RULES, tmp_path_factory.mktemp("moving"), services=2) as live:
        yield live
        assert {} == live.verify()


@pytest.fixture
def books(live: Live) -> Iterator[Movers]:
    """Three members in both shards; whatever a test did, the books are right afterwards."""
    books = Movers(live)
    for number in ("T1", "T2", "T3"):
        request = EnrolRequest(books.prefix + number, enrolled_on=date(2024, 1, 1))
        assert isinstance(books.one(books.service.enrol(request, "test", books.key(number, request))), Answer)
    yield books
    assert {} == live.verify()


# --- Gifts -----------------------------------------------------------------------------------------------------------


def test_a_gift_keeps_the_days_on_which_points_expire(books: Movers) -> None:
    books.have("T1", 60)
    first = books.balance("T1").expiring[0].on
    books.travel(20)
    books.have("T1", 100)
    answer = reply(books.one(books.give("T1", "T2", 90, "k")))
    second = books.balance("T1").expiring[0].on

    assert [{"points": 60, "expires_on": f"{first}"}, {"points": 30, "expires_on": f"{second}"}] == answer[
        "moved"
    ]
    assert [(first, 60), (second, 30)] == [(one.on, one.points) for one in books.balance("T2").expiring]
    assert [70, 90] == books.available("T1", "T2")


def test_a_gift_sent_again_from_both_processes_moves_once(books: Movers) -> None:
    books.have("T1", 100)
    found = books.many(*(books.give("T1", "T2", 40, "k", server % 2) for server in range(12)))

    assert {"ok"} == set(codes(found))
    assert 1 == len({one.body for one in found})
    assert [False] == [one.replayed for one in found if not one.replayed]
    assert [60, 40] == books.available("T1", "T2")


def test_a_key_used_for_two_gifts_at_once_makes_one_of_them(books: Movers) -> None:
    books.have("T1", 100)
    books.have("T3", 100)
    found = books.many(books.give("T1", "T2", 40, "k"), books.give("T3", "T2", 40, "k", 1))

    assert ["idempotency_key_reused", "ok"] == sorted(codes(found))
    assert [40] == books.available("T2")


def test_gifts_at_once_never_exceed_a_cap(books: Movers) -> None:
    books.have("T1", 1000)
    books.have("T2", 1000)
    found = books.many(*(books.give(f"T{1 + n % 2}", "T3", 70, f"k{n}", n // 2 % 2) for n in range(12)))

    assert 4 == codes(found).count("ok")
    assert 8 == codes(found).count("limit_reached")
    assert [280] == books.available("T3")


def test_gifts_in_a_circle_and_adjustments_at_once_lose_nothing(books: Movers) -> None:
    for number in ("T1", "T2", "T3"):
        books.have(number, 100)
    circle = [("T1", "T2"), ("T2", "T3"), ("T3", "T1"), ("T2", "T1")]
    work = [books.give(*circle[n % 4], 15, f"k{n}", n % 2) for n in range(16)]
    for n in range(6):
        request = AdjustmentRequest(f"{books.prefix}T{1 + n % 3}", 1, "goodwill")
        work.append(books.live.services[n % 2].adjust(request, "test", books.key(f"a{n}", request, n % 2)))
    found = books.many(*work)

    assert {"ok"} >= set(codes(found)) - {"insufficient_points"}
    assert 306 == sum(books.available("T1", "T2", "T3"))


def test_a_refused_gift_stays_refused_under_its_key(books: Movers) -> None:
    first = books.one(books.give("T1", "T2", 40, "k"))
    books.have("T1", 100)
    again = books.one(books.give("T1", "T2", 40, "k", 1))

    assert (422, first.body) == (again.status, again.body)
    assert [100, 0] == books.available("T1", "T2")


def test_the_cap_begins_anew_with_the_calendar_year(books: Movers) -> None:
    books.have("T1", 900)
    books.one(books.give("T1", "T2", 300, "k1"))
    refused = books.one(books.give("T1", "T2", 1, "k2"))
    books.live.clock.set(books.live.clock.now().replace(month=12, day=31))
    books.have("T1", 300)
    still = books.one(books.give("T1", "T2", 1, "k3"))
    books.travel(1)
    fresh = books.one(books.give("T1", "T2", 1, "k4"))

    assert ["limit_reached", "limit_reached", "ok"] == codes([refused, still, fresh])


def test_what_was_given_expires_with_its_new_owner_on_its_old_day(books: Movers) -> None:
    books.have("T1", 50)
    day = books.balance("T1").expiring[0].on
    books.travel((day - books.service.today() - timedelta(days=1)).days)
    books.one(books.give("T1", "T2", 50, "k"))
    before = books.available("T2")
    books.travel(1)

    assert ([50], [0]) == (before, books.available("T2"))


# --- Purchases -------------------------------------------------------------------------------------------------------


def test_purchases_at_once_never_exceed_the_cap_and_a_key_buys_once(books: Movers) -> None:
    def buy(name: str, server: int) -> Any:
        request = PurchaseRequest(books.prefix + "T1", 60, name)
        service = books.live.services[server]
        return service.purchase(request, "test", books.key(name, request, server))

    found = books.many(*(buy(f"k{n // 2}", n % 2) for n in range(16)))
    answers = {one.body for one in found if one.status == 201}

    assert (8, 8) == (codes(found).count("ok"), codes(found).count("limit_reached"))
    assert 4 == len(answers)
    assert [240] == books.available("T1")


# --- Compensation ----------------------------------------------------------------------------------------------------


def somebody(number: int) -> UUID:
    return UUID(number.to_bytes(16, "big"))


def test_what_is_proposed_moves_nothing_until_a_second_person_agrees(books: Movers) -> None:
    desk, boss = somebody(11), somebody(12)
    proposed = reply(books.one(books.compensate("T1", 150, "k", who=desk)))
    before = books.available("T1")
    refused = books.one(books.judge(proposed["approval_id"], "approved", desk))
    approved = reply(books.one(books.judge(proposed["approval_id"], "approved", boss)))

    assert ("proposed", [0]) == (proposed["status"], before)
    assert ["own_proposal"] == codes([refused])
    assert ("approved", [150]) == (approved["status"], books.available("T1"))


def test_many_who_approve_and_reject_at_once_decide_once(books: Movers) -> None:
    proposed = reply(books.one(books.compensate("T1", 150, "k", who=somebody(21))))["approval_id"]
    verdicts = ("approved", "rejected")
    found = books.many(
        *(books.judge(proposed, verdicts[n % 2], somebody(22 + n), n // 2 % 2) for n in range(12))
    )
    journals = [entry for entry in books.statement("T1") if entry.kind == "compensated"]

    assert 1 == codes(found).count("ok")
    assert 11 == codes(found).count("already_decided")
    assert books.available("T1")[0] == 150 * len(journals)
    assert len(journals) == (reply(found[codes(found).index("ok")])["status"] == "approved")


def test_one_who_approves_twice_at_once_is_answered_the_same(books: Movers) -> None:
    proposed = reply(books.one(books.compensate("T1", 150, "k", who=somebody(41))))["approval_id"]
    found = books.many(*(books.judge(proposed, "approved", somebody(42), n % 2) for n in range(6)))

    assert 1 == len({one.body for one in found})
    assert 1 == [one.replayed for one in found].count(False)
    assert [150] == books.available("T1")


def test_an_agent_never_gives_more_than_the_cap_of_the_day_however_many_at_once(books: Movers) -> None:
    agent = somebody(51)
    found = books.many(*(books.compensate(f"T{1 + n % 3}", 90, f"k{n}", n % 2, agent) for n in range(14)))
    books.travel(1)
    fresh = books.one(books.compensate("T1", 90, "tomorrow", who=agent))

    assert 11 == codes(found).count("ok")
    assert 3 == codes(found).count("limit_reached")
    assert ["ok"] == codes([fresh])


def test_a_member_never_gets_more_than_the_cap_of_the_year_however_many_at_once(books: Movers) -> None:
    found = books.many(*(books.compensate("T1", 100, f"k{n}", n % 2, somebody(60 + n)) for n in range(9)))

    assert 6 == codes(found).count("ok")
    assert [600] == books.available("T1")


def test_a_proposal_that_no_longer_fits_the_cap_stays_open(books: Movers) -> None:
    proposed = reply(books.one(books.compensate("T1", 150, "k", who=somebody(71))))["approval_id"]
    for n in range(5):
        books.one(books.compensate("T1", 100, f"k{n}", who=somebody(72)))
    refused = books.one(books.judge(proposed, "approved", somebody(72)))
    rejected = books.one(books.judge(proposed, "rejected", somebody(72)))

    assert ["limit_reached", "ok"] == codes([refused, rejected])
    assert [500] == books.available("T1")


# --- Standing --------------------------------------------------------------------------------------------------------


def test_statuses_and_segments_set_at_once_are_all_kept(books: Movers) -> None:
    def give(n: int) -> Any:
        request = StatusRequest("gold", "gifted", f"reason {n}")
        service = books.live.services[n % 2]
        key = books.key(f"status-{n}", request, n % 2)
        return service.submit(GiveStatus(books.prefix + "T1", request, "test", key))

    def segment(n: int) -> Any:
        request = SegmentsRequest([f"segment_{n}", "golf"])
        return books.live.services[n % 2].submit(SetSegments(books.prefix + "T1", request, "test"))

    found = books.many(*map(give, range(8)), *map(segment, range(4)))
    traits = books.member("T1").traits

    assert {"ok"} == set(codes(found))
    assert 8 == len(traits.statuses)
    assert "golf" in traits.segments
    assert 2 == len(traits.segments)


# --- Referrals -------------------------------------------------------------------------------------------------------


def bring(books: Movers, number: str, referrer: str = "T1") -> Any:
    enrolled_on = books.service.today() - timedelta(days=10)
    request = EnrolRequest(
        books.prefix + number, enrolled_on=enrolled_on, referred_by=books.prefix + referrer
    )
    return books.one(books.service.enrol(request, "test", books.key(f"bring-{number}", request)))


def visit(books: Movers, number: str, amount: int = 50_00, **fields: Any) -> Stay:
    stay = Stay(
        f"S-{number}", number, books.service.today() - timedelta(days=2), 1, (("room", amount),), **fields
    )
    books.post(stay)
    return stay


def pay(books: Movers, times: int = 1) -> int:
    """Let the jobs of both processes look at the same time; return how many they paid."""

    async def run() -> list[int]:
        services = books.live.services
        return await asyncio.gather(*(moving.pay_referrals(services[n % 2]) for n in range(times)))

    return sum(books.live.run(run()))


def test_a_referral_is_paid_once_however_many_look(books: Movers) -> None:
    bring(books, "N1")
    before = pay(books)
    visit(books, "N1")
    paid, again = pay(books, 6), pay(books, 2)

    assert (0, 1, 0) == (before, paid, again)
    assert [70] == books.available("T1")


def test_a_stay_that_is_taken_back_before_pays_nothing_and_the_next_one_does(books: Movers) -> None:
    bring(books, "N1")
    stay = visit(books, "N1", revision=1)
    books.post(replace(stay, status="cancelled", revision=2))
    before = pay(books)
    books.post(replace(stay, revision=3))

    assert (0, 1) == (before, pay(books))


def test_what_is_paid_stays_paid(books: Movers) -> None:
    bring(books, "N1")
    stay = visit(books, "N1", revision=1)
    pay(books)
    books.post(replace(stay, status="cancelled", revision=2))
    again = pay(books)

    assert 0 == again
    assert [70, 0] == books.available("T1", "N1")


def test_a_crash_in_between_pays_nothing_and_the_next_look_pays_once(
    books: Movers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(books, "N1")
    visit(books, "N1")

    async def crash(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(joint.store, "write", crash)
        crashed = pay(books)

    assert (0, [0]) == (crashed, books.available("T1"))
    assert 1 == pay(books)
    assert [70] == books.available("T1")


def test_a_referrer_is_paid_so_often_a_year_and_no_more(books: Movers) -> None:
    for n in range(5):
        bring(books, f"N{n}")
        visit(books, f"N{n}")
    paid = pay(books, 4)

    assert 3 == paid
    assert [210] == books.available("T1")


def test_nobody_can_be_brought_by_nobody(books: Movers) -> None:
    refused = bring(books, "N1", "T9")

    assert ["unknown_member"] == codes([refused])
    assert "/referred_by" == refused.errors[0].pointer
    assert books.find("N1") is None


# --- Merges ----------------------------------------------------------------------------------------------------------


def merge(books: Movers, old: str, new: str, name: str = "m", server: int = 0) -> Any:
    service = books.live.services[server]
    key = books.key(name, (old, new), server)
    return moving.merge(service, books.prefix + old, books.prefix + new, "test", key)


def unmerge(books: Movers, merge_id: str, name: str = "u", server: int = 0) -> Any:
    found = parse("mrg", merge_id)
    assert found is not None
    return moving.unmerge(books.live.services[server], found, "test", books.key(name, merge_id, server))


def stays(books: Movers, number: str, amounts: list[int]) -> list[Stay]:
    """Post stays of one night, one a day, the first the longest ago."""
    made = [
        Stay(
            f"{number}-{n}",
            number,
            books.service.today() - timedelta(days=40 - n),
            1,
            (("room", amount * 100),),
            revision=1,
        )
        for n, amount in enumerate(amounts)
    ]
    for stay in made:
        assert "posted" == books.post(stay)["outcome"]
    return made


def standing(books: Movers, number: str) -> Any:
    view = books.balance(number)
    return view.available, [(one.on, one.points) for one in view.expiring], view.year, books.granted(number)


def test_a_merge_moves_points_counters_stays_and_milestones(books: Movers) -> None:
    stays(books, "T1", [100, 50])
    stays(books, "T2", [30])
    books.have("T1", 25)
    books.adjust("T1", -120, "spend")
    before = standing(books, "T1"), standing(books, "T2")
    answer = reply(books.one(merge(books, "T1", "T2")))
    after = standing(books, "T2")

    assert ("merged", 55, 2) == (answer["status"], answer["points"], answer["stays"])
    assert 85 == after[0] == before[0][0] + before[1][0]
    assert sorted([*before[0][1], *before[1][1]]) == sorted(after[1])
    assert {"nights": "3", "stays": "3", "spend": "180.00"} == after[2]
    assert {("every_third", 1)} == after[3]
    assert after == standing(books, "T1"), "the old number leads to the survivor"


def test_however_often_an_account_was_merged_its_number_leads_to_the_one_that_is_left(books: Movers) -> None:
    [stay] = stays(books, "T1", [100])
    redemption = redeemed(books, "T1", 3)
    numbers = ["T1", *(f"L{n}" for n in range(24))]
    for number in numbers[1:]:
        request = EnrolRequest(books.prefix + number)
        assert isinstance(books.one(books.service.enrol(request, "test", books.key(number, request))), Answer)
    for old, new in pairwise(numbers):
        assert ["ok"] == codes([books.one(merge(books, old, new, f"from {old}"))])
    last, first = books.member("L23"), books.member("T1")
    posting = as_posting(books.mine(replace(stay, ref="fresh", revision=None)))
    foreseen = reply(books.one(books.service.preview_stay(posting, "test")))
    fresh = reply(books.one(books.service.post_stay(posting, "test")))
    books.have("T1", 7)
    back = reply(books.one(refund(books, redemption, "lamp")))
    returned = books.post(replace(stay, status="cancelled", revision=2))

    assert last.member_id == first.member_id
    assert ["posted"] * 2 == [foreseen["outcome"], fresh["outcome"]]
    assert show("mem", last.member_id) == fresh["member_id"]
    assert 207 == back["balance"]["available"]
    assert "reversed" == returned["outcome"]
    assert [107] == books.available("L23")


def test_postings_under_the_old_number_go_to_the_survivor(books: Movers) -> None:
    [stay] = stays(books, "T1", [100])
    first = books.bodies[stay.ref, 1]
    books.one(merge(books, "T1", "T2"))
    again = books.one(books.service.post_stay(as_posting(books.mine(stay)), "test"))
    revised = books.post(replace(stay, lines=(("room", 150_00),), revision=2))
    fresh = books.post(replace(stay, ref="fresh", revision=None))
    books.have("T1", 7)

    assert (True, first) == (again.replayed, again.body)
    assert ("revised", 50) == (revised["outcome"], revised["change"])
    assert "posted" == fresh["outcome"]
    assert [257] == books.available("T2")


def test_a_stay_that_came_along_is_taken_back_to_the_last_point(books: Movers) -> None:
    first, second = stays(books, "T1", [100, 50])
    books.adjust("T1", -120, "spend")
    books.one(merge(books, "T1", "T2"))
    books.post(replace(first, status="cancelled", revision=2))
    books.post(replace(second, status="cancelled", revision=2))

    assert [-120] == books.available("T2")


def test_a_stay_without_a_journal_follows_its_member(books: Movers) -> None:
    stay = Stay(
        "idle", "T1", books.service.today() - timedelta(days=5), 1, (("room", 100_00),), status="cancelled"
    )
    books.post(stay)
    books.one(merge(books, "T1", "T2"))
    now = books.post(replace(stay, status="checked_out"))

    assert "code" not in now
    assert [100] == books.available("T2")


def test_a_stay_without_a_journal_follows_its_member_through_several_merges(books: Movers) -> None:
    stay = Stay(
        "idle", "T1", books.service.today() - timedelta(days=5), 1, (("room", 100_00),), status="cancelled"
    )
    books.post(stay)
    books.one(merge(books, "T1", "T2", "first"))
    books.one(merge(books, "T2", "T3", "second"))
    now = books.post(replace(stay, status="checked_out"))

    assert "code" not in now
    assert [100] == books.available("T3")


def test_what_had_expired_expires_again_and_is_taken_back_with_its_stay(books: Movers) -> None:
    [stay] = stays(books, "T1", [100])
    books.travel(120)
    books.expire("T1")
    books.one(merge(books, "T1", "T2"))
    before = books.available("T2")
    books.post(replace(stay, status="cancelled", revision=2))

    assert ([0], [0]) == (before, books.available("T2"))


@pytest.mark.parametrize("owes", ["T1", "T2"])
def test_what_is_owed_moves_too(books: Movers, owes: str) -> None:
    [stay] = stays(books, owes, [100])
    books.adjust(owes, -80, "spend")
    books.post(replace(stay, status="cancelled", revision=2))
    books.have("T2" if owes == "T1" else "T1", 50)
    books.one(merge(books, "T1", "T2"))

    assert [-30] == books.available("T2")
    assert 30 == books.member("T2").debt


def test_a_merge_is_undone_and_all_is_as_it_was(books: Movers) -> None:
    stays(books, "T1", [100, 50, 20])
    stays(books, "T2", [30, 10])
    books.have("T1", 25)
    books.one(books.give("T3", "T1", 1, "none"))
    books.adjust("T1", -120, "spend")
    before = standing(books, "T1"), standing(books, "T2")
    merged = reply(books.one(merge(books, "T1", "T2")))
    undone = reply(books.one(unmerge(books, merged["merge_id"])))

    assert "unmerged" == undone["status"]
    assert before == (standing(books, "T1"), standing(books, "T2"))
    assert ("active", None) == (books.member("T1").status, books.member("T1").traits.merged_into)
    assert () == books.member("T2").traits.merged


def test_new_stays_do_not_stand_against_undoing_and_stay_with_the_survivor(books: Movers) -> None:
    [owed] = stays(books, "T2", [40])
    books.adjust("T2", -40, "spend")
    books.post(replace(owed, status="cancelled", revision=2))
    stays(books, "T1", [100])
    books.have("T1", 30)
    before = standing(books, "T1")
    merged = reply(books.one(merge(books, "T1", "T2")))
    books.post(Stay("new", "T1", books.service.today() - timedelta(days=2), 1, (("room", 70_00),)))
    between = books.available("T2")
    books.one(unmerge(books, merged["merge_id"]))

    assert [160] == between
    assert before == standing(books, "T1")
    assert [30] == books.available("T2")


def test_points_that_expired_since_expire_with_their_old_owner(books: Movers) -> None:
    stays(books, "T1", [100])
    books.have("T1", 30)
    merged = reply(books.one(merge(books, "T1", "T2")))
    books.travel(120)
    books.expire("T2")
    undone = books.one(unmerge(books, merged["merge_id"]))

    assert ["ok"] == codes([undone])
    assert [0, 0] == books.available("T1", "T2")


def test_a_review_of_the_tier_does_not_stand_against_undoing(books: Movers) -> None:
    books.have("T1", 30)
    tomorrow = books.service.today() + timedelta(days=1)
    request = StatusRequest("gold", "gifted", "for two days", last=tomorrow)
    command = GiveStatus(books.prefix + "T2", request, "test", books.key("status", request))
    books.one(books.service.submit(command))
    survivor = books.member("T2").member_id
    books.live.run(books.service.review(survivor))
    merged = reply(books.one(merge(books, "T1", "T2")))
    before = books.member("T2")
    books.travel(2)
    books.live.run(books.service.review(survivor))
    reviewed = books.member("T2")
    undone = books.one(unmerge(books, merged["merge_id"]))

    assert (before.version + 1, "gold", "silver") == (reviewed.version, before.tier, reviewed.tier)
    assert ["ok"] == codes([undone])
    assert ([30, 0], "silver") == (books.available("T1", "T2"), books.member("T2").tier)


def test_a_merge_is_not_undone_once_anything_else_happened(books: Movers) -> None:
    books.have("T1", 30)
    merged = reply(books.one(merge(books, "T1", "T2")))
    books.adjust("T2", -1, "spend")
    refused = books.one(unmerge(books, merged["merge_id"]))

    assert ["not_undoable"] == codes([refused])
    assert "adjusted" in reply(refused)["detail"]


def test_a_merge_happens_once_and_so_does_its_undoing(books: Movers) -> None:
    books.have("T1", 30)
    found = books.many(*(merge(books, "T1", "T2", "m", n % 2) for n in range(6)))
    others = books.many(merge(books, "T1", "T2", "other"), merge(books, "T2", "T1", "back", 1))
    merge_id = reply(found[0])["merge_id"]
    undone = books.many(*(unmerge(books, merge_id, f"u{n % 2}", n % 2) for n in range(6)))

    assert 1 == len({one.body for one in found})
    assert ["same_member", "same_member"] == codes(others)
    assert ["not_undoable"] * 3 + ["ok"] * 3 == sorted(codes(undone))
    assert [30, 0] == books.available("T1", "T2")


def test_two_merges_that_cross_each_other_leave_one_account(books: Movers) -> None:
    books.have("T1", 30)
    books.have("T2", 40)
    found = books.many(merge(books, "T1", "T2", "a"), merge(books, "T2", "T1", "b", 1))

    assert 1 == codes(found).count("ok")
    assert [70, 70] == books.available("T1", "T2")


def test_an_account_is_merged_into_one_that_is_merged_in_turn(books: Movers) -> None:
    stays(books, "T1", [100])
    books.one(merge(books, "T1", "T2", "a"))
    books.one(merge(books, "T2", "T3", "b"))
    books.post(Stay("late", "T1", books.service.today() - timedelta(days=2), 1, (("room", 70_00),)))

    assert [170, 170, 170] == books.available("T1", "T2", "T3")
    assert "3" != books.balance("T3").year["stays"]


def test_stays_and_gifts_at_the_time_of_a_merge_are_not_lost(books: Movers) -> None:
    books.have("T1", 100)
    books.have("T3", 100)
    new = [
        replace(Stay(f"at-{n}", "T1", books.service.today() - timedelta(days=9), 1, (("room", 10_00),)))
        for n in range(3)
    ]
    work = [
        books.live.services[n % 2].post_stay(as_posting(books.mine(one)), "test") for n, one in enumerate(new)
    ]
    work.insert(1, merge(books, "T1", "T2"))
    work += [books.give("T3", "T1", 5, f"g{n}", n % 2) for n in range(4)]
    found = books.many(*work)

    assert {"ok", "member_closed"} >= set(codes(found))
    assert 230 == sum(books.available("T2", "T3"))


# --- Refunds to the survivor -----------------------------------------------------------------------------------------


def redeem(books: Movers, number: str, lamps: int, name: str = "r") -> Any:
    request = RedemptionRequest(books.lamp, {}, lamps, books.prefix + number, capture=True)
    return redeeming.redeem(books.service, request, Caller("test"), books.key(name, request))


def refund(books: Movers, redemption: str, name: str = "b", lamps: int | None = None, server: int = 0) -> Any:
    request, service = RefundRequest("Broken", lamps), books.live.services[server]
    return redeeming.step(
        service, redemption, request, Caller("test"), books.key(name, (redemption, request), server)
    )


def redeemed(books: Movers, number: str, lamps: int, name: str = "r") -> str:
    return reply(books.one(redeem(books, number, lamps, name)))["redemption_id"]


def lots(books: Movers, number: str) -> list[tuple[date, int]]:
    return [(one.on, one.points) for one in books.balance(number).expiring]


def test_a_refund_after_a_merge_is_what_it_would_have_been_before(books: Movers) -> None:
    for number in ("T1", "T3"):
        books.have(number, 25)
    books.travel(40)
    for number in ("T1", "T3"):
        books.have(number, 30)
    early, late = (redeemed(books, number, 4, f"r-{number}") for number in ("T1", "T3"))
    books.travel(10)
    books.one(refund(books, early, "early"))
    books.one(merge(books, "T1", "T2", "a"))
    before = books.available("T2"), lots(books, "T2")
    books.one(merge(books, "T3", "T2", "b"))
    after = reply(books.one(refund(books, late, "late")))

    assert [110] == books.available("T2")
    assert {"available": 110, "pending": 0, "held": 0, "debt": 0} == after["balance"]
    assert ([55], [(day, 2 * points) for day, points in before[1]]) == (before[0], lots(books, "T2"))


def test_a_refund_repays_first_what_the_survivor_owes(books: Movers) -> None:
    books.have("T1", 100)
    redemption = redeemed(books, "T1", 8)
    [stay] = stays(books, "T2", [30])
    books.adjust("T2", -30, "spend")
    books.post(replace(stay, status="cancelled", revision=2))
    owing = books.balance("T2").debt
    books.adjust("T1", -20, "spend the rest")
    books.one(merge(books, "T1", "T2"))
    again = reply(books.one(refund(books, redemption, lamps=3)))

    assert (30, {"available": 0, "pending": 0, "held": 0, "debt": 0}) == (owing, again["balance"])
    assert 50 == reply(books.one(refund(books, redemption, "rest")))["balance"]["available"]


def test_points_that_came_back_to_a_stay_that_was_taken_back_move_like_others(books: Movers) -> None:
    [stay] = stays(books, "T1", [100])
    earned = books.available("T1")[0]
    redemption = redeemed(books, "T1", earned // 10)
    books.have("T1", earned)
    books.post(replace(stay, status="cancelled", revision=2))
    left = books.available("T1")
    books.one(refund(books, redemption))
    before = lots(books, "T1")
    merged = reply(books.one(merge(books, "T1", "T2")))
    after = lots(books, "T2")
    books.one(unmerge(books, merged["merge_id"]))

    assert [earned % 10] == left
    assert earned == merged["points"] == sum(points for _, points in before)
    assert before == after == lots(books, "T1")
    assert [] == lots(books, "T2")


def test_points_that_come_back_too_late_are_lost_and_the_survivor_is_told(books: Movers) -> None:
    books.have("T1", 30)
    redemption = redeemed(books, "T1", 3)
    books.one(merge(books, "T1", "T2"))
    books.travel(200)
    answer = reply(books.one(refund(books, redemption)))
    [line] = books.live.run(balances.statement(books.service, books.member("T2"), 1 << 30, 1))

    assert ("refunded", 0) == (answer["status"], answer["balance"]["available"])
    assert "30 points had expired: Broken" in line.reason
    assert (
        0
        == books.live.query("SELECT used FROM promotion_budget WHERE promotion LIKE $1", "%" + books.lamp)[0][
            0
        ]
    )


def test_refunds_at_the_time_of_a_merge_are_not_lost(books: Movers) -> None:
    books.have("T1", 100)
    redemption = redeemed(books, "T1", 8)
    parts = [refund(books, redemption, f"b{n}", 1, n % 2) for n in range(8)]
    found = books.many(*parts[:2], merge(books, "T1", "T2"), *parts[2:])

    assert ["ok"] * 9 == codes(found)
    assert [100, 100] == books.available("T1", "T2")


def test_refunds_at_the_time_of_an_undoing_are_not_lost(books: Movers) -> None:
    books.have("T1", 100)
    redemption = redeemed(books, "T1", 8)
    merged = reply(books.one(merge(books, "T1", "T2")))
    parts = [refund(books, redemption, f"b{n}", 1, n % 2) for n in range(8)]
    undone, *found = books.many(unmerge(books, merged["merge_id"]), *parts)

    assert ["ok"] * 8 == codes(found)
    assert codes([undone])[0] in {"ok", "not_undoable"}
    assert 100 == sum(set(books.available("T1", "T2")))


@pytest.mark.parametrize("then", ["undone", "merged on"])
def test_whoever_stands_for_an_account_by_now_gets_the_refund(books: Movers, then: str) -> None:
    """What the lane has seen is a moment ago: the accounts are looked at again behind their locks."""
    books.have("T1", 100)
    redemption = redeemed(books, "T1", 8)
    merged = reply(books.one(merge(books, "T1", "T2")))
    which, whose = parse("red", redemption), parse("mem", merged["member_id"])
    assert which is not None
    assert whose is not None
    if then == "undone":
        books.one(unmerge(books, merged["merge_id"]))
    else:
        books.one(merge(books, "T2", "T3", "on"))
    command = Refund(whose, which, RefundRequest("Broken"), Caller("test"), books.key("late", redemption))

    async def run() -> Any:
        async with books.service.pool.acquire() as connection:
            return await books.service.joints.refund(connection, command)

    books.live.run(run())

    assert ([100, 0, 0] if then == "undone" else [100, 100, 100]) == books.available("T1", "T2", "T3")


def test_a_refund_under_one_key_is_made_once_though_two_servers_are_asked(books: Movers) -> None:
    books.have("T1", 100)
    redemption = redeemed(books, "T1", 8)
    books.one(merge(books, "T1", "T2"))
    found = books.many(*(refund(books, redemption, "b", 3, n % 2) for n in range(6)))

    assert 1 == len({one.body for one in found})
    assert [50] == books.available("T2")


def test_refunds_along_a_line_of_merges_do_not_wait_for_each_other_in_a_circle(books: Movers) -> None:
    names = sorted(("T1", "T2", "T3"), key=lambda name: books.member(name).member_id)
    last, first, middle = names  # the survivor's row is locked first
    redemptions = {}
    for name in (first, middle):
        books.have(name, 100)
        redemptions[name] = [redeemed(books, name, 1, f"{name}-{n}") for n in range(8)]
    books.one(merge(books, first, middle, "one"))
    books.one(merge(books, middle, last, "two"))
    with structlog.testing.capture_logs() as logs:
        found = books.many(
            *(
                refund(books, each, f"b{each}", None, n % 2)
                for both in redemptions.values()
                for n, each in enumerate(both)
            )
        )

    assert {200} == {one.status for one in found}
    assert [] == [log for log in logs if log["event"].endswith("_rerun")]
    assert [200] == books.available(last)


# --- Households ------------------------------------------------------------------------------------------------------


def found_household(books: Movers, head: str, name: str = "h", server: int = 0) -> Any:
    request = HouseholdRequest(books.prefix + head)
    service = books.live.services[server]
    return moving.found_household(service, request, "test", books.key(name, request, server))


def consent(books: Movers, household: UUID, number: str, side: Any, name: str = "", server: int = 0) -> Any:
    request = ConsentRequest(books.prefix + number, side)
    key = books.key(name or f"{side}-{number}", (household, request), server)
    return moving.join_household(books.live.services[server], household, request, "test", key)


def leave(books: Movers, household: UUID, number: str, server: int = 0) -> Any:
    member_id = books.member(number).member_id
    return moving.leave_household(books.live.services[server], household, member_id, "test")


def spend(books: Movers, number: str, points: int, name: str, server: int = 0) -> Any:
    request = AdjustmentRequest(books.prefix + number, -points, "goodwill")
    return books.live.services[server].adjust(request, "test", books.key(name, request, server))


def home(books: Movers, *numbers: str) -> UUID:
    """Found a household and let members join it; the first is the head."""
    made = reply(books.one(found_household(books, numbers[0])))
    found = parse("hsh", made["household_id"])
    assert found is not None
    for number in numbers[1:]:
        for side in ("household", "member"):
            assert ["ok"] == codes([books.one(consent(books, found, number, side))])
    return found


def members_of(books: Movers, household: UUID) -> list[str]:
    view = books.live.run(moving.household(books.service, household))
    return [one.status for one in view.members]


def test_nobody_joins_unless_both_sides_agree(books: Movers) -> None:
    household = home(books, "T1")
    invited = reply(books.one(consent(books, household, "T2", "household")))
    asked = reply(books.one(consent(books, household, "T3", "member")))
    alone = books.member("T2").traits.household
    both = reply(books.one(consent(books, household, "T2", "member")))

    assert ["joined", "invited"] == [one["status"] for one in invited["members"]]
    assert ["joined", "invited", "asked"] == [one["status"] for one in asked["members"]]
    assert ["joined", "asked", "joined"] == [one["status"] for one in both["members"]]
    assert (None, show("hsh", household)) == (alone, books.member("T2").traits.household)


def test_a_debit_takes_what_is_missing_from_the_head_and_then_in_the_order_of_joining(books: Movers) -> None:
    household = home(books, "T2", "T3", "T1")
    for number, points in (("T1", 30), ("T2", 50), ("T3", 40)):
        books.have(number, points)
    pool = books.live.run(balances.pool_of(books.service, books.member("T1")))
    found = books.one(spend(books, "T1", 100, "s"))

    assert 120 == pool
    assert ["ok"] == codes([found])
    assert [0, 0, 20] == books.available("T1", "T2", "T3")
    assert 20 == books.live.run(balances.pool_of(books.service, books.member("T2")))
    assert ["joined"] * 3 == members_of(books, household)


def test_more_than_the_whole_household_has_is_refused(books: Movers) -> None:
    home(books, "T1", "T2")
    books.have("T1", 30)
    books.have("T2", 50)
    books.have("T3", 50)
    refused, enough = books.one(spend(books, "T1", 81, "s")), books.one(spend(books, "T1", 80, "t"))

    assert ["insufficient_points", "ok"] == codes([refused, enough])
    assert "The household has 80 points, 1 too few." == reply(refused)["detail"]
    assert [0, 0, 50] == books.available("T1", "T2", "T3")


def test_whoever_owes_draws_what_is_owed_as_well(books: Movers) -> None:
    home(books, "T1", "T2")
    [stay] = stays(books, "T2", [100])
    owed = books.available("T2")[0]
    books.one(spend(books, "T2", owed, "all"))
    books.post(replace(stay, status="cancelled", revision=2))
    books.have("T1", owed)
    books.have("T1", 50)
    refused, spent = books.one(spend(books, "T2", 51, "s")), books.one(spend(books, "T2", 20, "t"))

    assert ["insufficient_points", "ok"] == codes([refused, spent])
    assert (0, 0) == (books.balance("T2").available, books.balance("T2").debt)
    assert [30] == books.available("T1")


def test_debits_at_once_never_take_more_than_there_is_and_a_key_takes_once(books: Movers) -> None:
    home(books, "T1", "T2", "T3")
    for number in ("T1", "T2", "T3"):
        books.have(number, 50)
    found = books.many(*(spend(books, f"T{1 + n // 2 % 3}", 35, f"s{n // 2}", n % 2) for n in range(12)))

    assert 8 == codes(found).count("ok")
    assert 4 == len({one.body for one in found if one.status == 201})
    assert 10 == sum(books.available("T1", "T2", "T3"))


def test_a_household_is_never_fuller_than_the_program_allows_however_many_join_at_once(books: Movers) -> None:
    household = home(books, "T1")
    for n in range(5):
        request = EnrolRequest(f"{books.prefix}N{n}")
        books.one(books.service.enrol(request, "test", books.key(f"n{n}", request)))
        books.one(consent(books, household, f"N{n}", "household"))
    found = books.many(*(consent(books, household, f"N{n}", "member", server=n % 2) for n in range(5)))

    assert (2, 3) == (codes(found).count("ok"), codes(found).count("household_full"))
    assert 3 == members_of(books, household).count("joined")


def test_nobody_is_in_two_households_however_many_at_once(books: Movers) -> None:
    first = home(books, "T1")
    made = reply(books.one(found_household(books, "T2", "h2")))
    second = parse("hsh", made["household_id"])
    assert second is not None
    for n, one in enumerate((first, second)):
        books.one(consent(books, one, "T3", "household", f"i{n}"))
    found = books.many(
        *(consent(books, one, "T3", "member", f"a{n}", n) for n, one in enumerate((first, second)))
    )

    assert ["already_in_household", "ok"] == sorted(codes(found))
    assert 3 == (members_of(books, first) + members_of(books, second)).count("joined")


def test_whoever_leaves_draws_on_his_own_points_only(books: Movers) -> None:
    household = home(books, "T1", "T2")
    books.have("T1", 50)
    left = books.one(leave(books, household, "T2"))
    refused = books.one(spend(books, "T2", 10, "s"))

    assert ["ok", "insufficient_points"] == codes([left, refused])
    assert books.member("T2").traits.household is None
    assert ["joined"] == members_of(books, household)


def test_when_the_head_leaves_the_household_ends_for_all(books: Movers) -> None:
    household = home(books, "T1", "T2", "T3")
    books.have("T3", 50)
    found = books.many(leave(books, household, "T1"), spend(books, "T2", 10, "s", 1))
    again = books.one(leave(books, household, "T2"))
    later = books.one(spend(books, "T2", 10, "s2"))

    assert "ok" == codes(found)[0]
    assert ["unknown_household", "insufficient_points"] == codes([again, later])
    assert {None} == {books.member(number).traits.household for number in ("T1", "T2", "T3")}


def test_a_member_of_a_household_is_not_merged_away(books: Movers) -> None:
    home(books, "T1", "T2")
    found = [books.one(merge(books, "T1", "T3")), books.one(merge(books, "T3", "T1", "other"))]

    assert ["not_mergeable", "ok"] == codes(found)
