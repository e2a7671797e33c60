"""Settlement over HTTP: a month stated, matched with a partner's file, disputed, resolved and settled; who may what."""

import datetime as dt
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from loyalty.http.auth import Role

NAME = {"en": "Thai <Air>", "zh": "泰航"}


class Airline:
    """A partner that nobody else uses, with a key of its own."""

    def __init__(self, api: Any, **contract: Any) -> None:
        self.api = api
        self.code = f"p{secrets.token_hex(5)}"
        self.base = f"/v1/partners/{self.code}"
        self.key = api.new_key(Role.PARTNER, partner=self.code)
        terms = {"currency": "CNY", "point_value": "0.01", "accrual_price": "0.02"} | contract
        body = {"code": self.code, "name": NAME, "contract": terms}
        assert 201 == api.send("PUT", self.base, body).status_code

    def post(
        self, path: str, body: Any = None, role: Any = None, key: str | None = None, **headers: str
    ) -> Any:
        headers |= {"idempotency_key": key or secrets.token_hex(8)}
        return self.api.post(f"{self.base}/{path}", body, role or self.key, **headers)

    def get(self, path: str, role: Any = None, **headers: str) -> Any:
        return self.api.get(f"{self.base}/{path}", role or self.key, **headers)

    def accrue(self, member: str, reference: str, points: int, day: dt.date, **more: Any) -> Any:
        body = {"member": member, "reference": reference, "points": points, "effective_on": str(day)}
        return self.post("accruals", body | more)

    def redeem(self, member: str, points: int, reference: str) -> dict[str, Any]:
        offer = f"o{secrets.token_hex(5)}"
        body = {
            "code": offer,
            "kind": "merchandise",
            "name": NAME,
            "partner": self.code,
            "prices": [{"points": points}],
        }
        assert 201 == self.api.send("PUT", f"/v1/offers/{offer}", body).status_code
        asked = {
            "offer": offer, "details": {}, "member": member, "reference": reference, "reason": "asked", "capture": True,
        }  # fmt: skip
        answer = self.api.post("/v1/redemptions", asked, idempotency_key=secrets.token_hex(8))
        assert 201 == answer.status_code, answer.text
        return answer.json()


@pytest.fixture
def air(api: Any) -> Airline:
    return Airline(api)


@pytest.fixture
def last(api: Any) -> dt.date:
    """The last day of the month before."""
    return api.today.replace(day=1) - dt.timedelta(days=1)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# --- Accruals ---------------------------------------------------------------------------------------------------------


def test_a_partner_gives_points_and_takes_them_back(api: Any, air: Airline) -> None:
    member = api.member()
    given = air.accrue(member, "TG665", 250, api.today, what="TG665", note="Bangkok to Shanghai")
    again = air.post("accruals", json_of(given, member), key="twice")
    read = air.get("accruals/TG665")
    balance = api.get(f"/v1/members/{member}/balance").json()
    back = air.post("accruals/TG665/reverse", {"reason": "not flown"}, key="back")
    replayed = air.post("accruals/TG665/reverse", {"reason": "not flown"}, key="back")

    assert (201, "posted", {"amount": "5.00", "currency": "CNY"}) == (
        given.status_code, given.json()["status"], given.json()["owed"],
    )  # fmt: skip
    assert given.json() == read.json()
    assert (409, "reference_taken") == code_of(again)
    assert 250 == balance["available"]
    assert (200, "reversed", str(api.today)) == (
        back.status_code, back.json()["status"], back.json()["reversed_on"],
    )  # fmt: skip
    assert (back.content, "true") == (replayed.content, replayed.headers["idempotent-replayed"])
    assert back.json() == air.get("accruals/TG665").json()
    assert 0 == api.get(f"/v1/members/{member}/balance").json()["available"]
    kinds = [line["kind"] for line in api.get(f"/v1/members/{member}/statement").json()["lines"]]
    assert ["partner_accrual_reversed", "partner_accrued", "enrolled"] == kinds


def json_of(given: Any, member: str) -> dict[str, Any]:
    told = given.json()
    return {
        "member": member,
        "reference": told["reference"],
        "points": 1,
        "effective_on": told["effective_on"],
    }


def test_a_partners_reply_tells_nothing_of_the_member(api: Any, air: Airline) -> None:
    given = air.accrue(api.member(), "TG665", 250, api.today).json()

    assert {"journal_id", "partner", "reference", "status", "points", "owed", "effective_on"} == given.keys()


