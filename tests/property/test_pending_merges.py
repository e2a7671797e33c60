"""Pending points of an account that is merged into another, and of one whose merge is undone."""

from datetime import date, timedelta
from pathlib import Path

from loyalty import moving
from loyalty.ids import parse
from loyalty.members.model import EnrolRequest
from tests.builders import LATER, PROGRAM, changed, reply, small_rules
from tests.property.live import opened
from tests.property.oracle import Stay
from tests.property.test_moving_live import Movers

RULES = small_rules(
    changed(PROGRAM, per=f'"1.00"\npending_days = {LATER}', months="12\ninactivity_months = 6")
)


def standing(books: Movers, number: str) -> tuple[int, int, list[tuple[date, int]], list[tuple[date, int]]]:
    view = books.balance(number)
    return (
        view.available, view.pending, [(one.on, one.points) for one in view.opening],
        [(one.on, one.points) for one in view.expiring],
    )  # fmt: skip


def test_pending_points_move_with_their_stay_and_back(database: str, tmp_path: Path) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = Movers(live)
        for number in ("T1", "T2"):
            request = EnrolRequest(books.prefix + number, enrolled_on=date(2024, 1, 1))
            books.one(books.service.enrol(request, "test", books.key(number, request)))
        today = books.service.today()
        books.post(Stay("old", "T1", today - timedelta(days=30), 1, (("room", 70_00),)))
        books.post(Stay("new", "T1", today - timedelta(days=3), 1, (("room", 100_00),)))
        books.post(Stay("other", "T2", today - timedelta(days=9), 1, (("room", 40_00),)))
        books.adjust("T1", -20, "spend")
        before = standing(books, "T1"), standing(books, "T2")
        key = books.key("m", ("T1", "T2"))
        merged = reply(
            books.one(moving.merge(books.service, books.prefix + "T1", books.prefix + "T2", "test", key))
        )
        together, found = standing(books, "T2"), parse("mrg", merged["merge_id"])
        clean = live.verify()
        assert found is not None
        books.one(moving.unmerge(books.service, found, "test", books.key("u", merged["merge_id"])))

        assert (50, 100, 0, 40) == (*before[0][:2], *before[1][:2])
        assert (50, 140) == together[:2]
        assert (0, 0) == (books.member("T1").debt, books.member("T2").debt)
        assert before == (standing(books, "T1"), standing(books, "T2"))
        assert ({}, {}) == (clean, live.verify())
