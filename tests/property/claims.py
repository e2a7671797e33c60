"""Redemptions in the oracle's words, and a life in which members redeem: what is held, paid, given back, and when.

Like the oracle itself this is written without the core: plain dicts and integers. Offers are those of `OFFERS`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.machine import Books, Life
from tests.property.oracle import Lot, Member, Oracle
from tests.property.strategies import members

HOLD_DAYS = 3


@dataclass(frozen=True)
class Offered:
    """What an offer costs, how many there are of it (None: no end), and whether it can be refunded.

    With a `voucher` its capture gives one for each, valid for so many months (None: no end), perhaps `transferable`.
    """

    points: int
    stock: int | None = None
    refundable: bool = True
    voucher: bool = False
    months: int | None = None
    transferable: bool = False


OFFERS = {
    "tickets": Offered(40),
    "lamp": Offered(120, stock=4),
    "tea": Offered(33, refundable=False),
    "massage": Offered(30, voucher=True, months=1, transferable=True),
    "dinner": Offered(45, voucher=True),
}
TICKET = "ticket"
"""The offer of a partner, which can be had by token only; `TOKEN_DAYS` after it was minted a token is too old."""
PARTNERS = {TICKET: Offered(25, stock=9)}
TOKEN_DAYS = 1
FUND = 300
"""Points that the partner paid for before: it can give no more."""


@dataclass(eq=False)
class Claim:
    """A redemption: so many of an offer, and what it has taken from which lots, first to expire first."""

    number: str
    offer: str
    quantity: int
    booked: date
    pinned: list[tuple[Lot, int]]
    status: str = "held"
    captured: int = 0
    refunded: int = 0
    due: date = date.min

    @property
    def offered(self) -> Offered:
        return (OFFERS | PARTNERS)[self.offer]

    @property
    def price(self) -> int:
        return self.offered.points

    @property
    def taken(self) -> int:
        """How many it keeps others from having."""
        return {"held": self.quantity, "captured": self.captured - self.refunded}.get(self.status, 0)


@dataclass
class Consent:
    """A token: whose, up to how many points, until when; and whether it was spent."""

    number: str
    points: int
    until: date
    spent: bool = False


@dataclass
class Gift:
    """Points that the partner gave; its lot stands where a stay's lots do when they are taken back."""

    number: str
    points: int
    lots: list[Lot]
    taken_back: bool = False