def test_a_partner_acts_for_itself_only(api: Any, air: Airline, last: dt.date) -> None:
    other, period = Airline(api), f"{last:%Y-%m}"
    before = api.books()
    refused = [
        other.api.post(f"{air.base}/accruals", {"member": "HX1", "reference": "X", "points": 1,
                       "effective_on": str(last)}, other.key, idempotency_key="x"),
        api.get(f"{air.base}/fund", other.key),
        api.get(f"{air.base}/statements", other.key),
        api.get(f"{air.base}/statements/{period}", other.key),
        api.get(f"{air.base}/statements/{period}.csv", other.key),
        api.post(f"{air.base}/statements/{period}/accept", None, other.key),
        api.post(f"{air.base}/statements/{period}/match.csv", "reference,date,points\n", other.key),
    ]  # fmt: skip

    assert {(403, "forbidden_partner")} == {code_of(one) for one in refused}
    assert {(403, "forbidden_role")} == {
        code_of(one)
        for one in (
            air.post("deposits", {"reference": "A", "points": 1}), air.post("statements", {"period": period}),
            air.post(f"statements/{period}/settle", {"payment": "P"}),
            air.post(f"statements/{period}/adjustments", {"line": 1, "points": 1, "reason": "so"}),
            api.get("/v1/reports/lots", air.key),
        )
    }  # fmt: skip
    assert before == api.books()


def test_whatever_can_be_given_under_a_reference_is_found_by_it(api: Any, air: Airline) -> None:
    member, reference = api.member(), "a.B_9:#-"
    assert 201 == air.accrue(member, reference, 5, api.today).status_code
    path = f"accruals/{quote(reference, safe='')}"

    assert reference == air.get(path).json()["reference"]
    assert "reversed" == air.post(f"{path}/reverse", {"reason": "not flown"}).json()["status"]


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"member": "HX-NOBODY"}, 404, "unknown_member", "/member"),
        ({"points": 0}, 400, "invalid_body", "/points"),
        ({"reference": ""}, 400, "invalid_body", "/reference"),
        ({"reference": "=1+1"}, 400, "invalid_body", "/reference"),
        ({"reference": "a/b"}, 400, "invalid_body", "/reference"),  # no path could name it
        ({"effective_on": "2099-01-01"}, 422, "invalid_value", "/effective_on"),
        ({"effective_on": "2020-01-01"}, 422, "invalid_value", "/effective_on"),
        ({"what": "a b"}, 400, "invalid_body", "/what"),
        ({"tier": "gold"}, 400, "invalid_body", "/tier"),
    ],
)
def test_a_bad_accrual_names_the_field_and_changes_nothing(
    api: Any, air: Airline, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    body = {"member": api.member(), "reference": "F", "points": 5, "effective_on": str(api.today)} | changes
    before = api.books("idempotency_key")
    answer = air.post("accruals", body)

    assert (status, code) == code_of(answer)
    assert pointer == answer.json()["errors"][0]["pointer"]
    assert before == api.books("idempotency_key")


def test_of_many_who_draw_on_a_fund_none_gets_more_than_was_paid(api: Any) -> None:
    air = Airline(api, account="prepaid")
    members = [api.member() for _ in range(6)]
    paid = air.post("deposits", {"reference": "PAY-1", "points": 1000}, Role.OPERATOR)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: air.accrue(members[n % 6], f"F-{n}", 90, api.today), range(40)))
    refused = [one for one in answers if one.status_code != 201]

    assert 1000 == paid.json()["left"]
    assert 11 == len(answers) - len(refused)
    assert {(422, "fund_exhausted")} == {code_of(one) for one in refused}
    assert {10} == {one.json()["numbers"]["left"] for one in refused}
    assert {"paid": 1000, "given": 990, "left": 10} == {
        name: value for name, value in air.get("fund").json().items() if isinstance(value, int)
    }


# --- Statements -------------------------------------------------------------------------------------------------------


