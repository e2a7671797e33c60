"""Vouchers in the oracle's words, and a life in which they are redeemed, handed over, taken back, or run out of time.

A voucher is known by what it is of: a redemption and a number, or a member's milestone and how often it was passed.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from tests.property.claims import OFFERS, Claim, ClaimingBooks, ClaimingLife, ClaimsOracle, quantities
from tests.property.machine import Life
from tests.property.oracle import Stay, months_later
from tests.property.strategies import MEMBERS, REFS, members

T = TypeVar("T")

REWARD_MONTHS = {"every_third": 2, "seven_nights": None}
"""How long the reward of each milestone can be used (None: no end)."""

OfClaim = tuple[int, int]
"""The place of a redemption, and which of its vouchers."""
OfReward = tuple[str, str, int, int]
"""Member, milestone, ordinal; and how often the milestone was lost before it was passed, and gave this one."""
Name = OfClaim | OfReward


@dataclass
class Voucher:
    """A voucher, whose it was first, and whose it is (None: whoever has the code); a `reward` has a status of its own.

    Each time it is handed over it gets another code.
    """

    owner: str
    holder: str | None
    ends: date | None
    transferable: bool = False
    reward: str = ""
    status: str = "issued"
    handed_over: int = 0

    def over(self, today: date) -> bool:
        return self.ends is not None and self.ends <= today


class VouchersOracle(ClaimsOracle):
    """The oracle, with redemptions and vouchers."""

    def __init__(self, today: date, **options: Any) -> None:
        super().__init__(today, **options)
        self.vouchers: dict[Name, Voucher] = {}
        self.passed: dict[tuple[str, str, int], OfReward] = {}
        """What each crossing gave that stands."""
        self._told: list[Name] = []

    # --- redemptions --------------------------------------------------------------------------------------------

    def _capture(self, one: Claim, quantity: int) -> None:
        super()._capture(one, quantity)
        if not one.offered.voucher:
            return
        ends = None if one.offered.months is None else months_later(self.today, one.offered.months)
        for number in range(1, quantity + 1):
            name = self.claims.index(one), number
            self.vouchers[name] = Voucher(one.number, one.number, ends, one.offered.transferable)
            self._told.append(name)

    def _not_refunded(self, one: Claim, quantity: int) -> dict[str, Any] | None:
        refused = super()._not_refunded(one, quantity)
        redeemed = self._so_many(one, "redeemed")
        if refused is None and quantity > one.captured - one.refunded - redeemed:
            return {"code": "voucher_used"}
        return refused

    def _refund(self, one: Claim, quantity: int) -> None:
        """Revoke as many as are given back, but for those that were revoked by hand and nothing was given back for."""
        spare = self._so_many(one, "revoked") - one.refunded
        super()._refund(one, quantity)
        left = [
            name for name in self._of(one) if self.vouchers[name].status in {"issued", "expired"}
        ]  # fmt: skip
        left.sort(key=lambda name: (self.vouchers[name].status == "expired", name), reverse=True)
        for name in left[: max(0, quantity - spare)]:
            self.vouchers[name].status = "revoked"
            self._told.append(name)

    def _of(self, one: Claim) -> list[OfClaim]:
        return [name for name in self.vouchers if len(name) == 2 and self.claims[name[0]] is one]

    def _so_many(self, one: Claim, status: str) -> int:
        return sum(self.vouchers[name].status == status for name in self._of(one))

    def _seen(self, one: Claim) -> dict[str, Any]:
        told, self._told = sorted(self._told), []
        return super()._seen(one) | ({"vouchers": told} if told else {})

    # --- rewards ------------------------------------------------------------------------------------------------

    def post(self, stay: Stay) -> dict[str, Any]:
        outcome = super().post(stay)
        for number in self.members:
            self._pass_milestones(number)
        return outcome

    def _pass_milestones(self, number: str) -> None:
        """Give what has been passed, and take back what isn't any more: what was used is only flagged."""
        granted = {(number, *place) for place in self.granted(number)}
        for place in granted:
            if place not in self.passed:
                self._grant(place)
            elif self.vouchers[self.passed[place]].reward == "flagged":
                self.vouchers[self.passed[place]].reward = "used"
        for place in [one for one in self.passed if one[0] == number and one not in granted]:
            one = self.vouchers[self.passed[place]]
            if one.reward in {"used", "flagged"}:
                one.reward = "flagged"
            else:
                one.reward = one.status = "revoked"
                del self.passed[place]

    def _grant(self, place: tuple[str, str, int]) -> None:
        before = sum(name[:3] == place for name in self.vouchers)
        months = REWARD_MONTHS[place[1]]
        self.passed[place] = *place, before
        self.vouchers[*place, before] = Voucher(
            place[0], place[0], None if months is None else months_later(self.today, months), reward="issued"
        )

    def use_reward(self, name: Name, key: str) -> dict[str, Any]:
        """Use a reward by its id, as its voucher would."""
        one = self.vouchers[name]

        def work() -> dict[str, Any]:
            if one.reward not in {"issued", "expired"}:
                return {"code": "reward_not_usable"}
            if one.reward == "expired" or one.over(self.today):
                return {"code": "reward_expired"}
            one.reward, one.status = "used", "redeemed"
            return self._changed(one, reward="used")

        return self._once(key, ("use", name), work)

    # --- codes --------------------------------------------------------------------------------------------------

    def redeem_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            one = self.vouchers[name]
            if refused := self._not_usable(one):
                return refused
            one.status, one.reward = "redeemed", one.reward and "used"
            return self._shown(one)

        return self._by_code(name, code, key, ("redeem", name, code), work)

    def revoke_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            one = self.vouchers[name]
            if refused := self._not_usable(one):
                return refused
            one.status, one.reward = "revoked", one.reward and "expired"
            return self._shown(one)

        return self._by_code(name, code, key, ("revoke", name, code), work)

    def hand_over(self, name: Name, code: int, to: str | None, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            one = self.vouchers[name]
            if refused := self._not_usable(one):
                return refused
            if not one.transferable:
                return {"code": "not_transferable"}
            if to is not None and to == one.holder:
                return {"code": "same_member"}
            one.handed_over, one.holder = one.handed_over + 1, to
            return self._shown(one)

        if to not in {None, *self.members} and code == self.vouchers[name].handed_over:
            return {"code": "unknown_member"}
        return self._by_code(name, code, key, ("hand over", name, code, to), work)

    def lapse(self) -> None:
        """Do as the job does: what can't be used any more is expired."""
        for one in self.vouchers.values():
            if one.over(self.today) and one.status == "issued":
                one.status, one.reward = "expired", one.reward and "expired"
                self._open_of(one.owner)

    def _by_code(
        self, name: Name, code: int, key: str, body: tuple[object, ...], work: Any
    ) -> dict[str, Any]:
        """Answer a request about a code: once it is void, only to whom it was answered before."""
        if code != self.vouchers[name].handed_over and key not in self.keys:
            return {"code": "unknown_voucher"}
        return self._once(key, body, work)

    def _not_usable(self, one: Voucher) -> dict[str, Any] | None:
        if one.status != "issued":
            return {"code": f"voucher_{one.status}"}
        return {"code": "voucher_expired"} if one.over(self.today) else None

    def _shown(self, one: Voucher) -> dict[str, Any]:
        return self._changed(one, voucher=one.status, handed_over=one.handed_over)

    def _changed(self, one: Voucher, **told: Any) -> dict[str, Any]:
        self._open_of(one.owner)
        return {"status": 200} | told

    def _open_of(self, number: str) -> None:
        """Open and expire a member's lots on the way, as every journal does."""
        self._expire(self.members[number])
        self._close(self.members[number])


class VouchingBooks(ClaimingBooks, Protocol):
    """Books in which vouchers are issued; `code` says which one of a voucher's codes is shown, the first being 0."""

    def use_reward(self, name: Name, key: str) -> dict[str, Any]: ...
    def redeem_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]: ...
    def revoke_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]: ...
    def hand_over(self, name: Name, code: int, to: str | None, key: str) -> dict[str, Any]: ...
    def lapse(self) -> None: ...


