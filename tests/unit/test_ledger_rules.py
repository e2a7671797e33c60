"""A member's book: earning, drawing, reversing, expiring."""

from datetime import date

import pytest
from msgspec.structs import replace

from loyalty.ledger.model import GOODWILL, Idling, Lot, Member
from loyalty.ledger.rules import Book
from tests.builders import lot, member, moment

TODAY = date(2026, 6, 1)
SOON, LATER, NEVER = date(2026, 7, 1), date(2026, 9, 1), None
PAST = date(2026, 5, 1)


def opened(owner: Member, *lots: Lot, following: date | None = None) -> Book:
    book = Book(owner, moment(TODAY), "test", lots, following)
    book.journal("adjusted", TODAY, "test")
    return book


def holding(**remaining: int) -> tuple[Member, dict[str, Lot]]:
    """Return a member with lots that expire `soon`, `later` and `never`."""
    owner = member(available=sum(remaining.values()))
    days = {"soon": SOON, "later": LATER, "never": NEVER}
    return owner, {name: lot(owner, amount, days[name]) for name, amount in remaining.items()}


def left(lots: dict[str, Lot]) -> dict[str, int]:
    return {name: one.remaining for name, one in lots.items()}


def taken(book: Book) -> list[tuple[str, int]]:
    return [(one.kind, one.amount) for one in book.allocations]


def debit(book: Book, points: int) -> None:
    book.points("adjustment", -points, TODAY, GOODWILL)
    book.spend(points)
    book.close()


def reverse(book: Book, points: int, *own: Lot) -> None:
    book.points("base", -points, TODAY)
    book.reverse(points, frozenset(one.lot_id for one in own))
    book.close()


# --- journals and transfers ---------------------------------------------------------------------------------------


def test_each_journal_has_the_next_version_and_the_balance_right_after_it() -> None:
    owner = member(version=7, available=10)
    book = Book(owner, moment(TODAY), "key-1")
    book.journal("adjusted", TODAY, "first")
    book.points("adjustment", 5, TODAY, GOODWILL)
    book.journal("adjusted", TODAY, "second")
    book.points("adjustment", -3, TODAY, GOODWILL)

    assert [(8, 15, "key-1"), (9, 12, "key-1")] == [
        (one.version, one.balance, one.actor) for one in book.journals
    ]
    assert (9, 12) == (owner.version, owner.available)


def test_a_transfer_takes_from_one_account_and_gives_to_another_and_lines_count_within_the_journal() -> None:
    book = opened(member())
    book.points("base", 100, TODAY)
    book.points("tier_bonus", -20, TODAY)
    book.points("base", 0, TODAY)
    book.journal("adjusted", TODAY, "next")
    book.points("base", 1, TODAY)

    assert [
        (1, "base", "issued", "available", 100), (2, "tier_bonus", "available", "issued", 20),
        (1, "base", "issued", "available", 1),
    ] == [(one.line, one.kind, one.debit, one.credit, one.amount) for one in book.transfers]  # fmt: skip


def test_a_transfer_without_a_journal_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="belongs to a journal"):
        Book(member(), moment(TODAY), "test").points("base", 1, TODAY)


def test_counting_goes_by_calendar_year_and_a_zero_is_left_out() -> None:
    owner = member(counters={"2025": {"nights": 20}})
    book = opened(owner)
    book.count("nights", 30, date(2026, 1, 1))
    book.count("stays", 1, date(2026, 1, 1))
    book.count("nights", -20, date(2025, 12, 31))
    book.count("spend", 0, TODAY)

    assert {"2026": {"nights": 30, "stays": 1}} == owner.counters
    assert [("issued", "counted", 30), ("issued", "counted", 1), ("counted", "issued", 20)] == [
        (one.debit, one.credit, one.amount) for one in book.transfers
    ]


def test_points_of_a_promotion_are_counted_with_the_transfers_that_give_them_and_take_them_back() -> None:
    owner = member()
    book = opened(owner)
    book.points("promotion:double", 90, TODAY)
    book.pend("promotion:double", 30, date(2025, 12, 31))
    book.points("promotion:double", -20, TODAY)
    book.points("promotion:triple", 0, TODAY)
    book.points("promotion:once", 5, TODAY)
    book.points("promotion:once", -5, TODAY)

    assert {"2026": {"promotion:double": 70}, "2025": {"promotion:double": 30}} == owner.counters
    assert {"points"} == {one.unit for one in book.transfers}


