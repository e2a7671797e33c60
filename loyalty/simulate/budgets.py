"""What is left of promotions' budgets while histories are replayed member by member. Pure.

Budgets are taken in the order of recording, across all members. A first replay takes as if there were no end, and notes
who takes when. Where that is more than there is, it is known from when on the budget is spent; the next replay gives
until then, what is left at that instant, and afterwards only what has been given back since.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

_PLENTY: Final = 1 << 60


class Cut(Struct, frozen=True, gc=False):
    """The instant at which a budget is spent, and how much of it is left then."""

    at: datetime
    left: int


class Budgets:
    """The budgets under one set of rules, during one replay."""

    def __init__(self, budgets: Mapping[str, int], cuts: Mapping[str, Cut] | None = None) -> None:
        """Take the budgets in points by promotion, and for those known to be spent, since when."""
        self.cuts = dict(cuts or {})
        self._budgets = budgets
        self._plenty = dict.fromkeys(budgets, _PLENTY)
        self._taken: dict[str, list[tuple[datetime, int]]] = {code: [] for code in budgets}
        self._left_then = {code: cut.left for code, cut in self.cuts.items()}
        self._given_back: defaultdict[str, int] = defaultdict(int)

    def left(self, at: datetime) -> dict[str, int]:
        """Return what there is to take at an instant."""
        if not self.cuts:
            return self._plenty
        return {code: self._left(code, at) for code in self._budgets}

    def _left(self, code: str, at: datetime) -> int:
        cut = self.cuts.get(code)
        if cut is None or at < cut.at:
            return _PLENTY
        return self._left_then[code] if at == cut.at else self._given_back[code]

    def take(self, code: str, at: datetime, points: int) -> None:
        """Note what a stay takes of a budget; below zero what it gives back."""
        self._taken[code].append((at, points))
        cut = self.cuts.get(code)
        if cut is None or at < cut.at:
            return
        if points > 0 and at == cut.at:
            self._left_then[code] -= points
        else:
            self._given_back[code] -= points

    def spent(self) -> dict[str, Cut]:
        """Return the cuts for the next replay: those known, and the first one that this replay has shown."""
        found = [
            (cut.at, code, cut)
            for code, taken in self._taken.items()
            if code not in self.cuts and (cut := first_cut(taken, self._budgets[code])) is not None
        ]
        return self.cuts | {code: cut for _, code, cut in sorted(found, key=lambda one: one[:2])[:1]}


def first_cut(taken: list[tuple[datetime, int]], budget: int) -> Cut | None:
    """Return when more was taken than there is, and what was left before that instant; None: there was enough."""
    total = before = 0
    instant: datetime | None = None
    for at, points in sorted(taken):
        if at != instant:
            before, instant = total, at
        total += points
        if total > budget:
            return Cut(at, budget - before)
    return None
