"""Posting the history and showing it, against a service in memory that keeps the rules of revisions."""

import io
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, get_args

import httpx
import msgspec
import pytest
from rich.console import Console

from loyalty.demo.api import Api, ServiceFailedError
from loyalty.demo.deeds import DEEDS, Deeds
from loyalty.demo.farewell import curl_lines
from loyalty.demo.group import BY_CODE
from loyalty.demo.history import History, made_up_history
from loyalty.demo.pms import Kind
from loyalty.demo.sending import (
    enrol_all,
    lanes,
    post_in_batches,
    post_singly,
    read_balances,
    register_properties,
    split_live,
)
from loyalty.demo.show import Report, Speed, show_report
from loyalty.demo.tally import Tally
from loyalty.demo.transport import Spread
from loyalty.demo.wire import Amount, Stated
from loyalty.demo.words import LANGUAGES, PHRASES, in_language
from loyalty.http.auth import Role
from loyalty.partners.statements import StatementStatus
from loyalty.stays.model import StayPosting

UNTIL = date(2026, 10, 31)

SILVER = {"code": "silver", "name": {"en": "Silver", "zh": "银卡"}}
GOLD = {"code": "gold", "name": {"en": "Gold", "zh": "金卡"}}
ALBUM = {"code": "tenth_stay", "name": {"en": "Every tenth stay", "zh": "第10次入住纪念"}}


class FakeService:
    """Earns a point a night, and knows what has been said about each stay."""

    def __init__(self) -> None:
        self.members: Counter[str] = Counter()
        self.friends: dict[str, str] = {}
        self.properties: set[str] = set()
        self.stays: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self.full = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests[request.url.path] += 1
        if self.full:
            self.full -= 1
            return httpx.Response(503, headers={"Retry-After": "0"})
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1/properties/"):
            self.properties.add(path.rsplit("/", 1)[1])
            return httpx.Response(200, json={})
        if path == "/v1/stays/batch":
            items = [self.stay(line) for line in request.content.splitlines()]
            return httpx.Response(200, json={"results": items, "summary": {}})
        body = msgspec.json.decode(request.content)
        if path == "/v1/members":
            self.members[body["number"]] = 0
            if "referred_by" in body:
                self.friends[body["number"]] = body["referred_by"]
            return httpx.Response(201, json={"member_id": "mem_1", "number": body["number"]})
        if path == "/v1/balances":
            return httpx.Response(200, json={"balances": [self.found(each) for each in body["members"]]})
        item = self.stay(request.content)
        return httpx.Response(item["status"], json=item.get("reply") or item.get("problem"))

    def stay(self, line: bytes) -> dict[str, Any]:
        try:
            posting = msgspec.json.decode(line, type=StayPosting)
        except msgspec.ValidationError as error:
            return refusal(400, "invalid_body", str(error))
        if posting.property not in self.properties:
            return refusal(422, "unknown_property", f"There is no property {posting.property}.")
        if posting.member not in self.members:
            return refusal(404, "unknown_member", f"There is no member {posting.member}.")
        if not 0 < (posting.departure - posting.arrival).days < 365:
            return refusal(422, "stay_departure_before_arrival", "")
        return self.record(posting)

    def record(self, posting: StayPosting) -> dict[str, Any]:
        key = (posting.source, posting.property, posting.stay_ref)
        before = self.stays.get(key)
        if before is None:
            return self.post(key, posting, 0, "posted" if posting.status == "checked_out" else "unchanged")
        if before["posting"] == posting:
            return {"status": 200, "reply": before["reply"]}
        if posting.revision is not None and posting.revision < before["reply"]["revision"]:
            outdated = reply("superseded", posting.revision, before["points"], 0) | {"stay_id": "/".join(key)}
            return {"status": 200, "reply": outdated}
        if posting.revision is not None and posting.revision == before["reply"]["revision"]:
            return refusal(409, "stay_revision_conflict", "")
        return self.post(
            key, posting, before["points"], "revised" if posting.status == "checked_out" else "reversed"
        )

    def post(self, key: Any, posting: StayPosting, before: int, outcome: str) -> dict[str, Any]:
        points = (posting.departure - posting.arrival).days if posting.status == "checked_out" else 0
        earlier = self.stays.get(key)
        revision = posting.revision or (earlier["reply"]["revision"] + 1 if earlier else 0)
        self.members[posting.member] += points - before
        made = reply(outcome, revision, points, points - before) | {"stay_id": "/".join(key)}
        self.stays[key] = {"posting": posting, "reply": made, "points": points}
        return {"status": 201 if before == 0 else 200, "reply": made}

    def found(self, number: str) -> dict[str, Any]:
        if number not in self.members:
            return {"member": number, "problem": {"status": 404, "code": "unknown_member"}}
        return {"member": number, "balance": self.balance(number)}

    def balance(self, number: str) -> dict[str, Any]:
        points = self.members[number]
        year = {"nights": str(points), "stays": "1", "spend": "0.00"}
        tier = GOLD if points >= 10 else SILVER
        identity = {"member_id": "mem_" + number, "number": number, "tier": tier, "year": year}
        return identity | {"available": points, "held": 0, "debt": 0, "milestones": [ALBUM]}