def test_what_is_passed_on_between_program_accounts_leaves_the_member_alone() -> None:
    owner = member(available=7)
    book = opened(owner)
    book.pass_on("transit", "points", 100, TODAY)
    book.pass_on("transit", "nights", 0, TODAY)

    assert [("transit", "issued", 100)] == [(one.debit, one.credit, one.amount) for one in book.transfers]
    assert 7 == owner.available


# --- earning and spending -----------------------------------------------------------------------------------------


def test_what_is_earned_makes_a_lot_known_by_its_journal() -> None:
    owner = member()
    book = opened(owner)
    book.points("base", 100, TODAY)
    book.earn(100, SOON)
    book.close()

    assert [(book.journals[0].journal_id, 100, 100, SOON)] == [
        (one.lot_id, one.amount, one.remaining, one.expires_on) for one in book.new_lots
    ]
    assert SOON == owner.next_expiry
    assert [] == book.changed_lots()


def test_earning_nothing_makes_no_lot() -> None:
    book = opened(member())
    book.earn(0, SOON)

    assert [] == book.new_lots


@pytest.mark.parametrize(
    ("known", "expires_on", "then"),
    [(None, SOON, SOON), (LATER, SOON, SOON), (SOON, LATER, SOON), (None, NEVER, None), (SOON, NEVER, SOON)],
)
def test_the_next_expiry_is_the_earliest(
    known: date | None, expires_on: date | None, then: date | None
) -> None:
    owner = member(next_expiry=known)
    book = opened(owner)
    book.points("base", 1, TODAY)
    book.earn(1, expires_on)

    assert then == owner.next_expiry


def test_a_spend_draws_on_what_expires_first_whatever_order_lots_come_in() -> None:
    owner, lots = holding(never=100, later=100, soon=100)
    book = opened(owner, *lots.values())
    debit(book, 150)

    assert {"never": 100, "later": 50, "soon": 0} == left(lots)
    assert [("spend", 100), ("spend", 50)] == taken(book)
    assert {lots["soon"].lot_id, lots["later"].lot_id} == {one.lot_id for one in book.changed_lots()}


def test_lots_that_expire_together_are_spent_in_the_order_they_were_earned() -> None:
    owner = member(available=20)
    first, second = lot(owner, 10, SOON), lot(owner, 10, SOON)
    debit(opened(owner, second, first), 10)

    assert (0, 10) == (first.remaining, second.remaining)


def test_a_spend_beyond_what_lots_hold_is_a_mistake_of_ours() -> None:
    owner, lots = holding(soon=10)
    with pytest.raises(AssertionError, match="never exceeds"):
        debit(opened(owner, *lots.values()), 11)


# --- reversing ----------------------------------------------------------------------------------------------------


def test_a_reversal_takes_from_its_own_lot_even_if_another_expires_first() -> None:
    owner, lots = holding(soon=100, later=100)
    book = opened(owner, *lots.values())
    reverse(book, 60, lots["later"])

    assert {"soon": 100, "later": 40} == left(lots)
    assert [("reversal", 60)] == taken(book)


def test_what_its_own_lot_no_longer_has_a_reversal_takes_from_what_expires_first() -> None:
    owner, lots = holding(soon=100, later=30, never=100)
    reverse(opened(owner, *lots.values()), 150, lots["later"])

    assert {"soon": 0, "later": 0, "never": 80} == left(lots)
    assert 0 == owner.debt


def test_what_no_lot_has_becomes_debt() -> None:
    owner, lots = holding(soon=50)
    book = opened(owner, *lots.values())
    reverse(book, 70, lots["soon"])

    assert (-20, 20) == (owner.available, owner.debt)
    assert [("reversal", 50)] == taken(book)


def test_later_earning_repays_debt_first() -> None:
    owner = member(available=-20, debt=20)
    book = opened(owner)
    book.points("base", 30, TODAY)
    book.earn(30, SOON)
    book.close()

    assert (10, 0) == (owner.available, owner.debt)
    assert [("repayment", 20)] == taken(book)
    assert [(30, 10)] == [(one.amount, one.remaining) for one in book.new_lots]