with_vouchers = st.sampled_from([code for code, one in sorted(OFFERS.items()) if one.voucher])


@dataclass(frozen=True)
class Deed:
    """Something that is done to a voucher, or to what it stands for: to the last but so many of those that it fits.

    The code is shown that was made so many hand-overs `ago`; a refund is of so many `less` than there are. What is done
    `again` is asked for twice under its key.
    """

    what: str
    place: int
    ago: int
    to: str | None
    less: int
    again: bool

    def fits(self, one: Voucher) -> tuple[bool, bool, bool]:
        """Return how well it fits: whether anything can still happen, there is an old code, it can be handed over."""
        return (
            one.status == "issued",
            self.ago <= one.handed_over,
            self.what != "hand_over" or one.transferable,
        )


DEEDS = (
    "redeem_voucher", "redeem_voucher", "hand_over", "hand_over", "revoke_voucher", "use_reward", "refund", "cancel",
    "stay again", "wait",
)  # fmt: skip
deeds = st.lists(
    st.builds(
        Deed, what=st.sampled_from(DEEDS), place=st.sampled_from([0, 0, 1, 2, 3, 5]), ago=st.sampled_from([0, 0, 0, 1]),
        to=st.sampled_from([None, *MEMBERS[:2] * 2, *MEMBERS]), less=st.sampled_from([0, 1, 1, 2]),
        again=st.sampled_from([False, False, True]),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


class VouchingLife(ClaimingLife):
    """The life of members who redeem and have vouchers: whatever becomes of these, and of what they stand for."""

    books: VouchingBooks
    oracle: VouchersOracle

    def __init__(self) -> None:
        super().__init__()
        self.oracle = VouchersOracle(
            self.oracle.today, pending_days=self.pending_days, idle_months=self.idle_months
        )

    @rule(number=members, offer=with_vouchers, quantity=quantities, deeds=deeds)
    def buy_vouchers(self, number: str, offer: str, quantity: int, deeds: list[Deed]) -> None:
        if number in self.oracle.members:
            self.adjust(number, OFFERS[offer].points * quantity)
        key = self._fresh()
        expected = self.oracle.hold(number, offer, quantity, key, capture=True)
        self._compare(expected, self.books.hold(number, offer, quantity, key, capture=True))
        self.deal_in_vouchers(deeds)

    @rule(target=Life.told, number=members, nights=st.integers(1, 4), deeds=deeds)
    def stay_for_rewards(self, number: str, nights: int, deeds: list[Deed]) -> Any:
        """Stay often enough to pass a milestone, wherever the stays were before."""
        stays = [
            Stay(
                ref, number, self.oracle.today - timedelta(days=nights), nights, (), revision=self._next(ref)
            )
            for ref in REFS[:3]
        ]
        for stay in stays:
            self._post(stay)
        self.deal_in_vouchers(deeds)
        return multiple(*stays)

    @rule(deeds=deeds)
    def deal_in_vouchers(self, deeds: list[Deed]) -> None:
        for deed in deeds:
            match deed.what:
                case "cancel":
                    self._post_again(deed, "checked_out", "cancelled")
                case "stay again":
                    self._post_again(deed, "cancelled", "checked_out")
                case "refund":
                    self._refund_some(deed)
                case "wait":
                    self._wait(deed)
                case _:
                    self._ask(deed)

    def lapse(self) -> None:
        self.oracle.lapse()
        self.books.lapse()
        self.after_each()

    # --- deeds --------------------------------------------------------------------------------------------------

    def _ask(self, deed: Deed) -> None:
        """Ask for something by the code of a voucher, or by the id of a reward."""
        vouchers, use = self.oracle.vouchers, deed.what == "use_reward"
        found = [name for name, one in vouchers.items() if one.reward or not use]
        found.sort(key=lambda name: deed.fits(vouchers[name]))
        for name in _pick(deed, found):
            code = max(0, vouchers[name].handed_over - deed.ago)
            more = {"use_reward": (), "hand_over": (code, deed.to)}.get(deed.what, (code,))
            key = self._fresh()
            for _ in range(1 + deed.again):
                expected = getattr(self.oracle, deed.what)(name, *more, key)
                self._compare(expected, getattr(self.books, deed.what)(name, *more, key))

    def _refund_some(self, deed: Deed) -> None:
        claims = [
            place
            for place, one in enumerate(self.oracle.claims)
            if one.offered.voucher and one.status == "captured"
        ]
        for claim in _pick(deed, claims):
            one = self.oracle.claims[claim]
            self._refund(claim, max(1, one.captured - one.refunded - deed.less))

    def _post_again(self, deed: Deed, before: str, then: str) -> None:
        """Post one of the stays of a status with another one."""
        heads = [one.said[one.head] for one in self.oracle.stays.values()]
        for stay in _pick(deed, [one for one in heads if one.status == before]):
            self._post(replace(stay, status=then, revision=None))

    def _wait(self, deed: Deed) -> None:
        """Let a voucher's time pass; the job may look at it, or come too late."""
        ends = {
            one.ends for one in self.oracle.vouchers.values() if one.ends and not one.over(self.oracle.today)
        }
        for day in _pick(deed, sorted(ends, reverse=True)):
            self.travel((day - self.oracle.today).days)
            if deed.again:
                self.lapse()

    def _next(self, ref: str) -> int:
        """Return the next revision of a stay."""
        return self.oracle.stays[ref].head + 1 if ref in self.oracle.stays else 0


def _pick(deed: Deed, found: list[T]) -> list[T]:
    """Return one of what there is, counted from the last; none of nothing."""
    return found[::-1][deed.place % len(found) :][:1] if found else []
