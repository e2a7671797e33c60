"""Checks of milestones and what they give."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, pairwise

from loyalty.program.checks.common import NIGHTS_A_YEAR, Known, amount, refers, twice, unit
from loyalty.program.checks.tiers import takes_nights
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Choice, Definition, Milestone, Reward


def milestones(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[[milestone]]`."""
    yield from twice(("milestone",), (item.code for item in definition.milestone))
    for place, item in enumerate(definition.milestone):
        path = ("milestone", place)
        yield from unit((*path, "unit"), item.unit, book)
        yield from _marks(path, item, book)
        yield from _other_marks(path, item, book)
        yield from _reachable(path, item, definition)
        yield from _gives(path, item)
    yield from _same_code(definition)


def _marks(path: Path, item: Milestone, book: Known) -> Iterator[Mistake]:
    if item.every is None and not item.at:
        yield Mistake(path, 'says no marks; write every = "10" or at = ["20", "30"]')
    if item.every is not None and item.at:
        yield Mistake((*path, "at"), "give only one of every and at")
    if item.every is not None:
        yield from amount((*path, "every"), item.unit, item.every, book)
    yield from amount((*path, "above"), item.unit, item.above, book, above_zero=False)
    for place, mark in enumerate(item.at):
        yield from amount((*path, "at", place), item.unit, mark, book)
    for place, (before, mark) in enumerate(pairwise(item.at), 1):
        if Fraction(mark) <= Fraction(before):
            yield Mistake((*path, "at", place), f'"{mark}" must be above the mark before it, "{before}"')
    if item.at and Fraction(item.above):
        yield Mistake((*path, "above"), "goes with every; the marks of at are counted from zero")
    if item.at and item.most and item.most > len(item.at):
        yield warning((*path, "most"), f"is more than there are marks, {len(item.at)}")


def _other_marks(path: Path, item: Milestone, book: Known) -> Iterator[Mistake]:
    """Marks by further units go with those of `at`, one by one."""
    if item.or_at and not item.at:
        yield Mistake((*path, "or_at"), "goes with the marks of at")
    for name, marks in item.or_at.items():
        where = (*path, "or_at", name)
        yield from unit(where, name, book)
        if name == item.unit:
            yield Mistake(where, f"{name} are the milestone's own unit; write their marks at `at`")
        if not marks:
            yield Mistake(where, "says no marks")
        if item.at and len(marks) > len(item.at):
            yield Mistake(where, f"has {len(marks)} marks, where at has {len(item.at)}")
        for place, mark in enumerate(marks):
            yield from amount((*where, place), name, mark, book)
        for place, (before, mark) in enumerate(pairwise(marks), 1):
            if Fraction(mark) <= Fraction(before):
                yield Mistake((*where, place), f'"{mark}" must be above the mark before it, "{before}"')


def _reachable(path: Path, item: Milestone, definition: Definition) -> Iterator[Mistake]:
    if item.over != "year" or item.or_at or not takes_nights(item.unit, definition):
        return
    key = "every" if item.every else "at"
    marks = (
        [Fraction(item.above) + Fraction(item.every)] if item.every else [Fraction(mark) for mark in item.at]
    )
    for place, mark in enumerate(marks):
        if mark > NIGHTS_A_YEAR:
            where = (*path, key) if item.every else (*path, key, place)
            yield Mistake(where, f"can't be reached: a year has at most {NIGHTS_A_YEAR} nights")


def _gives(path: Path, item: Milestone) -> Iterator[Mistake]:
    if item.reward is None and item.choice is None:
        yield Mistake(path, "gives nothing; write reward or choice")
    if item.reward and item.choice:
        yield Mistake((*path, "choice"), "give only one of reward and choice")
    if item.reward:
        yield from _reward((*path, "reward"), item.reward)
    if item.choice:
        yield from _choice((*path, "choice"), item.choice)


def _reward(path: Path, reward: Reward) -> Iterator[Mistake]:
    if reward.valid_to and reward.valid_months:
        yield Mistake((*path, "valid_to"), "give only one of valid_months and valid_to")
    if not reward.valid_to and reward.valid_years != 1:
        yield warning((*path, "valid_years"), "has no meaning without valid_to")
    if reward.kind == "points" and not reward.points:
        yield Mistake((*path, "points"), "say how many points it is")
    if reward.kind != "points" and reward.points:
        yield Mistake(
            (*path, "points"), f"a {reward.kind} has no points", 'For points, write kind = "points"'
        )


def _choice(path: Path, choice: Choice) -> Iterator[Mistake]:
    codes = [reward.code for reward in choice.among]
    yield from twice((*path, "among"), codes)
    for place, reward in enumerate(choice.among):
        yield from _reward((*path, "among", place), reward)
    if choice.pick >= len(codes):
        yield Mistake((*path, "pick"), f"{choice.pick} of {len(codes)} rewards leaves nothing to choose")
    yield from twice((*path, "default"), choice.default, None)
    for place, code in enumerate(choice.default):
        yield from refers((*path, "default", place), code, codes, "reward")
    if choice.default and len(choice.default) != choice.pick:
        yield Mistake(
            (*path, "default"), f"names {len(choice.default)} rewards where {choice.pick} are picked"
        )


def _same_code(definition: Definition) -> Iterator[Mistake]:
    """A reward that is given in several places is known by one code, so it should be the same everywhere."""
    seen: dict[str, Reward] = {}
    for path, reward in _rewards(definition):
        if seen.setdefault(reward.code, reward) != reward:
            yield warning(
                (*path, "code"), f"`{reward.code}` is another reward elsewhere", "Give it a code of its own"
            )


def _rewards(definition: Definition) -> Iterator[tuple[Path, Reward]]:
    for place, item in enumerate(definition.milestone):
        path = ("milestone", place)
        chosen = enumerate(item.choice.among if item.choice else ())
        yield from chain(
            [((*path, "reward"), item.reward)] if item.reward else [],
            [((*path, "choice", "among", each), reward) for each, reward in chosen],
        )
