"""What the demo's guests do beside staying, against a service in memory that agrees to everything, or to nothing."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from loyalty.demo.api import Api
from loyalty.demo.bonds import Bonds, Complaint, made_up_bonds
from loyalty.demo.dealing import Players, Scene
from loyalty.demo.deeds import Deeds
from loyalty.demo.guests import Guest, made_up_guests
from loyalty.demo.history import made_up_history
from loyalty.demo.wire import Balance, Benefit, Choice, TierNow, Year

UNTIL = date(2026, 10, 31)
GUESTS = made_up_guests(1, 12, date(2024, 11, 1), UNTIL)
GOLD = TierNow("gold", {"en": "Gold", "zh": "金卡"})
PLATINUM = TierNow("platinum", {"en": "Platinum", "zh": "铂金卡"}, [Benefit("meeting_hour")])


def balance_of(guest: Guest, points: int, tier: TierNow = GOLD, choices: int = 0) -> Balance:
    open_ones = [Choice(f"rwd_{place}", "forty_nights") for place in range(choices)]
    year = Year("0", "0", "0.00")
    return Balance("mem_" + guest.number, guest.number, points, 0, 0, year, tier, choices=open_ones)


class Agreeable:
    """Does all that it is asked, and remembers who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.points = {guest.number: 1000 * place for place, guest in enumerate(GUESTS)}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, who = request.url.path, request.headers["Authorization"]
        body = msgspec.json.decode(request.content) if request.content else {}
        self.asked.append((who, path, body))
        if request.method == "POST" and path != "/v1/balances":
            assert request.headers["Idempotency-Key"] not in self.keys
            self.keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(200, content=msgspec.json.encode(self.answer(path, body)))

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        last = path.rsplit("/", 1)[1]
        if path == "/v1/balances":
            return {"balances": [{"member": one, "balance": self.balance(one)} for one in body["members"]]}
        if path == "/v1/compensations":
            proposed = body["points"] > 2000
            approval = {"approval_id": f"apr_{body['member']}"} if proposed else {}
            return {"status": "proposed" if proposed else "posted", "points": body["points"], **approval}
        if last in {"approve", "reject"}:
            return {"status": {"approve": "approved", "reject": "rejected"}[last], "points": 3000}
        if last == "statement":
            return {"lines": [{"kind": "referral", "points": 1000}, {"kind": "stay_posted", "points": 7}]}
        if last == "choose":
            points = 2000 if body["codes"] == ["points_gift"] else 0
            kind = "points" if points else "voucher"
            return {"rewards": [{"reward_id": "rwd" + path.split("/")[3], "kind": kind, "points": points}]}
        return {"household_id": "hsh_1", "merge_id": "mrg_1", "points": body.get("points", 500)}

    def balance(self, number: str) -> dict[str, Any]:
        year = {"nights": "0", "stays": "0", "spend": "0.00"}
        points = self.points[number]
        return {
            "member_id": "mem_" + number, "number": number, "available": points, "held": 0, "debt": 0, "year": year,
        }  # fmt: skip


def nothing(**some: Any) -> Bonds:
    """No bonds but some."""
    fields = dict.fromkeys(("families", "gifts", "buyers", "complaints", "merges", "mistakes"), ())
    return Bonds(**({"friends": {}} | fields | some))


async def played(
    answer: Callable[[httpx.Request], httpx.Response], bonds: Bonds, balances: list[Balance] | None = None
) -> Deeds:
    def client(key: str) -> httpx.AsyncClient:
        headers = {"Authorization": key}
        return httpx.AsyncClient(
            transport=httpx.MockTransport(answer), base_url="http://demo", headers=headers
        )

    if balances is None:
        balances = [balance_of(guest, 1000 * place) for place, guest in enumerate(GUESTS)]
    turns: list[int] = []
    async with client("desk") as desk, client("supervisor") as supervisor:
        scene = Scene(Players(Api(desk), Api(supervisor)), 1, balances)
        await scene.play(bonds, lambda count, _: turns.append(count))

    assert sum(turns) == scene.turns(bonds)
    return scene.deeds


async def test_the_guest_with_more_points_gives() -> None:
    service = Agreeable()
    deeds = await played(service, nothing(gifts=[(GUESTS[0], GUESTS[1], 300)]))
    [(_, path, body)] = service.asked

    assert ("/v1/transfers", {"from": "HX000002", "to": "HX000001", "points": 300}) == (path, body)
    assert (1, 300) == (deeds.times["gave"], deeds.points["gave"])


