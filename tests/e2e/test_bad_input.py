"""Bad input, case by case: status, code and place of what is wrong; and nothing has changed. Never a 500."""

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from loyalty.http.auth import Role

MEGABYTE = 1 << 20
# What only a program would say: a regular expression, a class, a type of msgspec or of Python.
_TELLTALE = re.compile(
    r"regex|\(\?|\^\[|\[\^|\{\d+,\d*\}|\$\(|`(str|int|object|array)`|Traceback|asyncpg|msgspec|<class"
)

STATED = "2026-01"
UNKNOWN = "Unknown field."
MISSING = "Required field is missing."
CODE = "Expected a code of 1 to 32 letters, digits and `_.*+/-`."
TEXT = "Expected a text of 1 to 64 printable ASCII characters, no space at either end."
AMOUNT = 'Expected a decimal number like "1197.00", not negative, at most 12 digits and 3 decimals.'
CURRENCY = "Expected an ISO 4217 code of three capital letters, like CNY."
MEMBER = "Expected a membership number of at most 40 letters, digits and hyphens, or a member id (`mem_…`)."
DATE = "Expected a date, like 2026-01-31."
SPAN = "Expected a date between 1970-01-01 and 2199-12-31."


def room(amount: Any, **more: Any) -> dict[str, Any]:
    return {"lines": [{"category": "room", "amount": amount} | more]}


