"""Milestones: a count, over the whole membership or within a calendar year, that passes its marks. Pure.

What is granted is a function of the count: as many ordinals as it has passed marks. So a crossing grants once, a
reversal takes back exactly what it uncrosses, and the order of posting never matters.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters
from loyalty.program.model import Choice, Reward
from loyalty.tiers.marks import Asked, Change


class MilestoneRule(Struct, frozen=True, gc=False):
    """A milestone with its marks, in the scale of its unit: multiples of `every` beyond `above`, or those of `at`.

    `gives` is the reward, or what there is to choose from. `others` are the same marks by further units: what is
    counted of them stands for the count of the rule's own unit at the mark that it has passed.
    """

    code: str
    name: Mapping[str, str]
    unit: str
    every: int
    reward: str
    reward_name: Mapping[str, str]
    at: tuple[int, ...] = ()
    above: int = 0
    most: int | None = None
    yearly: bool = False
    gives: Reward | Choice | None = None
    others: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def passed(self, count: int) -> int:
        """Return how many marks a count has passed."""
        passed = bisect_right(self.at, count) if self.at else max(0, (count - self.above) // self.every)
        return passed if self.most is None else min(passed, self.most)

    def asked(self) -> Iterator[Asked]:
        """Yield the marks of all its units."""
        steps = () if self.at else ((self.above, self.every),)
        yield Asked(self.unit, self.yearly, self.at, steps)
        for unit, at in self.others:
            yield Asked(unit, self.yearly, at)

    def next_mark(self, count: int) -> int | None:
        """Return the first mark that a count hasn't passed; None when there is no more."""
        passed = self.passed(count)
        if self.most is not None and passed >= self.most:
            return None
        if self.at:
            return self.at[passed] if passed < len(self.at) else None
        return self.above + (passed + 1) * self.every

    def count(self, counters: Counters, year: int) -> int:
        """Return what the milestone counts: in a year, or over all."""
        if not self.others:
            if not self.yearly:
                return counting.over_all(counters, self.unit)
            if self.unit != "brands":
                return counting.of_year(counters, year).get(self.unit, 0)
        return self.count_of(self.counted(counters, year))

    def counted(self, counters: Counters, year: int) -> Mapping[str, int]:
        """Return what counts for the milestone, by unit: of a year, or of all."""
        return counting.of_year(counters, year) if self.yearly else counting.by_unit(counters)

    def missing(self, counted: Mapping[str, int]) -> dict[str, int]:
        """Return how much of each other unit is missing to the next mark, where it has one."""
        count = self.count_of(counted)
        place = self.passed(count)
        if self.next_mark(count) is None:
            return {}
        return {
            unit: marks[place] - amount_of(counted, unit) for unit, marks in self.others if place < len(marks)
        }

    def count_of(self, counted: Mapping[str, int]) -> int:
        """Return what counts come to in the milestone's own unit, marks that other units have passed included."""
        count = amount_of(counted, self.unit)
        for unit, marks in self.others:
            passed = bisect_right(marks, amount_of(counted, unit))
            if passed:
                count = max(count, self.at[passed - 1])
        return count


def amount_of(counted: Mapping[str, int], unit: str) -> int:
    """Return how much was counted of a unit; of `brands`, how many different ones."""
    return counting.brands(counted) if unit == "brands" else counted.get(unit, 0)


class Crossing(Struct, frozen=True, gc=False):
    """A milestone passed upwards (`granted`) or downwards (`revoked`). `period`: the year, for one that is yearly.

    `program`: the version by whose mark it was passed, if that isn't the one in force. `regained`: it may have been
    passed again by the mark of another version that once gave it.
    """

    code: str
    ordinal: int
    status: str
    period: str = ""
    program: str = ""


def crossed(rule: MilestoneRule, before: int, after: int, period: str = "") -> list[Crossing]:
    """Return what a change of the count crosses."""
    first, last = rule.passed(before), rule.passed(after)
    if first == last:
        return []
    if last >= first:
        return [Crossing(rule.code, ordinal, "granted", period) for ordinal in range(first + 1, last + 1)]
    return [Crossing(rule.code, ordinal, "revoked", period) for ordinal in range(first, last, -1)]


def marks(rule: MilestoneRule) -> tuple[object, ...]:
    """Return what of a milestone says which marks a count has passed: all but its names and what it gives."""
    return (rule.unit, rule.every, rule.at, rule.above, rule.most, rule.yearly, rule.others)


def remade(versions: Sequence[Sequence[MilestoneRule]]) -> dict[str, tuple[MilestoneRule, ...]]:
    """Return the milestones whose marks not all versions have alike, each with the different ones, by code."""
    known: dict[str, list[MilestoneRule]] = {}
    for rules in versions:
        for rule in rules:
            known.setdefault(rule.code, []).append(rule)
    return {
        code: different
        for code, rules in known.items()
        if len(different := tuple({marks(rule): rule for rule in rules}.values())) > 1
        or len(rules) < len(versions)
    }


def all_crossed(
    rules: Sequence[MilestoneRule], changed: Sequence[Change], counters: Counters, *, ahead: bool = False
) -> list[Crossing]:
    """Return what all milestones cross when counts change, given the counters that hold the change.

    `ahead`: they don't hold it yet.
    """
    crossings: list[Crossing] = []
    for rule in rules:
        for before, after, period in _moves(rule, changed, counters, ahead=ahead):
            crossings += crossed(rule, before, after, period)
    return crossings


def _moves(
    rule: MilestoneRule, changed: Sequence[Change], counters: Counters, *, ahead: bool
) -> Iterator[tuple[int, int, str]]:
    """Yield what a milestone counts before and after, and the year of one that is yearly, if that changes."""
    for part in [[change] for change in changed] if rule.yearly else [changed]:
        if by := _change(rule, part, counters, ahead=ahead):
            year = part[0].year
            count = rule.count(counters, year) + (by if ahead else 0)
            yield count - by, count, str(year) if rule.yearly else ""


def with_others(
    found: Sequence[Crossing], remade: Mapping[str, Sequence[MilestoneRule]], changed: Sequence[Change],
    counters: Counters, *, ahead: bool = False,
) -> list[Crossing]:  # fmt: skip
    """Add what may be lost by any of the marks that a milestone had or will have, or regained where its count rises."""
    others: list[Crossing] = []
    for code, rules in remade.items():
        spans: dict[tuple[str, str], tuple[int, int]] = {}
        for rule in rules:
            for before, after, period in _moves(rule, changed, counters, ahead=ahead):
                low, high = sorted((rule.passed(before), rule.passed(after)))
                way = "revoked" if after < before else "regained"
                least, most = spans.get((way, period), (low, high))
                spans[way, period] = min(least, low), max(most, high)
        for (way, period), (low, high) in spans.items():
            passed = range(high, low, -1) if way == "revoked" else range(low + 1, high + 1)
            others += [Crossing(code, ordinal, way, period) for ordinal in passed]
    return list(dict.fromkeys([*found, *others]))


def _change(rule: MilestoneRule, changed: Sequence[Change], counters: Counters, *, ahead: bool) -> int:
    """Return by what a milestone's count changes, or has changed."""
    if rule.unit != "brands" and not rule.others:
        if len(changed) == 1:
            return changed[0].counts.get(rule.unit, 0)
        return sum([change.counts.get(rule.unit, 0) for change in changed])
    here = rule.counted(counters, changed[0].year)
    there, sign = dict(here), 1 if ahead else -1
    for change in changed:
        for unit, amount in change.counts.items():
            there[unit] = there.get(unit, 0) + sign * amount
    return sign * (rule.count_of(there) - rule.count_of(here))
