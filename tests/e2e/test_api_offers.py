"""Partners and offers over HTTP: putting them on file by version, who sees what, and what a member may have."""

import datetime as dt
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loyalty.http.auth import Role

NAME = {"en": "Thai Air", "zh": "泰航"}
CONTRACT = {"currency": "CNY", "point_value": "0.0125"}
OFFERS = "/v1/offers"


def partner(code: str, **changes: Any) -> dict[str, Any]:
    return {"code": code, "name": NAME, "contract": CONTRACT} | changes


def offer(code: str, **changes: Any) -> dict[str, Any]:
    body = {
        "code": code, "kind": "merchandise", "name": {"en": "Umbrella", "zh": "雨伞"}, "prices": [{"points": 300}],
    }  # fmt: skip
    return {key: value for key, value in (body | changes).items() if value is not ...}


def put(api: Any, what: str, body: dict[str, Any], tag: str | None = None, role: Any = Role.OPERATOR) -> Any:
    headers = {} if tag is None else {"if_match": tag}
    return api.send("PUT", f"/v1/{what}/{body['code']}", body, role, **headers)


def told(answer: Any) -> tuple[int, str, str]:
    """Return a refusal's status, code and the first field that it names."""
    document = answer.json()
    pointers = [error.get("pointer", "") for error in document.get("errors", [])]
    return answer.status_code, document["code"], (pointers or [""])[0]


@pytest.fixture
def code(api: Any) -> str:
    """A code that nobody has used yet, of a partner on file."""
    made = f"p{secrets.token_hex(6)}"
    assert put(api, "partners", partner(made)).status_code == 201
    return made


@pytest.fixture
def member(api: Any) -> str:
    """A member of the lowest tier with 1,000 points."""
    number = api.member()
    assert api.adjust({"member": number, "points": 1000, "reason": "goodwill"}).status_code == 201
    return number


def shown(api: Any, query: str, role: Any = Role.BOOKING, **headers: str) -> tuple[dict[str, Any], bool]:
    """Return the one offer that a query finds, and whether it can be had."""
    answer = api.get(f"{OFFERS}?{query}", role, **headers)
    assert answer.status_code == 200, answer.text
    lists = answer.json()
    [one] = lists["offers"] + lists["others"]
    return one, bool(lists["offers"])


# --- On file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["partners", "offers"])
def test_a_change_names_the_version_that_it_changes(api: Any, what: str) -> None:
    code = f"v{secrets.token_hex(6)}"
    one = partner(code) if what == "partners" else offer(code)
    other = one | {"name": {"en": "Another", "zh": "另一个"}}
    answers = [
        put(api, what, one, '"1"'),
        put(api, what, one),
        put(api, what, one),
        put(api, what, other),
        put(api, what, other, '"7"'),
        put(api, what, other, 'W/"1"'),
        put(api, what, other, '"7", "1"'),
        put(api, what, one, "*"),
    ]

    assert [412, 201, 200, 428, 412, 412, 200, 200] == [answer.status_code for answer in answers]
    assert [None, '"1"', '"1"', None, None, None, '"2"', '"3"'] == [
        answer.headers.get("etag") for answer in answers
    ]
    assert ["precondition_failed", "precondition_required"] == [
        answers[place].json()["code"] for place in (0, 3)
    ]
    read = api.get(f"/v1/{what}/{code}")
    assert ('"3"', answers[-1].json()) == (read.headers["etag"], read.json())


def test_of_many_who_change_the_same_version_one_succeeds(api: Any, code: str) -> None:
    def change(place: int) -> int:
        return put(api, "partners", partner(code, name={"en": f"Air {place}", "zh": "航"}), '"1"').status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(16)))

    assert [200] + [412] * 15 == statuses
    assert 2 == api.get(f"/v1/partners/{code}").json()["version"]