# What is changed in a good posting · status · code · pointer · detail, where it matters.
STAYS: list[tuple[dict[str, Any], int, str, str, str | None]] = [
    # fields
    ({"points": 5}, 400, "invalid_body", "/points", UNKNOWN),
    ({"a/b~c": 5}, 400, "invalid_body", "/a~1b~0c", UNKNOWN),
    ({"": 5}, 400, "invalid_body", "/", UNKNOWN),
    ({"😀": 5}, 400, "invalid_body", "/😀", UNKNOWN),
    (room("1", vat=1), 400, "invalid_body", "/lines/0/vat", UNKNOWN),
    *[({name: ...}, 400, "invalid_body", f"/{name}", MISSING) for name in (
        "source", "property", "stay_ref", "member", "status", "arrival", "departure", "channel", "currency", "lines")],
    ({"lines": [{"category": "room"}]}, 400, "invalid_body", "/lines/0/amount", MISSING),
    *[({name: 5}, 400, "invalid_body", f"/{name}", None) for name in (
        "source", "property", "stay_ref", "member", "status", "arrival", "departure", "channel", "currency", "lines")],
    *[({name: None}, 400, "invalid_body", f"/{name}", None) for name in ("source", "leg", "rooms", "lines", "status")],
    ({"leg": "1"}, 400, "invalid_body", "/leg", "Expected an integer, got a string."),
    ({"leg": 1.5}, 400, "invalid_body", "/leg", None),
    ({"leg": True}, 400, "invalid_body", "/leg", "Expected an integer, got true or false."),
    ({"leg": 0}, 400, "invalid_body", "/leg", None),
    ({"leg": 1000}, 400, "invalid_body", "/leg", None),
    ({"leg": 10**40}, 400, "invalid_body", "/leg", None),
    ({"revision": -1}, 400, "invalid_body", "/revision", None),
    ({"revision": 2**31 - 1}, 400, "invalid_body", "/revision", None),
    ({"revision": 2**63}, 400, "invalid_body", "/revision", None),
    ({"rooms": 0}, 400, "invalid_body", "/rooms", None),
    ({"rooms": -(10**30)}, 400, "invalid_body", "/rooms", None),
    ({"lines": {}}, 400, "invalid_body", "/lines", "Expected an array, got an object."),
    ({"lines": [5]}, 400, "invalid_body", "/lines/0", "Expected an object, got an integer."),
    ({"lines": [{"category": "room", "amount": "1"}] * 201}, 400, "invalid_body", "/lines", None),
    ({"status": "checked-out"}, 400, "invalid_body", "/status", "Expected one of: cancelled, checked_out, no_show."),
    ({"channel": "carrier pigeon"}, 400, "invalid_body", "/channel", None),
    # amounts
    *[(room(amount), 400, "invalid_body", "/lines/0/amount", AMOUNT) for amount in (
        "-1", "-0.01", "1." + "0" * 30, "1" * 13, "1e5", "NaN", "Infinity", "", " 1", "1 ", "1,5", "+1", ".5", "5.",
        "0x10", "１", "1_000", "\u0661", "1\n", "1\0", "😀")],
    (room(5), 400, "invalid_body", "/lines/0/amount", "Expected a string, got an integer."),
    (room(1197.0), 400, "invalid_body", "/lines/0/amount", None),
    (room("1.001"), 422, "invalid_value", "/lines/0/amount", "CNY has 2 decimals: 1.001 is too fine."),
    (room("1.5") | {"currency": "JPY"}, 422, "invalid_value", "/lines/0/amount",
     "JPY has no decimals: 1.5 is too fine."),
    (room("1.0") | {"currency": "JPY"}, 422, "invalid_value", "/lines/0/amount", None),
    (room("999999999999"), 422, "invalid_value", "/lines", "The stay is worth more than 2000000 CNY."),
    ({"lines": [{"category": "room", "amount": "20000"}] * 101}, 422, "invalid_value", "/lines", None),
    # categories
    *[({"lines": [{"category": it, "amount": "1"}]}, 400, "invalid_body", "/lines/0/category", None) for it in (
        "", "Room", "room service", "1room", "房", "room\n", "room\0", "r" * 33, 5, None)],
    # dates
    *[({name: it}, 400, "invalid_body", f"/{name}", DATE) for name in ("arrival", "departure") for it in (
        "2026-02-30", "2026-2-3", "20260203", "2026-02-03T10:00:00Z", "", "yesterday", "0000-01-01", "10000-01-01",
        "2026-02-03\0")],
    ({"arrival": "2026-01-05", "departure": "2026-01-04"}, 422, "stay_departure_before_arrival", "/departure", None),
    ({"departure": "2199-01-01", "arrival": "2198-12-30"}, 422, "invalid_value", "/departure",
     "A stay that is checked out can't end in the future."),
    ({"arrival": "2025-01-01", "departure": "2026-02-05"}, 422, "stay_too_long", "/departure",
     "400 nights are more than the 365 the program allows."),
    ({"arrival": "0001-01-01", "departure": "9999-12-31"}, 422, "stay_too_long", "/departure", None),
    ({"arrival": "9999-12-30", "departure": "9999-12-31"}, 422, "invalid_value", "/arrival", SPAN),
    ({"arrival": "0001-01-01", "departure": "0001-01-02"}, 422, "invalid_value", "/arrival", SPAN),
    (room("1", date="2026-02-30"), 400, "invalid_body", "/lines/0/date", DATE),
    (room("1", date="1999-01-01"), 422, "invalid_value", "/lines/0/date", "The date is outside of the stay."),
    (room("1", date="2999-01-01"), 422, "invalid_value", "/lines/0/date", "The date is outside of the stay."),
    # who and where
    ({"property": "NOPE"}, 422, "unknown_property", "/property", "There is no property NOPE."),
    ({"currency": "XXX"}, 422, "unknown_currency", "/currency", "The program has no rate for XXX."),
    *[({"currency": it}, 400, "invalid_body", "/currency", CURRENCY) for it in (
        "cny", "CN", "CNYY", "元", "CNY\n", "")],
    ({"member": "HX0000000000"}, 404, "unknown_member", "/member", None),
    ({"member": "mem_" + "0" * 32}, 404, "unknown_member", "/member", None),
    ({"member": "mem_" + "f" * 32}, 404, "unknown_member", "/member", None),
    ({"member": "mem_x"}, 404, "unknown_member", "/member", None),
    *[({"member": it}, 400, "invalid_body", "/member", MEMBER) for it in (
        "", "😀", "HX\0", "HX\n", "HX 1", "x" * 41, "'; DROP TABLE member; --")],
    *[({"stay_ref": it}, 400, "invalid_body", "/stay_ref", TEXT) for it in (
        "", " ", " R", "R ", "R\n", "\nR", "R\0", "\0", "😀", "R😀", "客", "x" * 65, "a\tb", "\x7f")],
    *[({name: it}, 400, "invalid_body", f"/{name}", CODE) for name in ("source", "property", "rate_code", "room_type")
      for it in ("", "😀", "A\0", "A\n", "A B", "x" * 33)],
]  # fmt: skip


