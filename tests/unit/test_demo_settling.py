"""How partners of the demo give points and are paid, against a service in memory that agrees to all, or to nothing."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date
from typing import Any, TypeVar

import httpx
import msgspec

from loyalty.demo.api import Api
from loyalty.demo.deeds import DEEDS, Deeds
from loyalty.demo.partners import AIRLINE, NAMES, SPA
from loyalty.demo.settling import Settling
from loyalty.demo.wire import Balance, Year
from loyalty.demo.wishes import Gift, made_up_gifts

T = TypeVar("T")

LAST = date(2026, 10, 31)
BALANCES = [
    Balance(f"mem_{place}", f"HX{place:06}", 100, 0, 0, Year("0", "0", "0.00")) for place in range(600)
]


def gift(partner: str, place: int) -> Gift:
    return Gift(f"HX00000{place}", partner, f"{partner}-{place}", 100 * place, "HE301", LAST)


class Service:
    """Answers what the demo reads, and remembers who asked for what; refuses what ends in one of `refused`."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, who = request.url.path, request.headers["Authorization"]
        body = msgspec.json.decode(request.content) if request.content else {}
        if request.method == "POST":
            self.asked.append((who, path.removeprefix("/v1/partners/"), body))
        if request.method == "POST" and path.endswith(self.refused):
            return httpx.Response(409, json={"status": 409, "code": "not_now"})
        partner, period = path.split("/")[3], path.rsplit("/", 1)[1]
        stated = {"partner": partner, "period": period, "status": "issued", "records": 1, "number": None}
        money = {"amount": "1.00", "currency": "CNY"}
        return httpx.Response(200, json=stated | {"points": body.get("points", 7), "money": money})


async def played(
    answer: Callable[[httpx.Request], httpx.Response], act: Callable[[Settling], Awaitable[T]]
) -> tuple[T, Deeds]:
    deeds = Deeds()
    async with AsyncExitStack() as stack:

        async def api(key: str) -> Api:
            client = httpx.AsyncClient(
                transport=httpx.MockTransport(answer), base_url="http://demo", headers={"Authorization": key}
            )
            return Api(await stack.enter_async_context(client))

        scene = Settling(await api("desk"), {code: await api(code) for code in NAMES}, deeds)
        return await act(scene), deeds


async def test_who_pays_before_gives_as_far_as_it_has_paid_for() -> None:
    service, turns = Service(), list[int]()
    gifts = [gift(SPA, 1), gift(AIRLINE, 2), gift(SPA, 3), gift(SPA, 4)]
    _, deeds = await played(service, lambda scene: scene.give(gifts, lambda count, _: turns.append(count)))
    paid, *given = [(who, body["points"]) for who, path, body in service.asked if path.startswith(SPA)]

    assert ("desk", 400) == paid
    assert [(SPA, 100), (SPA, 300), (SPA, 400)] == given
    assert 4 == sum(turns)
    assert deeds.points == Counter(partner_gave=1000, paid_ahead=400)
    assert 1000 == deeds.change


async def test_nobody_pays_for_a_single_gift() -> None:
    service = Service()
    _, deeds = await played(service, lambda scene: scene.give([gift(SPA, 1)], lambda *_: None))

    assert {"partner_gave": 1} == deeds.times
    assert "desk" not in {who for who, _, _ in service.asked}


async def test_last_months_statements_are_issued_and_those_of_this_month_only_looked_at() -> None:
    service = Service()
    stated, deeds = await played(service, lambda scene: scene.close(date(2026, 11, 29)))
    issued = [body for _, path, body in service.asked if path.endswith("/statements")]

    assert [{"period": "2026-10"}] * len(NAMES) == issued
    assert [("2026-10", code) for code in NAMES] + [("2026-11", code) for code in NAMES] == [
        (one.period, one.partner) for one in stated
    ]
    assert {"stated": 4, "accepted": 2, "settled": 1} == deeds.times
    assert set(deeds.times) <= set(DEEDS)


async def test_a_partner_accepts_with_its_own_key_and_the_desk_pays() -> None:
    service = Service()
    await played(service, lambda scene: scene.close(date(2026, 11, 29)))

    assert {(AIRLINE, f"{AIRLINE}/statements/2026-10/accept"), (SPA, f"{SPA}/statements/2026-10/accept")} == {
        (who, path) for who, path, _ in service.asked if path.endswith("accept")
    }
    assert ["desk"] == [who for who, path, _ in service.asked if path.endswith("settle")]


async def test_what_is_refused_is_counted() -> None:
    service = Service("accruals", "deposits", "statements")
    _, given = await played(service, lambda scene: scene.give([gift(SPA, 1), gift(SPA, 2)], lambda *_: None))
    _, closed = await played(service, lambda scene: scene.close(date(2026, 11, 29)))
    _, unpaid = await played(Service("accept", "settle"), lambda scene: scene.close(date(2026, 11, 29)))

    assert ({}, {"not_now": 3}) == (given.times, given.refused)
    assert ({}, {"not_now": 4}) == (closed.times, closed.refused)
    assert ({"stated": 4}, {"not_now": 3}) == (unpaid.times, unpaid.refused)


def test_the_same_seed_and_balances_give_the_same_gifts_each_to_another_guest_in_that_month() -> None:
    gifts = made_up_gifts(7, BALANCES, LAST)

    assert gifts == made_up_gifts(7, BALANCES[::-1], LAST)
    assert gifts != made_up_gifts(8, BALANCES, LAST)
    assert len(gifts) == len({one.number for one in gifts}) == len({one.reference for one in gifts})
    assert {(2026, 10)} == {(one.on.year, one.on.month) for one in gifts}
    assert {AIRLINE, SPA} == {one.partner for one in gifts}
