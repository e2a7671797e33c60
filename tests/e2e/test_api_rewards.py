"""Rewards and counted benefits over HTTP: who may do what, pages, refusals, and that a key is answered the same."""

import secrets
from typing import Any

import pytest

from loyalty.http.auth import Role


def key() -> dict[str, str]:
    return {"idempotency_key": secrets.token_hex(8)}


@pytest.fixture(scope="module")
def guest(api: Any) -> str:
    """A member with 20 stays of two nights: two albums, and platinum."""
    member = api.member()
    for _ in range(20):
        assert api.post_stay(api.stay(member)).status_code == 201
    return member


def rewards(api: Any, member: str, query: str = "", role: Role = Role.BOOKING) -> dict[str, Any]:
    answer = api.get(f"/v1/members/{member}/rewards{query}", role)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rewards_are_listed_page_by_page_newest_first(api: Any, guest: str) -> None:
    first = rewards(api, guest, "?limit=1")
    second = rewards(api, guest, f"?limit=1&cursor={first['next_cursor']}")
    both = rewards(api, guest, "?status=issued")

    assert [2, 1] == [page["rewards"][0]["ordinal"] for page in (first, second)]
    assert None is second["next_cursor"] is both["next_cursor"]
    assert first["rewards"] + second["rewards"] == both["rewards"]
    assert [] == rewards(api, guest, "?status=open")["rewards"]


@pytest.mark.parametrize("query", ["?status=lost", "?limit=0", "?cursor=x", "?cursor=djI", "?cursor=cg"])
def test_a_parameter_that_can_not_be_used_is_refused(api: Any, guest: str, query: str) -> None:
    answer = api.get(f"/v1/members/{guest}/rewards{query}")

    assert (400, "invalid_parameter") == (answer.status_code, answer.json()["code"])


def test_a_reward_is_used_once_under_whatever_key(api: Any, guest: str) -> None:
    [reward, _] = rewards(api, guest)["rewards"]
    path = f"/v1/members/{guest}/rewards/{reward['reward_id']}/use"
    once = key()
    first = api.post(path, {"property": "SHA01", "stay_ref": "R-7"}, Role.PROPERTY, **once)
    again = api.post(path, {"property": "SHA01", "stay_ref": "R-7"}, Role.PROPERTY, **once)
    another = api.post(path, {}, Role.OPERATOR, **key())
    other_body = api.post(path, {"property": "SHA01"}, Role.PROPERTY, **once)
    [line, *_] = api.get(f"/v1/members/{guest}/statement").json()["lines"]

    assert (200, "used") == (first.status_code, first.json()["reward"]["status"])
    assert (first.content, "true") == (again.content, again.headers["idempotent-replayed"])
    assert (409, "reward_not_usable") == (another.status_code, another.json()["code"])
    assert (422, "idempotency_key_reused") == (other_body.status_code, other_body.json()["code"])
    assert ("reward_used", "tenth_stay 2: stay_album SHA01 R-7", line["journal_id"]) == (
        line["kind"], line["reason"], first.json()["reward"]["journal_id"],
    )  # fmt: skip


def test_nobody_of_the_staff_uses_what_is_his_own(api: Any) -> None:
    member = api.member()
    for _ in range(20):
        assert api.post_stay(api.stay(member)).status_code == 201
    [reward, _] = rewards(api, member)["rewards"]
    own = api.new_key(Role.OPERATOR, member=member)
    base = f"/v1/members/{member}"
    tried = [
        api.post(f"{base}/{path}", {}, own, **key())
        for path in (
            f"rewards/{reward['reward_id']}/use", "benefits/meeting_hour/use", "benefits/meeting_hour/return",
        )
    ]  # fmt: skip
    colleague = api.post(f"{base}/rewards/{reward['reward_id']}/use", {}, Role.OPERATOR, **key())

    assert [(403, "own_redemption")] * 3 == [(each.status_code, each.json()["code"]) for each in tried]
    assert (200, "used") == (colleague.status_code, colleague.json()["reward"]["status"])