def refusal(status: int, code: str, detail: str) -> dict[str, Any]:
    return {"status": status, "problem": {"status": status, "code": code, "title": code, "detail": detail}}


def reply(outcome: str, revision: int, points: int, change: int) -> dict[str, Any]:
    return {
        "stay_id": "",
        "member_id": "mem_1",
        "outcome": outcome,
        "revision": revision,
        "points": {"base": points, "tier_bonus": 0, "total": points},
        "change": change,
        "nights": str(points),
        "tier": {"before": "silver", "after": "gold" if points >= 10 else "silver"},
        "milestones": [{"code": "tenth_stay", "ordinal": 1, "status": "granted"}] if points >= 10 else [],
        "why": [{"code": "base"} if points else {"code": "not_checked_out"}],
    }


@pytest.fixture(scope="module")
def history() -> History:
    return made_up_history(3, 200, UNTIL)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def api(service: FakeService) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(service), base_url="http://demo") as http:
        yield Api(http)


def ignore(count: int, day: date | None) -> None:
    """A progress bar that nobody sees."""


async def play(api: Api, history: History) -> Report:
    tally = Tally()
    await register_properties(api)
    await enrol_all(api, history.guests, {}, ignore)
    past, live = split_live(history.postings, history.until)
    await post_in_batches(api, past, tally, ignore)
    latencies = await post_singly(api, live, tally, ignore)
    speeds = (Speed("batches", len(past), 1.5), Speed("singles", len(live), 0.5, latencies))
    return Report(history.guests, await read_balances(api, history.guests), tally, Deeds(), speeds)


def text_of(report: Report, language: str) -> str:
    console = Console(file=io.StringIO(), width=140)
    show_report(console, report, in_language(language))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_every_posting_is_sent_once_and_counted_once(api: Api, history: History) -> None:
    report = await play(api, history)
    sent = Counter(posting.kind for posting in history.postings)
    counted: Counter[Kind] = Counter()
    for (kind, _), count in report.tally.outcomes.items():
        counted[kind] += count

    assert counted == sent


async def test_each_kind_of_posting_has_the_outcome_that_the_service_gives_it(
    api: Api, history: History
) -> None:
    outcomes = (await play(api, history)).tally.outcomes

    assert {
        (Kind.STAY, "posted"),
        (Kind.CANCELLED, "unchanged"),
        (Kind.NO_SHOW, "unchanged"),
        (Kind.DUPLICATE, "unchanged"),
        (Kind.CORRECTION, "revised"),
        (Kind.OUTDATED, "superseded"),
        (Kind.MOVED, "revised"),
        (Kind.UNDONE, "reversed"),
        (Kind.BAD, "refused"),
    } >= set(outcomes) - {(Kind.BAD, "revised")}


async def test_points_issued_less_reversed_are_what_the_members_have(api: Api, history: History) -> None:
    report = await play(api, history)
    available = sum(balance.available for balance in report.balances)

    assert report.tally.issued - report.tally.reversed == available


async def test_all_members_and_properties_are_made_known(
    api: Api, service: FakeService, history: History
) -> None:
    await play(api, history)

    assert service.properties == set(BY_CODE)
    assert set(service.members) == {guest.number for guest in history.guests}


async def test_the_last_two_weeks_go_one_by_one(api: Api, service: FakeService, history: History) -> None:
    _, live = split_live(history.postings, history.until)
    await play(api, history)

    assert live
    assert service.requests["/v1/stays"] == len(live)
    assert min(posting.sent_on for posting in live) >= date(2026, 10, 18)


def test_lanes_keep_households_together_and_in_order(history: History) -> None:
    dealt = lanes(history.postings, 4)
    households: list[set[int]] = [{posting.household for posting in lane} for lane in dealt]

    assert sum(map(len, dealt)) == len(history.postings)
    assert sum(map(len, households)) == len({posting.household for posting in history.postings})
    assert all(lane == sorted(lane, key=lambda posting: posting.sent_on) for lane in dealt)


async def test_who_was_brought_by_a_friend_is_enrolled_after_the_friend(
    api: Api, service: FakeService, history: History
) -> None:
    await enrol_all(api, history.guests[:3], {"HX000001": "HX000003"}, ignore)

    assert ["HX000002", "HX000003", "HX000001"] == list(service.members)
    assert {"HX000001": "HX000003"} == service.friends