def check(
    api: Any, answer: Any, status: int, code: str, pointer: str | None, detail: str | None = None
) -> None:
    """A problem document, whole, with this place among its errors, in words for people."""
    problem = answer.json()
    assert (status, code) == (answer.status_code, problem["code"]), problem
    assert "application/problem+json" == answer.headers["content-type"]
    assert {"type", "title", "status", "code", "detail", "request_id"} <= problem.keys()
    assert answer.headers["x-request-id"] == problem["request_id"]
    assert not _TELLTALE.search(problem["detail"] + "".join(it["detail"] for it in problem.get("errors", [])))
    if pointer is not None:
        found = [(it.get("pointer", ""), it["detail"]) for it in problem["errors"]]
        assert pointer == found[0][0], found
        assert detail is None or detail == found[0][1]


@pytest.fixture(scope="module")
def member(api: Any) -> str:
    return api.member()


@pytest.fixture(scope="module")
def air(api: Any) -> None:
    contract = {"currency": "CNY", "point_value": "0.01", "accrual_price": "0.02"}
    partner = {"code": "odd_air", "name": {"en": "Odd", "zh": "奇"}, "contract": contract}
    api.send("PUT", "/v1/partners/odd_air", partner)
    assert 201 == api.post("/v1/partners/odd_air/statements", {"period": STATED}).status_code
    given = {"member": api.member(), "reference": "F-1", "points": 5, "effective_on": str(api.today)}
    key = api.new_key(Role.PARTNER, partner="odd_air")
    path = "/v1/partners/odd_air/accruals"
    assert 201 == api.post(path, given, key, idempotency_key=secrets.token_hex(8)).status_code


@pytest.fixture(autouse=True)
def nothing_changes(api: Any, member: str) -> Iterator[None]:
    """Every case here is refused, so whatever is in the database is there afterwards, and nothing else."""
    before = api.books("idempotency_key")
    yield
    assert before == api.books("idempotency_key")


@pytest.mark.parametrize(("changes", "status", "code", "pointer", "detail"), STAYS)
def test_a_bad_stay_is_refused_with_the_place(
    api: Any, member: str, changes: dict[str, Any], status: int, code: str, pointer: str, detail: str | None
) -> None:
    check(api, api.post_stay(api.stay(member, **changes)), status, code, pointer, detail)


def test_bad_stays_are_refused_alike_in_a_batch(api: Any, member: str) -> None:
    postings = [api.stay(member, **changes) for changes, *_ in STAYS]
    results = api.post("/v1/stays/batch", postings).json()["results"]
    found = [
        (it["status"], it["problem"]["code"], it["problem"]["errors"][0].get("pointer", "")) for it in results
    ]

    assert [(status, code, pointer) for _, status, code, pointer, _ in STAYS] == found
    assert not [it for it in results if _TELLTALE.search(json.dumps(it["problem"]["errors"]))]


def test_all_that_is_wrong_with_a_stay_is_told_at_once(api: Any, member: str) -> None:
    lines = [
        {"category": "room", "amount": "1.001", "date": "1999-01-01"}, {"category": "food", "amount": "5"},
        {"category": "spa", "amount": "0.123"},
    ]  # fmt: skip
    bad_lines = api.post_stay(api.stay(member, lines=lines))
    bad_dates = api.post_stay(api.stay(member, lines=lines, departure="1980-01-01"))
    bad_names = api.post_stay(api.stay(member, lines=lines, property="NOPE", currency="XXX"))
    places = [[it["pointer"] for it in it.json()["errors"]] for it in (bad_lines, bad_dates, bad_names)]

    assert ["/lines/0/amount", "/lines/0/date", "/lines/2/amount"] == places[0]
    assert ["/departure", "/lines/0/amount", "/lines/2/amount"] == places[1]
    assert ["invalid_value", "stay_departure_before_arrival"] == [
        it.json()["code"] for it in (bad_lines, bad_dates)
    ]