def test_what_is_put_comes_back_as_it_was(api: Any, code: str) -> None:
    body = offer(
        f"{code}_o", kind="exhibition", partner=code, text={"en": "Water\nlilies", "zh": "睡莲"},
        images=["https://example.com/monet.jpg"],
        prices=[{"points": 900, "cash": "20.00", "tiers": ["gold"]}, {"points": 1200}],
        stock={"per": "date", "amount": 20, "slots": [{"slot": "2030-01-01", "amount": 5}]},
        limits=[{"most": 4, "per": "year"}], last="2030-06-30", hold_minutes=30, refundable_until_hours=48,
        voucher=True, transferable=True, value="15.00", events=["monet"],
    )  # fmt: skip
    made = put(api, "offers", body)

    assert 201 == made.status_code, made.text
    assert body == made.json()["offer"] == api.get(f"/v1/offers/{code}_o").json()["offer"]
    assert {key: value for key, value in body.items() if key != "value"} == api.get(
        f"/v1/offers/{code}_o", Role.BOOKING
    ).json()["offer"]


BAD_PARTNERS = [
    ({"code": "hotel"}, (422, "invalid_partner", "/code")),
    ({"code": "Thai"}, (400, "invalid_body", "/code")),
    ({"name": {"en": " ", "zh": "泰航"}}, (422, "invalid_partner", "/name/en")),
    ({"name": {"en": "Thai\u0000", "zh": "泰航"}}, (422, "invalid_partner", "/name/en")),
    ({"name": {"en": "Thai"}}, (400, "invalid_body", "/name/zh")),
    ({"time_zone": "Asia/Atlantis"}, (422, "invalid_partner", "/time_zone")),
    ({"status": "closed"}, (400, "invalid_body", "/status")),
    ({"contract": CONTRACT | {"point_value": "-1"}}, (400, "invalid_body", "/contract/point_value")),
    ({"contract": CONTRACT | {"account": "prepaid"}}, (422, "invalid_partner", "/contract/account")),
    ({"contract": CONTRACT | {"accrual_a_day": 5}}, (422, "invalid_partner", "/contract/accrual_a_day")),
    (
        {"contract": CONTRACT | {"point_value": "999999999999"}},
        (422, "invalid_partner", "/contract/point_value"),
    ),
    (
        {"contract": CONTRACT | {"accrual_price": "999999999999"}},
        (422, "invalid_partner", "/contract/accrual_price"),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_PARTNERS)
def test_a_partner_that_can_not_hold_is_refused_by_field(
    api: Any, changes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    before = api.books()
    answer = put(api, "partners", partner("bad_partner") | changes)

    assert expected == told(answer)
    assert before == api.books()


UPGRADE = {"kind": "airline_upgrade", "cabins": ["economy", "business"]}
MILES = {"points": 3, "miles": 1, "least": 3000, "step": 3000}
BAD_OFFERS = [
    ({"kind": "cruise"}, (400, "invalid_body", "/kind")),
    ({"partner": "nobody"}, (422, "invalid_offer", "/partner")),
    (UPGRADE, (422, "invalid_offer", "/partner")),
    (UPGRADE | {"partner": "CODE", "cabins": ["economy"]}, (422, "invalid_offer", "/cabins")),
    (UPGRADE | {"partner": "CODE", "cabins": ["economy", "economy"]}, (422, "invalid_offer", "/cabins/1")),
    ({"cabins": ["economy"]}, (422, "invalid_offer", "/cabins")),
    ({"venues": ["spa"]}, (422, "invalid_offer", "/venues")),
    ({"properties": ["XXX99"]}, (422, "invalid_offer", "/properties/0")),
    ({"prices": []}, (422, "invalid_offer", "/prices")),
    ({"prices": [{"points": -1}]}, (400, "invalid_body", "/prices/0/points")),
    ({"prices": [{"points": 1, "cash": "0.001"}]}, (422, "invalid_offer", "/prices/0/cash")),
    ({"prices": [{"points": 1, "tiers": ["tin"]}]}, (422, "invalid_offer", "/prices/0/tiers/0")),
    (
        {"prices": [{"points": 1, "first": "2026-02-01", "last": "2026-01-01"}]},
        (422, "invalid_offer", "/prices/0/last"),
    ),
    ({"first": "2026-02-01", "last": "2026-01-01"}, (422, "invalid_offer", "/last")),
    ({"tiers": ["tin"]}, (422, "invalid_offer", "/tiers/0")),
    ({"value": "0.001"}, (422, "invalid_offer", "/value")),
    ({"kind": "miles", "partner": "CODE", "prices": ...}, (422, "invalid_offer", "/miles")),
    ({"kind": "miles", "partner": "CODE", "miles": MILES}, (422, "invalid_offer", "/prices")),
    (
        {"kind": "miles", "partner": "CODE", "prices": ..., "miles": MILES | {"bonus": 5}},
        (422, "invalid_offer", "/miles/bonus"),
    ),
    (
        {"kind": "miles", "partner": "CODE", "prices": ..., "miles": MILES, "stock": {"amount": 5}},
        (422, "invalid_offer", "/stock"),
    ),
    ({"miles": MILES}, (422, "invalid_offer", "/miles")),
    ({"stock": {}}, (422, "invalid_offer", "/stock/amount")),
    (
        {"stock": {"amount": 1, "slots": [{"slot": "2030-01-01", "amount": 1}]}},
        (422, "invalid_offer", "/stock/slots"),
    ),
    ({"stock": {"per": "date", "amount": 1}}, (422, "invalid_offer", "/stock/per")),
    ({"kind": "free_night", "stock": {"per": "slot", "amount": 1}}, (422, "invalid_offer", "/stock/per")),
    ({"kind": "spa", "stock": {"per": "slot"}}, (422, "invalid_offer", "/stock/slots")),
    (
        {"kind": "spa", "stock": {"per": "slot", "slots": [{"slot": "2030-01-01", "amount": 1}]}},
        (422, "invalid_offer", "/stock/slots/0/slot"),
    ),
    (
        {"kind": "spa", "stock": {"per": "date", "slots": [{"slot": "2030-02-30", "amount": 1}]}},
        (422, "invalid_offer", "/stock/slots/0/slot"),
    ),
    (
        {"kind": "spa", "stock": {"per": "date", "slots": [{"slot": "2030-01-01", "amount": 1}] * 2}},
        (422, "invalid_offer", "/stock/slots/1/slot"),
    ),
    ({"hold_until_use": True}, (422, "invalid_offer", "/hold_until_use")),
    ({"refundable_until_hours": 5}, (422, "invalid_offer", "/refundable_until_hours")),
    (
        {"kind": "spa", "refundable": False, "refundable_until_hours": 5},
        (422, "invalid_offer", "/refundable_until_hours"),
    ),
    ({"transferable": True}, (422, "invalid_offer", "/transferable")),
    ({"images": ["http://example.com/a.jpg"]}, (400, "invalid_body", "/images/0")),
    ({"text": {"en": "", "zh": "好"}}, (422, "invalid_offer", "/text/en")),
    ({"colour": "red"}, (400, "invalid_body", "/colour")),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_OFFERS)
def test_an_offer_that_can_not_hold_is_refused_by_field(
    api: Any, code: str, changes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    if changes.get("partner") == "CODE":
        changes = changes | {"partner": code}
    before = api.books()
    answer = put(api, "offers", offer("bad_offer", **changes))

    assert expected == told(answer)
    assert before == api.books()


def test_what_is_about_another_code_than_its_address_is_refused(api: Any) -> None:
    answers = [
        api.send("PUT", "/v1/partners/one", partner("two")),
        api.send("PUT", "/v1/offers/one", offer("two")),
    ]

    assert [(422, "invalid_value", "/code")] * 2 == [told(answer) for answer in answers]


def test_currency_kind_and_partner_stay_as_they_are(api: Any, code: str) -> None:
    put(api, "offers", offer(f"{code}_o", partner=code))
    answers = [
        put(api, "partners", partner(code, contract=CONTRACT | {"currency": "JPY"}), "*"),
        put(api, "offers", offer(f"{code}_o"), "*"),
        put(api, "offers", offer(f"{code}_o", partner=code, kind="spa"), "*"),
    ]

    assert [
        (422, "invalid_partner", "/contract/currency"),
        (422, "invalid_offer", "/partner"),
        (422, "invalid_offer", "/kind"),
    ] == [told(answer) for answer in answers]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/partners/nobody", "unknown_partner"),
        ("/v1/offers/nothing", "unknown_offer"),
        ("/v1/offers/%00", "unknown_offer"),
    ],
)
def test_what_is_not_there_is_unknown(api: Any, path: str, expected: str) -> None:
    assert (404, expected, "") == told(api.get(path))


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_a_partner_sees_itself_and_its_own_offers_only(api: Any, code: str) -> None:
    own = api.new_key(Role.PARTNER, partner=code)
    put(api, "offers", offer(f"{code}_o", partner=code, value="9.00"))
    put(api, "offers", offer(f"{code}_h"))
    put(api, "partners", partner("thai_air"))
    listed = api.get(OFFERS, own).json()
    detail = api.get(f"/v1/offers/{code}_o", own).json()

    assert [code] == [one["code"] for one in api.get("/v1/partners", own).json()["partners"]]
    assert CONTRACT == api.get(f"/v1/partners/{code}", own).json()["contract"]
    assert [f"{code}_o"] == [one["code"] for one in listed["offers"] + listed["others"]]
    assert ("9.00", False) == (detail["offer"]["value"], "changed_by" in detail)
    assert (403, "forbidden_partner", "") == told(api.get("/v1/partners/thai_air", own))
    assert (404, "unknown_offer", "") == told(api.get(f"/v1/offers/{code}_h", own))
    assert [] == api.get(f"{OFFERS}?partner=hotel", own).json()["offers"]
    assert (403, "forbidden_role", "") == told(api.get(f"{OFFERS}?member={api.member()}", own))


def test_terms_of_contracts_are_for_operators(api: Any, code: str) -> None:
    seen = {role: api.get(f"/v1/partners/{code}", role).json() for role in (Role.BOOKING, Role.OPERATOR)}
    listed = api.get("/v1/partners", Role.PROPERTY).json()["partners"]

    assert CONTRACT == seen[Role.OPERATOR]["contract"]
    assert not [one for one in [seen[Role.BOOKING], *listed] if "contract" in one or "changed_by" in one]


# --- What a member may have -------------------------------------------------------------------------------------------


def test_a_member_sees_what_can_be_had_and_why_not_for_the_rest(api: Any, code: str, member: str) -> None:
    put(api, "offers", offer(f"{code}_a", partner=code))
    put(
        api,
        "offers",
        offer(f"{code}_b", partner=code, prices=[{"points": 1500, "cash": "20.5"}], tiers=["gold"]),
    )
    lists = api.get(f"{OFFERS}?member={member}&partner={code}", Role.BOOKING).json()
    [can], [other] = lists["offers"], lists["others"]
    [tier, points] = other["why_not"]

    assert (f"{code}_a", [{"points": 300}], False) == (can["code"], can["prices"], "why_not" in can)
    assert {"code": code, "name": NAME} == can["partner"]
    assert [{"points": 1500, "cash": {"amount": "20.50", "currency": "CNY"}}] == other["prices"]
    assert {"code": "wrong_tier", "among": ["gold"], "text": "It is for members of: gold."} == tier
    assert ("insufficient_points", 500, 1000) == (points["code"], points["missing"], points["available"])
    assert "500 points are missing: there are 1000." == points["text"]


def test_an_offer_speaks_the_language_that_is_asked_for_and_names_both(
    api: Any, code: str, member: str
) -> None:
    put(api, "offers", offer(f"{code}_o", partner=code, text={"en": "Folds", "zh": "可折叠"}, tiers=["gold"]))
    query = f"member={member}&offer={code}_o"
    en, _ = shown(api, query)
    zh, _ = shown(api, query, accept_language="zh-CN,zh;q=0.9,en;q=0.5")

    assert ("Umbrella", "Folds") == (en["title"], en["description"])
    assert ("雨伞", "可折叠") == (zh["title"], zh["description"])
    assert {"en": "Umbrella", "zh": "雨伞"} == en["name"] == zh["name"]
    assert "仅限以下等级的会员：gold。" == zh["why_not"][0]["text"]


def test_prices_are_those_of_the_members_tier_by_season(api: Any, code: str, member: str) -> None:
    soon, later = api.today + dt.timedelta(10), api.today + dt.timedelta(19)
    prices = [
        {"points": 100, "tiers": ["platinum"]},
        {"points": 900, "first": str(soon), "last": str(later)},
        {"points": 600},
    ]
    body = offer(f"{code}_o", kind="free_night", prices=prices, properties=["SHA01"])
    assert put(api, "offers", body).status_code == 201
    query = f"member={member}&offer={code}_o"
    all_days, _ = shown(api, query)
    one_day, _ = shown(api, f"{query}&on={soon}")
    nobody, _ = shown(api, f"offer={code}_o")

    assert [
        {"points": 600, "last": str(soon - dt.timedelta(1))},
        {"points": 900, "first": str(soon), "last": str(later)},
        {"points": 600, "first": str(later + dt.timedelta(1))},
    ] == all_days["prices"]
    assert [{"points": 900}] == one_day["prices"]
    assert prices == nobody["prices"]
    assert ("hotel", ["property", "arrival", "nights"]) == (all_days["partner"]["code"], all_days["details"])


def test_what_is_over_suspended_or_of_a_suspended_partner_can_not_be_had(
    api: Any, code: str, member: str
) -> None:
    yesterday, tomorrow = api.today - dt.timedelta(1), api.today + dt.timedelta(1)
    put(api, "offers", offer(f"{code}_a", partner=code, last=str(yesterday)))
    put(api, "offers", offer(f"{code}_b", partner=code, first=str(tomorrow), status="suspended"))
    put(api, "partners", partner(code, status="suspended"), '"1"')
    for query in (f"member={member}&partner={code}", f"partner={code}"):
        lists = api.get(f"{OFFERS}?{query}", Role.BOOKING).json()
        reasons = {one["code"]: [why["code"] for why in one["why_not"]] for one in lists["others"]}

        assert [] == lists["offers"]
        assert {
            f"{code}_a": ["partner_suspended", "offer_expired"],
            f"{code}_b": ["partner_suspended", "offer_suspended", "offer_not_open"],
        } == reasons


def test_miles_say_what_points_turn_into(api: Any, code: str, member: str) -> None:
    miles = MILES | {"bonus": 5000, "block": 60000}
    put(api, "offers", offer(f"{code}_o", kind="miles", partner=code, prices=..., miles=miles))
    one, can = shown(api, f"member={member}&offer={code}_o")

    assert (miles, False) == (one["miles"], can)
    assert [2000] == [why["missing"] for why in one["why_not"]]


def test_segments_open_offers(api: Any, code: str, member: str) -> None:
    put(api, "offers", offer(f"{code}_o", partner=code, segments=["golfers"]))
    query = f"member={member}&offer={code}_o"
    before = shown(api, query)[1]
    api.send(
        "PUT",
        f"/v1/members/{member}/segments",
        {"segments": ["golfers"]},
        idempotency_key=secrets.token_hex(8),
    )

    assert (False, True) == (before, shown(api, query)[1])


@pytest.mark.parametrize("query", ["on=2020-01-01", "on=2999-01-01", "on=soon", "kind=cruise"])
def test_a_parameter_that_can_not_be_used_is_refused(api: Any, query: str) -> None:
    answer = api.get(f"{OFFERS}?{query}")

    assert (400, "invalid_parameter") == told(answer)[:2]


def test_offers_are_found_by_kind_and_partner(api: Any, code: str) -> None:
    put(api, "offers", offer(f"{code}_a", partner=code))
    put(api, "offers", offer(f"{code}_b", partner=code, kind="spa", venues=["lake"]))

    def codes(query: str) -> list[str]:
        return [one["code"] for one in api.get(f"{OFFERS}?{query}").json()["offers"]]

    assert [f"{code}_a", f"{code}_b"] == codes(f"partner={code}")
    assert [f"{code}_b"] == codes(f"partner={code}&kind=spa")
    assert f"{code}_a" not in codes("partner=hotel")


# --- What is left -----------------------------------------------------------------------------------------------------


def test_what_is_left_is_told_of_all_or_of_each_slot(api: Any, code: str) -> None:
    day, next_day = (str(api.today + dt.timedelta(days)) for days in (5, 6))
    slots = [{"slot": f"{day}T10:00", "amount": 2}, {"slot": f"{next_day}T10:00", "amount": 0}]
    put(api, "offers", offer(f"{code}_a", partner=code, stock={"amount": 7}))
    put(api, "offers", offer(f"{code}_b", partner=code, kind="spa", stock={"per": "slot", "slots": slots}))
    put(api, "offers", offer(f"{code}_c", partner=code, kind="spa", stock={"per": "date", "amount": 9}))
    put(api, "offers", offer(f"{code}_d", partner=code, stock={"amount": 0}))

    def stock(name: str, query: str = "") -> tuple[Any, bool]:
        one, can = shown(api, f"offer={code}_{name}{query}")
        return one["stock"], can

    assert ({"per": "all", "left": 7}, True) == stock("a")
    assert (
        {"per": "slot", "slots": [{"slot": slots[0]["slot"], "left": 2}, {"slot": slots[1]["slot"], "left": 0}]}, True,
    ) == stock("b")  # fmt: skip
    assert ({"per": "slot", "slots": [{"slot": slots[1]["slot"], "left": 0}]}, False) == stock(
        "b", f"&on={next_day}"
    )
    assert ({"per": "slot"}, False) == stock("b", f"&on={api.today}")
    assert ({"per": "date", "amount": 9}, True) == stock("c", f"&on={day}")
    assert ({"per": "all", "left": 0}, False) == stock("d")


def test_what_is_taken_is_gone_and_can_not_be_taken_away(api: Any, code: str) -> None:
    body = offer(f"{code}_o", partner=code, stock={"amount": 10})
    put(api, "offers", body)
    name = f"stock:{code}_o"
    # Two shards have leased 3 each; one has used 2 of them.
    api.sql("UPDATE promotion_pool SET leased = 6 WHERE promotion = $1", name)
    api.sql("INSERT INTO promotion_budget VALUES (0, $1, 3, 2), (1, $1, 3, 0)", name)
    left = shown(api, f"offer={code}_o")[0]["stock"]["left"]
    too_few = put(api, "offers", body | {"stock": {"amount": 1}}, '"1"')
    fewer = put(api, "offers", body | {"stock": {"amount": 2}}, '"1"')
    after, can = shown(api, f"offer={code}_o")
    rows = api.sql(
        "SELECT shard, allotted, used FROM promotion_budget WHERE promotion = $1 ORDER BY shard", name
    )

    assert 8 == left
    assert ((422, "stock_too_small", "/stock"), {"used": 2}) == (told(too_few), too_few.json()["numbers"])
    assert (200, 0, False) == (fewer.status_code, after["stock"]["left"], can)
    assert "sold_out" == after["why_not"][0]["code"]
    assert [(0, 2, 2), (1, 0, 0)] == [tuple(row) for row in rows]