def test_earning_less_than_the_debt_leaves_an_empty_lot_and_the_rest_of_the_debt() -> None:
    owner = member(available=-20, debt=20)
    book = opened(owner)
    book.points("base", 5, TODAY)
    book.earn(5, SOON)
    book.close()

    assert (-15, 15, None) == (owner.available, owner.debt, owner.next_expiry)
    assert [(5, 0)] == [(one.amount, one.remaining) for one in book.new_lots]


def test_reversing_what_had_expired_takes_it_back_from_the_expired_account() -> None:
    owner = member(available=40)
    own = lot(owner, 0, PAST, amount=100, expired=100)
    other = lot(owner, 40, LATER)
    book = opened(owner, other, own)
    reverse(book, 100, own)

    assert (40, 0, 40, 0) == (owner.available, owner.debt, other.remaining, own.expired)
    assert [("expired_reversal", 100)] == taken(book)
    assert [("base", "available", "issued", 100), ("expiry", "expired", "available", 100)] == [
        (one.kind, one.debit, one.credit, one.amount) for one in book.transfers
    ]
    assert PAST == book.transfers[-1].effective_on


def test_a_reversal_takes_own_points_then_own_expired_ones_then_others_then_debt() -> None:
    owner = member(available=35)
    spent = lot(owner, 5, LATER, amount=20)
    expired = lot(owner, 0, PAST, amount=30, expired=30)
    other = lot(owner, 30, SOON)
    book = opened(owner, other, spent, expired)
    reverse(book, 70, spent, expired)

    assert [("reversal", 5), ("expired_reversal", 30), ("reversal", 30)] == taken(book)
    assert (-5, 5) == (owner.available, owner.debt)


# --- expiry -------------------------------------------------------------------------------------------------------


def test_what_is_due_expires_before_anything_else_each_lot_on_its_own_day() -> None:
    owner = member(available=60, next_expiry=PAST, version=3)
    old, today, waiting = lot(owner, 10, PAST), lot(owner, 20, TODAY), lot(owner, 30, SOON)
    book = Book(owner, moment(TODAY), "test", [today, waiting, old], LATER)

    assert [("expired", 4, TODAY, "lot_expired", 30)] == [
        (one.kind, one.version, one.effective_on, one.reason, one.balance) for one in book.journals
    ]
    assert [(10, PAST), (20, TODAY)] == [(one.amount, one.effective_on) for one in book.transfers]
    assert [(0, 10), (0, 20), (30, 0)] == [(one.remaining, one.expired) for one in (old, today, waiting)]
    assert (30, SOON) == (owner.available, owner.next_expiry)


def test_a_lot_can_be_spent_on_the_eve_of_its_expiry_and_not_on_the_day() -> None:
    owner = member(available=10, next_expiry=TODAY)
    ending = lot(owner, 10, TODAY)
    eve = Book(owner, moment(date(2026, 5, 31)), "test", [ending])
    eve.journal("adjusted", TODAY, "test")

    assert 10 == owner.available
    Book(owner, moment(TODAY), "test", [ending])
    assert 0 == owner.available


def test_the_next_expiry_may_lie_beyond_the_lots_that_were_read() -> None:
    owner = member(available=10, next_expiry=PAST)
    Book(owner, moment(TODAY), "test", [lot(owner, 10, PAST)], LATER)

    assert LATER == owner.next_expiry


def test_nothing_due_writes_no_journal_but_corrects_the_next_expiry() -> None:
    owner = member(next_expiry=PAST)
    book = Book(owner, moment(TODAY), "test", [lot(owner, 0, PAST, amount=10)])

    assert [] == book.journals
    assert owner.next_expiry is None


def test_points_earned_too_late_to_last_until_today_expire_at_once_in_a_journal_of_their_own() -> None:
    owner = member()
    book = Book(owner, moment(TODAY), "test")
    book.journal("adjusted", date(2026, 1, 1), "test")
    book.points("base", 100, date(2026, 1, 1))
    book.earn(100, PAST)
    book.close()

    assert ["adjusted", "expired"] == [one.kind for one in book.journals]
    assert [100, 0] == [one.balance for one in book.journals]
    assert [(100, 0, 100)] == [(one.amount, one.remaining, one.expired) for one in book.new_lots]
    assert (0, None) == (owner.available, owner.next_expiry)