# Bodies that are not what they should be: as they are sent · status · code · pointer.
BODIES: list[tuple[bytes, int, str, str | None]] = [
    (b"", 400, "invalid_body", ""),
    (b" ", 400, "malformed_json", None),
    (b"null", 400, "invalid_body", ""),
    (b"[]", 400, "invalid_body", ""),
    (b'"x"', 400, "invalid_body", ""),
    (b"5", 400, "invalid_body", ""),
    (b"true", 400, "invalid_body", ""),
    (b"{", 400, "malformed_json", None),
    (b'{"source"', 400, "malformed_json", None),
    (b'{"source":"opera",}', 400, "malformed_json", None),
    (b"{'source':'opera'}", 400, "malformed_json", None),
    (b'{"source":5}{}', 400, "invalid_body", "/source"),
    (b'{"leg":NaN}', 400, "malformed_json", None),
    (b'{"leg":Infinity}', 400, "malformed_json", None),
    (b'{"leg":-0}', 400, "invalid_body", "/leg"),
    (b'{"leg":1e400}', 400, "invalid_body", "/leg"),
    (b'{"leg":%b}' % (b"9" * 5000), 400, "invalid_body", "/leg"),
    (b'{"source":"\xff"}', 400, "malformed_json", None),
    (b'{"\xff":1}', 400, "malformed_json", None),
    (b'{"source":"\xed\xa0\x80"}', 400, "malformed_json", None),
    (b'{"source":"\\ud800"}', 400, "malformed_json", None),
    (b'{"source":"\\u0000"}', 400, "invalid_body", "/source"),
    (b'{"source":"a\nb"}', 400, "malformed_json", None),
    (b"\xef\xbb\xbf{}", 400, "malformed_json", None),
    (json.dumps({"source": "opera"}).encode("utf-16"), 400, "malformed_json", None),
    (b"\x00", 400, "malformed_json", None),
    (b"[" * 100_000, 400, "invalid_body", ""),
    (b'{"lines":' + b"[" * 100_000, 400, "invalid_body", "/lines/0"),
    (b'{"x":' * 100_000, 400, "invalid_body", "/x"),
    (b'{"lines":[' + b'{"category":' * 50_000, 400, "invalid_body", "/lines/0/category"),
    (b"source=opera&property=SHA01", 400, "malformed_json", None),
    (b"<stay/>", 400, "malformed_json", None),
]
TAKERS = [
    ("POST", "/v1/stays"),
    ("POST", "/v1/members"),
    ("POST", "/v1/adjustments"),
    ("POST", "/v1/balances"),
]


@pytest.mark.parametrize(("body", "status", "code", "pointer"), BODIES)
def test_a_body_that_is_no_posting_is_refused(
    api: Any, body: bytes, status: int, code: str, pointer: str | None
) -> None:
    check(api, api.post_stay(body), status, code, pointer)


@pytest.mark.parametrize("taker", TAKERS, ids=" ".join)
def test_no_body_whatever_fails_a_route(api: Any, taker: tuple[str, str]) -> None:
    answers = [
        api.send(*taker, body, idempotency_key=secrets.token_hex(8))
        for body, *_ in BODIES
        if body != b"{}" and len(body) < MEGABYTE
    ]

    assert {400} == {answer.status_code for answer in answers}
    assert not [answer for answer in answers if _TELLTALE.search(answer.text)]


def in_chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b" " * 65536


@pytest.mark.parametrize("path", ["/v1/stays", "/v1/stays/batch", "/v1/members", "/v1/balances"])
@pytest.mark.parametrize("chunked", [False, True])
def test_twenty_megabytes_are_refused(api: Any, path: str, *, chunked: bool) -> None:
    size = 20 * MEGABYTE
    answer = api.post(path, in_chunks(size) if chunked else b" " * size, idempotency_key="large")

    check(api, answer, 413, "body_too_large", None)
    assert 200 == api.get("/v1/properties").status_code