async def test_a_guest_with_two_cards_is_counted_once(api: Api, history: History) -> None:
    await enrol_all(api, history.guests[:1], {}, ignore)
    balances = await read_balances(api, [history.guests[0], history.guests[0]])

    assert ["HX000001"] == [balance.number for balance in balances]


async def test_a_full_service_is_asked_again(api: Api, service: FakeService, history: History) -> None:
    service.full = 3

    assert (await api.enrol(history.guests[0])).number == "HX000001"


async def test_another_answer_than_documented_is_told(history: History) -> None:
    broken = httpx.MockTransport(lambda _: httpx.Response(500, text="oh"))
    async with httpx.AsyncClient(transport=broken, base_url="http://demo") as http:
        with pytest.raises(ServiceFailedError, match="answered 500: oh"):
            await Api(http).enrol(history.guests[0])
        with pytest.raises(ServiceFailedError, match="not a problem document"):
            await Api(http).post_stay(history.postings[0])


async def test_a_member_without_a_balance_is_told(api: Api) -> None:
    with pytest.raises(ServiceFailedError, match="no balance of HX1, HX2"):
        await api.balances(["HX1", "HX2"])


async def test_the_first_failure_of_many_lanes_is_told(history: History) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://demo") as http:
        with pytest.raises(ServiceFailedError, match="POST /v1/members: ConnectError gone"):
            await enrol_all(Api(http), history.guests, {}, ignore)


async def test_requests_are_dealt_to_connections_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    numbers = itertools.count()

    def pool(**_: object) -> httpx.MockTransport:
        number = next(numbers)
        return httpx.MockTransport(lambda _: httpx.Response(200, text=str(taken.append(number))))

    monkeypatch.setattr(httpx, "AsyncHTTPTransport", pool)
    async with httpx.AsyncClient(transport=Spread(3), base_url="http://demo") as http:
        for _ in range(4):
            await http.get("/")

    assert taken == [0, 1, 2, 0]


async def test_the_tables_say_what_happened_in_english(api: Api, history: History) -> None:
    text = text_of(await play(api, history), "en")

    assert "Members by tier" in text
    assert "Gold" in text
    assert "金卡" in text
    assert "Cloud Crane on the Bund" in text
    assert "unknown_member" in text or "invalid_body" in text
    assert "Silver → Gold" in text
    assert "Every tenth stay: granted" in text


async def test_the_tables_say_what_happened_in_chinese(api: Api, history: History) -> None:
    text = text_of(await play(api, history), "zh")

    assert "各等级会员" in text
    assert "拒绝及原因" in text
    assert "云鹤外滩酒店" in text
    assert "银卡 → 金卡" in text


def test_tables_without_anything_to_say_are_left_out() -> None:
    text = text_of(Report([], [], Tally(), Deeds(), []), "en")

    assert "Refused" not in text


@pytest.mark.parametrize(("language", "name"), [("en", "Heron Air"), ("zh", "苍鹭航空")])
def test_statements_of_partners_tell_what_is_owed(language: str, name: str) -> None:
    owed, owing = Amount("1728.00", "CNY"), Amount("-42.50", "CNY")
    stated = [
        Stated("heron_air", "2026-10", "settled", 5, -2800, owing, "HERON_AIR-2026-10-0001"),
        Stated("heron_air", "2026-11", "open", 7, 144_000, owed),
    ]
    text = text_of(Report([], [], Tally(), Deeds(), [], stated), language)

    assert 2 == text.count(name)
    assert "HERON_AIR-2026-10-0001" in text
    assert "1,728.00 CNY" in text
    assert "-42.50 CNY" in text
    assert in_language(language)("state_settled") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_and_outcome_has_a_word(language: str) -> None:
    words = in_language(language)

    assert all(words(kind.value) for kind in Kind)
    assert all(words(deed) for deed in DEEDS)
    assert all(words(f"state_{status}") for status in get_args(StatementStatus))
    assert all(all(phrases) for phrases in PHRASES.values())


async def test_the_lines_to_try_name_a_real_member_and_carry_real_keys(api: Api, history: History) -> None:
    report = await play(api, history)
    lines = curl_lines(
        "http://127.0.0.1:8080", {Role.BOOKING: "lk_b", Role.PROPERTY: "lk_p"}, report.balances, UNTIL
    )
    best = max(report.balances, key=lambda balance: balance.available)

    assert len(lines) == 4
    assert f"'http://127.0.0.1:8080/v1/members/{best.member_id}/balance'" in lines[0]
    assert "statement?limit=5" in lines[1]
    assert all("Bearer lk_b" in line for line in lines[:3])
    assert f"/v1/offers?member={best.member_id}'" in lines[2]
    assert "Bearer lk_p" in lines[3]
    body = lines[3].split("-d '", 1)[1].split("'", 1)[0]
    assert msgspec.json.decode(body, type=StayPosting).member == best.number