def test_a_month_is_settled(api: Any, air: Airline, last: dt.date) -> None:
    member, period, first = api.member(), f"{last:%Y-%m}", last.replace(day=1)
    for place, points in enumerate((250, 500, 100, 700)):
        assert 201 == air.accrue(member, f"F-{place}", points, first + dt.timedelta(place)).status_code
    taken = air.redeem(member, 300, "A-1")
    drawn = air.get(f"statements/{period}")
    before = air.get(f"statements/{api.today:%Y-%m}").json()
    issued = air.post("statements", {"period": period}, Role.OPERATOR)
    again = air.post("statements", {"period": period}, Role.OPERATOR)
    body = issued.json()

    assert (200, "open", None) == (drawn.status_code, drawn.json()["status"], drawn.json()["number"])
    assert ["captured", 300, "3.00", taken["redemption_id"]] == [
        before["lines"][-1][name] for name in ("kind", "points", "money", "id")
    ]
    assert (201, 200) == (issued.status_code, again.status_code)
    assert body == again.json() == air.get(f"statements/{period}").json()
    assert f"{air.code.upper()}-{period}-0001" == body["number"]
    assert ("issued", 4, -1550, {"amount": "-31.00", "currency": "CNY"}) == (
        body["status"], body["records"], body["points"], body["money"],
    )  # fmt: skip
    assert [{"kind": "accrued", "records": 4, "points": -1550, "money": "-31.00"}] == body["totals"]
    assert body["lines"] == drawn.json()["lines"]

    file = (
        "reference,date,points,money,kind\n"
        f"F-0,{first},250,5.00,accrued\n"
        f"F-1,{first},600,12.00,accrued\n"
        f"F-9,{first},40,0.80,accrued\n"
        f"F-3,{first + dt.timedelta(3)},700,,accrued\n"
    )
    compared = air.post(f"statements/{period}/match.csv", file, content_type="text/csv")
    assert {"matched": 2, "missing_here": 1, "missing_there": 1, "different": 1} == compared.json()["counts"]
    found = {one["reference"]: one for one in compared.json()["lines"]}
    assert ["matched", "different", "missing_there", "missing_here"] == [
        found[name]["outcome"] for name in ("F-0", "F-1", "F-2", "F-9")
    ]
    assert (
        f"date {first + dt.timedelta(1)} ≠ {first}, points 500 ≠ 600, money 10.00 ≠ 12.00"
        == found["F-1"]["text"]
    )
    assert compared.json() == air.get(f"statements/{period}/match").json()

    disputed = air.post(f"statements/{period}/dispute", {"reason": "600 were given", "lines": [2]})
    adjusted = air.post(
        f"statements/{period}/adjustments",
        {"line": 2, "points": -100, "money": "-2.00", "reason": "600 were given"},
        Role.OPERATOR,
    )
    early = air.post(f"statements/{period}/settle", {"payment": "PAY-0"}, Role.OPERATOR)
    accepted = air.post(f"statements/{period}/accept")
    assert ["disputed", [2]] == [disputed.json()["status"], disputed.json()["steps"][-1]["lines"]]
    assert (201, "F-1") == (adjusted.status_code, adjusted.json()["reference"])
    assert 200 == early.status_code
    assert (409, "wrong_statement_status") == code_of(accepted)
    assert body["lines"] == air.get(f"statements/{period}").json()["lines"]
    assert [-100, "-2.00"] == [
        air.get(f"statements/{api.today:%Y-%m}").json()["lines"][-1][name] for name in ("points", "money")
    ]
    assert ["settled"] == [one["status"] for one in air.get("statements").json()["statements"]]


def test_the_hash_of_a_statement_is_that_of_its_csv(api: Any, air: Airline, last: dt.date) -> None:
    air.accrue(api.member(), "F-1", 250, last)
    period = f"{last:%Y-%m}"
    issued = air.post("statements", {"period": period}, Role.OPERATOR)
    file, same = air.get(f"statements/{period}.csv"), air.get(f"statements/{period}", accept="text/csv")

    assert file.content == same.content
    assert file.headers["content-type"].startswith("text/csv")
    assert issued.json()["hash"] == hashlib.sha256(file.content).hexdigest()
    assert 2 == len(file.text.splitlines())


@pytest.mark.parametrize(("language", "word"), [("en", "Given by the partner"), ("zh-CN", "合作伙伴发放")])
def test_a_statement_can_be_printed(api: Any, air: Airline, last: dt.date, language: str, word: str) -> None:
    air.accrue(api.member(), "F-1", 250, last)
    period = f"{last:%Y-%m}"
    air.post("statements", {"period": period}, Role.OPERATOR)
    page = air.get(f"statements/{period}.html", accept_language=language)

    assert page.headers["content-type"].startswith("text/html")
    assert word in page.text
    assert "<Air>" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")


