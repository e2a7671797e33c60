"""What replayed histories come to, summed by month and property. Pure."""

from collections import Counter
from datetime import date
from typing import Final

from msgspec import Struct

from loyalty import money
from loyalty.commands.rulebook import Rulebook
from loyalty.simulate.model import Refused, Totals
from loyalty.simulate.replay import BEYOND_LIMITS, NOT_CONVERTIBLE, Kept, Replay
from loyalty.stays.model import StayPosting

PER_UNIT: Final = 10**6
"""A point's value is kept in millionths of the currency's unit: as fine as a definition can say it."""

Place = tuple[int, str]
"""A month, as 12 times its year and what it comes after in it, and a property."""


class Span(Struct, frozen=True, gc=False):
    """The check-outs that are looked at, from a day to a day."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        return self.first <= day <= self.last


class Tally(Struct, gc=False):
    """Sums over stays. Nights in tenths, `cost` in millionths of the currency's unit."""

    stays: int = 0
    earning: int = 0
    nights: int = 0
    base: int = 0
    tier_bonus: int = 0
    promotion: int = 0
    cost: int = 0
    milestones: int = 0

    def add(self, other: "Tally") -> None:
        """Add the sums of others."""
        self.stays += other.stays
        self.earning += other.earning
        self.nights += other.nights
        self.base += other.base
        self.tier_bonus += other.tier_bonus
        self.promotion += other.promotion
        self.cost += other.cost
        self.milestones += other.milestones

    def shown(self, rules: Rulebook) -> Totals:
        """Return the sums as people read them; the cost is rounded down."""
        decimals = rules.earning.decimals
        cost = money.from_minor(self.cost * 10**decimals // PER_UNIT, decimals)
        points = self.base + self.tier_bonus + self.promotion
        return Totals(
            self.stays, self.earning, rules.show("nights", self.nights), self.base, self.tier_bonus, self.promotion,
            points, cost, self.milestones,
        )  # fmt: skip


class Figures:
    """Sums under one set of rules."""

    def __init__(self, rules: Rulebook, span: Span, point_value: str = "0") -> None:
        """Sum the stays of a span; others are left out. `point_value` is for versions that say none themselves."""
        self.places: dict[Place, Tally] = {}
        self.tiers: Counter[str] = Counter()
        self.milestones: Counter[str] = Counter()
        self.promotions: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._rules = rules
        self._span = span
        self._values = {
            version.label: _millionths(version.definition.point_value) or _millionths(point_value)
            for version in rules.versions
        }

    def add(self, replay: Replay) -> None:
        """Add what a member's history came to."""
        for kept in replay.stays.values():
            if self._span.holds(kept.posting.departure):
                self._add_stay(kept)
        for (code, _, _), posting in replay.grants.items():
            if self._span.holds(posting.departure):
                self._at(posting).milestones += 1
                self.milestones[code] += 1

    def _add_stay(self, kept: Kept) -> None:
        award, posting = kept.award, kept.posting
        tally, points = self._at(posting), award.base + award.tier_bonus
        tally.nights += award.counts.get("nights", 0)
        tally.base += award.base
        tally.tier_bonus += award.tier_bonus
        for code, given in award.promotions.items():
            points += given
            tally.promotion += given
            self.promotions[code] += given
        if points:
            tally.earning += 1
            tally.cost += points * self._values[award.program]
        if posting.status == "checked_out":
            tally.stays += 1
            if kept.refused:
                self._refused[kept.refused] += 1

    def _at(self, posting: StayPosting) -> Tally:
        day = posting.departure
        place = day.year * 12 + day.month - 1, posting.property
        try:
            return self.places[place]
        except KeyError:
            return self.places.setdefault(place, Tally())

    @property
    def refused(self) -> Refused:
        """Return how many stays the rules would refuse."""
        return Refused(self._refused[NOT_CONVERTIBLE], self._refused[BEYOND_LIMITS])

    def by_month(self) -> dict[str, Tally]:
        """Return the sums by month ("2026-03"), the first one first."""
        found: dict[str, Tally] = {}
        for (month, _), tally in sorted(self.places.items()):
            found.setdefault(f"{month // 12}-{month % 12 + 1:02}", Tally()).add(tally)
        return found

    def by_property(self) -> dict[str, Tally]:
        """Return the sums by property."""
        found: dict[str, Tally] = {}
        for (_, code), tally in sorted(self.places.items()):
            found.setdefault(code, Tally()).add(tally)
        return found

    def total(self) -> Tally:
        """Return the sums of all."""
        total = Tally()
        for tally in self.places.values():
            total.add(tally)
        return total


def _millionths(point_value: str) -> int:
    """Return what a point costs, in millionths of the currency's unit."""
    whole, _, fraction = point_value.partition(".")
    return int(whole) * PER_UNIT + int(fraction.ljust(6, "0"))
