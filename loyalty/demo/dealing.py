"""Plays what guests do beside staying: each thing as the desk, the booking site or the operator asks for it."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from loyalty.demo.acts import Acts
from loyalty.demo.api import Api
from loyalty.demo.bonds import Bonds, Complaint, choice_of, meets
from loyalty.demo.deeds import Deeds
from loyalty.demo.group import PROPERTIES
from loyalty.demo.guests import Guest
from loyalty.demo.sending import Tick
from loyalty.demo.wire import (
    Adjusted,
    Approved,
    Balance,
    Chosen,
    Compensated,
    Given,
    Household,
    Merged,
    Reward,
    Used,
)

_LARGEST_MEAL: Final = 3000
"""Points of the household that a family spends at once."""
_MEETING: Final = "meeting_hour"


class Players(Struct, frozen=True):
    """The operator's own system, and the second person who agrees to what was proposed with it."""

    desk: Api
    supervisor: Api


class Scene(Acts):
    """Where things are asked for: with what everybody has before, and a tally of what became of it."""

    def __init__(self, players: Players, seed: int, balances: Sequence[Balance]) -> None:
        """Begin with nothing done."""
        super().__init__(players.desk, Deeds())
        self._supervisor = players.supervisor
        self._seed = seed
        self._balances = {balance.number: balance for balance in balances}
        self._choosers = [balance for balance in balances if balance.choices]
        self._meeters = [each for each in balances if _brings_a_room(each) and meets(seed, each.number)]

    def turns(self, bonds: Bonds) -> int:
        """How many guests, or pairs of them, have a turn."""
        return len(self._choosers) + len(self._meeters) + sum(
            len(some) for some in (
                bonds.families, bonds.gifts, bonds.buyers, bonds.complaints, bonds.merges, bonds.mistakes,
            )
        )  # fmt: skip

    async def play(self, bonds: Bonds, tick: Tick) -> None:
        """Play it all: rewards first, which merges would move; then what touches other members, side by side."""
        await self._thank(bonds.friends)
        await self._each(tick, [self._choose(balance) for balance in self._choosers])
        await self._each(tick, [self._meet(balance) for balance in self._meeters])
        await self._each(
            tick,
            [
                *(self._found(*pair) for pair in bonds.families),
                *(self._give(*gift) for gift in bonds.gifts),
                *(self._buy(*purchase) for purchase in bonds.buyers),
                *(self._complain(complaint) for complaint in bonds.complaints),
                *(self._merge(*pair) for pair in bonds.merges),
                *(self._merge(*pair, undone=True) for pair in bonds.mistakes),
            ],
        )

    # --- between guests -------------------------------------------------------------------------------------------

    async def _thank(self, friends: Mapping[str, str]) -> None:
        """Count who was brought, and what those got who brought them, as their statements say."""
        self.deeds.add("brought", times=len(friends))
        for number in sorted(set(friends.values())):
            for line in await self._desk.statement(self._balances[number].member_id):
                if line.kind == "referral":
                    self.deeds.add("friend_rewarded", line.points)

    async def _give(self, one: Guest, other: Guest, points: int) -> None:
        """The one with more points gives some to the other."""
        taker, giver = sorted((one, other), key=self._points)
        body = {"from": giver.number, "to": taker.number, "points": points}
        gift = await self._ask("/v1/transfers", body, f"gift-{giver.number}", Given)
        if gift is not None:
            self.deeds.add("gave", gift.points)

    async def _found(self, head: Guest, other: Guest) -> None:
        """Two guests pool their points, and the one with fewer spends more than that one has."""
        made = await self._ask("/v1/households", {"head": head.number}, f"found-{head.number}", Household)
        if made is None:
            return
        self.deeds.add("founded")
        path = f"/v1/households/{made.household_id}/members"
        for side in ("household", "member"):
            body = {"member": other.number, "consent": side}
            if await self._ask(path, body, f"join-{side}-{other.number}", Household) is None:
                return
        self.deeds.add("joined")
        await self._dine(head, other)

    async def _dine(self, head: Guest, other: Guest) -> None:
        """Spend all that the one with fewer points has, and some of what the other has."""
        now = await self._desk.balances([head.number, other.number])
        poorer, richer = sorted(now, key=lambda balance: balance.available)
        pooled = min(_LARGEST_MEAL, richer.available) // 2
        if poorer.available < 0 or pooled <= 0:
            return
        points = -poorer.available - pooled
        body = {
            "member": poorer.number,
            "points": points,
            "reason": "correction",
            "note": "Dinner, in points",
        }
        if await self._ask("/v1/adjustments", body, f"dinner-{poorer.number}", Adjusted) is not None:
            self.deeds.add("dined", -points)
            self.deeds.add("pooled", pooled)

    async def _merge(self, leaving: Guest, into: Guest, *, undone: bool = False) -> None:
        """Make one account of two cards; perhaps they were of two people after all."""
        path, body = f"/v1/members/{leaving.number}/merge", {"into": into.number}
        merged = await self._ask(path, body, f"merge-{leaving.number}", Merged)
        if merged is None:
            return
        self.deeds.add("merged", merged.points)
        if undone:
            path = f"/v1/merges/{merged.merge_id}/undo"
            back = await self._ask(path, {}, f"unmerge-{leaving.number}", Merged)
            if back is not None:
                self.deeds.add("unmerged", back.points)

    # --- at the desk ----------------------------------------------------------------------------------------------

    async def _buy(self, guest: Guest, points: int) -> None:
        body = {"member": guest.number, "points": points, "reference": f"PAY-{guest.number}"}
        bought = await self._ask("/v1/purchases", body, f"purchase-{guest.number}", Given)
        if bought is not None:
            self.deeds.add("bought", bought.points)

    async def _complain(self, one: Complaint) -> None:
        """Make good what went wrong; what is too much for one person, a second one decides on."""
        body = {"member": one.guest.number, "points": one.points, "reason": one.reason, "note": one.note}
        said = await self._ask("/v1/compensations", body, f"complaint-{one.guest.number}", Compensated)
        if said is None:
            return
        if said.approval_id is None:
            self.deeds.add("compensated", said.points)
            return
        self.deeds.add("proposed", said.points)
        path = f"/v1/approvals/{said.approval_id}/{'approve' if one.agreed else 'reject'}"
        verdict = await self._ask(path, {}, f"verdict-{said.approval_id}", Approved, self._supervisor)
        if verdict is not None:
            self.deeds.add(verdict.status, verdict.points if one.agreed else 0)

    async def _choose(self, balance: Balance) -> None:
        """Make some of a guest's choices, and use what was chosen at once, if it isn't points."""
        for place, choice in enumerate(balance.choices):
            code = choice_of(self._seed, balance.number, choice.milestone, place)
            if code is None:
                self.deeds.add("left_open")
                continue
            path = f"/v1/members/{balance.member_id}/rewards/{choice.reward_id}"
            key = f"{balance.number}-{choice.milestone}-{place}"
            chosen = await self._ask(f"{path}/choose", {"codes": [code]}, f"choose-{key}", Chosen)
            for reward in chosen.rewards if chosen else ():
                self.deeds.add("chose", reward.points)
                await self._use(balance, reward, place)

    async def _use(self, balance: Balance, reward: Reward, place: int) -> None:
        if reward.kind == "points" or place:
            return
        path = f"/v1/members/{balance.member_id}/rewards/{reward.reward_id}/use"
        if (
            await self._ask(path, {"property": PROPERTIES[0].code}, f"use-{reward.reward_id}", Used)
            is not None
        ):
            self.deeds.add("used_reward")

    async def _meet(self, balance: Balance) -> None:
        """Take the hour of a meeting room that the tier brings."""
        path, body = (
            f"/v1/members/{balance.member_id}/benefits/{_MEETING}/use",
            {"property": PROPERTIES[0].code},
        )
        if await self._ask(path, body, f"meeting-{balance.number}", Used) is not None:
            self.deeds.add("used_benefit")

    def _points(self, guest: Guest) -> int:
        return self._balances[guest.number].available


def _brings_a_room(balance: Balance) -> bool:
    return balance.tier is not None and any(each.code == _MEETING for each in balance.tier.benefits)
