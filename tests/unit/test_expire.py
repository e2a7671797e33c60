"""Expiring what is due."""

from datetime import date
from typing import Any

import pytest

from loyalty.commands.expire import Expire, decide
from loyalty.commands.model import Facts
from tests.builders import decided, lot, member, moment, moves, refused, small_rules

RULES = small_rules()
DUE = date(2026, 6, 1)


def expiring() -> Facts:
    owner = member(available=30, next_expiry=DUE)
    return Facts(owner, lots=[lot(owner, 10, DUE)], following=date(2026, 7, 1))


def run(facts: Facts, today: date) -> Any:
    assert facts.member is not None
    return decide(facts, RULES, Expire(facts.member.member_id), moment(today))


def test_an_unknown_member_has_nothing_to_expire() -> None:
    command = Expire(member().member_id)

    assert ("unknown_member", "") == refused(decide(Facts(None), RULES, command, moment(DUE)))


@pytest.mark.parametrize(("today", "left"), [(date(2026, 5, 31), 30), (DUE, 20), (date(2030, 1, 1), 20)])
def test_points_go_on_the_day_they_expire_and_not_before(today: date, left: int) -> None:
    facts = expiring()
    run(facts, today)

    assert facts.member is not None
    assert left == facts.member.available


def test_what_expired_is_one_journal_that_others_are_told_of() -> None:
    decision = decided(run(expiring(), DUE))

    assert [("points", "expiry", "available", "expired", 10)] == moves(decision)
    assert ["points.expired"] == [one.type for one in decision.events]
    assert decision.book is not None
    assert [("expired", "expiry")] == [(one.kind, one.actor) for one in decision.book.journals]


def test_expiring_again_writes_nothing() -> None:
    facts = expiring()
    run(facts, DUE)
    decision = decided(run(facts, DUE))

    assert [] == moves(decision) == decision.events


def test_the_next_day_to_look_at_is_known() -> None:
    facts = expiring()
    run(facts, DUE)

    assert facts.member is not None
    assert date(2026, 7, 1) == facts.member.next_expiry
