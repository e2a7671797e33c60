"""What a booking site shows, over HTTP: balances now and then, many at once, and statements page by page."""

import datetime as dt
import threading
import time
from typing import Any

import httpx
import pytest

from loyalty.http.auth import Role


def balance_of(api: Any, member: str, query: str = "", **headers: str) -> httpx.Response:
    return api.get(f"/v1/members/{member}/balance{query}", Role.BOOKING, **headers)


def test_a_balance_says_all_that_a_page_shows(api: Any) -> None:
    member = api.enrol().json()
    departure = dt.date(api.today.year, 1, 2)
    api.post_stay(
        api.stay(member["number"], arrival=str(departure - dt.timedelta(1)), departure=str(departure))
    )
    shown = balance_of(api, member["member_id"]).json()

    assert {
        "member_id": member["member_id"], "number": member["number"], "as_of": str(api.today), "available": 1197,
        "pending": 0, "held": 0, "debt": 0,
        "expiring": [{"on": str(departure.replace(year=departure.year + 2)), "points": 1197}], "opening": [],
        "tier": {"code": "silver", "name": {"en": "Silver", "zh": "银卡"}, "valid_to": None,
                 "benefits": [{"code": "welcome_drink", "name": {"en": "Welcome drink", "zh": "欢迎饮品"}}]},
        "next_tier": {"code": "gold", "name": {"en": "Gold", "zh": "金卡"},
                      "remaining": {"nights": "9", "spend": "8803.00"}},
        "keep_tier": None, "year": {"nights": "1", "stays": "1", "spend": "1197.00"},
        "period": {"first": f"{api.today.year}-01-01", "last": f"{api.today.year}-12-31",
                   "counted": {"nights": "1", "stays": "1", "spend": "1197.00"}},
        "milestones": [{"code": "tenth_stay", "name": {"en": "Every tenth stay", "zh": "第10次入住纪念"},
                        "unit": "stays", "reward": {"en": "An album of your stays", "zh": "定制相册"},
                        "next_at": "10", "remaining": "9"}],
    } == shown  # fmt: skip


def test_a_tag_changes_with_the_balance_and_only_then(api: Any) -> None:
    member = api.member()
    first = balance_of(api, member)
    tag = first.headers["etag"]
    same = [balance_of(api, member, if_none_match=given) for given in (tag, f"W/{tag}", f'"x", {tag}', "*")]
    api.adjust({"member": member, "points": 1, "reason": "goodwill"})
    other = balance_of(api, member, if_none_match=tag)

    assert [(304, b"", tag)] * 4 == [(one.status_code, one.content, one.headers["etag"]) for one in same]
    assert (200, 1) == (other.status_code, other.json()["available"])
    assert tag != other.headers["etag"]


def test_a_balance_of_a_past_day_leaves_out_what_came_later(api: Any) -> None:
    member = api.member()
    days = [api.today - dt.timedelta(back) for back in (40, 20)]
    for day in days:
        api.post_stay(api.stay(member, arrival=str(day - dt.timedelta(1)), departure=str(day)))
    then = [balance_of(api, member, f"?as_of={day}").json() for day in (days[0] - dt.timedelta(1), *days)]

    assert [0, 1197, 2394] == [one["available"] for one in then]
    assert str(days[0]) == then[1]["as_of"]


def test_what_was_known_at_an_instant_never_changes(api: Any) -> None:
    member = api.member()
    stay = api.stay(member)
    api.post_stay(stay)
    time.sleep(0.01)
    # By the clock of the books: the request's own second would do too, but for clocks that drift.
    known_at = api.sql("SELECT clock_timestamp()")[0][0].isoformat().replace("+", "%2B")
    time.sleep(0.01)
    query = f"?as_of={stay['departure']}&known_at={known_at}"
    before = balance_of(api, member, query)
    api.post_stay(stay | {"status": "cancelled"})
    api.post_stay(api.stay(member))
    after = balance_of(api, member, query)

    assert 1197 == before.json()["available"]
    assert before.content == after.content
    assert 0 == balance_of(api, member, "?known_at=2000-01-01T00:00:00Z").json()["available"]


def test_a_thousand_balances_come_in_one_go_in_order(api: Any) -> None:
    known = [api.enrol().json() for _ in range(5)]
    asked = [known[place % 5]["number" if place % 2 else "member_id"] for place in range(999)] + ["NOBODY"]
    answer = api.post("/v1/balances", {"members": asked}, Role.BOOKING)
    shown = answer.json()["balances"]

    assert 200 == answer.status_code
    assert asked == [one["member"] for one in shown]
    assert [known[place % 5]["number"] for place in range(999)] == [
        one["balance"]["number"] for one in shown[:999]
    ]
    assert "unknown_member" == shown[999]["problem"]["code"]
    assert {"member", "problem"} == shown[999].keys()


def test_a_statement_tells_the_story_of_each_line(api: Any) -> None:
    member = api.member()
    stay = api.stay(member)
    posted = api.post_stay(stay).json()
    api.post_stay(stay | {"status": "cancelled"})
    page = api.get(f"/v1/members/{member}/statement", Role.BOOKING).json()
    lines = page["lines"]

    assert page["next_cursor"] is None
    assert [("stay_reversed", -1197, 0), ("stay_posted", 1197, 1197), ("enrolled", 0, 0)] == [
        (line["kind"], line["points"], line["balance"]) for line in lines
    ]
    assert [3, 2, 1] == [line["version"] for line in lines]
    assert [posted["stay_id"]] * 2 + [None] == [line["stay_id"] for line in lines]
    assert {"kind": "base", "unit": "points", "amount": "1197"} in lines[1]["parts"]
    assert {"kind": "count", "unit": "nights", "amount": "2"} in lines[1]["parts"]


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_pages_come_complete_while_postings_go_on(api: Any, limit: int) -> None:
    member = api.member()
    for _ in range(24):
        api.post_stay(api.stay(member))
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            api.post_stay(api.stay(member))

    posting = threading.Thread(target=go_on)
    posting.start()
    try:
        versions, cursor = [], None
        while True:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = api.get(f"/v1/members/{member}/statement{query}").json()
            versions += [line["version"] for line in page["lines"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    finally:
        stop.set()
        posting.join()

    assert versions[0] >= 25
    assert list(range(versions[0], 0, -1)) == versions


def test_a_page_holds_as_many_lines_as_asked(api: Any) -> None:
    member = api.member()
    for _ in range(2):
        api.post_stay(api.stay(member))
    path = f"/v1/members/{member}/statement?limit="
    exact, fewer = api.get(f"{path}3").json(), api.get(f"{path}2").json()

    assert (3, None) == (len(exact["lines"]), exact["next_cursor"])
    assert 2 == len(fewer["lines"])
    assert 1 == len(api.get(f"{path}2&cursor={fewer['next_cursor']}").json()["lines"])


def test_expired_points_are_gone_before_anyone_has_written_it_down(api: Any) -> None:
    member = api.member()
    old = api.today - dt.timedelta(800)
    api.post_stay(api.stay(member, arrival=str(old - dt.timedelta(1)), departure=str(old)))
    api.adjust({"member": member, "points": 10, "reason": "goodwill"})
    shown = balance_of(api, member).json()

    assert 10 == shown["available"]
    assert [10] == [one["points"] for one in shown["expiring"]]
