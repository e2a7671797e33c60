"""`/v1/adjustments` over HTTP: by hand, with a reason, once per key."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loyalty.http.auth import Role


def test_points_are_credited_and_debited(api: Any) -> None:
    member = api.member()
    credit = api.adjust(
        {"member": member, "points": 500, "reason": "service_recovery", "note": "Noise at night 🔔"}
    )
    debit = api.adjust({"member": credit.json()["member_id"], "points": -200, "reason": "correction"})
    lines = api.get(f"/v1/members/{member}/statement").json()["lines"]

    assert (201, 201) == (credit.status_code, debit.status_code)
    assert {"available": 500, "pending": 0, "held": 0, "debt": 0} == credit.json()["balance"]
    assert {"available": 300, "pending": 0, "held": 0, "debt": 0} == debit.json()["balance"]
    assert [-200, 500, 0] == [line["points"] for line in lines]
    assert "service_recovery: Noise at night 🔔" == lines[1]["reason"]
    assert debit.json()["journal_id"] == lines[0]["journal_id"]
    assert "the operator" == lines[0]["actor"]


def test_the_same_key_again_moves_nothing_and_says_the_same(api: Any) -> None:
    body, key = {"member": api.member(), "points": 5, "reason": "goodwill"}, secrets.token_hex(8)
    first = api.adjust(body, key)
    before = api.books()
    again = api.adjust(body, key)

    assert (201, first.content) == (again.status_code, again.content)
    assert "true" == again.headers["idempotent-replayed"]
    assert before == api.books()


def test_twenty_clients_with_one_key_at_once_credit_once(api: Any) -> None:
    body, key = {"member": api.member(), "points": 5, "reason": "goodwill"}, secrets.token_hex(8)
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: api.adjust(body, key), range(20)))

    assert {(201, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}
    assert 5 == api.get(f"/v1/members/{body['member']}/balance").json()["available"]


def test_twenty_clients_never_spend_more_than_there_is(api: Any) -> None:
    member = api.member()
    api.adjust({"member": member, "points": 100, "reason": "goodwill"})
    debit = {"member": member, "points": -30, "reason": "correction"}
    with ThreadPoolExecutor(10) as clients:
        statuses = sorted(
            answer.status_code for answer in clients.map(lambda _: api.adjust(debit), range(20))
        )

    assert [201] * 3 + [422] * 17 == statuses
    assert 10 == api.get(f"/v1/members/{member}/balance").json()["available"]


def test_a_debit_of_more_than_there_is_stays_refused_under_its_key(api: Any) -> None:
    member, key = api.member(), secrets.token_hex(8)
    body = {"member": member, "points": -10, "reason": "correction"}
    first = api.adjust(body, key)
    api.adjust({"member": member, "points": 100, "reason": "goodwill"})
    again = api.adjust(body, key)

    assert (422, "insufficient_points") == (first.status_code, first.json()["code"])
    assert ["/points"] == [error["pointer"] for error in first.json()["errors"]]
    assert first.content == again.content
    assert 100 == api.get(f"/v1/members/{member}/balance").json()["available"]


def test_an_unknown_member_stays_unknown_under_its_key(api: Any) -> None:
    number, key = "U" + secrets.token_hex(8), secrets.token_hex(8)
    body = {"member": number, "points": 10, "reason": "goodwill"}
    first = api.adjust(body, key)
    api.enrol({"number": number})
    again = api.adjust(body, key)

    assert (404, "unknown_member") == (first.status_code, first.json()["code"])
    assert (404, first.content) == (again.status_code, again.content)
    assert 201 == api.adjust(body).status_code


def test_a_key_means_one_route_only(api: Any) -> None:
    key = secrets.token_hex(8)
    enrolled = api.enrol({}, key, Role.OPERATOR)
    adjusted = api.adjust({"member": enrolled.json()["number"], "points": 1, "reason": "goodwill"}, key)

    assert (422, "idempotency_key_reused") == (adjusted.status_code, adjusted.json()["code"])


@pytest.mark.parametrize("points", [0, 1_000_001, -1_000_001, 2**53, -(2**53)])
def test_nothing_and_too_much_are_refused(api: Any, points: int) -> None:
    body = {"member": api.member(), "points": points, "reason": "goodwill"}
    before = api.books("idempotency_key")
    answer = api.adjust(body)

    assert (422, "invalid_value") == (answer.status_code, answer.json()["code"])
    assert ["/points"] == [error["pointer"] for error in answer.json()["errors"]]
    assert before == api.books("idempotency_key")
