"""`/v1/stays` over HTTP: what is posted, posted again, revised, cancelled, moved, and read."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loyalty.http.auth import Role


def balance(api: Any, member: str) -> int:
    return api.get(f"/v1/members/{member}/balance").json()["available"]


def test_a_stay_is_posted_and_explains_itself(api: Any) -> None:
    member = api.enrol().json()
    answer = api.post_stay(api.stay(member["number"]))
    reply = answer.json()
    stay_id = reply.pop("stay_id")

    assert 201 == answer.status_code
    assert "idempotent-replayed" not in answer.headers
    assert stay_id.startswith("sty_")
    assert {
        "member_id": member["member_id"], "outcome": "posted", "revision": 0, "program": "house@1",
        "points": {"base": 1197, "tier_bonus": 0, "promotion": 0, "total": 1197}, "change": 1197, "nights": "2",
        "balance": {"available": 1197, "pending": 0, "held": 0, "debt": 0},
        "tier": {"before": "silver", "after": "silver"},
        "milestones": [],
        "why": [
            {"code": "category_eligible", "category": "room", "amount": "1197.00", "rate": "1"},
            {"code": "category_not_eligible", "category": "tax", "amount": "73.58"},
            {"code": "base", "amount": "1197.00", "points": 1197},
        ],
    } == reply  # fmt: skip


def test_the_same_stay_again_is_answered_byte_for_byte_and_changes_nothing(api: Any) -> None:
    stay = api.stay(api.member())
    first = api.post_stay(stay)
    before = api.books()
    again = [
        api.post_stay(stay),
        api.post_stay(stay, Role.OPERATOR),
        api.post_stay(dict(reversed(stay.items()))),
    ]

    assert [(200, first.content)] * 3 == [(answer.status_code, answer.content) for answer in again]
    assert ["true"] * 3 == [answer.headers["idempotent-replayed"] for answer in again]
    assert before == api.books()


def test_fifty_clients_that_post_one_stay_at_once_post_it_once(api: Any) -> None:
    stay = api.stay(api.member())
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda _: api.post_stay(stay), range(50)))

    assert [200] * 49 + [201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.content for answer in answers})
    assert 1197 == balance(api, stay["member"])


def test_other_content_without_a_revision_is_the_next_revision(api: Any) -> None:
    stay = api.stay(api.member())
    first = api.post_stay(stay).json()
    second = api.post_stay(stay | {"lines": [{"category": "room", "amount": "1000"}]})

    assert 200 == second.status_code
    assert {"outcome": "revised", "revision": 1, "change": -197}.items() <= second.json().items()
    assert first["stay_id"] == second.json()["stay_id"]
    assert 1000 == balance(api, stay["member"])


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_a_stay_that_did_not_take_place_gives_back_what_it_earned(api: Any, status: str) -> None:
    stay = api.stay(api.member())
    api.post_stay(stay)
    reply = api.post_stay(stay | {"status": status}).json()

    assert {"outcome": "reversed", "change": -1197, "nights": "0"}.items() <= reply.items()
    assert {"available": 0, "pending": 0, "held": 0, "debt": 0} == reply["balance"]
    assert 0 == balance(api, stay["member"])


def test_an_older_revision_is_recorded_and_changes_nothing(api: Any) -> None:
    stay = api.stay(api.member(), revision=5)
    api.post_stay(stay)
    late = api.post_stay(stay | {"revision": 4, "lines": []})

    assert (200, "superseded", 4) == (late.status_code, late.json()["outcome"], late.json()["revision"])
    assert 1197 == balance(api, stay["member"])


def test_the_same_revision_with_other_content_is_a_conflict(api: Any) -> None:
    stay = api.stay(api.member(), revision=5)
    api.post_stay(stay)
    before = api.books()
    other = api.post_stay(stay | {"lines": []})

    assert (409, "revision_conflict") == (other.status_code, other.json()["code"])
    assert ["/revision"] == [error["pointer"] for error in other.json()["errors"]]
    assert before == api.books()


def test_a_stay_of_another_member_moves_by_an_explicit_revision_only(api: Any) -> None:
    one, other = api.member(), api.member()
    stay = api.stay(one)
    api.post_stay(stay)
    before = api.books()
    refused = api.post_stay(stay | {"member": other})
    unchanged = api.books()
    moved = api.post_stay(stay | {"member": other, "revision": 1})

    assert (409, "stay_of_another_member") == (refused.status_code, refused.json()["code"])
    assert ["/member"] == [error["pointer"] for error in refused.json()["errors"]]
    assert before == unchanged
    assert (200, "revised") == (moved.status_code, moved.json()["outcome"])
    assert (0, 1197) == (balance(api, one), balance(api, other))


@pytest.mark.parametrize("_", range(5))
def test_one_stay_with_two_members_at_once_goes_to_exactly_one(api: Any, _: int) -> None:
    stays = [api.stay(api.member(), stay_ref="two at once") for _ in range(2)]
    ref = f"twice-{stays[0]['member']}"
    with ThreadPoolExecutor(2) as clients:
        answers = list(clients.map(lambda stay: api.post_stay(stay | {"stay_ref": ref}), stays))
    lost = next(answer for answer in answers if answer.status_code == 409)

    assert [201, 409] == sorted(answer.status_code for answer in answers)
    assert "stay_of_another_member" == lost.json()["code"]
    assert ["/member"] == [error["pointer"] for error in lost.json()["errors"]]
    assert [0, 1197] == sorted(balance(api, stay["member"]) for stay in stays)
    assert 1 == len(api.sql("SELECT FROM stay_directory WHERE stay_ref = $1", ref))


def test_the_member_may_be_named_by_id(api: Any) -> None:
    member = api.enrol().json()
    stay = api.stay(member["number"])
    first = api.post_stay(stay)
    again = api.post_stay(stay | {"member": member["member_id"]})

    assert (200, first.content) == (again.status_code, again.content)


def test_legs_and_sources_and_hotels_are_stays_of_their_own(api: Any) -> None:
    stay = api.stay(api.member())
    others = [{}, {"leg": 2}, {"source": "mews"}, {"property": "BJS02"}]
    answers = [api.post_stay(stay | other) for other in others]

    assert [201] * 4 == [answer.status_code for answer in answers]
    assert 4 * 1197 == balance(api, stay["member"])


def test_an_agency_booking_earns_nothing_and_says_why(api: Any) -> None:
    reply = api.post_stay(api.stay(api.member(), channel="ota")).json()

    assert ("posted", 0, "0") == (reply["outcome"], reply["change"], reply["nights"])
    assert ["channel_excluded"] == [why["code"] for why in reply["why"]]


def test_a_tenth_stay_is_a_milestone_and_ten_nights_are_gold(api: Any) -> None:
    member = api.member()
    day = dt.date(api.today.year, 1, 1)
    night = {"arrival": str(day), "departure": str(day + dt.timedelta(1))}
    replies = [api.post_stay(api.stay(member, **night)).json() for _ in range(10)]

    assert [] == [change for reply in replies[:9] for change in reply["milestones"]]
    assert [{"code": "tenth_stay", "ordinal": 1, "status": "granted"}] == replies[9]["milestones"]
    assert "gold" == replies[9]["tier"]["after"]


def test_a_stay_is_read_with_all_that_was_said_about_it(api: Any) -> None:
    stay = api.stay(api.member(), revision=3)
    replies = [
        api.post_stay(stay).json(),
        api.post_stay(stay | {"revision": 4, "status": "cancelled"}).json(),
        api.post_stay(stay | {"revision": 1, "rooms": 2}).json(),
    ]
    shown = api.get(f"/v1/stays/{replies[0]['stay_id']}", Role.BOOKING).json()

    assert replies[1]["member_id"] == shown["member_id"]
    assert ("reversed", 4, 0) == (shown["outcome"], shown["revision"], shown["points"]["total"])
    assert [(4, "reversed"), (3, "posted"), (1, "superseded")] == [
        (one["revision"], one["outcome"]) for one in shown["revisions"]
    ]
    assert [replies[1], replies[0], replies[2]] == [one["reply"] for one in shown["revisions"]]
    assert stay == shown["revisions"][1]["snapshot"]
    assert [True, True, False] == [one["journal_id"] is not None for one in shown["revisions"]]


def test_a_stay_that_does_not_exist_is_not_found(api: Any) -> None:
    answers = [
        api.get(f"/v1/stays/{stay_id}") for stay_id in ("sty_" + "0" * 32, "sty_" + "f" * 32, "mem_1", "x")
    ]

    assert {(404, "unknown_stay")} == {(answer.status_code, answer.json()["code"]) for answer in answers}