def test_what_comes_late_is_on_the_next_statement(api: Any, air: Airline, last: dt.date) -> None:
    member, before = api.member(), last.replace(day=1) - dt.timedelta(days=1)
    air.accrue(member, "F-1", 10, before)
    first = air.post("statements", {"period": f"{before:%Y-%m}"}, Role.OPERATOR).json()
    air.accrue(member, "F-2", 20, before)
    air.accrue(member, "F-3", 30, last)
    second = air.post("statements", {"period": f"{last:%Y-%m}"}, Role.OPERATOR).json()

    assert ["F-1"] == [line["reference"] for line in first["lines"]]
    assert ["F-2", "F-3"] == [line["reference"] for line in second["lines"]]
    assert second["number"].endswith("-0002")


def test_of_many_who_issue_a_statement_one_does(api: Any, air: Airline, last: dt.date) -> None:
    air.accrue(api.member(), "F-1", 10, last)
    body = {"period": f"{last:%Y-%m}"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: air.post("statements", body, Role.OPERATOR), range(8)))

    assert [200] * 7 + [201] == sorted(one.status_code for one in answers)
    assert 1 == len({one.content for one in answers})


def test_refusals_of_statements(api: Any, air: Airline, last: dt.date) -> None:
    period, desk = f"{last:%Y-%m}", Role.OPERATOR
    air.accrue(api.member(), "F-1", 10, last)
    refused = [
        air.post(f"statements/{period}/accept"),
        air.post("statements", {"period": f"{api.today:%Y-%m}"}, desk),
        air.get("statements/2020-13"),
    ]
    air.post("statements", {"period": period}, desk)
    refused += [
        air.post("statements", {"period": "2020-01"}, desk),
        air.post(f"statements/{period}/dispute", {"reason": "no", "lines": [2]}),
        air.post(f"statements/{period}/adjustments", {"line": 2, "points": 1, "reason": "so"}, desk),
        air.post(f"statements/{period}/adjustments", {"reference": "F-2", "points": 1, "reason": "so"}, desk),
        air.post(f"statements/{period}/adjustments", {"line": 1, "reason": "so"}, desk),
        air.post(f"statements/{period}/adjustments", {"points": 1, "reason": "so"}, desk),
        air.get(f"statements/{period}/match"),
        air.post(f"statements/{period}/dispute", {"reason": " "}),
        air.post(f"statements/{period}/adjustments", {"line": 1, "points": 1, "reason": "\n "}, desk),
        air.post("accruals/F-1/reverse", {"reason": ""}),
    ]

    assert [
        (404, "unknown_statement"), (422, "period_not_over"), (404, "unknown_statement"), (409, "period_closed"),
        (404, "unknown_line"), (404, "unknown_line"), (404, "unknown_line"), (422, "invalid_value"),
        (422, "invalid_value"), (404, "unknown_statement"), *[(400, "invalid_body")] * 3,
    ] == [code_of(one) for one in refused]  # fmt: skip


# --- Four eyes --------------------------------------------------------------------------------------------------------

LARGE = 1_000_001
"""Points that are one above the limit of the program."""


@pytest.fixture
def disputed(api: Any, air: Airline, last: dt.date) -> str:
    """The path of a statement of two lines, both in dispute."""
    for name in ("F-1", "F-2"):
        assert 201 == air.accrue(api.member(), name, 100, last).status_code
    path = f"statements/{last:%Y-%m}"
    assert 201 == air.post("statements", {"period": f"{last:%Y-%m}"}, Role.OPERATOR).status_code
    assert 200 == air.post(f"{path}/dispute", {"reason": "far more", "lines": [1, 2]}).status_code
    return path


def propose(air: Airline, path: str, key: str | None = None, **about: Any) -> Any:
    body = {"points": LARGE, "money": "20000.02", "reason": "so agreed"} | (about or {"line": 1})
    return air.post(f"{path}/adjustments", body, Role.OPERATOR, key)


def decide(api: Any, proposed: Any, what: str, key: Any) -> Any:
    return api.post(f"/v1/approvals/{proposed.json()['approval_id']}/{what}", None, key)


def adjusted(api: Any, air: Airline) -> list[Any]:
    """The adjustments that the next statement would have."""
    lines = air.get(f"statements/{api.today:%Y-%m}").json()["lines"]
    return [(one["reference"], one["points"], one["money"]) for one in lines if one["kind"] == "adjusted"]