def test_other_media_types_are_refused(api: Any, member: str) -> None:
    body = api.stay(member)
    for media_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/x-ndjson",
    ):
        answer = api.post("/v1/stays", body, content_type=media_type)
        check(api, answer, 415, "unsupported_media_type", None)


# A closed account.


@pytest.fixture(scope="module")
def closed(api: Any) -> str:
    number = api.member()
    api.sql("UPDATE member SET status = 'closed' WHERE number = $1 RETURNING 1", number)
    return number


def test_nothing_is_posted_for_a_closed_member(api: Any, closed: str) -> None:
    check(api, api.post_stay(api.stay(closed)), 422, "member_closed", "/member")


def test_nothing_is_adjusted_for_a_closed_member(api: Any, closed: str) -> None:
    answer = api.adjust({"member": closed, "points": 5, "reason": "goodwill"})

    assert (422, "member_closed") == (answer.status_code, answer.json()["code"])
    assert "/member" == answer.json()["errors"][0]["pointer"]


# Other bodies.

ENROLMENTS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"tier": "gold"}, 400, "invalid_body", "/tier"),
    ({"number": ""}, 400, "invalid_body", "/number"),
    ({"number": "-1"}, 400, "invalid_body", "/number"),
    ({"number": "mem_1"}, 400, "invalid_body", "/number"),
    ({"number": "😀"}, 400, "invalid_body", "/number"),
    ({"number": "A\0"}, 400, "invalid_body", "/number"),
    ({"number": "A\n"}, 400, "invalid_body", "/number"),
    ({"number": "x" * 33}, 400, "invalid_body", "/number"),
    ({"enrolled_on": "2026-02-30"}, 400, "invalid_body", "/enrolled_on"),
    ({"enrolled_on": "9999-12-31"}, 422, "invalid_value", "/enrolled_on"),
    ({"profile": []}, 400, "invalid_body", "/profile"),
    ({"profile": {"age": 5}}, 400, "invalid_body", "/profile/age"),
    ({"profile": {"name": ""}}, 400, "invalid_body", "/profile/name"),
    ({"profile": {"name": "a\0b"}}, 400, "invalid_body", "/profile/name"),
    ({"profile": {"name": "a\nb"}}, 400, "invalid_body", "/profile/name"),
    ({"profile": {"name": "x" * 201}}, 400, "invalid_body", "/profile/name"),
    ({"profile": {"birthday": "02-30"}}, 400, "invalid_body", "/profile/birthday"),
    ({"profile": {"birthday": "1980-03-08"}}, 400, "invalid_body", "/profile/birthday"),
    ({"profile": {"language": "Chinese"}}, 400, "invalid_body", "/profile/language"),
]


@pytest.mark.parametrize(("body", "status", "code", "pointer"), ENROLMENTS)
def test_a_bad_enrolment_is_refused(api: Any, body: Any, status: int, code: str, pointer: str) -> None:
    check(api, api.enrol(body), status, code, pointer)


def test_a_number_that_is_taken_is_refused(api: Any, member: str) -> None:
    answer = api.enrol({"number": member})

    assert (409, "number_taken") == (answer.status_code, answer.json()["code"])
    assert "/number" == answer.json()["errors"][0]["pointer"]


ADJUSTMENTS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"member": ...}, 400, "invalid_body", "/member"),
    ({"points": "5"}, 400, "invalid_body", "/points"),
    ({"points": 5.5}, 400, "invalid_body", "/points"),
    ({"points": 10**40}, 400, "invalid_body", "/points"),
    ({"reason": "because"}, 400, "invalid_body", "/reason"),
    ({"note": "a\0"}, 400, "invalid_body", "/note"),
    ({"note": "x" * 501}, 400, "invalid_body", "/note"),
    ({"approved": True}, 400, "invalid_body", "/approved"),
    ({"member": "mem_" + "f" * 32}, 404, "unknown_member", "/member"),
    ({"points": -1}, 422, "insufficient_points", "/points"),
    ({"points": 0}, 422, "invalid_value", "/points"),
]


