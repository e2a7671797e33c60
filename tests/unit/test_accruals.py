"""Points that partners give: what is owed for them, what they draw on, and what stands against them."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loyalty.commands import accrue, reverse_accrual
from loyalty.commands.accrue import AccrualRequest, Accrue
from loyalty.commands.model import Facts
from loyalty.commands.reverse_accrual import ReverseAccrual, ReverseAccrualRequest
from loyalty.ledger.model import Member
from loyalty.partners.accruals import Accrual, Pool, day_of, draws, fund_of, owed, refuse_budgets
from loyalty.partners.model import Contract, Partner, Title
from tests.builders import decided, key, lot, member, moment, refused, reply, small_rules

TODAY = date(2026, 6, 1)
RULES = small_rules()
NOTHING: dict[str, Pool] = {}


def air(**contract: Any) -> Partner:
    terms = {"accrual_price": "0.015"} | contract
    return Partner(code="air", name=Title("Air", "航空"), contract=Contract("CNY", "0.01", **terms))


@given(st.integers(1, 10**9))
def test_what_is_owed_is_rounded_down(points: int) -> None:
    assert points * 15 // 10 == owed(air().contract, points)
    assert 0 == owed(air(account="prepaid").contract, points)


def test_what_is_paid_before_draws_on_the_fund_besides() -> None:
    assert {day_of("air", TODAY): 5} == draws("air", 5, TODAY, prepaid=False)
    assert {day_of("air", TODAY): 5, fund_of("air"): 5} == draws("air", 5, TODAY, prepaid=True)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60))
def test_a_fund_refuses_beyond_what_is_left_and_says_what_that_is(
    budget: int, taken: int, points: int
) -> None:
    taken = min(taken, budget)
    refusal = refuse_budgets(air(account="prepaid"), points, TODAY, {fund_of("air"): Pool(budget, taken)})

    assert (points > budget - taken) == (refusal is not None)
    assert refusal is None or ("fund_exhausted", {"left": budget - taken}) == (refusal.code, refusal.numbers)


def give(
    partner: Partner, points: int = 100, owner: Member | None = None, known: list[Accrual] | None = None,
    pools: dict[str, Pool] | None = None, **changes: Any,
) -> Any:  # fmt: skip
    owner = owner or member()
    request = AccrualRequest("T1", "F-1", points, changes.pop("effective_on", TODAY), "TG665", "late")
    command = Accrue(partner, owner.member_id, request, "air", key())
    facts = changes.pop("facts", None) or Facts(owner, lots=changes.pop("lots", []))
    return accrue.decide(facts, known or [], pools or NOTHING, RULES, command, moment(TODAY))


def test_points_come_from_the_partners_account_with_a_lot_and_are_counted() -> None:
    owner = member()
    decision = decided(give(air(), owner=owner))
    [given] = decision.accruals

    assert [("accrued:air", "available", 100), ("issued", "counted", 100)] == [
        (one.debit, one.credit, one.amount) for one in decision.book.transfers
    ]
    assert {"2026": {"accrued:air": 100}} == owner.counters
    assert [100] == [one.remaining for one in decision.book.new_lots]
    assert ("partner_accrued", "air F-1 TG665: late") == (
        decision.book.journals[0].kind, decision.book.journals[0].reason,
    )  # fmt: skip
    assert (100, 150, "CNY", False, TODAY) == (
        given.points, given.money, given.currency, given.prepaid, given.booked_on,
    )  # fmt: skip


def test_refusals_come_in_their_order() -> None:
    none = Partner(code="air", name=Title("Air", "航空"), contract=Contract("CNY", "0.01"))
    off = Partner(code="air", name=Title("Air", "航空"), contract=air().contract, status="suspended")
    closed, future = member(status="closed"), date(2026, 6, 2)
    known = decided(give(air())).accruals
    asked = [
        give(none, known=known), give(off, known=known), give(air(), known=known, owner=closed),
        give(air(), facts=Facts(None), effective_on=future), give(air(), owner=closed, effective_on=future),
        give(air(accrual_a_day=1), effective_on=future), give(air(accrual_a_day=1, account="prepaid")),
        give(air(account="prepaid", accrual_per_member=1)), give(air(accrual_per_member=1)),
    ]  # fmt: skip

    assert [
        "not_offered", "partner_suspended", "reference_taken", "unknown_member", "member_closed", "invalid_value",
        "limit_reached", "fund_exhausted", "limit_reached",
    ] == [refused(one)[0] for one in asked]  # fmt: skip


def test_what_a_prepaid_partner_gives_is_owed_by_nobody() -> None:
    decision = decided(give(air(account="prepaid"), pools={fund_of("air"): Pool(150, 20)}))

    assert (True, 0) == (decision.accruals[0].prepaid, decision.accruals[0].money)
    assert 30 == reply(decision)["left"]


def test_points_that_repay_a_debt_are_gone() -> None:
    owner = member(available=-30, debt=30)
    decision = decided(give(air(), owner=owner))

    assert (70, 0) == (owner.available, owner.debt)
    assert [70] == [one.remaining for one in decision.book.new_lots]


@given(st.integers(1, 300), st.integers(0, 300), st.integers(0, 300))
def test_taking_back_leaves_what_would_be_without_it(points: int, before: int, spent: int) -> None:
    spent = min(spent, points + before)
    owner = member(available=before)
    lots = [lot(owner, before, date(2027, 1, 1))] if before else []
    given = decided(give(air(), points, owner, lots=lots))
    own = given.book.new_lots[0]
    lots = [*lots, own]
    owner.available -= spent
    for one in lots:
        part = min(one.remaining, spent)
        one.remaining, spent = one.remaining - part, spent - part
    left = owner.available
    command = ReverseAccrual(
        "air", "F-1", owner.member_id, ReverseAccrualRequest("not flown"), "air", key("k-2")
    )
    taken = decided(reverse_accrual.decide(Facts(owner, lots=lots), given.accruals, command, moment(TODAY)))

    assert left - points == owner.available
    assert max(0, -owner.available) == owner.debt
    assert {} == owner.counters
    assert 0 == own.remaining or owner.debt == 0
    assert ("accrual_reversed", points, given.accruals[0].money) == (
        taken.accruals[0].kind, taken.accruals[0].points, taken.accruals[0].money,
    )  # fmt: skip
    assert dict.fromkeys(taken.accruals[0].draws, points) == taken.accruals[0].draws


def test_points_are_taken_back_once() -> None:
    owner = member()
    given = decided(give(air(), owner=owner))
    command = ReverseAccrual("air", "F-1", owner.member_id, ReverseAccrualRequest("no"), "air", key("k-2"))
    facts = Facts(owner, lots=list(given.book.new_lots))
    taken = decided(reverse_accrual.decide(facts, given.accruals, command, moment(TODAY)))
    known = given.accruals + taken.accruals

    assert "accrual_reversed" == refused(reverse_accrual.decide(facts, known, command, moment(TODAY)))[0]
    assert "unknown_accrual" == refused(reverse_accrual.decide(facts, [], command, moment(TODAY)))[0]