class ClaimsOracle(Oracle):
    """The oracle, with redemptions."""

    def __init__(self, today: date, **options: Any) -> None:
        super().__init__(today, **options)
        self.claims: list[Claim] = []
        self.tokens: list[Consent] = []
        self.references: set[str] = set()
        self.gifts: dict[str, Gift] = {}
        self.unstated: list[tuple[date, int]] = []
        """What happened with the partner and is on no statement yet: the day, and the points owed to it."""
        self.stated: dict[str, tuple[int, int]] = {}

    def held(self, number: str) -> int:
        return sum(
            one.quantity * one.price for one in self.claims if one.number == number and one.status == "held"
        )

    def left(self, offer: str) -> int | None:
        stock = (OFFERS | PARTNERS)[offer].stock
        return None if stock is None else stock - sum(one.taken for one in self.claims if one.offer == offer)

    # --- what is asked ------------------------------------------------------------------------------------------

    def hold(self, number: str, offer: str, quantity: int, key: str, *, capture: bool) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            member = self.members.get(number)
            if member is None:
                return {"code": "unknown_member"}
            return self._hold(number, offer, quantity, capture=capture)

        return self._once(key, ("hold", number, offer, quantity, capture), work)

    def _hold(self, number: str, offer: str, quantity: int, *, capture: bool) -> dict[str, Any]:
        member, left = self.members[number], self.left(offer)
        points = (OFFERS | PARTNERS)[offer].points * quantity
        if left is not None and left < quantity:
            return {"code": "sold_out"}
        if self.available(number) < points:
            return {"code": "insufficient_points"}
        self._expire(member)
        claim = Claim(number, offer, quantity, self.today, self._pin(member, points))
        claim.due = self.today + timedelta(days=HOLD_DAYS)
        self.claims.append(claim)
        if capture:
            self._capture(claim, quantity)
        self._act(member, self.today)
        self._close(member)
        return {"status": 201, "claim": len(self.claims) - 1, **self._seen(claim)}

    def mint(self, number: str, points: int, key: str) -> dict[str, Any]:
        if number not in self.members:
            return {"code": "unknown_member"}

        def work() -> dict[str, Any]:
            self.tokens.append(Consent(number, points, self.today + timedelta(days=TOKEN_DAYS)))
            return {"status": 201, "token": len(self.tokens) - 1}

        return self._once(key, ("mint", number, points), work)

    def redeem(self, token: int, quantity: int, reference: str, key: str) -> dict[str, Any]:
        """A partner redeems by a token; it isn't told the member's balance."""

        def work() -> dict[str, Any]:
            consent = self.tokens[token]
            if consent.spent:
                return {"code": "token_used"}
            if consent.until <= self.today:
                return {"code": "token_expired"}
            if consent.points < PARTNERS[TICKET].points * quantity:
                return {"code": "token_too_small"}
            if reference in self.references:
                return {"code": "reference_taken"}
            done = self._hold(consent.number, TICKET, quantity, capture=False)
            if "claim" in done:
                consent.spent = True
                self.references.add(reference)
            return {name: value for name, value in done.items() if name not in {"available", "debt", "held"}}

        return self._once(key, ("redeem", token, quantity, reference), work)

    # --- what the partner gives and is owed ---------------------------------------------------------------------

    def accrue(self, number: str, points: int, reference: str, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if reference in self.gifts:
                return {"code": "reference_taken"}
            if number not in self.members:
                return {"code": "unknown_member"}
            if points > self.fund:
                return {"code": "fund_exhausted"}
            member = self.members[number]
            self._expire(member)
            self.gifts[reference] = Gift(number, points, [self._earn(member, points, self.today)])
            self._close(member)
            self.unstated.append((self.today, -points))
            return {"status": 201, "points": points, "left": self.fund}

        return self._once(key, ("accrue", number, points, reference), work)

    def take_back(self, reference: str, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            gift = self.gifts.get(reference)
            if gift is None:
                return {"code": "unknown_accrual"}
            if gift.taken_back:
                return {"code": "accrual_reversed"}
            member = self.members[gift.number]
            self._expire(member)
            self._lose(member, gift, gift.points)
            self._close(member)
            gift.taken_back = True
            self.unstated.append((self.today, gift.points))
            return {"status": 200, "points": gift.points}

        return self._once(key, ("take back", reference), work)

    @property
    def fund(self) -> int:
        return FUND - sum(one.points for one in self.gifts.values() if not one.taken_back)

    def issue(self) -> tuple[str, int, int]:
        """Return the statement of the last month: its name, how many lines it has and the points they come to."""
        end = self.today.replace(day=1) - timedelta(days=1)
        period = f"{end:%Y-%m}"
        if period not in self.stated:
            lines = [points for day, points in self.unstated if day <= end]
            self.unstated = [one for one in self.unstated if one[0] > end]
            self.stated[period] = len(lines), sum(lines)
        return period, *self.stated[period]

    def _owe(self, one: Claim, points: int) -> None:
        if one.offer in PARTNERS:
            self.unstated.append((self.today, points))

    # --- steps --------------------------------------------------------------------------------------------------

    def capture(self, claim: int, quantity: int, key: str) -> dict[str, Any]:
        def work(one: Claim) -> dict[str, Any] | None:
            if refused := self._not_held(one):
                return refused
            if quantity > one.quantity:
                return {"code": "capture_above_hold"}
            self._open(one)
            self._capture(one, quantity)
            return None

        return self._step("capture", claim, quantity, key, work)

    def release(self, claim: int, key: str) -> dict[str, Any]:
        def work(one: Claim) -> dict[str, Any] | None:
            if refused := self._not_held(one):
                return refused
            self._open(one)
            self._give_back(one, one.quantity * one.price)
            one.status = "released"
            return None

        return self._step("release", claim, 0, key, work)

    def extend(self, claim: int, key: str) -> dict[str, Any]:
        def work(one: Claim) -> dict[str, Any] | None:
            if refused := self._not_held(one):
                return refused
            self._open(one)
            one.due = self.today + timedelta(days=HOLD_DAYS)
            return None

        return self._step("extend", claim, 0, key, work)

    def refund(self, claim: int, quantity: int, key: str) -> dict[str, Any]:
        def work(one: Claim) -> dict[str, Any] | None:
            if refused := self._not_refunded(one, quantity):
                return refused
            self._open(one)
            self._refund(one, quantity)
            return None

        return self._step("refund", claim, quantity, key, work)

    def expire_holds(self) -> None:
        """Do as the job does: every hold whose time is up is expired."""
        for one in self.claims:
            if one.status == "held" and one.due <= self.today:
                self._open(one)
                self._give_back(one, one.quantity * one.price)
                one.status = "expired"
                self._close(self.members[one.number])

    def _not_held(self, one: Claim) -> dict[str, Any] | None:
        if one.status == "expired" or (one.status == "held" and one.due <= self.today):
            return {"code": "hold_expired"}
        return None if one.status == "held" else {"code": "redemption_not_held"}

    def _not_refunded(self, one: Claim, quantity: int) -> dict[str, Any] | None:
        if one.status != "captured":
            return {"code": "redemption_not_captured"}
        if quantity > one.captured - one.refunded:
            return {"code": "refund_above_capture"}
        return None if one.offered.refundable else {"code": "not_refundable"}

    def _step(self, what: str, claim: int, quantity: int, key: str, work: Any) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            one = self.claims[claim]
            refusal = work(one)
            if refusal is not None:
                return refusal
            self._close(self.members[one.number])
            return {"status": 200, "claim": claim, **self._seen(one)}

        return self._once(key, (what, claim, quantity), once)

    # --- points -------------------------------------------------------------------------------------------------

    def _open(self, one: Claim) -> None:
        self._expire(self.members[one.number])

    def _pin(self, member: Member, points: int) -> list[tuple[Lot, int]]:
        pinned: list[tuple[Lot, int]] = []
        for lot in sorted(member.lots, key=lambda one: (one.expires, one.born)):
            part = min(points, 0 if lot.pending else lot.remaining)
            if part:
                lot.remaining -= part
                points -= part
                pinned.append((lot, part))
        assert points == 0
        return pinned

    def _capture(self, one: Claim, quantity: int) -> None:
        self._give_back(one, (one.quantity - quantity) * one.price)
        one.status, one.captured = "captured", quantity
        self._owe(one, quantity * one.price)

    def _refund(self, one: Claim, quantity: int) -> None:
        self._give_back(one, quantity * one.price)
        self._owe(one, -quantity * one.price)
        one.refunded += quantity
        one.status = "refunded" if one.refunded == one.captured else "captured"

    def _give_back(self, one: Claim, points: int) -> None:
        """Give points back to the lots they are from, the last to expire first; what is owed is repaid first."""
        member = self.members[one.number]
        kept: list[tuple[Lot, int]] = []
        for lot, most in reversed(one.pinned):
            part = min(points, most)
            points -= part
            if most > part:
                kept.insert(0, (lot, most - part))
            if lot.expires <= self.today:
                lot.expired += part
            else:
                lot.remaining += part
                self._repay(member, lot)
        assert points == 0
        one.pinned = kept

    def _seen(self, one: Claim) -> dict[str, Any]:
        balance = self._balance(one.number)
        return {
            "redemption": one.status,
            "captured": one.captured,
            "refunded": one.refunded,
            "available": balance["available"],
            "debt": balance["debt"],
            "held": self.held(one.number),
        }


class ClaimingBooks(Books, Protocol):
    """Books in which members redeem; a claim is known by its place in the order of being made."""

    def hold(self, number: str, offer: str, quantity: int, key: str, *, capture: bool) -> dict[str, Any]: ...
    def capture(self, claim: int, quantity: int, key: str) -> dict[str, Any]: ...
    def release(self, claim: int, key: str) -> dict[str, Any]: ...
    def extend(self, claim: int, key: str) -> dict[str, Any]: ...
    def refund(self, claim: int, quantity: int, key: str) -> dict[str, Any]: ...
    def expire_holds(self) -> None: ...
    def mint(self, number: str, points: int, key: str) -> dict[str, Any]: ...
    def redeem(self, token: int, quantity: int, reference: str, key: str) -> dict[str, Any]: ...
    def accrue(self, number: str, points: int, reference: str, key: str) -> dict[str, Any]: ...
    def take_back(self, reference: str, key: str) -> dict[str, Any]: ...
    def issue(self) -> tuple[str, int, int]: ...


places = st.integers(0, 5)
quantities = st.sampled_from([1, 2, 3, 3])
offers = st.sampled_from(sorted(OFFERS))


class ClaimingLife(Life):
    """The life of members who redeem, too: every interleaving of holds, captures, refunds, expiry and reversals.

    A step picks a redemption that it fits, if there is one; `ask_anything` picks any, and is mostly refused.
    """

    books: ClaimingBooks
    oracle: ClaimsOracle

    def __init__(self) -> None:
        super().__init__()
        self.oracle = ClaimsOracle(
            self.oracle.today, pending_days=self.pending_days, idle_months=self.idle_months
        )

    @rule(number=members, offer=offers, quantity=quantities, capture=st.sampled_from([False, False, True]))
    def hold(self, number: str, offer: str, quantity: int, capture: bool) -> None:  # noqa: FBT001 - a rule's argument
        key = self._fresh()
        for _ in range(2):
            expected = self.oracle.hold(number, offer, quantity, key, capture=capture)
            self._compare(expected, self.books.hold(number, offer, quantity, key, capture=capture))

    @rule(number=members, offer=offers, quantity=quantities, capture=st.sampled_from([False, False, True]))
    def hold_what_can_be_paid(self, number: str, offer: str, quantity: int, capture: bool) -> None:  # noqa: FBT001
        """Give what is missing, in two lots that expire apart, and hold."""
        if number in self.oracle.members:
            missing = OFFERS[offer].points * quantity - self.oracle.available(number)
            if missing > 0:
                self.adjust(number, missing // 2 + 1)
                self.travel(1)
                self.adjust(number, missing // 2 + 1)
        self.hold(number, offer, quantity, capture)

    @rule(place=places, less=st.sampled_from([1, 1, 2, 0]))
    def capture(self, place: int, less: int) -> None:
        for claim in self._one("held", place):
            self._capture(claim, max(1, self.oracle.claims[claim].quantity - less))

    @rule(place=places, less=st.sampled_from([1, 1, 2, 0]))
    def refund(self, place: int, less: int) -> None:
        for claim in self._one("captured", place):
            one = self.oracle.claims[claim]
            self._refund(claim, max(1, one.captured - one.refunded - less))

    @rule(place=places)
    def release(self, place: int) -> None:
        for claim in self._one("held", place):
            key = self._fresh()
            self._compare(self.oracle.release(claim, key), self.books.release(claim, key))

    @rule(place=places)
    def extend(self, place: int) -> None:
        for claim in self._one("held", place):
            key = self._fresh()
            self._compare(self.oracle.extend(claim, key), self.books.extend(claim, key))

    @rule(place=places, quantity=quantities)
    def ask_anything(self, place: int, quantity: int) -> None:
        """What can't be is refused, and changes nothing."""
        for claim in self._one(None, place):
            self._capture(claim, quantity)
            self._refund(claim, quantity)
            key = self._fresh()
            self._compare(self.oracle.release(claim, key), self.books.release(claim, key))

    @rule(
        number=members, quantity=quantities, slack=st.sampled_from([0, 0, 30, -1]), reference=st.integers(0, 9),
        capture=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def redeem_by_token(self, number: str, quantity: int, slack: int, reference: int, capture: bool) -> None:  # noqa: FBT001
        """The member lets the partner spend some points, which it does, perhaps under a reference that it has used."""
        points = PARTNERS[TICKET].points * quantity
        self.adjust(number, points)
        key = self._fresh()
        for _ in range(2):
            minted = self.oracle.mint(number, points + slack, key)
            self._compare(minted, self.books.mint(number, points + slack, key))
        if "token" in minted:
            claim = self._redeem(minted["token"], quantity, reference)
            if capture and claim is not None:
                self._capture(claim, quantity)

    @rule(place=places, quantity=quantities, reference=st.integers(0, 9))
    def redeem_by_an_old_token(self, place: int, quantity: int, reference: int) -> None:
        if self.oracle.tokens:
            self._redeem(place % len(self.oracle.tokens), quantity, reference)

    def _redeem(self, token: int, quantity: int, reference: int) -> int | None:
        key, named = self._fresh(), f"R-{reference}"
        for _ in range(2):
            expected = self.oracle.redeem(token, quantity, named, key)
            self._compare(expected, self.books.redeem(token, quantity, named, key))
        return expected.get("claim")

    @rule(number=members, points=st.integers(1, 140), reference=st.integers(0, 9))
    def accrue(self, number: str, points: int, reference: int) -> None:
        key = self._fresh()
        for _ in range(2):
            expected = self.oracle.accrue(number, points, f"G-{reference}", key)
            self._compare(expected, self.books.accrue(number, points, f"G-{reference}", key))

    @rule(reference=st.integers(0, 9))
    def take_back(self, reference: int) -> None:
        key = self._fresh()
        for _ in range(2):
            expected = self.oracle.take_back(f"G-{reference}", key)
            self._compare(expected, self.books.take_back(f"G-{reference}", key))

    @rule()
    def issue_a_statement(self) -> None:
        assert self.oracle.issue() == self.books.issue()

    @rule(place=places)
    def wait_until_it_expires(self, place: int) -> None:
        """Let a hold's time pass while its points may expire, too, and have the job look at it."""
        for claim in self._one("held", place):
            self.travel(max(1, (self.oracle.claims[claim].due - self.oracle.today).days))
            self.expire_holds()

    @rule()
    def expire_holds(self) -> None:
        self.oracle.expire_holds()
        self.books.expire_holds()
        self.after_each()

    def _one(self, status: str | None, place: int) -> list[int]:
        """Return one of the redemptions of a status, if there is any."""
        found = [each for each, one in enumerate(self.oracle.claims) if status in {None, one.status}]
        return found[place % len(found) :][:1] if found else []

    def _capture(self, claim: int, quantity: int) -> None:
        key = self._fresh()
        self._compare(self.oracle.capture(claim, quantity, key), self.books.capture(claim, quantity, key))

    def _refund(self, claim: int, quantity: int) -> None:
        key = self._fresh()
        for _ in range(2):
            self._compare(self.oracle.refund(claim, quantity, key), self.books.refund(claim, quantity, key))
