"""What guests did beside staying, counted from the replies."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from loyalty.demo.wire import Problem

DEEDS: Final = (
    "brought", "friend_rewarded", "gave", "bought", "compensated", "proposed", "approved", "rejected", "founded",
    "joined", "dined", "pooled", "chose", "left_open", "used_reward", "used_benefit", "merged", "unmerged",
    "agreed", "set_aside", "captured", "captured_part", "released", "kept_open", "taken", "refunded", "refunded_part",
    "vouchers", "handed_over", "shown",
    "partner_gave", "paid_ahead", "stated", "accepted", "settled",
)  # fmt: skip
"""Everything that is counted, in the order of the table."""

_NEW: Final = ("friend_rewarded", "bought", "compensated", "approved", "chose", "partner_gave")
_SPENT: Final = "dined"
_REDEEMED: Final = ("captured", "captured_part", "taken")
_REFUNDED: Final = ("refunded", "refunded_part")


class Deeds(Struct):
    """How often each thing happened, with how many points; and what was refused."""

    times: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, deed: str, points: int = 0, times: int = 1) -> None:
        """Count one thing that happened."""
        self.times[deed] += times
        self.points[deed] += points

    def refuse(self, problem: Problem) -> None:
        """Count one thing that was refused."""
        self.refused[problem.code] += 1

    @property
    def change(self) -> int:
        """What all of it together added to what members have: points that are new, less those that were spent."""
        return self._sum(_NEW) - self.points[_SPENT]

    @property
    def redeemed(self) -> int:
        """The points that partners and the hotel got for what they gave, less those that were refunded."""
        return self._sum(_REDEEMED) - self._sum(_REFUNDED)

    def _sum(self, deeds: Iterable[str]) -> int:
        return sum(self.points[deed] for deed in deeds)
