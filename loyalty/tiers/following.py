"""The tiers of one member while a history is told, stay by stay: kept until something counted may move them. Pure.

It tells what `Tiers.on` does. Where a calendar year has but one tier, that is found once. Where cycles follow each
other, a day is counted once, as long as stays come in the order of their days.
"""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Member
from loyalty.tiers.ladder import Ladders, Level
from loyalty.tiers.marks import Change
from loyalty.tiers.standing import Tiers
from loyalty.tiers.timeline import Cycles, Step, cycles_begin, level_on

_NOTHING: Final[Mapping[str, int]] = {}


class Following:
    """What is known of a member's tiers by now."""

    __slots__ = ("_by_part", "_cycles", "_member", "_tiers")

    def __init__(self, tiers: Tiers, member: Member) -> None:
        """Begin with nothing known."""
        self._tiers = tiers
        self._member = member
        self._by_part: dict[tuple[int, int, bool], Level] = {}
        self._cycles: _Followed | None = None

    def on(self, day: date) -> Level:
        """Return the tier on a day."""
        tiers, member = self._tiers, self._member
        if member.traits.statuses:
            return tiers.on(member, day)
        if tiers.one_a_year:
            return self._of_year(day)
        if not tiers.by_cycles:
            return tiers.on(member, day)
        if self._cycles is None:
            self._cycles = _Followed(tiers.ladders, member)
        level = self._cycles.on(day)
        return tiers.on(member, day) if level is None else level

    def counted(self, changed: Sequence[Change], day: date, other: date | None = None) -> None:
        """Note that something was counted on a day, or two; the member's counters hold it already."""
        if self._by_part and not self._tiers.unmoved(changed, self._member.counters):
            self._by_part = {}
        cycles = self._cycles
        if cycles is not None and not (cycles.counted(day) and (other is None or cycles.counted(other))):
            self._cycles = None

    def forget(self) -> None:
        """Forget what was found: the member's counters are others."""
        self._by_part, self._cycles = {}, None

    def _of_year(self, day: date) -> Level:
        """Return the tier on a day; within grace of the year before, and beyond it, there is one for each ladder."""
        ladders = self._tiers.ladders
        place = bisect_right(ladders.days, day) if ladders.days else 0
        grace = ladders.all[place].rules.grace_months
        part = (day.year, place, not grace or day >= add_months(date(day.year, 1, 1), grace))
        level = self._by_part.get(part)
        if level is None:
            self._by_part[part] = level = self._tiers.on(self._member, day)
        return level


class _Followed:
    """A member's cycles as far as they were gone through, and the later days on which something was counted."""

    __slots__ = ("_begins", "_cycles", "_grace", "_member", "_steps", "_told", "_waiting")

    def __init__(self, ladders: Ladders, member: Member) -> None:
        """Begin with the first cycle, and nothing gone through."""
        begins, ladder = cycles_begin(member), ladders.all[0]
        self._member = member
        self._begins = begins.isoformat()
        self._cycles = Cycles(ladders, begins, ladder.levels[0])
        self._steps: list[Step] = [(date.min, ladder.levels[0])]
        self._grace = ladder.rules.grace_months
        self._waiting = sorted(counting.days(member.counters))
        self._told = ""

    def on(self, day: date) -> Level | None:
        """Return the tier on a day; None for one before those that were gone through."""
        key, cycles, steps = day.isoformat(), self._cycles, self._steps
        if key < self._told:
            return None
        self._told = key
        place = bisect_right(self._waiting, key)
        for one in self._waiting[:place]:
            while one >= cycles.limit:
                steps += cycles.over().steps
            ended = cycles.count(one, self._member.counters.get(one, _NOTHING))
            if ended is not None:
                steps += ended.steps
        del self._waiting[:place]
        while key >= cycles.limit:
            steps += cycles.over().steps
        return level_on(steps, day, self._grace)

    def counted(self, day: date) -> bool:
        """Note that something was counted on a day; return whether it is still to be gone through."""
        key = day.isoformat()
        if key <= self._told or key < self._begins:
            return False
        if key not in self._waiting:
            insort(self._waiting, key)
        return True