def test_above_the_limit_another_operator_resolves_the_dispute(api: Any, air: Airline, disputed: str) -> None:
    second = api.new_key(Role.OPERATOR)
    proposed = propose(air, disputed, "large")
    again = propose(air, disputed, "large")
    waiting = adjusted(api, air)
    listed = api.get("/v1/approvals?limit=500").json()["approvals"]
    own = decide(api, proposed, "approve", Role.OPERATOR)
    granted = decide(api, proposed, "approve", second)
    replayed = decide(api, proposed, "approve", second)
    told = granted.json()

    assert (202, "proposed", None, None) == (
        proposed.status_code, *(proposed.json()[name] for name in ("status", "journal_id", "effective_on")),
    )  # fmt: skip
    assert (proposed.content, "true") == (again.content, again.headers["idempotent-replayed"])
    assert [] == waiting
    assert (403, "own_proposal") == code_of(own)
    assert (200, "approved", "settlement_adjustment", LARGE) == (
        granted.status_code, told["status"], told["kind"], told["points"],
    )  # fmt: skip
    assert {
        "partner": air.code, "statement": f"{air.code.upper()}-{disputed.partition('/')[2]}-0001", "line": 1,
        "reference": "F-1", "money": {"amount": "20000.02", "currency": "CNY"},
    } == told["settlement"]  # fmt: skip
    assert (granted.content, "true") == (replayed.content, replayed.headers["idempotent-replayed"])
    assert [("F-1", LARGE, "20000.02")] == adjusted(api, air)
    [before] = [one for one in listed if one["approval_id"] == told["approval_id"]]
    decided = ("status", "decided_by", "decided_at", "journal_id")
    assert told == before | {name: told[name] for name in decided}


def test_a_second_key_is_no_second_person(api: Any, air: Airline, disputed: str) -> None:
    person, colleague = api.member(), api.member()
    keys = [api.new_key(Role.OPERATOR, member=each) for each in (person, person, colleague)]
    body = {"points": LARGE, "money": "0", "reason": "so agreed", "line": 1}
    proposed = air.post(f"{disputed}/adjustments", body, keys[0])
    found = [decide(api, proposed, "approve", each) for each in keys]

    assert (403, "own_proposal") == code_of(found[0]) == code_of(found[1])
    assert (200, "approved") == (found[2].status_code, found[2].json()["status"])


def test_nobody_approves_points_for_himself(api: Any) -> None:
    person = api.member()
    owner = api.new_key(Role.OPERATOR, member=person)
    body = {"member": person, "points": 3000, "reason": "room"}
    proposed = api.post("/v1/compensations", body, Role.OPERATOR, idempotency_key=secrets.token_hex(8))
    own = decide(api, proposed, "approve", owner)
    granted = decide(api, proposed, "approve", api.new_key(Role.OPERATOR))

    assert (202, "proposed") == (proposed.status_code, proposed.json()["status"])
    assert (403, "own_proposal") == code_of(own)
    assert (200, "approved") == (granted.status_code, granted.json()["status"])


def test_at_the_limit_nobody_else_is_asked(api: Any, air: Airline, disputed: str) -> None:
    answer = propose(air, disputed, line=1, points=1 - LARGE, money="-20000.00")

    assert (201, "posted", None) == (
        answer.status_code, answer.json()["status"], answer.json()["approval_id"],
    )  # fmt: skip
    assert [("F-1", 1 - LARGE, "-20000.00")] == adjusted(api, air)


def test_what_was_rejected_leaves_the_dispute_open(api: Any, air: Airline, disputed: str) -> None:
    second = api.new_key(Role.OPERATOR)
    proposed = propose(air, disputed)
    turned_down = decide(api, proposed, "reject", second)
    late = decide(api, proposed, "approve", second)

    assert (200, "rejected", None) == (
        turned_down.status_code, turned_down.json()["status"], turned_down.json()["journal_id"],
    )  # fmt: skip
    assert (409, "already_decided") == code_of(late)
    assert [] == adjusted(api, air)
    assert "disputed" == air.get(disputed).json()["status"]


def test_what_was_resolved_otherwise_is_approved_no_more(api: Any, air: Airline, disputed: str) -> None:
    second = api.new_key(Role.OPERATOR)
    first, twin, other = (propose(air, disputed, line=line) for line in (1, 1, 2))
    by_reference = propose(air, disputed, reference="F-1")
    assert 200 == decide(api, first, "approve", second).status_code
    before = api.books()
    resolved = [decide(api, one, "approve", second) for one in (twin, by_reference)]

    assert [(409, "already_resolved")] * 2 == [code_of(one) for one in resolved]
    assert before == api.books()
    assert 200 == air.post(f"{disputed}/settle", {"payment": "PAY-1"}, Role.OPERATOR).status_code
    assert (409, "wrong_statement_status") == code_of(decide(api, other, "approve", second))
    assert (409, "wrong_statement_status") == code_of(propose(air, disputed, line=2))
    assert 200 == decide(api, other, "reject", second).status_code
    assert [("F-1", LARGE, "20000.02")] == adjusted(api, air)