@pytest.mark.parametrize(("changes", "status", "code", "pointer"), ADJUSTMENTS)
def test_a_bad_adjustment_is_refused(
    api: Any, member: str, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    body = {"member": member, "points": 5, "reason": "goodwill"} | changes
    answer = api.adjust({name: value for name, value in body.items() if value is not ...})

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert pointer == answer.json()["errors"][0]["pointer"]
    assert not _TELLTALE.search(answer.text)


HOTEL = {"code": "SHA01", "name": {"en": "A", "zh": "甲"}, "time_zone": "Asia/Shanghai", "currency": "CNY"}
HOTELS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"code": "BJS02"}, 422, "invalid_value", "/code"),
    ({"time_zone": "Mars/Olympus"}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": "../../etc/passwd"}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": "/etc/passwd"}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": "Asia"}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": ""}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": "A\0"}, 422, "invalid_value", "/time_zone"),
    ({"time_zone": "x" * 65}, 400, "invalid_body", "/time_zone"),
    ({"currency": "XXX"}, 422, "unknown_currency", "/currency"),
    ({"currency": "yuan"}, 400, "invalid_body", "/currency"),
    ({"name": {"en": "A"}}, 400, "invalid_body", "/name/zh"),
    ({"name": {"en": "A\0", "zh": "甲"}}, 400, "invalid_body", "/name/en"),
    ({"stars": 5}, 400, "invalid_body", "/stars"),
]


@pytest.mark.parametrize(("changes", "status", "code", "pointer"), HOTELS)
def test_a_bad_hotel_is_refused(
    api: Any, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    check(api, api.send("PUT", "/v1/properties/SHA01", HOTEL | changes), status, code, pointer)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("path", "key", "most"),
    [
        ("/v1/partners/long_air", "name", 200), ("/v1/offers/long_seat", "name", 200),
        ("/v1/offers/long_seat", "text", 10_000),
    ],
)  # fmt: skip
def test_a_name_or_a_text_that_is_too_long_is_refused(
    api: Any, path: str, key: str, most: int, language: str
) -> None:
    good = {"code": path.rpartition("/")[2], "name": {"en": "A", "zh": "甲"}}
    if "partners" in path:
        good["contract"] = {"currency": "CNY", "point_value": "0.01"}
    else:
        good |= {"kind": "merchandise", "prices": [{"points": 10}]}
    longer = good | {key: {"en": "A", "zh": "甲"} | {language: "客" * (most + 1)}}
    # As long as may be, the form is good: it is refused for what else is said.
    longest = good | {key: {"en": "A", "zh": "甲"} | {language: "客" * most}, "code": "other"}

    detail = f"Expected a string of length <= {most}."
    check(api, api.send("PUT", path, longer), 400, "invalid_body", f"/{key}/{language}", detail)
    check(api, api.send("PUT", path, longest), 422, "invalid_value", "/code")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ([], "/members"), (["HX1"] * 1001, "/members"), ([5], "/members/0"), (["HX1", "A\0"], "/members/1"),
        (["HX1", "😀"], "/members/1"), ({}, "/members"), (None, "/members"),
    ],
)  # fmt: skip
def test_a_bad_list_of_members_is_refused(api: Any, members: Any, pointer: str) -> None:
    check(api, api.post("/v1/balances", {"members": members}), 400, "invalid_body", pointer)


# Keys, paths and parameters.


@pytest.mark.parametrize(
    "key", [None, "", '""', '"', 'a"b', "a b", "x" * 256, "ключ".encode(), "😀".encode(), b"a\x01b", b"a\tb"]
)  # fmt: skip
def test_an_idempotency_key_that_is_missing_or_odd_is_refused(api: Any, member: str, key: Any) -> None:
    headers = {b"authorization": f"Bearer {api.keys[Role.OPERATOR]}", b"content-type": b"application/json"}
    if key is not None:
        headers[b"idempotency-key"] = key
    body = json.dumps({"member": member, "points": 5, "reason": "goodwill"})
    answer = api.client.post("/v1/adjustments", content=body, headers=headers)

    if key == b"a\x01b" and answer.status_code == 400 and not answer.content.startswith(b"{"):
        return  # refused by the server itself: no header may hold this
    check(api, answer, 400, "idempotency_key_missing", None)


