"""`/v1/stays/batch` over HTTP: ten thousand at a time, each judged on its own, in order."""

import json
from typing import Any

import pytest

from loyalty.http.auth import Role

NDJSON = "application/x-ndjson"


def post(api: Any, body: Any, content_type: str = "application/json", role: Any = Role.PROPERTY) -> Any:
    return api.post("/v1/stays/batch", body, role, content_type=content_type)


def ndjson(*items: Any) -> bytes:
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


def test_each_item_is_answered_in_order_as_it_would_be_alone(api: Any) -> None:
    one, other = api.member(), api.member()
    stay = api.stay(one)
    items = [
        stay, api.stay(other), stay, stay | {"status": "cancelled"}, api.stay("NOBODY"), stay | {"lines": 5},
        api.stay(other, property="BJS02", revision=2), stay | {"revision": 0, "rooms": 3},
    ]  # fmt: skip
    reply = post(api, items).json()
    results = reply["results"]

    assert [201, 201, 200, 200, 404, 400, 201, 409] == [result["status"] for result in results]
    assert results[0]["reply"] == results[2]["reply"]
    assert "reversed" == results[3]["reply"]["outcome"]
    assert "/member" == results[4]["problem"]["errors"][0]["pointer"]
    assert "/lines" == results[5]["problem"]["errors"][0]["pointer"]
    assert {
        "posted": 3, "revised": 0, "reversed": 1, "unchanged": 1, "superseded": 0, "refused": 3
    } == reply["summary"]  # fmt: skip


@pytest.mark.parametrize("content_type", [NDJSON, "application/ndjson", "application/jsonl; charset=utf-8"])
def test_lines_may_be_blank_and_a_broken_one_breaks_nothing_else(api: Any, content_type: str) -> None:
    stays = [api.stay(api.member()) for _ in range(3)]
    body = (
        b"\n\r\n"
        + ndjson(stays[0], b"", stays[1], b'{"source":"opera', b"\xff\xfe", b"   ", stays[2])
        + b"\r\n\n"
    )
    reply = post(api, body, content_type).json()

    assert [201, 201, 400, 400, 201] == [result["status"] for result in reply["results"]]
    assert {"malformed_json"} == {reply["results"][place]["problem"]["code"] for place in (2, 3)}
    assert (3, 2) == (reply["summary"]["posted"], reply["summary"]["refused"])


def test_what_is_in_the_array_may_be_anything(api: Any) -> None:
    before = api.books()
    reply = post(
        api, b'[5, null, "x", [], {}, [[[[1]]]], true, 1e400, {"source": "\\u0000"}, {"source": "\xff"}]'
    )
    results = reply.json()["results"]

    assert {400} == {result["status"] for result in results}
    assert 10 == reply.json()["summary"]["refused"]
    assert ["invalid_body"] * 7 == [result["problem"]["code"] for result in results[:7]]
    assert before == api.books()


def test_an_array_that_is_no_json_is_refused_as_a_whole(api: Any) -> None:
    good = json.dumps(api.stay(api.member())).encode()
    before = api.books()
    half = b'[{"source": "\\ud800"}]'
    broken = (
        b"",
        b"{",
        b"[",
        b"[%b" % good,
        b"[%b,]" % good,
        b"[%b]]" % good,
        b"[%b%b]" % (good, good),
        b"{}",
        half,
    )
    answers = [post(api, body) for body in broken]

    assert {400} == {answer.status_code for answer in answers}
    assert before == api.books()


def test_an_empty_batch_is_answered_with_nothing(api: Any) -> None:
    replies = [post(api, b"[]").json(), post(api, b"\n", NDJSON).json()]

    assert [[], []] == [reply["results"] for reply in replies]


def test_the_same_batch_again_changes_nothing_and_is_answered_alike(api: Any) -> None:
    items = [api.stay(api.member()) for _ in range(20)]
    first = post(api, items).json()
    before = api.books()
    again = post(api, ndjson(*items), NDJSON).json()

    assert [result["reply"] for result in first["results"]] == [
        result["reply"] for result in again["results"]
    ]
    assert (20, 20) == (first["summary"]["posted"], again["summary"]["unchanged"])
    assert before == api.books()


def test_ten_thousand_items_pass_and_one_more_does_not(api: Any) -> None:
    members = [api.member() for _ in range(50)]
    stays = [api.stay(member) for member in members]
    items = [stays[place % 50] for place in range(10_000)]
    answer = post(api, ndjson(*items), NDJSON)
    before = api.books()
    over = post(api, ndjson(*items, items[0]), NDJSON)

    assert (200, 10_000) == (answer.status_code, len(answer.json()["results"]))
    assert (50, 9950) == (answer.json()["summary"]["posted"], answer.json()["summary"]["unchanged"])
    assert (413, "body_too_large") == (over.status_code, over.json()["code"])
    assert "10001" in over.json()["detail"]
    assert before == api.books()


def test_other_media_types_are_refused(api: Any) -> None:
    answers = [post(api, b"[]", kind) for kind in ("text/csv", "application/json-seq", "")]

    assert {(415, "unsupported_media_type")} == {
        (answer.status_code, answer.json()["code"]) for answer in answers
    }


def test_a_key_of_one_hotel_posts_its_own_items_only(api: Any) -> None:
    key = api.new_key(Role.PROPERTY, "SHA01")
    stays = [api.stay(api.member(), property=code) for code in ("SHA01", "BJS02", "SHA01")]
    reply = post(api, stays, role=key).json()

    assert [201, 403, 201] == [result["status"] for result in reply["results"]]
    assert "forbidden_property" == reply["results"][1]["problem"]["code"]
    assert "/property" == reply["results"][1]["problem"]["errors"][0]["pointer"]
    assert [] == api.sql("SELECT FROM stay_directory WHERE stay_ref = $1", stays[1]["stay_ref"])
