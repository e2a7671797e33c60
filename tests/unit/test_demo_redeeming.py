"""How the demo's guests spend points, against a service in memory that agrees to everything, or to nothing."""

from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest

from loyalty.demo.api import Api
from loyalty.demo.deeds import DEEDS, Deeds
from loyalty.demo.partners import AIRLINE, CHECK, CLINIC, NIGHT, UPGRADE, contracts, offers
from loyalty.demo.redeeming import Counters, Redeeming, open_counters
from loyalty.demo.wishes import Asker, Fate, Wish, Wishes

Answer = Callable[[httpx.Request], httpx.Response]


def wish(
    fate: Fate, asker: Asker = Asker.SITE, offer: str = NIGHT, partner: str = "", quantity: int = 1
) -> Wish:
    return Wish(
        f"HX-{fate}-{asker}", offer, partner, asker, quantity, 1000 * quantity, {"date": "2027-03-01"}, fate
    )


class Agreeable:
    """Does all that it is asked, and remembers who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.codes = ["ONE", "TWO"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, msgspec.json.decode(request.content or b"{}")
        self.asked.append((request.headers["Authorization"], path, body))
        if request.method == "POST":
            assert request.headers["Idempotency-Key"] not in self.keys
            self.keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(200, content=msgspec.json.encode(self.answer(path, body)))

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        verb = path.rsplit("/", 1)[1]
        if verb == "redemption-tokens":
            return {"token": "rtk_1", "points": body["points"], "partner": body["partner"]}
        if verb == "vouchers":
            ours = [{"code": code, "redemption_id": "red_1"} for code in self.codes]
            return {"vouchers": [*ours, {"code": "OF-A-REWARD"}]}
        if verb == "hand-over":
            return {"voucher": {"code": "NEW"}}
        if verb == "redeem":
            return {"voucher": {"status": "redeemed"}}
        reply = {"redemption_id": "red_1", "status": verb, "points": 2000}
        if verb == "redemptions":
            return reply | {
                "points": body["max_points"],
                "captured_points": body["max_points"] * ("capture" in body),
            }
        captured = 1000 * body.get("quantity", 2)
        if verb == "capture":
            return reply | {"captured_points": captured}
        return reply | {"captured_points": 2000, "refunded_points": captured if verb == "refund" else 0}

    def who(self) -> list[tuple[str, str]]:
        """Who asked for what, by the last word of the path."""
        return [(who, path.rsplit("/", 1)[1]) for who, path, _ in self.asked]


async def played(answer: Answer, *apart: Wish, queue: tuple[Wish, ...] = ()) -> Deeds:
    async with AsyncExitStack() as stack:

        async def api(key: str) -> Api:
            client = httpx.AsyncClient(
                transport=httpx.MockTransport(answer), base_url="http://demo", headers={"Authorization": key}
            )
            return Api(await stack.enter_async_context(client))

        partners = {code: await api(code) for code in (AIRLINE, CLINIC)}
        scene = Redeeming(Counters(await api("desk"), await api("site"), partners), Deeds())
        wishes, turns = Wishes(apart, queue), list[int]()
        await scene.play(wishes, lambda count, _: turns.append(count))

    assert sum(turns) == len(wishes)
    return scene.deeds


async def test_partners_come_before_their_offers() -> None:
    service = Agreeable()
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(service), base_url="http://demo", headers={"Authorization": "desk"}
    ) as http:
        await open_counters(Api(http))
    paths = [path for _, path, _ in service.asked]

    assert {f"/v1/partners/{code}" for code in contracts()} == set(paths[: len(contracts())])
    assert {f"/v1/offers/{code}" for code in offers()} == set(paths[len(contracts()) :])


async def test_a_partner_spends_points_by_a_token_that_the_guest_makes_on_the_booking_site() -> None:
    service = Agreeable()
    deeds = await played(service, wish(Fate.CAPTURED, Asker.PARTNER, UPGRADE, AIRLINE))

    assert service.who() == [("site", "redemption-tokens"), (AIRLINE, "redemptions"), (AIRLINE, "capture")]
    assert service.asked[1][2]["token"] == "rtk_1"
    assert "member" not in service.asked[1][2]
    assert (1, 1000) == (deeds.times["agreed"], deeds.points["agreed"])


async def test_the_desk_says_why_and_the_clinic_captures() -> None:
    service = Agreeable()
    await played(service, wish(Fate.CAPTURED, Asker.DESK, CHECK, CLINIC, 2))

    assert service.who() == [("desk", "redemptions"), (CLINIC, "capture")]
    assert service.asked[0][2]["reason"]


async def test_what_the_hotel_gives_is_captured_at_its_desk() -> None:
    service = Agreeable()
    await played(service, wish(Fate.CAPTURED))

    assert service.who() == [("site", "redemptions"), ("desk", "capture")]


@pytest.mark.parametrize(
    ("fate", "times", "redeemed"),
    [
        (Fate.TAKEN, {"taken": 1}, 2000),
        (Fate.SHOWN, {"taken": 1, "handed_over": 1, "shown": 3}, 2000),
        (Fate.CAPTURED, {"set_aside": 1, "captured": 1}, 2000),
        (Fate.CAPTURED_PART, {"set_aside": 1, "captured_part": 1}, 1000),
        (Fate.RELEASED, {"set_aside": 1, "released": 1}, 0),
        (Fate.KEPT_OPEN, {"set_aside": 1, "kept_open": 1}, 0),
        (Fate.REFUNDED, {"set_aside": 1, "captured": 1, "refunded": 1}, 0),
        (Fate.REFUNDED_PART, {"set_aside": 1, "captured": 1, "refunded_part": 1}, 1000),
    ],
)
async def test_what_becomes_of_points_is_counted_with_how_many_were_spent(
    fate: Fate, times: dict[str, int], redeemed: int
) -> None:
    deeds = await played(Agreeable(), wish(fate, quantity=2))

    assert times == deeds.times
    assert redeemed == deeds.redeemed
    assert 2000 == sum(deeds.points[each] for each in ("set_aside", "taken"))
    assert set(deeds.times) <= set(DEEDS)
    assert 0 == deeds.change


async def test_a_friend_is_given_a_voucher_and_all_are_shown_at_the_door_one_of_them_twice() -> None:
    service = Agreeable()
    await played(service, wish(Fate.SHOWN, partner=CLINIC))
    after = [(who, path.removeprefix("/v1/")) for who, path, _ in service.asked[2:]]

    assert after == [
        ("site", "vouchers/TWO/hand-over"),
        (CLINIC, "vouchers/ONE/redeem"),
        (CLINIC, "vouchers/NEW/redeem"),
        (CLINIC, "vouchers/NEW/redeem"),
    ]


@pytest.mark.parametrize("fate", [Fate.TAKEN, Fate.CAPTURED])
async def test_vouchers_are_counted_where_the_points_are_captured(fate: Fate) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        captured = fate is Fate.TAKEN or request.url.path.endswith("capture")
        vouchers = {"vouchers": ["vch_1", "vch_2"]} if captured else {}
        reply = {"redemption_id": "red_1", "status": "captured", "points": 1000}
        return httpx.Response(200, json=reply | vouchers)

    deeds = await played(answer, wish(fate))

    assert 2 == deeds.times["vouchers"]


async def test_without_vouchers_there_is_nothing_to_show() -> None:
    service = Agreeable()
    service.codes = []
    deeds = await played(service, wish(Fate.SHOWN))

    assert {"taken": 1} == deeds.times


async def test_what_is_refused_at_the_door_is_counted() -> None:
    service = Agreeable()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("hand-over", "TWO/redeem")):
            return httpx.Response(409, json={"status": 409, "code": "voucher_redeemed"})
        return service(request)

    deeds = await played(answer, wish(Fate.SHOWN))

    assert {"voucher_redeemed": 3} == deeds.refused
    assert {"taken": 1, "shown": 1} == deeds.times


async def test_the_last_places_are_asked_for_one_after_the_other() -> None:
    places = iter([201, 409])

    def answer(_: httpx.Request) -> httpx.Response:
        status = next(places)
        refusal = {"status": status, "code": "sold_out"}
        reply = {"redemption_id": "red_1", "status": "captured", "points": 1000, "captured_points": 1000}
        return httpx.Response(status, json=reply if status == 201 else refusal)

    deeds = await played(answer, queue=(wish(Fate.TAKEN), wish(Fate.TAKEN, Asker.DESK)))

    assert (Counter(taken=1), Counter(sold_out=1)) == (deeds.times, deeds.refused)


@pytest.mark.parametrize("refused", ["redemption-tokens", "redemptions", "capture"])
async def test_what_is_refused_is_counted_and_ends_what_would_have_followed(refused: str) -> None:
    service = Agreeable()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(refused):
            return httpx.Response(422, json={"status": 422, "code": "not_now"})
        return service(request)

    deeds = await played(answer, wish(Fate.REFUNDED, Asker.PARTNER, UPGRADE, AIRLINE))

    assert {"not_now": 1} == deeds.refused
    assert deeds.times["captured"] == deeds.times["refunded"] == deeds.redeemed == 0
