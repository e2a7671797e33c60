"""Milestones: a count over the whole membership that passes a multiple of `every`. Pure.

What is granted is a function of the count: ordinals 1 to count // every. So a crossing grants once, a reversal takes
back exactly what it uncrosses, and the order of posting never matters.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loyalty.ledger.model import Counters


class MilestoneRule(Struct, frozen=True, gc=False):
    """A milestone with its step, in the scale of its unit."""

    code: str
    name: Mapping[str, str]
    unit: str
    every: int
    reward: str
    reward_name: Mapping[str, str]


class Crossing(Struct, frozen=True, gc=False):
    """A milestone passed upwards (`granted`) or downwards (`revoked`)."""

    code: str
    ordinal: int
    status: str


def lifetime(counters: Counters, unit: str) -> int:
    """Sum a unit over all years."""
    return sum([year.get(unit, 0) for year in counters.values()])


def crossed(rule: MilestoneRule, before: int, after: int) -> list[Crossing]:
    """Return what a change of the count crosses."""
    first, last = before // rule.every, after // rule.every
    if last >= first:
        return [Crossing(rule.code, ordinal, "granted") for ordinal in range(first + 1, last + 1)]
    return [Crossing(rule.code, ordinal, "revoked") for ordinal in range(first, last, -1)]


def all_crossed(
    rules: Sequence[MilestoneRule], before: Mapping[str, int], after: Mapping[str, int], counters: Counters
) -> list[Crossing]:
    """Return what all milestones cross when an award's counts change, given the counters that hold the change."""
    crossings: list[Crossing] = []
    for rule in rules:
        change = after.get(rule.unit, 0) - before.get(rule.unit, 0)
        if change:
            count = lifetime(counters, rule.unit)
            crossings += crossed(rule, count - change, count)
    return crossings