def test_of_many_who_decide_at_once_one_is_heard(api: Any, air: Airline, disputed: str) -> None:
    keys = [api.new_key(Role.OPERATOR) for _ in range(4)]
    proposals = [propose(air, disputed) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: decide(api, proposals[n % 4], "approve", keys[n // 4]), range(16)))

    assert [200] + [409] * 15 == sorted(one.status_code for one in answers)
    assert {"already_decided", "already_resolved"} == {
        one.json()["code"] for one in answers if one.status_code == 409
    }
    assert [("F-1", LARGE, "20000.02")] == adjusted(api, air)


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "pointer"),
    [
        ("", "/1"),
        ("reference,date\nF-1,2026-03-01\n", "/1"),
        ("reference,date,points,colour\n", "/1"),
        ("reference,date,points\nF-1,2026-03-01\n", "/2"),
        ("reference,date,points\nF-1,2026-03-01,5\n,2026-03-01,5\n", "/3/reference"),
        ("reference,date,points\nF-1,01.03.2026,5\n", "/2/date"),
        ("reference,date,points\nF-1,2026-02-30,5\n", "/2/date"),
        ("reference,date,points\nF-1,2026-03-01,5.5\n", "/2/points"),
        ("reference,date,points,money\nF-1,2026-03-01,5,1e3\n", "/2/money"),
        ("reference,date,points,kind\nF-1,2026-03-01,5,stolen\n", "/2/kind"),
    ],
)
def test_a_bad_file_names_line_and_column(
    api: Any, air: Airline, last: dt.date, file: str, pointer: str
) -> None:
    period = f"{last:%Y-%m}"
    air.post("statements", {"period": period}, Role.OPERATOR)
    answer = air.post(f"statements/{period}/match.csv", file, content_type="text/csv")

    assert (422, "invalid_file") == code_of(answer)
    assert pointer == answer.json()["errors"][0]["pointer"]


# --- Reports ----------------------------------------------------------------------------------------------------------


def test_reports_tell_what_was_spent_and_who_pays_whom(api: Any, air: Airline) -> None:
    member = api.member()
    api.post_stay(api.stay(member))
    air.redeem(member, 400, "A-1")
    air.accrue(member, "F-1", 50, api.today)
    days = f"from={api.today}&to={api.today}"
    redeemed = api.get(f"/v1/reports/redemptions?{days}").json()["redemptions"]
    months = api.get(f"/v1/reports/redemptions?{days}&by=month", accept="text/csv").text.splitlines()
    cost = api.get(f"/v1/reports/cost?{days}").json()
    owed = api.get(f"/v1/reports/properties?{days}").json()["properties"]
    lots = api.get("/v1/reports/lots").json()

    assert [{
        "key": air.code, "currency": "CNY", "captures": 1, "refunds": 0, "quantity": 1, "points": 400, "cash": "0.00",
        "money": "4.00",
    }] == [one for one in redeemed if one["key"] == air.code]  # fmt: skip
    assert ["key,currency,captures,refunds,quantity,points,cash,money", f"{api.today:%Y-%m}"] == [
        months[0], months[1].split(",")[0],
    ]  # fmt: skip
    assert [{
        "partner": air.code, "currency": "CNY", "given": 50, "due": "1.00", "redeemed": 400, "money": "4.00",
        "adjusted": "0.00", "per_point": "0.0100",
    }] == [one for one in cost["partners"] if one["partner"] == air.code]  # fmt: skip
    assert [
        {"property": "SHA01", "partner": air.code, "currency": "CNY", "points": 400, "money": "4.00"}
    ] == [one for one in owed if one["partner"] == air.code]
    assert lots["points"] == sum(one["points"] for one in lots["lots"])
    assert (400, "invalid_parameter") == code_of(api.get(f"/v1/reports/cost?from={api.today}&to=2020-01-01"))
    assert (400, "invalid_parameter") == code_of(api.get("/v1/reports/cost?from=2026-01-01"))
