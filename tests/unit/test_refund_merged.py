"""Refunds to an account that was merged: what is posted on both sides, and who may."""

from typing import Any

from msgspec import structs

from loyalty.commands import refund, refund_merged
from loyalty.commands.model import Alias, Facts, Move, Prior
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import Refund, RefundRequest
from loyalty.ids import show
from loyalty.ledger.model import Member
from tests.builders import decided, key, member, moves, refused, reply
from tests.unit.test_redeeming import (
    LATER,
    NOW,
    RULES,
    SITE,
    SOON,
    STAFF,
    after,
    at,
    book_of,
    captured,
    held,
    named,
    owner_of,
)


def redeemed(survivor: Member) -> Facts:
    """Return a refund's facts of an account that was merged: it had paid 30 points that expire soon, and 10 later."""
    holds = held(seats=4)
    facts = after(decided(captured(holds)))
    facts.pinned = [(structs.replace(lot, remaining=0), points) for lot, points in holds.pinned]
    owner = owner_of(facts)
    owner.status, owner.available = "closed", 0
    owner.traits = structs.replace(owner.traits, merged_into=show("mem", survivor.member_id))
    return facts


def survivor_of(**fields: Any) -> Member:
    return member(number="T2", **fields)


def command(facts: Facts, caller: Caller = SITE, why: str = "Rain", quantity: int | None = None) -> Refund:
    return Refund(*named(facts), RefundRequest(why, quantity), caller, key())


def passed_on(facts: Facts, *heirs: Member, caller: Caller = SITE, moment: Any = NOW, **asked: Any) -> Any:
    return refund_merged.decide(
        facts, [Facts(heir) for heir in heirs], command(facts, caller, **asked), moment
    )


def sides(result: Any) -> Any:
    assert isinstance(result, Move), result
    return tuple(decision for _, decision in result.parts)


def told(decision: Any) -> list[tuple[str, int, str]]:
    return [(one.kind, one.balance, one.reason) for one in book_of(decision).journals]


def test_what_comes_back_goes_on_to_the_survivor_with_the_expiry_it_has() -> None:
    survivor = survivor_of(available=7)
    account, other = sides(passed_on(redeemed(survivor), survivor))
    reason = "refund of monet: Rain"

    assert [
        ("redemption_refunded", 40, "monet: Rain"), ("merged_out", 10, reason), ("merged_out", 0, reason),
    ] == told(account)  # fmt: skip
    assert [("merged_in", 37, reason), ("merged_in", 47, reason)] == told(other)
    assert [(30, SOON), (10, LATER)] == [(one.remaining, one.expires_on) for one in book_of(other).new_lots]
    assert {"available": 47, "pending": 0, "held": 0, "debt": 0} == reply(account)["balance"]
    assert (["redemption.refunded"], ["points.received"]) == (
        [one.type for one in account.events], [one.type for one in other.events],
    )  # fmt: skip


def test_it_repays_first_what_the_survivor_owes() -> None:
    survivor = survivor_of(available=-35, debt=35)
    _, other = sides(passed_on(redeemed(survivor), survivor))

    assert (5, 0) == (survivor.available, survivor.debt)
    assert [(0, SOON), (5, LATER)] == [(one.remaining, one.expires_on) for one in book_of(other).new_lots]


def test_what_has_expired_meanwhile_is_lost_where_it_came_back() -> None:
    survivor = survivor_of()
    account, other = sides(passed_on(redeemed(survivor), survivor, caller=STAFF, moment=at(40)))
    reason = "refund of monet, 30 points had expired: Rain"

    assert [
        ("redemption_refunded", 40, "monet: Rain"), ("expired", 10, "lot_expired"), ("merged_out", 0, reason),
    ] == told(account)  # fmt: skip
    assert [("merged_in", 10, reason)] == told(other)
    assert 10 == reply(account)["balance"]["available"]


def test_where_all_of_it_has_expired_the_survivors_statement_says_so() -> None:
    survivor = survivor_of(available=7)
    account, other = sides(passed_on(redeemed(survivor), survivor, caller=STAFF, moment=at(100)))
    [sent], [received] = book_of(account).journals[2:], book_of(other).journals

    assert ("merged_in", 7, "refund of monet, 40 points had expired: Rain") == told(other)[0]
    assert ([], []) == (moves(other), other.events)
    assert (received.journal_id, sent.journal_id) == (sent.linked_id, received.linked_id)


def test_a_refund_to_a_merged_account_takes_a_transaction_with_the_survivor() -> None:
    survivor = survivor_of()
    facts = redeemed(survivor)

    assert Alias(survivor.member_id) == refund.decide(facts, RULES, command(facts), NOW)


def test_refusals_are_those_of_a_refund_and_nobody_of_the_staff_refunds_to_himself() -> None:
    between, survivor = survivor_of(), survivor_of()
    older = member()
    between.traits = structs.replace(between.traits, merged=(show("mem", older.member_id),))
    facts = redeemed(between)
    owner = owner_of(facts)

    for person in (owner, older, between, survivor):
        caller = structs.replace(STAFF, person=person.member_id)
        assert ("own_redemption", "") == refused(passed_on(facts, between, survivor, caller=caller, why=" "))
    assert ("reason_missing", "/reason") == refused(passed_on(facts, between, survivor, why=" "))
    assert ("refund_above_capture", "/quantity") == refused(passed_on(facts, between, survivor, quantity=5))
    assert (1, 1) == (between.version, survivor.version)
    facts.prior = Prior(b"another", 200, b"{}")
    assert ("idempotency_key_reused", "") == refused(passed_on(facts, between, survivor))
