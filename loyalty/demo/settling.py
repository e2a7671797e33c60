"""Plays what passes between the hotel and its partners: points that they give, and a statement each month."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from loyalty.demo.acts import Acts
from loyalty.demo.api import Api
from loyalty.demo.calendar import end_of_last_month
from loyalty.demo.deeds import Deeds
from loyalty.demo.partners import AIRLINE, NAMES, SPA
from loyalty.demo.sending import Tick
from loyalty.demo.wire import Accrued, Fund, Stated
from loyalty.demo.wishes import Gift

_AGREES: Final = (AIRLINE, SPA)
"""Who accepts the statement at once; the others take their time."""
_PAID: Final = (AIRLINE,)


class Settling(Acts):
    """The scene: partners with a key each, and the hotel's desk, which pays them."""

    def __init__(self, desk: Api, partners: Mapping[str, Api], deeds: Deeds) -> None:
        """Go on with the tally of what guests did before."""
        super().__init__(desk, deeds)
        self._partners = partners

    async def give(self, gifts: Sequence[Gift], tick: Tick) -> None:
        """Have partners give points; one that pays before, one gift after the other, as far as it has paid for them."""
        await self._each(tick, [self._give(gift) for gift in gifts if gift.partner != SPA])
        paid_for = [gift for gift in gifts if gift.partner == SPA]
        await self._deposit(sum(gift.points for gift in paid_for[:-1]))
        for gift in paid_for:
            await self._give(gift)
            tick(1, None)

    async def close(self, today: date) -> list[Stated]:
        """Issue last month's statement of each partner; return these, and what this month's have so far."""
        last, now = f"{end_of_last_month(today):%Y-%m}", f"{today:%Y-%m}"
        stated: list[Stated] = []
        for code in NAMES:
            path = f"/v1/partners/{code}/statements"
            if await self._ask(path, {"period": last}, f"state-{code}", Stated) is not None:
                await self._agree(code, f"{path}/{last}")
            stated += [await self._desk.read(f"{path}/{period}", Stated) for period in (last, now)]
        return sorted(stated, key=lambda one: one.period)

    async def _deposit(self, points: int) -> None:
        if points <= 0:
            return
        body = {"reference": "PAY-1", "points": points}
        if await self._ask(f"/v1/partners/{SPA}/deposits", body, "deposit", Fund) is not None:
            self.deeds.add("paid_ahead", points)

    async def _give(self, gift: Gift) -> None:
        body = {
            "member": gift.number, "reference": gift.reference, "points": gift.points,
            "effective_on": gift.on.isoformat(), "what": gift.what,
        }  # fmt: skip
        path, giver = f"/v1/partners/{gift.partner}/accruals", self._partners[gift.partner]
        given = await self._ask(path, body, f"accrue-{gift.reference}", Accrued, giver)
        if given is not None:
            self.deeds.add("partner_gave", given.points)

    async def _agree(self, code: str, path: str) -> None:
        """Have a partner accept its statement, and the hotel pay it."""
        self.deeds.add("stated")
        partner = self._partners[code]
        if code in _AGREES and await self._ask(f"{path}/accept", {}, f"accept-{code}", Stated, partner):
            self.deeds.add("accepted")
        if code in _PAID and await self._ask(
            f"{path}/settle", {"payment": f"BANK-{code}"}, f"pay-{code}", Stated
        ):
            self.deeds.add("settled")