ODD = (
    "%00",
    "%F0%9F%98%80",
    "%0A",
    "%FF",
    "%2e%2e%2f",
    "a%2Fb",
    "%25",
    "'--",
    "x" * 5000,
    "%C3%28",
    "mem_%00",
)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/members/{}", "/v1/members?number={}", "/v1/members/{}/balance", "/v1/members/{}/statement",
        "/v1/stays/{}", "/v1/properties/{}", "/{}", "/docs/assets/{}",
    ],
)  # fmt: skip
def test_an_odd_path_leads_nowhere(api: Any, path: str, odd: str) -> None:
    answer = api.get(path.format(odd))

    check(api, answer, 404, answer.json()["code"], None)
    assert answer.json()["code"] in {"unknown_member", "unknown_stay", "not_found"}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "odd_air/accruals/{}", None), ("GET", "{}/accruals/F-1", None),
        ("POST", "odd_air/accruals/{}/reverse", {"reason": "so"}),
        ("GET", "odd_air/statements/{}", None), ("GET", "odd_air/statements/{}.csv", None),
        ("GET", "odd_air/statements/{}/match", None), ("POST", "odd_air/statements/{}/match", {"lines": []}),
        ("POST", "odd_air/statements/{}/accept", None), ("POST", "{}/statements/" + STATED + "/accept", None),
        ("POST", "odd_air/statements/{}/adjustments", {"line": 1, "points": 1, "reason": "so"}),
    ],
)  # fmt: skip
def test_an_odd_path_leads_to_nothing_of_a_partner(
    api: Any, air: None, method: str, path: str, body: Any, odd: str
) -> None:
    del air
    answer = api.send(method, "/v1/partners/" + path.format(odd), body, idempotency_key=secrets.token_hex(8))

    check(api, answer, 404, answer.json()["code"], None)


# What is changed in an adjustment that would have to be approved.
LARGE: list[tuple[dict[str, Any], int, str, str]] = [
    *[({"points": odd}, 400, "invalid_body", "/points") for odd in (
        2**53 + 1, -(2**53) - 1, 10**40, 2e6 + 0.5, "2000000", True, None)],
    *[({"money": odd}, 400, "invalid_body", "/money") for odd in ("1e9", "", "--1", "+1", "1,5", 5, None)],
    ({"money": "0.001"}, 422, "invalid_value", "/money"),
    ({"reference": "F-9"}, 404, "unknown_line", "/reference"),
    ({"reference": "apr_" + "f" * 32}, 404, "unknown_line", "/reference"),
    ({"reference": ...}, 422, "invalid_value", "/line"),
    ({"reference": ..., "line": 1}, 404, "unknown_line", "/line"),
    ({"line": 1}, 422, "invalid_value", "/line"),
    ({"line": 0}, 400, "invalid_body", "/line"),
    ({"reason": ...}, 400, "invalid_body", "/reason"),
    *[({name: "boss"}, 400, "invalid_body", f"/{name}") for name in (
        "status", "approved_by", "approval_id", "currency", "number", "kind")],
]  # fmt: skip


