"""Promotions: points and nights on top of what a stay earns, and why. Pure, exact, compiled once from the definition.

What a promotion asks of the stay is looked up, not interpreted: for each kind of stay and for each day it is kept which
promotions hold, as the bits of a whole number. So promotions that a stay doesn't come under cost it next to nothing.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final, Protocol

from msgspec import Struct

from loyalty import money
from loyalty.program.conditions import Days, Guests, bits
from loyalty.program.festivals import Festivals
from loyalty.program.match import Kind, Matcher, matcher
from loyalty.program.model import Definition, Promotion
from loyalty.program.rounding import ROUNDINGS, Round
from loyalty.program.visit import Dated, Known, Visit, Why

_KEPT: Final = 8192
"""How many kinds of stays and sets of promotions are kept."""
_NIGHT: Final = 10
"""Nights are counted in tenths."""


class Taken(Protocol):
    """Tells what other stays of a member have had of a promotion, when a limit asks for it."""

    def given(self, code: str) -> int:
        """Return how many points."""
        ...

    def times(self, code: str) -> int:
        """Return in how many stays."""
        ...


class Given(Struct, frozen=True, gc=False):
    """What a promotion gives for a stay: points, nights in tenths; both 0 when its limits leave nothing."""

    code: str
    points: int
    nights: int
    why: list[Why]


class _Rule(Struct, frozen=True):
    """A promotion, compiled. Of the base it gives `over` to `under`; nights in tenths, spend in minor units.

    `bit` is its own in a set of promotions. `for_some`: it asks how long the stay is, or how much was spent;
    `tells_nights`: how many nights it gives something for is told; `limited`: not all that it comes to is given.
    """

    code: str
    bit: int
    for_some: bool
    tells_nights: bool
    limited: bool
    matches: Matcher
    by_nights: bool
    least_nights: int
    least_spend: int
    over: int
    under: int
    points: int
    points_per_night: int
    nights: int
    round: Round
    rate: str | None
    percent: int | None
    group: str | None
    per_stay: int | None
    per_member: int | None
    times: int | None
    budget: int | None


class Promotions:
    """The promotions of one version of a program, ready to apply."""

    def __init__(self, definition: Definition, festivals: Festivals) -> None:
        """Compile the promotions, the highest priority first; of equal ones the first in the file."""
        ranked = sorted(definition.promotion, key=lambda item: -item.priority)
        decimals = money.digits(definition.currency)
        self._rules = [_compiled(item, 1 << place, decimals) for place, item in enumerate(ranked)]
        self._guests = Guests(ranked)
        self.asking = self._guests.asking
        """The promotions with conditions of the guest."""
        self.budgets = {item.code: item.budget for item in ranked if item.budget is not None}
        self.counted = frozenset(item.code for item in ranked if item.times is not None)
        self.needs_history = any(
            item.nth_stay or item.from_stay is not None or item.dormant_months is not None for item in ranked
        )
        """Whether a promotion asks how many stays there were, or when the last one was."""
        self._days = Days(ranked, festivals)
        self._meant = lru_cache(_KEPT)(self._work_out_meant)
        self._open_to = lru_cache(_KEPT)(self._guests.open_to)
        self._listed = lru_cache(_KEPT)(self._list)
        self._named = lru_cache(_KEPT)(self._name)

    def entitled(self, stay: Dated, guest: Known) -> tuple[str, ...]:
        """Return the promotions with conditions of the guest that hold, whatever the stay is otherwise like.

        A birthday month: any day of the stay from arrival to departure lies in it.
        Dormant: the last stay ended so many months before the arrival, or more. Registered: on or before the arrival.
        """
        return self._named(self._guests.entitled(stay, guest))

    def give(
        self, visit: Visit, tier: str, entitled: tuple[str, ...], base: int, taken: Taken,
        budgets: Mapping[str, int],
    ) -> list[Given]:  # fmt: skip
        """Return what promotions give for a stay with so many base points, the highest priority first.

        `tier` and `entitled` are those pinned when the stay was first seen. `taken` tells what the member's other
        stays have had of a promotion. `budgets` is what is left of budgets, with what this stay has had of them; none
        for one that isn't there.
        """
        found = self._open_to(entitled) & self._meant(visit.kind, tier)
        if not found:
            return []
        found, nights = self._days.among(found, visit)
        given: list[Given] = []
        groups: list[str] = []
        for rule in self._listed(found):
            group = rule.group
            if group is None or group not in groups:
                one = _give(rule, visit, nights, base, taken, budgets)
                if one is not None:
                    given.append(one)
                    if group is not None and (one.points or one.nights):
                        groups.append(group)
        return given

    def _work_out_meant(self, kind: Kind, tier: str) -> int:
        return bits(rule.matches(*kind, tier) for rule in self._rules)

    def _list(self, found: int) -> tuple[_Rule, ...]:
        return tuple([rule for rule in self._rules if found & rule.bit])

    def _name(self, found: int) -> tuple[str, ...]:
        return tuple([rule.code for rule in self._list(found)])


# --- what a promotion gives -------------------------------------------------------------------------------------------


def _compiled(item: Promotion, bit: int, decimals: int) -> _Rule:
    by_nights, per_night = item.by == "nights", item.points_per_night or 0
    percent = Fraction(item.percent or 0)
    least_nights, least_spend = (item.least_nights or 0) * _NIGHT, Fraction(item.least_spend or 0)
    extra = max(Fraction(0), Fraction(item.multiplier or 1) - 1) + percent / 100
    whole = percent.denominator == 1
    return _Rule(
        code=item.code,
        bit=bit,
        for_some=bool(least_nights or least_spend),
        tells_nights=by_nights or per_night > 0,
        limited=not (item.per_stay is item.per_member is item.budget is None),
        matches=matcher(item),
        by_nights=by_nights,
        least_nights=least_nights,
        least_spend=ceil(least_spend * 10**decimals),
        over=extra.numerator,
        under=extra.denominator,
        points=item.points or 0,
        points_per_night=per_night,
        nights=int(Fraction(item.nights or 0) * _NIGHT),
        round=ROUNDINGS[item.rounding],
        rate=item.multiplier if whole else f"{item.percent}%",
        percent=int(percent) if item.percent and whole else None,
        group=item.group,
        per_stay=item.per_stay,
        per_member=item.per_member,
        times=item.times,
        budget=item.budget,
    )


def _give(
    rule: _Rule, visit: Visit, nights: tuple[int, ...], base: int, taken: Taken, budgets: Mapping[str, int]
) -> Given | None:
    """Return what a promotion whose days are right gives within its limits; None: nothing, whatever they are."""
    if rule.for_some and (visit.nights < rule.least_nights or visit.spend < rule.least_spend):
        return None
    # By nights it gives in proportion: for `share` nights `of` all.
    share, of = _share(rule, nights) if rule.by_nights else (1, 1)
    points = rule.points
    if rule.over:
        points += rule.round(base * rule.over * share, rule.under * of)
    if rule.points_per_night:
        points += rule.round(rule.points_per_night * visit.nights * share, _NIGHT * of)
    if not points and not rule.nights:
        return None
    code = rule.code
    if rule.times is not None and taken.times(code) >= rule.times:
        return Given(code, 0, 0, [Why("times_spent", points=0, rule=code, limit=rule.times)])
    if not points:
        extra = rule.nights if _has_room(rule, taken) else 0
        return Given(code, 0, extra, _of_nights(rule) if extra else [])
    shown = _shown(visit.nights * share // of) if rule.tells_nights else None
    why = [Why("promotion", points=points, rate=rule.rate, percent=rule.percent, rule=code, nights=shown)]
    if rule.limited:
        points = _limited(rule, points, taken, budgets, why)
    if not rule.nights or not points:
        return Given(code, points, 0, why)
    return Given(code, points, rule.nights, why + _of_nights(rule))


def _of_nights(rule: _Rule) -> list[Why]:
    return [Why("promotion_nights", rule=rule.code, nights=_shown(rule.nights))]


def _share(rule: _Rule, nights: tuple[int, ...]) -> tuple[int, int]:
    """Return for how many nights a promotion holds, and of how many."""
    return sum([1 for night in nights if night & rule.bit]), len(nights)


def _has_room(rule: _Rule, taken: Taken) -> bool:
    """Tell whether a promotion whose points come to nothing gives its nights: only if points would be left to give.

    Else a larger base would take the nights away. What is left of a budget isn't known unless points are asked of it.
    """
    if not (rule.over or rule.points_per_night):
        return True
    if rule.per_stay == 0:
        return False
    return rule.budget is None and (rule.per_member is None or taken.given(rule.code) < rule.per_member)


def _limited(rule: _Rule, points: int, taken: Taken, budgets: Mapping[str, int], why: list[Why]) -> int:
    """Return what the limits leave of points; say which of them bite. Of a budget `limit` is how much it lacked."""
    code = rule.code
    if rule.per_stay is not None and points > rule.per_stay:
        points = rule.per_stay
        why.append(Why("promotion_capped", points=points, rule=code, limit=points))
    if rule.per_member is not None and points > (room := rule.per_member - taken.given(code)):
        points = max(0, room)
        why.append(Why("promotion_capped", points=points, rule=code, limit=rule.per_member))
    if rule.budget is not None:
        left = max(0, budgets.get(code, 0))
        if points > left:
            why.append(Why("budget_spent", points=left, rule=code, limit=points - left))
            points = left
    return points


@lru_cache(_KEPT)
def _shown(nights: int) -> str:
    """Write tenths of nights, without an empty tenth."""
    return money.from_minor(nights, 1) if nights % _NIGHT else str(nights // _NIGHT)
