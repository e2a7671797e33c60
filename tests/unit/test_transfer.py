"""Gifts: who may give how much to whom, and what becomes of the days on which points expire."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.commands.limits import counted
from loyalty.commands.model import Facts, Move, Prior
from loyalty.commands.transfer import Transfer, TransferRequest, decide
from loyalty.ledger.model import AVAILABLE, COUNTED, POINTS, TRANSIT
from loyalty.ledger.rules import Book
from tests import builders
from tests.builders import PROGRAM, key, lot, member, moment, refused, reply, small_rules

TODAY = date(2026, 6, 1)
SOON, LATER = date(2026, 7, 1), date(2026, 9, 1)
TERMS = """
[transfers]
least = 10
step = 5
sent_a_year = 500
received_a_year = 300
account_days = 30
"""
RULES = small_rules(PROGRAM + TERMS)


def ask(points: int, **fields: Any) -> Transfer:
    request = TransferRequest("T1", "T2", points, fields.pop("note", None))
    return Transfer(None, None, request, "test", fields.pop("key", key()))


def sides(*lots: tuple[int, date | None], **fields: Any) -> tuple[Facts, Facts]:
    giver = member(available=sum(points for points, _ in lots), next_expiry=TODAY, **fields)
    return (
        Facts(giver, lots=[lot(giver, points, day) for points, day in lots]),
        Facts(member(number="T2", shard=1)),
    )


def given_(result: Any) -> tuple[Book, Book]:
    assert isinstance(result, Move), result
    giving, taking = (decision.book for _, decision in result.parts)
    assert giving is not None
    assert taking is not None
    return giving, taking


def test_points_arrive_with_the_days_they_expire_on_first_to_expire_first() -> None:
    result = decide(*sides((100, None), (60, SOON), (40, LATER)), RULES, ask(150), moment(TODAY))
    giver, taker = given_(result)

    assert [(60, SOON), (40, LATER), (50, None)] == [(one.amount, one.expires_on) for one in taker.new_lots]
    assert (50, 150) == (giver.member.available, taker.member.available)
    assert [
        {"points": 60, "expires_on": "2026-07-01"},
        {"points": 40, "expires_on": "2026-09-01"},
        {"points": 50, "expires_on": None},
    ] == reply(result.answer)["moved"]
    assert (150, 150) == (counted(giver.member, "sent", 2026), counted(taker.member, "received", 2026))


def test_lots_of_one_day_travel_together() -> None:
    _, taker = given_(decide(*sides((60, SOON), (40, SOON)), RULES, ask(100), moment(TODAY)))

    assert [(100, SOON)] == [(one.amount, one.expires_on) for one in taker.new_lots]


def test_both_journals_of_each_day_name_each_other() -> None:
    giver, taker = given_(decide(*sides((60, SOON), (40, LATER)), RULES, ask(100), moment(TODAY)))

    assert [one.journal_id for one in giver.journals] == [one.linked_id for one in taker.journals]
    assert [one.linked_id for one in giver.journals] == [one.journal_id for one in taker.journals]


def test_a_gift_repays_what_the_receiver_owes() -> None:
    giving, taking = sides((100, SOON))
    taking.member = member(number="T2", available=-30, debt=30)
    _, taker = given_(decide(giving, taking, RULES, ask(50), moment(TODAY)))

    assert (20, 0, 20) == (taker.member.available, taker.member.debt, taker.new_lots[0].remaining)


def test_points_whose_time_is_up_are_not_given() -> None:
    result = decide(*sides((100, date(2026, 5, 31)), (40, SOON)), RULES, ask(50), moment(TODAY))

    assert ("insufficient_points", "/points") == refused(result)


@pytest.mark.parametrize(
    ("points", "giver", "taker", "expected"),
    [
        (5, {}, {}, ("invalid_value", "/points")),
        (12, {}, {}, ("invalid_value", "/points")),
        (105, {}, {}, ("insufficient_points", "/points")),
        (50, {"status": "closed"}, {}, ("member_closed", "/from")),
        (50, {}, {"status": "closed"}, ("member_closed", "/to")),
        (50, {"enrolled_on": date(2026, 5, 3)}, {}, ("account_too_young", "/from")),
        (50, {}, {"enrolled_on": date(2026, 5, 3)}, ("account_too_young", "/to")),
        (50, {"counters": {"2026": {"sent": 455}}}, {}, ("limit_reached", "/points")),
        (50, {}, {"counters": {"2026": {"received": 255}}}, ("limit_reached", "/points")),
    ],
)
def test_what_the_program_does_not_allow_is_refused(
    points: int, giver: dict[str, Any], taker: dict[str, Any], expected: tuple[str, str]
) -> None:
    giving, taking = sides((100, SOON), **giver)
    taking.member = member(number="T2", **taker)

    assert expected == refused(decide(giving, taking, RULES, ask(points), moment(TODAY)))


@pytest.mark.parametrize(
    ("giver", "taker"),
    [
        ({"enrolled_on": date(2026, 5, 2)}, {"enrolled_on": date(2026, 5, 2)}),
        (
            {"counters": {"2026": {"sent": 450}, "2025": {"sent": 500}}},
            {"counters": {"2026": {"received": 250}}},
        ),
    ],
)
def test_what_just_meets_the_limits_is_given(giver: dict[str, Any], taker: dict[str, Any]) -> None:
    giving, taking = sides((100, SOON), **giver)
    taking.member = member(number="T2", **taker)
    book, _ = given_(decide(giving, taking, RULES, ask(50), moment(TODAY)))

    assert 50 == book.member.available


RARE = small_rules(PROGRAM + TERMS + 'times_a_year = 2\nevery_days = 30\nfee = "0.0051"\n')


def test_a_gift_is_counted_and_its_fee_told_rounded_up_where_the_program_says_so() -> None:
    result = decide(*sides((60, SOON), (40, LATER)), RARE, ask(75), moment(TODAY))
    plain = decide(*sides((100, SOON)), RULES, ask(75), moment(TODAY))
    giver, taker = given_(result)

    # 75 times 0.0051 is 0.3825.
    assert {"amount": "0.39", "currency": "CNY"} == reply(result.answer)["fee"]
    assert "fee" not in reply(plain.answer)
    assert [1, 0] == [counted(one.member, "gifts", 2026) for one in (giver, taker)]
    assert 0 == counted(given_(plain)[0].member, "gifts", 2026)


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        ({"2026-01-10": {"gifts": 1}, "2026-02-10": {"gifts": 1, "sent": 5}}, ("limit_reached", "/from")),
        ({"2026": {"gifts": 2}}, ("limit_reached", "/from")),
        ({"2026-05-03": {"gifts": 1, "sent": 5}}, ("limit_reached", "/from")),
        ({"2026-05-02": {"gifts": 1, "sent": 5}}, None),
        ({"2025": {"gifts": 9, "sent": 5}, "2026": {"gifts": 1, "sent": 5}}, None),
    ],
)
def test_a_member_gives_so_often_and_not_again_too_soon(
    counters: dict[str, dict[str, int]], expected: tuple[str, str] | None
) -> None:
    giving, taking = sides((100, SOON), counters=builders.counted(counters))
    result = decide(giving, taking, RARE, ask(50), moment(TODAY))

    # Thirty days after 2 May are 1 June, after 3 May they are not over.
    assert expected == (None if isinstance(result, Move) else refused(result))


def test_days_are_kept_as_long_as_the_next_gift_waits() -> None:
    assert (0, 2) == (RULES.months_kept, RARE.months_kept)


def test_nobody_gives_to_himself() -> None:
    giving, _ = sides((100, SOON))

    assert ("same_member", "/to") == refused(decide(giving, giving, RULES, ask(50), moment(TODAY)))


def test_whoever_is_not_there_neither_gives_nor_gets() -> None:
    giving, taking = sides((100, SOON))

    assert ("unknown_member", "/from") == refused(decide(Facts(None), taking, RULES, ask(50), moment(TODAY)))
    assert ("unknown_member", "/to") == refused(decide(giving, Facts(None), RULES, ask(50), moment(TODAY)))


def test_a_program_without_transfers_has_none() -> None:
    assert ("not_offered", "") == refused(decide(*sides((100, SOON)), small_rules(), ask(50), moment(TODAY)))


def test_a_key_has_one_outcome() -> None:
    giving, taking = sides((100, SOON))
    giving.prior = Prior(key().fingerprint, 201, b'{"first": true}')
    again = decide(giving, taking, RULES, ask(50), moment(TODAY))
    other = decide(giving, taking, RULES, ask(50, key=key(body=b"other")), moment(TODAY))

    assert {"first": True} == reply(again)
    assert ("idempotency_key_reused", "") == refused(other)


days = st.one_of(st.none(), st.dates(date(2026, 5, 25), date(2026, 6, 20)))
some_lots = st.lists(st.tuples(st.integers(1, 60), days), min_size=1, max_size=6)


@given(some_lots, st.integers(1, 40), st.sampled_from([0, 0, 30, 200]))
def test_nothing_is_lost_or_made_and_nothing_lives_longer(
    lots: list[tuple[int, date | None]], fives: int, debt: int
) -> None:
    giving, taking = sides(*lots)
    taking.member = member(number="T2", available=-debt, debt=debt)
    before = {one.lot_id: one.remaining for one in giving.lots}
    result = decide(giving, taking, RULES, ask(5 + 5 * fives), moment(TODAY))
    left = sum(points for points, day in lots if day is None or day > TODAY)
    if not isinstance(result, Move):
        assert refused(result)[0] in {"insufficient_points", "limit_reached"}
        assert "insufficient_points" != refused(result)[0] or left < 5 + 5 * fives
        return
    giver, taker = given_(result)
    taken: dict[date | None, int] = {}
    for one in giving.lots:
        drawn = before[one.lot_id] - one.remaining - one.expired
        taken[one.expires_on] = taken.get(one.expires_on, 0) + drawn
    arrived = {one.expires_on: one.amount for one in taker.new_lots}
    transit = sum(
        one.amount * ((one.credit == TRANSIT) - (one.debit == TRANSIT))
        for book in (giver, taker)
        for one in book.transfers
    )
    drawn_days = [day or date.max for day, points in taken.items() if points]
    left_days = [one.expires_on or date.max for one in giving.lots if one.remaining]

    assert 5 + 5 * fives == sum(arrived.values())
    assert {day: points for day, points in taken.items() if points} == arrived
    assert 0 == transit
    assert max(drawn_days) <= min(left_days, default=date.max)
    assert left - sum(arrived.values()) == giver.member.available == sum(one.remaining for one in giving.lots)
    assert sum(arrived.values()) - debt == taker.member.available
    assert all(
        (one.unit == POINTS) == (AVAILABLE in {one.debit, one.credit})
        and (one.unit != POINTS) == (COUNTED in {one.debit, one.credit})
        for one in taker.transfers
    )
