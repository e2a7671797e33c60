"""How long points last: the day from which a lot can't be spent any more. Pure."""

from datetime import date
from functools import lru_cache

from loyalty.clock import add_months
from loyalty.program.model import Expiry

__all__ = ["Lifetimes", "add_months"]


class Lifetimes:
    """The expiry rules of one version of a program, ready to apply."""

    def __init__(self, rules: Expiry) -> None:
        """Take the rules."""
        self._months = rules.months
        self._by_tier = rules.by_tier
        self._at_end_of = rules.at_end_of
        self.expires_on = lru_cache(8192)(self._expires_on)

    def _expires_on(self, earned_on: date, tier: str = "") -> date | None:
        """Return the first day on which points earned on a day, at a tier, can't be spent any more; None: never."""
        months = self._by_tier.get(tier, self._months)
        if not months:
            return None
        day = add_months(earned_on, months)
        if self._at_end_of == "day":
            return day
        if self._at_end_of == "month":
            return add_months(day.replace(day=1), 1)
        return date(day.year + 1, 1, 1)