@pytest.mark.parametrize(("changes", "status", "code", "pointer"), LARGE)
def test_a_bad_adjustment_above_the_limit_is_not_proposed(
    api: Any, air: None, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    del air
    body = {"reference": "F-1", "points": 2_000_000, "reason": "so"} | changes
    sent = {name: value for name, value in body.items() if value is not ...}
    path = f"/v1/partners/odd_air/statements/{STATED}/adjustments"
    answer = api.post(path, sent, idempotency_key=secrets.token_hex(8))

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert pointer == answer.json()["errors"][0]["pointer"]
    assert not _TELLTALE.search(answer.text)


@pytest.mark.parametrize("odd", [*ODD, "apr_", "apr_" + "f" * 32, "APR_" + "0" * 32, "jrn_" + "0" * 32])
@pytest.mark.parametrize("what", ["approve", "reject"])
def test_an_odd_approval_is_none(api: Any, what: str, odd: str) -> None:
    answer = api.post(f"/v1/approvals/{odd}/{what}", None)

    check(api, answer, 404, answer.json()["code"], None)
    assert answer.json()["code"] in {"unknown_approval", "not_found"}


@pytest.mark.parametrize("odd", ["\0", "a\0", "a\n", " ", "", "房", "x" * 65, 5])
def test_an_odd_reference_of_an_adjustment_is_refused(api: Any, air: None, odd: Any) -> None:
    del air
    body = {"reference": odd, "points": 1, "reason": "so"}
    path = f"/v1/partners/odd_air/statements/{STATED}/adjustments"
    answer = api.post(path, body, idempotency_key=secrets.token_hex(8))

    check(api, answer, 400, "invalid_body", "/reference")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("balance?as_of=2026-02-30", "as_of"), ("balance?as_of=x", "as_of"), ("balance?as_of=%00", "as_of"),
        ("balance?as_of=", "as_of"), ("balance?known_at=2026-01-01T00:00:00", "known_at"),
        ("balance?known_at=yesterday", "known_at"), ("balance?known_at=20260131", "known_at"),
        ("balance?known_at=-1", "known_at"), ("balance?known_at=1.5", "known_at"),
        ("balance?known_at=9999-12-31T00:00:00Z", "known_at"),
        ("statement?limit=0", "limit"), ("statement?limit=501", "limit"), ("statement?limit=-1", "limit"),
        ("statement?limit=x", "limit"), ("statement?limit=99999999999999999999999", "limit"),
        ("statement?limit=1.5", "limit"), ("statement?cursor=", "cursor"), ("statement?cursor=%00", "cursor"),
        ("statement?cursor=%F0%9F%98%80", "cursor"), ("statement?cursor=%0A", "cursor"),
        ("statement?cursor=djE%00", "cursor"), ("statement?cursor=v1", "cursor"), ("statement?cursor=eDE", "cursor"),
        ("statement?cursor=di0x", "cursor"), ("statement?cursor=" + "A" * 9000, "cursor"),
        ("statement?cursor=dsKy", "cursor"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(api: Any, member: str, query: str, parameter: str) -> None:
    answer = api.get(f"/v1/members/{member}/{query}")

    check(api, answer, 400, "invalid_parameter", None)
    assert [parameter] == [it["parameter"] for it in answer.json()["errors"]]


@pytest.mark.parametrize(
    "query",
    ["as_of=0001-01-01", "as_of=9999-12-31", "known_at=0001-01-01T00:00:00%2B14:00", "known_at=1970-01-01T00:00:00Z"]
)  # fmt: skip
def test_the_ends_of_the_calendar_are_days_like_any_other(api: Any, member: str, query: str) -> None:
    assert 200 == api.get(f"/v1/members/{member}/balance?{query}").status_code


def test_the_last_page_lies_behind_any_cursor(api: Any, member: str) -> None:
    pages = [
        api.get(f"/v1/members/{member}/statement?cursor={it}").json()
        for it in ("djA", "djE", "djk5OTk5OTk5OTk5OTk5OTk5OQ")
    ]

    assert [0, 0, 1] == [len(page["lines"]) for page in pages]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "HEAD"])
def test_other_methods_are_refused(api: Any, method: str) -> None:
    answer = api.send(method, "/v1/stays")

    assert 405 == answer.status_code
    assert "POST" in answer.headers["allow"]


def test_nothing_here_was_an_unexpected_error(api: Any) -> None:
    lines = [json.loads(line) for line in api.log.read_text().splitlines() if line.startswith("{")]

    assert [] == [line for line in lines if line["level"] == "error"]
    assert [] == [line for line in lines if line.get("event") == "batch_rerun"]