# --- what is held --------------------------------------------------------------------------------------------------


def held(points: int, lots: dict[str, Lot], owner: Member) -> list[tuple[Lot, int]]:
    """Hold points, and return what was taken of which lots."""
    book = opened(owner, *lots.values())
    book.hold(points, TODAY)
    book.close()
    by_id = {one.lot_id: one for one in lots.values()}
    return [(by_id[one.lot_id], one.amount) for one in book.allocations]


def test_a_hold_takes_first_what_expires_first_and_leaves_the_rest_available() -> None:
    owner, lots = holding(soon=10, later=10, never=10)
    pinned = held(15, lots, owner)

    assert {"soon": 0, "later": 5, "never": 10} == left(lots)
    assert (15, 15) == (owner.available, owner.held)
    assert [(lots["soon"], 10), (lots["later"], 5)] == pinned


def test_a_capture_pays_a_partner_and_takes_nothing_more_of_lots() -> None:
    owner, lots = holding(soon=10)
    held(10, lots, owner)
    book = opened(owner, *lots.values())
    book.capture(10, "partner:spa", TODAY)
    book.close()

    assert [("capture", "held", "partner:spa", 10)] == [
        (one.kind, one.debit, one.credit, one.amount) for one in book.transfers
    ]
    assert (0, 0, []) == (owner.available, owner.held, book.allocations)


def test_a_release_gives_back_to_the_lots_that_it_came_from_the_last_to_expire_first() -> None:
    owner, lots = holding(soon=10, later=10, never=10)
    pinned = held(25, lots, owner)
    book = opened(owner, lots["never"])
    book.release(12, pinned, TODAY)
    book.close()

    assert {"soon": 0, "later": 7, "never": 10} == left(lots)
    assert (17, 13) == (owner.available, owner.held)
    assert [("release", 5), ("release", 7)] == taken(book)
    assert LATER == owner.next_expiry


def test_what_comes_back_into_a_lot_whose_time_is_up_expires_at_once_and_both_are_there_to_see() -> None:
    owner = member(held=70)
    gone, fresh = lot(owner, 0, PAST, amount=40), lot(owner, 0, LATER, amount=30)
    book = opened(owner)
    book.release(70, [(gone, 40), (fresh, 30)], TODAY)
    book.close()

    assert [("release", 30), ("release", 40), ("expiry", 40)] == taken(book)
    assert [("adjusted", TODAY, 70), ("expired", TODAY, 30)] == [
        (one.kind, one.effective_on, one.balance) for one in book.journals
    ]
    assert (30, 0, 40, 0) == (owner.available, owner.held, gone.expired, gone.remaining)


def test_a_refund_comes_from_the_partner_and_repays_what_is_owed_first() -> None:
    owner = member(available=-20, debt=20)
    mine = lot(owner, 0, LATER, amount=50)
    book = opened(owner)
    book.refund(50, "partner:spa", [(mine, 50)], TODAY)
    book.close()

    assert [("refund", "partner:spa", "available", 50)] == [
        (one.kind, one.debit, one.credit, one.amount) for one in book.transfers
    ]
    assert [("refund", 50), ("repayment", 20)] == taken(book)
    assert (30, 0, 30) == (owner.available, owner.debt, mine.remaining)


# --- inactivity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active_on", "expires_on", "due"),
    [
        # The time runs already: what comes meanwhile lapses with it, unless it expires before.
        (date(2026, 5, 15), LATER, date(2026, 8, 15)),
        (date(2026, 5, 15), NEVER, date(2026, 8, 15)),
        (date(2026, 5, 15), SOON, SOON),
        # It never began, or was up in vain: it begins today.
        (None, date(2026, 12, 1), LATER),
        (date(2026, 1, 1), date(2026, 12, 1), LATER),
    ],
)
def test_points_that_come_are_looked_at_when_they_lapse_or_expire(
    active_on: date | None, expires_on: date | None, due: date
) -> None:
    owner = member(active_on=active_on)
    idle = replace(moment(TODAY), idling=Idling(3, frozenset({"stay"})))
    book = Book(owner, idle, "test")
    book.journal("adjusted", TODAY, "test")
    book.points("adjustment", 10, TODAY, GOODWILL)
    book.earn(10, expires_on)
    book.close()

    assert due == owner.next_expiry
