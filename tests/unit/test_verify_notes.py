"""Where members stayed, as their counters note it, beside what their stays say."""

import datetime as dt

import msgspec
import pytest

from loyalty.ledger.model import Counters, Traits
from loyalty.program.model import HOUSE
from loyalty.stays.model import Award
from loyalty.verify.model import History, Revision, StayFile
from loyalty.verify.notes import check_notes
from loyalty.verify.report import Report
from tests.builders import MINT, changed, counted, member, small_rules

RULES = small_rules(changed(HOUSE.read_text("utf-8"), day_use_is_stay="true\nconsecutive = true"))
MEMBER, STAY = MINT(0), MINT(0)
NOTE = "at:SHA01:2026-01-03"
STAYED: Counters = counted({"2026-01-05": {"stays": 1, NOTE: 1}})


def found(counters: Counters, *notes: str) -> set[str]:
    """Return what is found wrong where stays that ended on 5 January have left these notes."""
    someone = member(member_id=MEMBER, counters=counters, traits=Traits(by_day=RULES.by_day))
    files = [_file({"stays": 1, note: 1}) for note in notes]
    report = Report()
    check_notes([History(someone, [])], files, RULES, report)
    return report.found()


def _file(counts: dict[str, int]) -> StayFile:
    award = Award("silver", "house@1", dt.date(2026, 1, 5), None, counts=counts)
    text = msgspec.json.encode(award).decode()
    at = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    return StayFile(STAY, [Revision(0, STAY, 0, MEMBER, "posted", "{}", text, None, at)], [])


def test_notes_that_stays_have_left_are_right() -> None:
    assert set() == found(STAYED, NOTE)


@pytest.mark.parametrize("notes", [[], [NOTE, NOTE], ["at:SHA01:2026-01-04"], ["at:TYO01:2026-01-03"]])
def test_other_notes_than_those_of_the_stays_are_found(notes: list[str]) -> None:
    assert {"counters"} == found(STAYED, *notes)


def test_a_missing_note_is_found() -> None:
    assert {"counters"} == found(counted({"2026": {"stays": 1}}), NOTE)
