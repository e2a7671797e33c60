"""Adjusting points by hand: the refusals in their order, then a credit or a debit."""

from datetime import date
from typing import Any

import pytest
from msgspec import structs

from loyalty.commands.adjust import ACCOUNTS, Adjust, decide
from loyalty.commands.model import Answer, Decision, Facts, Prior, settle
from loyalty.ledger.model import Member
from tests.builders import adjust, decided, key, lot, member, moment, moves, refused, reply, small_rules

RULES = small_rules()
TODAY = date(2026, 6, 1)
NOW = moment(TODAY)


def holding(points: int, **fields: Any) -> Facts:
    owner = member(available=points, **fields)
    return Facts(owner, lots=[lot(owner, points, date(2026, 7, 1))] if points > 0 else [])


def run(facts: Facts, command: Adjust) -> Any:
    return decide(facts, RULES, command, NOW)


# --- refusals, in their order -------------------------------------------------------------------------------------


def prior(body: bytes = b"body") -> Prior:
    return Prior(key(body=body).fingerprint, 201, b'{"first":true}')


def test_a_key_that_was_used_for_something_else_is_refused_before_anything_else() -> None:
    facts = Facts(None, prior=prior(b"another"))

    assert ("idempotency_key_reused", "") == refused(run(facts, adjust(5)))


def test_a_key_that_was_used_for_this_is_answered_as_it_was_whatever_has_changed_since() -> None:
    facts = Facts(None, prior=prior())

    assert Answer(201, b'{"first":true}', replayed=True) == decided(run(facts, adjust(5))).answer


def test_an_unknown_member_is_refused() -> None:
    assert ("unknown_member", "/member") == refused(run(Facts(None), adjust(0)))


def test_a_closed_account_is_refused_whatever_the_points() -> None:
    assert ("member_closed", "/member") == refused(run(holding(10, status="closed"), adjust(0)))


@pytest.mark.parametrize("points", [0, 5001, -5001, 2**53])
def test_nothing_and_more_than_the_program_allows_are_refused(points: int) -> None:
    assert ("invalid_value", "/points") == refused(run(holding(10), adjust(points)))


@pytest.mark.parametrize(("available", "points"), [(0, -1), (10, -11), (-5, -1)])
def test_a_debit_below_zero_is_refused(available: int, points: int) -> None:
    facts = holding(available, debt=max(0, -available))

    assert ("insufficient_points", "/points") == refused(run(facts, adjust(points)))


def test_what_is_due_by_now_can_not_be_debited() -> None:
    owner = member(available=10, next_expiry=TODAY)
    facts = Facts(owner, lots=[lot(owner, 10, TODAY)])

    assert ("insufficient_points", "/points") == refused(run(facts, adjust(-1)))


def test_a_refusal_is_the_outcome_of_its_key_but_a_misused_key_keeps_its_own() -> None:
    refusal = settle(run(Facts(None), adjust(5)), key())
    misuse = run(Facts(None, prior=prior(b"another")), adjust(5))

    assert isinstance(refusal, Decision)
    assert (404, "unknown_member", key()) == (refusal.answer.status, reply(refusal)["code"], refusal.key)
    assert misuse is settle(misuse, key())


# --- credits and debits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(ACCOUNTS))
def test_a_credit_comes_from_the_account_of_its_reason(reason: str) -> None:
    decision = decided(run(holding(0), adjust(500, reason=reason)))

    assert [("points", "adjustment", ACCOUNTS[reason], "available", 500)] == moves(decision)


def test_a_credit_makes_a_lot_that_expires_by_the_program() -> None:
    book = decided(run(holding(0), adjust(500))).book

    assert book is not None
    assert [(500, TODAY, date(2026, 9, 1))] == [
        (one.amount, one.earned_on, one.expires_on) for one in book.new_lots
    ]


def test_a_debit_draws_on_lots_down_to_zero() -> None:
    decision = decided(run(holding(10), adjust(-10)))

    assert decision.book is not None
    assert [("points", "adjustment", "available", "goodwill", 10)] == moves(decision)
    assert [("spend", 10)] == [(one.kind, one.amount) for one in decision.book.allocations]
    assert {"available": 0, "pending": 0, "held": 0, "debt": 0} == reply(decision)["balance"]


def test_a_credit_repays_debt_first() -> None:
    owner = member(available=-20, debt=20)

    assert {"available": 10, "pending": 0, "held": 0, "debt": 0} == reply(run(Facts(owner), adjust(30)))[
        "balance"
    ]


def test_the_reason_and_the_note_stay_with_the_journal_and_the_key_with_the_decision() -> None:
    decision = decided(run(holding(0), adjust(5, reason="service_recovery", note="Cold soup")))

    assert decision.book is not None
    assert ["service_recovery: Cold soup"] == [one.reason for one in decision.book.journals]
    assert key() == decision.key
    assert ["points.adjusted"] == [one.type for one in decision.events]


def test_no_adjustment_counts_for_a_tier() -> None:
    facts = holding(0)
    before = structs.asdict(facts.member) if isinstance(facts.member, Member) else {}
    run(facts, adjust(5000))

    assert facts.member is not None
    assert before["counters"] == facts.member.counters == {}