async def test_a_second_person_decides_on_more_than_one_may_give() -> None:
    service = Agreeable()
    complaints = [
        Complaint(GUESTS[0], "noise", "A party", 300),
        Complaint(GUESTS[1], "service", "Walked", 3000),
        Complaint(GUESTS[2], "service", "Walked", 3000, agreed=False),
    ]
    deeds = await played(service, nothing(complaints=complaints))
    verdicts = {(who, path) for who, path, _ in service.asked if "approvals" in path}

    assert verdicts == {
        ("supervisor", "/v1/approvals/apr_HX000002/approve"),
        ("supervisor", "/v1/approvals/apr_HX000003/reject"),
    }
    assert deeds.times == Counter({"compensated": 1, "proposed": 2, "approved": 1, "rejected": 1})
    assert deeds.points == Counter(compensated=300, proposed=6000, approved=3000)


async def test_a_family_dines_on_all_that_the_one_has_and_some_of_what_the_other_has() -> None:
    service = Agreeable()
    deeds = await played(service, nothing(families=[(GUESTS[5], GUESTS[4])]))
    dinner = next(body for _, path, body in service.asked if path == "/v1/adjustments")

    assert ("HX000005", -4000 - 1500) == (dinner["member"], dinner["points"])
    assert deeds.points == Counter(dined=5500, pooled=1500)
    assert deeds.change == -5500


async def test_a_family_without_points_does_not_dine() -> None:
    service = Agreeable()
    service.points = dict.fromkeys(service.points, 0)
    deeds = await played(service, nothing(families=[(GUESTS[0], GUESTS[1])]))

    assert deeds.times == Counter({"founded": 1, "joined": 1})


async def test_only_a_mistaken_merge_is_undone() -> None:
    service = Agreeable()
    deeds = await played(service, nothing(merges=[(GUESTS[0], GUESTS[1])], mistakes=[(GUESTS[2], GUESTS[3])]))

    assert deeds.times == Counter({"merged": 2, "unmerged": 1})
    assert ["/v1/merges/mrg_1/undo"] == [path for _, path, _ in service.asked if "undo" in path]


async def test_who_brought_others_is_thanked_by_the_service() -> None:
    deeds = await played(
        Agreeable(), nothing(friends={"HX000001": "HX000009", "HX000002": "HX000009", "HX000003": "HX000010"})
    )

    assert (3, 2) == (deeds.times["brought"], deeds.times["friend_rewarded"])
    assert deeds.points["friend_rewarded"] == 2000


async def test_some_choices_are_made_and_what_is_not_points_is_used() -> None:
    balances = [balance_of(guest, 0, choices=1) for guest in GUESTS]
    service = Agreeable()
    deeds = await played(service, nothing(), balances)
    gifts = sum(body == {"codes": ["points_gift"]} for _, _, body in service.asked)

    assert len(GUESTS) == deeds.times["chose"] + deeds.times["left_open"]
    assert 0 < deeds.times["left_open"] < len(GUESTS)
    assert deeds.times["used_reward"] == deeds.times["chose"] - gifts > 0
    assert deeds.points["chose"] == 2000 * gifts


async def test_some_whose_tier_brings_a_meeting_room_use_it() -> None:
    platinum = await played(Agreeable(), nothing(), [balance_of(guest, 0, PLATINUM) for guest in GUESTS])
    gold = await played(Agreeable(), nothing(), [balance_of(guest, 0) for guest in GUESTS])

    assert 0 < platinum.times["used_benefit"] < len(GUESTS)
    assert gold.times.total() == 0


async def test_what_is_refused_is_counted_and_ends_what_would_have_followed() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/balances" or request.method == "GET":
            return httpx.Response(200, json={"balances": [], "lines": []})
        return httpx.Response(422, json={"status": 422, "code": "not_offered"})

    bonds = made_up_bonds(1, made_up_history(1, 12, UNTIL))
    balances = [balance_of(guest, 1000, PLATINUM, choices=1) for guest in GUESTS]
    deeds = await played(refuse, bonds, balances)

    assert set(deeds.times) <= {"brought", "left_open"}
    assert set(deeds.refused) == {"not_offered"}


@pytest.mark.parametrize("side", ["household", "member"])
async def test_who_does_not_agree_does_not_join(side: str) -> None:
    service = Agreeable()

    def answer(request: httpx.Request) -> httpx.Response:
        body = msgspec.json.decode(request.content)
        if body.get("consent") == side:
            return httpx.Response(409, json={"status": 409, "code": "household_full"})
        return service(request)

    deeds = await played(answer, nothing(families=[(GUESTS[0], GUESTS[1])]))

    assert deeds.times == Counter({"founded": 1})
    assert deeds.refused == {"household_full": 1}
