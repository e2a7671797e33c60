"""On which days promotions are: whether there is one at all, and whether two of one group can meet."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cached_property, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Final

from msgspec import structs

from loyalty.program.checks.common import apart
from loyalty.program.mistakes import Mistake
from loyalty.program.model import Definition, Festival, Promotion
from loyalty.program.visit import Visit

if TYPE_CHECKING:
    from loyalty.program.festivals import Festivals

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
    if not _asks_of_days(item):
        return True
    holding = _holding([item], festivals)
    return any(holding(_visit_on(day)) for day in _days_of(item))


def _asks_of_days(item: Promotion) -> bool:
    return bool(item.weekdays or item.member_days or item.festivals)


def _holding(items: Sequence[Promotion], festivals: tuple[Festival, ...]) -> Callable[[Visit], int]:
    """Return what tells which of some promotions, by their places as bits, a day is right for."""
    # Not before it is needed: the table of lunar years takes a while to load.
    from loyalty.program.conditions import Days

    days = Days([structs.replace(item, by="posting") for item in items], _festivals(festivals))
    return lambda visit: days.among((1 << len(items)) - 1, visit)[0]


@lru_cache(1)
def _festivals(festivals: tuple[Festival, ...]) -> "Festivals":
    from loyalty.program.festivals import Festivals

    return Festivals(festivals)


def _visit_on(day: date) -> Visit:
    return Visit(("", "", "", None, None), day, day, day, day, 0, 0)


def rivals(definition: Definition) -> Iterator[Mistake]:
    """Of two promotions of one group for the same stay, it must be plain which one counts."""
    groups: dict[tuple[str, int], list[tuple[int, Promotion]]] = {}
    for place, item in enumerate(definition.promotion):
        if item.group is not None:
            groups.setdefault((item.group, item.priority), []).append((place, item))
    for (group, priority), items in groups.items():
        rivalry = _Rivalry([item for _, item in items], definition.festival)
        for (mine, (_, one)), (theirs, (place, _)) in combinations(enumerate(items), 2):
            if rivalry.meet(mine, theirs):
                yield Mistake(
                    ("promotion", place, "priority"),
                    f"`{one.code}` of the group {group} has the priority {priority} too, and both may fit one stay",
                    "Give the one that should count a higher priority",
                )


class _Rivalry:
    """Promotions of one group and priority, and which of them may fit one stay."""

    def __init__(self, items: Sequence[Promotion], festivals: tuple[Festival, ...]) -> None:
        self._items = items
        self._festivals = festivals

    def meet(self, mine: int, theirs: int) -> bool:
        """Tell whether two of them, by their places, may fit one stay."""
        one, other = self._items[mine], self._items[theirs]
        if apart(one, other) or _other_stays(one, other):
            return False
        if one.by != other.by:
            return True
        if (one.last and other.first and one.last < other.first) or (
            other.last and one.first and other.last < one.first
        ):
            return False
        # A stay has many nights: only the dates can keep them apart.
        if one.by == "nights" or not (_asks_of_days(one) or _asks_of_days(other)):
            return True
        return bool(self._met[mine] >> theirs & 1)

    @cached_property
    def _met(self) -> list[int]:
        """For each promotion those, by their places as bits, that some day is right for as well."""
        holding = _holding(self._items, self._festivals)
        met = [0] * len(self._items)
        days = {day for item in self._items for day in _days_of(item)}
        for found in {holding(_visit_on(day)) for day in days}:
            for place in range(len(met)):
                if found >> place & 1:
                    met[place] |= found
        return met


def _other_stays(one: Promotion, other: Promotion) -> bool:
    if one.nth_over != other.nth_over:
        return False
    if one.nth_stay and other.nth_stay:
        return set(one.nth_stay).isdisjoint(other.nth_stay)
    return _all_before(one, other) or _all_before(other, one)


def _all_before(one: Promotion, other: Promotion) -> bool:
    """Tell whether all stays of one promotion are before those that another one begins with."""
    return bool(one.nth_stay) and other.from_stay is not None and max(one.nth_stay) < other.from_stay


def _days_of(item: Promotion) -> Iterator[date]:
    """Yield days from a promotion's first on, or up to its last: as many as it takes for all of them to come round."""
    length = _LUNAR_ROUND if item.festivals else _ROUND
    end = (item.last or date.max).toordinal()
    begin = _BEGIN.toordinal()
    if item.first:
        begin = item.first.toordinal()
    elif item.last:
        begin = end - length
    yield from map(date.fromordinal, range(max(1, begin), min(end, begin + length) + 1))
