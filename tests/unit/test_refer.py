"""Referrals: when they are paid, when they wait on, and when they come to nothing."""

from datetime import date
from typing import Any

import pytest

from loyalty.commands import enrol as enrolment
from loyalty.commands.model import Facts
from loyalty.commands.refer import PayReferral, Settled, decide
from loyalty.ids import show
from loyalty.stays.model import Award
from tests.builders import MINT, PROGRAM, decided, enrol, member, moment, moves, small_rules

TODAY = date(2026, 6, 1)
TERMS = """
[referral]
points = 70
times_a_year = 2
within_days = 30
"""
RULES = small_rules(PROGRAM + TERMS)


def award(points: int, day: date = date(2026, 5, 20)) -> Award:
    return Award("silver", "small@1", day, base=points)


def settled(*awards: Award, rules: Any = RULES, newcomer: Any = None, **referrer: Any) -> Settled:
    new = newcomer or member(enrolled_on=date(2026, 5, 1))
    old = member(**referrer)
    command = PayReferral(new.member_id, old.member_id)
    return decide(Facts(new), Facts(old), awards, rules, command, moment(TODAY))


def test_the_first_stay_that_earns_pays_the_referrer() -> None:
    result = settled(award(0), award(5))
    assert result.decision is not None
    assert result.decision.book is not None

    assert "paid" == result.status
    assert [
        ("points", "referral", "issued", "available", 70),
        ("referred", "count", "issued", "counted", 1),
    ] == moves(result.decision)
    assert date(2026, 9, 1) == result.decision.book.new_lots[0].expires_on
    assert ["member.referral_paid"] == [event.type for event in result.decision.events]


@pytest.mark.parametrize(
    ("awards", "status"),
    [
        ([], "waiting"),
        ([award(0)], "waiting"),
        ([award(5, date(2026, 5, 31))], "paid"),
        ([award(5, date(2026, 6, 1))], "waiting"),
        ([award(5, date(2026, 6, 1)), award(5, date(2026, 5, 3))], "paid"),
        ([award(5, date(2026, 4, 30))], "waiting"),
        ([award(5, date(2026, 5, 1))], "paid"),
    ],
)
def test_a_stay_has_to_earn_and_to_end_in_time(awards: list[Award], status: str) -> None:
    assert status == settled(*awards).status


@pytest.mark.parametrize(
    ("referrer", "status"),
    [
        ({"status": "closed"}, "closed"),
        ({"counters": {"2026": {"referred": 2}}}, "capped"),
        ({"counters": {"2026": {"referred": 1}, "2025": {"referred": 2}}}, "paid"),
    ],
)
def test_who_may_get_no_more_gets_nothing(referrer: dict[str, Any], status: str) -> None:
    assert status == settled(award(5), **referrer).status
    assert "waiting" == settled(**referrer).status


def test_nobody_is_paid_for_himself() -> None:
    one = member(enrolled_on=date(2026, 5, 1))

    assert "closed" == settled(award(5), newcomer=one, member_id=one.member_id).status


def test_without_terms_it_waits() -> None:
    assert "waiting" == settled(award(5), rules=small_rules()).status


def test_an_enrolment_says_who_brought_the_member() -> None:
    referrer = MINT(1)
    result = decided(enrolment.decide(Facts(None), RULES, enrol(referrer=referrer), moment(TODAY)))
    assert result.book is not None

    assert (referrer, show("mem", referrer)) == (result.referrer, result.book.member.traits.referred_by)
