"""A batch gives the same as its postings one by one, in order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty import bulk
from tests.builders import small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Stay
from tests.property.strategies import MEMBERS, START, shaped, shapes

RULES = small_rules()
histories = st.lists(shapes, min_size=2, max_size=14)


def seen(books: LiveBooks) -> dict[str, Any]:
    """Return all that members can see of their books, without ids and times."""
    found: dict[str, Any] = {}
    for number in MEMBERS:
        view = books.balance(number)
        lines = [
            (one.version, one.kind, one.effective_on, one.balance, one.parts)
            for one in books.statement(number)
        ]
        found[number] = (
            view.available, view.debt, view.expiring, view.tier, view.year, view.milestones, books.granted(number),
            lines,
        )  # fmt: skip
    return found


def enrolled(live: Live) -> LiveBooks:
    books = LiveBooks(live)
    for number in MEMBERS:
        books.enrol(number, f"enrol-{number}")
    return books


def one_by_one(books: LiveBooks, stays: list[Stay]) -> list[dict[str, Any]]:
    return [books.post(stay) for stay in stays]


def test_a_batch_gives_the_same_as_its_stays_one_by_one(database: str, tmp_path: Path) -> None:
    with opened(database, RULES, tmp_path) as live:

        @settings(max_examples=40, deadline=None)
        @given(histories)
        def check(history: list[dict[str, Any]]) -> None:
            stays = [shaped(shape, START) for shape in history]
            together, singly = enrolled(live), enrolled(live)

            assert one_by_one(singly, stays) == together.post_many(stays)
            assert seen(singly) == seen(together)

        check()

        assert {} == live.verify()


def test_a_batch_in_short_stretches_and_small_transactions_gives_the_same(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few at a time, queued and taken, cut a batch anywhere."""
    monkeypatch.setattr(bulk, "_STRETCH", 3)
    with opened(database, RULES, tmp_path, batch_limit=2) as live:

        @settings(max_examples=25, deadline=None)
        @given(histories)
        def check(history: list[dict[str, Any]]) -> None:
            stays = [shaped(shape, START) for shape in history]
            together, singly = enrolled(live), enrolled(live)

            assert one_by_one(singly, stays) == together.post_many(stays)
            assert seen(singly) == seen(together)

        check()


def test_many_stays_of_one_member_in_one_batch_are_all_counted(database: str, tmp_path: Path) -> None:
    shape = {"member": "T1", "ago": 3, "nights": 1, "lines": (("room", 100_00),), "ref": "R"}
    with opened(database, RULES, tmp_path) as live:
        books = enrolled(live)
        stays = [replace(shaped(shape, START), ref=f"R-{number}") for number in range(300)]
        replies = books.post_many(stays)
        again = books.post_many(stays)
        view = books.balance("T1")

        assert [{"replayed": True}] * 300 == again
        assert sum(reply["change"] for reply in replies) == view.available
        # The first four as silver; gold from the fifth, after 4 nights; platinum from the tenth, after 9.
        assert 4 * 100 + 5 * 125 + 291 * 150 == view.available
        assert ("300", "300") == (view.year["nights"], view.year["stays"])
        assert 100 + 42 == len(books.granted("T1"))