def test_a_key_that_is_limited_to_hotels_names_one_of_them(api: Any, guest: str) -> None:
    limited = api.new_key(Role.PROPERTY, "BJS02")
    reward = rewards(api, guest, "?status=issued")["rewards"][0]
    path = f"/v1/members/{guest}/rewards/{reward['reward_id']}/use"
    before = api.books()
    refused = [api.post(path, body, limited, **key()) for body in ({}, {"property": "SHA01"})]

    assert [(403, "forbidden_property")] * 2 == [(one.status_code, one.json()["code"]) for one in refused]
    assert before == api.books()
    assert 200 == api.post(path, {"property": "BJS02"}, limited, **key()).status_code


def test_a_hotel_that_is_not_there_is_refused(api: Any, guest: str) -> None:
    answer = api.post(
        f"/v1/members/{guest}/benefits/meeting_hour/use", {"property": "XXX99"}, Role.OPERATOR, **key()
    )

    assert (422, "unknown_property") == (answer.status_code, answer.json()["code"])


def test_rewards_of_nobody_and_of_others_are_unknown(api: Any, guest: str) -> None:
    other = api.member()
    reward = rewards(api, guest)["rewards"][0]["reward_id"]
    paths = {
        f"/v1/members/HX0/rewards/{reward}/use": "unknown_member",
        f"/v1/members/{other}/rewards/{reward}/use": "unknown_reward",
        f"/v1/members/{guest}/rewards/rwd_{'0' * 32}/use": "unknown_reward",
        f"/v1/members/{guest}/rewards/jrn_1/use": "unknown_reward",
        f"/v1/members/{guest}/benefits/Meeting%20room/use": "unknown_benefit",
        f"/v1/members/{other}/benefits/meeting_hour/use": "unknown_benefit",
    }

    for path, code in paths.items():
        answer = api.post(path, {}, Role.OPERATOR, **key())
        assert (404, code) == (answer.status_code, answer.json()["code"]), path


def test_what_was_given_at_once_is_not_chosen(api: Any, guest: str) -> None:
    reward = rewards(api, guest)["rewards"][0]["reward_id"]
    path = f"/v1/members/{guest}/rewards/{reward}/choose"
    answer = api.post(path, {"codes": ["stay_album"]}, Role.BOOKING, **key())
    empty = api.post(path, {"codes": []}, Role.BOOKING, **key())
    bare = api.post(path, {"codes": ["stay_album"]}, Role.BOOKING)

    assert (409, "reward_not_open") == (answer.status_code, answer.json()["code"])
    assert (400, "invalid_body") == (empty.status_code, empty.json()["code"])
    assert (400, "idempotency_key_missing") == (bare.status_code, bare.json()["code"])


def test_a_benefit_is_counted_given_back_and_told_in_the_balance(api: Any) -> None:
    member = api.member()
    for _ in range(15):
        api.post_stay(api.stay(member))

    def ask(what: str, body: dict[str, Any]) -> tuple[Any, ...]:
        path = f"/v1/members/{member}/benefits/meeting_hour/{what}"
        answer = api.post(path, body, Role.PROPERTY, **key()).json()
        return answer.get("code") or (answer["used"], answer["left"])

    def left() -> int:
        benefits = api.get(f"/v1/members/{member}/balance").json()["tier"]["benefits"]
        return next(one["left"] for one in benefits if one["code"] == "meeting_hour")

    told = [
        left(),
        ask("use", {"times": 2}),
        ask("use", {}),
        ask("return", {}),
        left(),
        ask("return", {"times": 2}),
    ]

    assert [2, (2, 0), "benefit_used_up", (1, 1), 1, "benefit_not_used"] == told


def test_what_was_used_before_its_milestone_was_lost_is_shown_to_the_staff(api: Any) -> None:
    member = api.member()
    stays = [api.stay(member) for _ in range(10)]
    for stay in stays:
        api.post_stay(stay)
    [reward] = rewards(api, member)["rewards"]
    api.post(f"/v1/members/{member}/rewards/{reward['reward_id']}/use", {}, Role.OPERATOR, **key())
    cancelled = api.post_stay(stays[0] | {"status": "cancelled"}).json()
    flagged = api.get("/v1/rewards?status=flagged&limit=500").json()["rewards"]

    assert [(reward["reward_id"], "flagged")] == [
        (one["reward_id"], one["status"]) for one in cancelled["rewards"]
    ]
    assert [reward["reward_id"]] == [one["reward"]["reward_id"] for one in flagged if one["number"] == member]
    assert 400 == api.get("/v1/rewards?status=open").status_code
