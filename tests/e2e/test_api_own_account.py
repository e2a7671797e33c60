"""Nobody gives an own account anything with a key of the staff, over HTTP: a colleague has to do it."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from loyalty.http.auth import Role


def post(api: Any, path: str, body: Any, role: Any, key: str = "") -> Any:
    return api.post(path, body, role, idempotency_key=key or secrets.token_hex(8))


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def rich(api: Any) -> str:
    """Return a member with 1,000 points."""
    member = api.member()
    assert 201 == api.adjust({"member": member, "points": 1000, "reason": "goodwill"}).status_code
    return member


def partner(api: Any) -> str:
    """Return a partner that gives points."""
    code = f"p{secrets.token_hex(6)}"
    contract = {"currency": "CNY", "point_value": "0.01", "accrual_price": "0.02"}
    body = {"code": code, "name": {"en": "Air", "zh": "航空"}, "contract": contract}
    assert 201 == api.send("PUT", f"/v1/partners/{code}", body).status_code
    return code


GAINS: dict[str, Callable[[Any, str, Any], Any]] = {
    "an adjustment": lambda api, to, role: post(
        api, "/v1/adjustments", {"member": to, "points": 5, "reason": "goodwill"}, role
    ),
    "compensation": lambda api, to, role: post(
        api, "/v1/compensations", {"member": to, "points": 5, "reason": "noise"}, role
    ),
    "more compensation than one person gives": lambda api, to, role: post(
        api, "/v1/compensations", {"member": to, "points": 2001, "reason": "noise"}, role
    ),
    "a tier": lambda api, to, role: post(
        api, f"/v1/members/{to}/statuses", {"tier": "gold", "kind": "gifted", "reason": "A treat"}, role
    ),
    "a purchase": lambda api, to, role: post(
        api, "/v1/purchases", {"member": to, "points": 1000, "reference": "PAY-1"}, role
    ),
    "what a partner gives": lambda api, to, role: post(
        api,
        f"/v1/partners/{partner(api)}/accruals",
        {"member": to, "reference": secrets.token_hex(4), "points": 5, "effective_on": str(api.today)},
        role,
    ),
    "somebody's points": lambda api, to, role: post(
        api, "/v1/transfers", {"from": rich(api), "to": to, "points": 100}, role
    ),
    "somebody's account": lambda api, to, role: post(
        api, f"/v1/members/{rich(api)}/merge", {"into": to}, role
    ),
}


@pytest.mark.parametrize("what", GAINS)
def test_a_key_gives_its_own_member_nothing_by(api: Any, what: str) -> None:
    mine, other = api.member(), api.member()
    key, give = api.new_key(Role.OPERATOR, member=mine), GAINS[what]
    refused, theirs, colleague = give(api, mine, key), give(api, other, key), give(api, mine, Role.OPERATOR)

    assert (403, "own_account") == told(refused)
    assert {theirs.status_code, colleague.status_code} <= {201, 202}, (theirs.text, colleague.text)


@pytest.mark.parametrize("what", GAINS)
def test_an_account_stays_its_own_when_it_is_merged(api: Any, what: str) -> None:
    old, new = api.member(), api.member()
    keys = [api.new_key(Role.OPERATOR, member=each) for each in (old, new)]
    assert 201 == post(api, f"/v1/members/{old}/merge", {"into": new}, Role.OPERATOR).status_code
    tried = [GAINS[what](api, to, key) for to in (old, new) for key in keys]

    assert [(403, "own_account")] * 4 == [told(each) for each in tried]


def test_an_own_account_is_not_merged_into_another_ones_either(api: Any) -> None:
    mine, other = api.member(), rich(api)
    key = api.new_key(Role.OPERATOR, member=mine)

    assert (403, "own_account") == told(post(api, f"/v1/members/{mine}/merge", {"into": other}, key))


def test_what_takes_from_the_own_account_is_not_refused(api: Any) -> None:
    mine, other = rich(api), api.member()
    key = api.new_key(Role.OPERATOR, member=mine)
    debit = post(api, "/v1/adjustments", {"member": mine, "points": -5, "reason": "correction"}, key)
    gift = post(api, "/v1/transfers", {"from": mine, "to": other, "points": 100}, key)

    assert [201, 201] == [debit.status_code, gift.status_code], (debit.text, gift.text)


def test_what_was_given_before_the_accounts_became_one_is_answered_as_it_was(api: Any) -> None:
    mine, other, once = api.member(), api.member(), secrets.token_hex(8)
    key, body = (
        api.new_key(Role.OPERATOR, member=mine),
        {"member": other, "points": 5, "reason": "goodwill"},
    )
    first = post(api, "/v1/adjustments", body, key, once)
    assert 201 == post(api, f"/v1/members/{other}/merge", {"into": mine}, Role.OPERATOR).status_code
    again = post(api, "/v1/adjustments", body, key, once)

    assert (201, first.content) == (again.status_code, again.content)
    assert (403, "own_account") == told(post(api, "/v1/adjustments", body, key))
