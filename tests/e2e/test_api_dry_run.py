"""`POST /v1/stays?dry_run=true`: what a posting would come to, with nothing recorded."""

from decimal import Decimal
from typing import Any

import pytest

DRY = "/v1/stays?dry_run=true"


def told(answer: Any) -> dict[str, Any]:
    """Return an answer without the id that a new stay gets."""
    assert answer.status_code in {200, 201}, answer.text
    return {name: value for name, value in answer.json().items() if name != "stay_id"}


def test_a_dry_run_says_what_the_posting_then_says_and_records_nothing(api: Any) -> None:
    posting = api.stay(api.member())
    before = api.books()
    dry = api.post(DRY, posting)
    after = api.books()
    posted = api.post_stay(posting)

    assert (200, "true") == (dry.status_code, dry.headers["dry-run"])
    assert before == after
    assert told(posted) == told(dry)
    assert (201, None) == (posted.status_code, posted.headers.get("dry-run"))


def test_a_stay_in_another_currency_tells_its_rate_dry_posted_and_on_file(api: Any) -> None:
    foreign = {"currency": "USD", "lines": [{"category": "room", "amount": "100.00"}]}
    posting = api.stay(api.member(), **foreign)
    dry, posted = api.post(DRY, posting), api.post_stay(posting)
    stay_id = posted.json()["stay_id"]
    rate = posted.json()["why"][0]["rate"]
    shown = api.get(f"/v1/stays/{stay_id}")
    chinese = api.get(f"/v1/stays/{stay_id}", accept_language="zh")
    worth = f"{Decimal(rate) * 100:.2f}"

    assert (
        {
            "code": "exchanged",
            "amount": "100.00",
            "currency": "USD",
            "rate": rate,
            "worth": worth,
        }
        == dry.json()["why"][0]
        == posted.json()["why"][0]
        == shown.json()["why"][0]
    )
    assert f"100.00 USD are {worth} CNY, at {rate} CNY for 1 USD." == shown.json()["text"][0]
    assert f"100.00 USD，按汇率 1 USD = {rate} CNY，折合{worth} CNY。" == chinese.json()["text"][0]


def test_a_dry_run_of_a_revision_tells_the_difference(api: Any) -> None:
    member = api.member()
    posting = api.stay(member)
    api.post_stay(posting)
    revised = posting | {"lines": [{"category": "room", "amount": "200.00"}]}
    before = api.books()
    again, changed = api.post(DRY, posting), api.post(DRY, revised)

    assert before == api.books()
    assert "posted" == again.json()["outcome"]
    assert ("revised", 200 - 1197) == (changed.json()["outcome"], changed.json()["change"])
    assert told(api.post_stay(revised)) == told(changed)


def test_a_dry_run_of_a_stay_that_moves_to_another_member_moves_nothing(api: Any) -> None:
    posting = api.stay(api.member(), revision=1)
    api.post_stay(posting)
    moved = posting | {"member": api.member(), "revision": 2}
    before = api.books()
    dry = api.post(DRY, moved)

    assert before == api.books()
    assert ("revised", 1197) == (dry.json()["outcome"], dry.json()["points"]["total"])
    assert told(api.post_stay(moved)) == told(dry)


def test_a_dry_run_for_a_merged_member_is_for_the_one_that_stands_for_it(api: Any) -> None:
    old, new = api.member(), api.member()
    merged = api.post(f"/v1/members/{old}/merge", {"into": new}, idempotency_key=f"merge-{old}")
    dry = api.post(DRY, api.stay(old))

    assert 201 == merged.status_code, merged.text
    assert merged.json()["into"] == dry.json()["member_id"]


def test_a_dry_run_is_refused_as_the_posting_would_be(api: Any) -> None:
    posting = api.stay(api.member(), revision=1)
    api.post_stay(posting)
    other = posting | {"lines": []}

    assert (404, "unknown_member") == refused(api.post(DRY, api.stay("HX9999999999")))
    assert (422, "unknown_property") == refused(api.post(DRY, api.stay(api.member(), property="NO")))
    assert (409, "revision_conflict") == refused(api.post(DRY, other))
    assert (409, "stay_of_another_member") == refused(
        api.post(DRY, posting | {"member": api.member(), "revision": None})
    )


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("value", ["yes", "1", "TRUE", ""])
def test_anything_but_true_or_false_is_no_answer(api: Any, value: str) -> None:
    answer = api.post(f"/v1/stays?dry_run={value}", api.stay(api.member()))

    assert (400, "invalid_parameter") == refused(answer)
    assert "dry_run" == answer.json()["errors"][0]["parameter"]


def test_false_records_it(api: Any) -> None:
    assert 201 == api.post("/v1/stays?dry_run=false", api.stay(api.member())).status_code
