"""Tells the metrics what was written, a batch at a time: a counter per stay would cost more than some of the rules."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from loyalty import metrics
from loyalty.commands.model import Decision

_BROUGHT: Final = frozenset({"transfer_received", "merged_in"})
"""Journals whose points were issued before, to another member."""
_MOVEMENTS: Final = {"reversal": "reversed", "expiry": "expired"}


def count(decisions: Iterable[Decision]) -> None:
    """Count the stays by outcome and the points by movement of decisions that are committed."""
    outcomes: Counter[str] = Counter()
    points: Counter[str] = Counter()
    for decision in decisions:
        if decision.revision is not None:
            outcomes[decision.revision.outcome] += 1
        if decision.book is None:
            continue
        brought = {journal.journal_id for journal in decision.book.journals if journal.kind in _BROUGHT}
        for lot in decision.book.new_lots:
            if lot.lot_id not in brought:
                points["issued"] += lot.amount
        for taken in decision.book.allocations:
            if movement := _MOVEMENTS.get(taken.kind):
                points[movement] += taken.amount
    for outcome, number in outcomes.items():
        metrics.counter(metrics.STAYS, outcome)(number)
    for movement, amount in points.items():
        metrics.counter(metrics.POINTS, movement)(amount)
