"""On which days promotions are: whether there is one at all, and whether two of one group can meet."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Final

from msgspec import structs

from loyalty.program.checks.common import apart
from loyalty.program.mistakes import Mistake
from loyalty.program.model import Definition, Festival, Promotion
from loyalty.program.visit import Visit

_BEGIN: Final = date(2024, 1, 1)
"""Where to begin to look when a promotion has neither a first nor a last day."""
_ROUND: Final = 4 * 366
"""Days after which weekdays, days of months and leap years have all met, near enough."""
_LUNAR_ROUND: Final = 19 * 366
"""Days after which lunar dates come round to the same days of the year."""


def has_a_day(item: Promotion, festivals: tuple[Festival, ...]) -> bool:
    """Tell whether there is a day on which a promotion is."""
    if set(item.festivals) - {festival.code for festival in festivals}:
        return True  # told elsewhere
    return _meet((item,), festivals)


def _meet(items: tuple[Promotion, ...], festivals: tuple[Festival, ...]) -> bool:
    """Tell whether there is a day that is right for all of these."""
    first = max((item.first for item in items if item.first), default=None)
    last = min((item.last for item in items if item.last), default=None)
    if first and last and last < first:
        return False
    if not any(item.weekdays or item.member_days or item.festivals for item in items):
        return True
    # Not before it is needed: the table of lunar years takes a while to load.
    from loyalty.program.conditions import Days
    from loyalty.program.festivals import Festivals

    days = Days([structs.replace(item, by="posting") for item in items], Festivals(festivals))
    length = _LUNAR_ROUND if any(item.festivals for item in items) else _ROUND
    everyone = (1 << len(items)) - 1
    return any(days.holding(_visit_on(day), ()) == everyone for day in _days(first, last, length))


def _visit_on(day: date) -> Visit:
    return Visit("", "", "", None, None, day, day, day, day, 0, 0)


def rivals(definition: Definition) -> Iterator[Mistake]:
    """Of two promotions of one group for the same stay, it must be plain which one counts."""
    groups: dict[tuple[str, int], list[tuple[int, Promotion]]] = {}
    for place, item in enumerate(definition.promotion):
        if item.group is not None:
            groups.setdefault((item.group, item.priority), []).append((place, item))
    for (group, priority), items in groups.items():
        for (_, one), (place, other) in combinations(items, 2):
            if not _never_meet(one, other, definition.festival):
                yield Mistake(
                    ("promotion", place, "priority"),
                    f"`{one.code}` of the group {group} has the priority {priority} too, and both may fit one stay",
                    "Give the one that should count a higher priority",
                )


def _never_meet(one: Promotion, other: Promotion, festivals: tuple[Festival, ...]) -> bool:
    if apart(one, other) or _other_stays(one, other):
        return True
    if one.by != other.by:
        return False
    if one.by == "nights":  # a stay has many nights: only the dates can keep them apart
        return bool((one.last and other.first and one.last < other.first)
                    or (other.last and one.first and other.last < one.first))  # fmt: skip
    return not _meet((one, other), festivals)


def _other_stays(one: Promotion, other: Promotion) -> bool:
    if one.nth_over != other.nth_over:
        return False
    if one.nth_stay and other.nth_stay:
        return set(one.nth_stay).isdisjoint(other.nth_stay)
    return _all_before(one, other) or _all_before(other, one)


def _all_before(one: Promotion, other: Promotion) -> bool:
    """Tell whether all stays of one promotion are before those that another one begins with."""
    return bool(one.nth_stay) and other.from_stay is not None and max(one.nth_stay) < other.from_stay


def _days(first: date | None, last: date | None, length: int) -> Iterator[date]:
    """Yield the days between two, at most so many: from the first on, or up to the last."""
    end = (last or date.max).toordinal()
    begin = first.toordinal() if first else end - length if last else _BEGIN.toordinal()
    yield from map(date.fromordinal, range(max(1, begin), min(end, begin + length) + 1))
