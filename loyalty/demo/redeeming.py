"""Plays what guests do with their points: held, captured, released and refunded, each by who does so."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from loyalty.demo.acts import Acts
from loyalty.demo.api import Api
from loyalty.demo.deeds import Deeds
from loyalty.demo.partners import contracts, offers
from loyalty.demo.sending import Tick
from loyalty.demo.wire import Consent, Redeemed, Vouched, Vouchers
from loyalty.demo.wishes import Asker, Fate, Wish, Wishes

_PATH: Final = "/v1/redemptions"
_REASON: Final = "Asked for at the front desk"


class Counters(Struct, frozen=True):
    """Where points are spent: at the desk, on the booking site, and with each partner."""

    desk: Api
    site: Api
    partners: Mapping[str, Api]


async def open_counters(desk: Api) -> None:
    """Put the partners on file, and what there is for points."""
    for kind, bodies in (("partners", contracts()), ("offers", offers())):
        await asyncio.gather(*(desk.put(f"/v1/{kind}/{code}", body) for code, body in bodies.items()))


class Redeeming(Acts):
    """The scene: guests who want something, and those who give it."""

    def __init__(self, counters: Counters, deeds: Deeds) -> None:
        """Go on with the tally of what guests did before."""
        super().__init__(counters.desk, deeds)
        self._counters = counters

    async def play(self, wishes: Wishes, tick: Tick) -> None:
        """Play it all: side by side, then the last places one after the other."""
        await self._each(tick, map(self._redeem, wishes.apart))
        for wish in wishes.queue:
            await self._redeem(wish)
            tick(1, None)

    async def _redeem(self, wish: Wish) -> None:
        """Spend a guest's points, and let happen to them what is to happen."""
        asker, who = self._asker(wish), await self._named(wish)
        if who is None:
            return
        at_once = wish.fate in {Fate.TAKEN, Fate.SHOWN}
        body = {
            "offer": wish.offer, "quantity": wish.quantity, "details": wish.details,
            "reference": f"{wish.offer}-{wish.number}", "max_points": wish.points, **who,
            **({"reason": _REASON} if wish.asker is Asker.DESK else {}),
            **({"capture": True} if at_once else {}),
        }  # fmt: skip
        begun = await self._ask(_PATH, body, f"redeem-{wish.number}", Redeemed, asker)
        if begun is None:
            return
        self.deeds.add(Fate.TAKEN if at_once else "set_aside", begun.points)
        self._count_vouchers(begun)
        if wish.fate is Fate.SHOWN:
            await self._show(wish, begun)
        elif not at_once:
            await self._go_on(wish, begun)

    async def _go_on(self, wish: Wish, begun: Redeemed) -> None:
        """What comes after the hold, step by step; each tells how many points it moved."""
        before = begun
        for deed, verb, body in steps(wish):
            path = f"{_PATH}/{begun.redemption_id}/{verb}"
            after = await self._ask(path, body, f"{verb}-{wish.number}", Redeemed, self._giver(wish))
            if after is None:
                return
            self.deeds.add(deed, _moved(verb, before, after))
            if verb == "capture":
                self._count_vouchers(after)
            before = after
        if wish.fate is Fate.KEPT_OPEN:
            self.deeds.add(Fate.KEPT_OPEN, begun.points)

    async def _show(self, wish: Wish, redeemed: Redeemed) -> None:
        """Give one of the vouchers to a friend; then all are shown at the door, the friend's code by a stranger too."""
        site, door = self._counters.site, self._giver(wish)
        held = await site.read(f"/v1/members/{wish.number}/vouchers?status=issued", Vouchers)
        codes = [one.code for one in held.vouchers if one.redemption_id == redeemed.redemption_id]
        if not codes:
            return
        path = f"/v1/vouchers/{codes[-1]}/hand-over"
        given = await self._ask(path, {}, f"hand-over-{wish.number}", Vouched, site)
        if given is not None:
            self.deeds.add("handed_over")
            codes[-1] = given.voucher.code
        for place, code in enumerate([*codes, codes[-1]]):
            path, key = f"/v1/vouchers/{code}/redeem", f"show-{wish.number}-{place}"
            if await self._ask(path, {}, key, Vouched, door) is not None:
                self.deeds.add(Fate.SHOWN)

    def _count_vouchers(self, redeemed: Redeemed) -> None:
        if redeemed.vouchers:
            self.deeds.add("vouchers", times=len(redeemed.vouchers))

    async def _named(self, wish: Wish) -> dict[str, str] | None:
        """Say whose points: by name, or by a token that the guest makes for the partner."""
        if wish.asker is not Asker.PARTNER:
            return {"member": wish.number}
        body = {"partner": wish.partner, "points": wish.points}
        path = f"/v1/members/{wish.number}/redemption-tokens"
        consent = await self._ask(path, body, f"token-{wish.number}", Consent, self._counters.site)
        if consent is None:
            return None
        self.deeds.add("agreed", consent.points)
        return {"token": consent.token}

    def _asker(self, wish: Wish) -> Api:
        at = {Asker.DESK: self._counters.desk, Asker.SITE: self._counters.site}
        return at.get(wish.asker) or self._giver(wish)

    def _giver(self, wish: Wish) -> Api:
        """Who gives what was wanted, and so captures it: the partner, or the hotel's desk."""
        return self._counters.partners[wish.partner] if wish.partner else self._counters.desk


def steps(wish: Wish) -> Iterator[tuple[str, str, dict[str, object]]]:
    """What follows a hold: what it is counted as, the verb, and what is sent."""
    fate = wish.fate
    if fate is Fate.RELEASED:
        yield fate, "release", {"reason": "Changed plans"}
    if fate in {Fate.CAPTURED, Fate.REFUNDED, Fate.REFUNDED_PART}:
        yield Fate.CAPTURED, "capture", {}
    if fate is Fate.CAPTURED_PART:
        yield fate, "capture", {"quantity": 1}
    if fate is Fate.REFUNDED:
        yield fate, "refund", {"reason": "Can not come"}
    if fate is Fate.REFUNDED_PART:
        yield fate, "refund", {"reason": "One of two can not come", "quantity": 1}


def _moved(verb: str, before: Redeemed, after: Redeemed) -> int:
    """The points that a step moved."""
    if verb == "capture":
        return after.captured_points
    return before.points if verb == "release" else after.refunded_points - before.refunded_points
