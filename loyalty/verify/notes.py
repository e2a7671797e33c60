"""Where members stayed, as their counters note it with each day that is kept: it has to be what their stays say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, show
from loyalty.ledger.counters import NOTE, notes
from loyalty.stays.model import Award
from loyalty.verify.checks import days_since
from loyalty.verify.model import History, StayFile
from loyalty.verify.report import Report

Notes = Mapping[str, Mapping[str, int]]
"""Notes and how often, by day."""

_award: Final = msgspec.json.Decoder(Award).decode
_NO_NOTES: Final[Notes] = {}


def check_notes(
    histories: Iterable[History], files: Sequence[StayFile], rules: Rulebook, report: Report
) -> None:
    """Compare the notes of each day that is kept with the stays that ended on it."""
    told = _of_stays(files)
    for history in histories:
        member = history.member
        mine, since = told.get(member.member_id, _NO_NOTES), days_since(history, rules)
        noted = notes(member.counters)
        for day in sorted(noted.keys() | mine.keys()):
            there, theirs = noted.get(day, {}), mine.get(day, {})
            if day >= since and there != theirs:
                who = show("mem", member.member_id)
                report.differs("counters", f"{who}: noted on {day} {there}, its stays {theirs}")


def _of_stays(files: Sequence[StayFile]) -> Mapping[UUID, Notes]:
    """Return the notes of stays, by member."""
    found: defaultdict[UUID, dict[str, dict[str, int]]] = defaultdict(dict)
    for file in files:
        if not file.revisions or f'"{NOTE}' not in file.revisions[-1].award:
            continue
        last = file.revisions[-1]
        try:
            award = _award(last.award)
        except msgspec.MsgspecError:
            continue  # told by the check of the stay
        of_day = found[last.member_id].setdefault(award.effective_on.isoformat(), {})
        for unit, amount in award.counts.items():
            if unit.startswith(NOTE):
                of_day[unit] = of_day.get(unit, 0) + amount
    return found
