"""A member's lots played again: what each journal took from which, whether it might, and what is left. Pure.

The rules are those of `loyalty.ledger.rules`, stated once more and apart from the code that follows them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, show
from loyalty.ledger.model import Allocation, Journal, Lot, Member
from loyalty.verify.model import Entry, Moved
from loyalty.verify.report import Report

_DRAWN: Final = ("spend", "reversal", "expired_reversal")
_UNDOES: Final = frozenset({"repayment", "reversal", "expired_reversal"})

MAY: Final[dict[str, frozenset[str]]] = {
    "enrolled": frozenset(),
    "stay_posted": frozenset({"repayment"}),
    "stay_moved_in": frozenset({"repayment"}),
    "stay_revised": _UNDOES,
    "stay_reversed": _UNDOES,
    "stay_moved_out": _UNDOES,
    "adjusted": frozenset({"repayment", "spend"}),
    "expired": frozenset({"expiry"}),
    "tier_reviewed": frozenset(),
    "status_given": frozenset(),
    "status_ended": frozenset(),
    "segments_set": frozenset(),
    "registered": frozenset(),
    "referral": frozenset({"repayment"}),
    "merged_out": frozenset({"spend", "repayment", "reversal", "expired_reversal"}),
    "merged_in": frozenset({"repayment", "reversal"}),
    "household_joined": frozenset(),
    "household_left": frozenset(),
    "purchased": frozenset({"repayment"}),
    "compensated": frozenset({"repayment"}),
    "transfer_sent": frozenset({"spend"}),
    "transfer_received": frozenset({"repayment"}),
    "milestone_points": frozenset({"repayment"}),
    "milestone_reversed": _UNDOES,
    "reward_chosen": frozenset(),
    "reward_used": frozenset(),
    "reward_expired": frozenset(),
    "benefit_used": frozenset(),
    "benefit_returned": frozenset(),
}
"""What each kind of journal may take from lots."""


class Purse:
    """A member's lots and debt, as the journals so far have left them."""

    __slots__ = (
        "_debt",
        "_lots",
        "_merged",
        "_merged_at",
        "_of_stay",
        "_open",
        "_report",
        "_rules",
        "_stored",
        "_undoes",
    )

    def __init__(self, rules: Rulebook, report: Report, undoes: Mapping[UUID, UUID]) -> None:
        """Begin empty; `undoes` names the lot of a milestone that a journal takes back."""
        self._rules = rules
        self._undoes = undoes
        self._report = report
        self._stored: list[Lot] = []
        self._lots: dict[UUID, Lot] = {}
        self._open: dict[UUID, Lot] = {}
        self._of_stay: defaultdict[UUID, list[Lot]] = defaultdict(list)
        self._debt = 0
        self._merged: list[Lot] = []
        self._merged_at: datetime | None = None

    def settle(self, entry: Entry, moved: Moved) -> None:
        """Take what a journal took, and put in what it earned."""
        taken = entry.allocations or moved.down or moved.lost or moved.undone
        if not taken and not moved.up and entry.lot is None:
            return
        sums = self._sum(entry)
        new_debt = self._new_debt(entry, moved, sums)
        if taken:
            today = self._rules.today(entry.at)
            self._take(entry, today)
            self._check_order(entry, new_debt, today)
        self._debt += new_debt
        repaid = sums.get("repayment", 0)
        owed = min(self._debt, entry.lot.amount) if entry.lot else 0
        if repaid != owed:
            self._differs("allocations", entry, f"repaid {repaid} of a debt of {self._debt}")
        self._debt -= owed
        self._earn(entry, repaid)

    def _sum(self, entry: Entry) -> dict[str, int]:
        """Sum a journal's allocations by kind; tell of kinds that such a journal can't have."""
        sums: dict[str, int] = {}
        may = MAY[entry.journal.kind] if entry.allocations else _UNDOES
        for taken in entry.allocations:
            sums[taken.kind] = sums.get(taken.kind, 0) + taken.amount
            if taken.kind not in may:
                self._differs(
                    "allocations", entry, f"a journal `{entry.journal.kind}` allocated {taken.kind}"
                )
            if taken.kind == "repayment" and taken.lot_id != entry.journal.journal_id:
                self._differs(
                    "allocations", entry, f"repaid from {show('lot', taken.lot_id)}, not its own lot"
                )
        return sums

    def _new_debt(self, entry: Entry, moved: Moved, sums: dict[str, int]) -> int:
        """Return what a journal took beyond its allocations: debt, if it reversed; else a difference.

        A revision posts the difference of two awards; all of both when their dates differ.
        """
        earned = entry.lot.amount if entry.lot else 0
        owed = max(0, moved.down - moved.up + earned)
        if earned not in {moved.up, max(0, moved.up - moved.down)}:
            self._differs("allocations", entry, f"earned {moved.up}, its lot began with {earned}")
        for kind, points in (("expiry", moved.lost), ("expired_reversal", moved.undone)):
            if sums.get(kind, 0) != points:
                told = f"transferred {points} as expiry, allocated {sums.get(kind, 0)} as {kind}"
                self._differs("allocations", entry, told)
        drawn = sum([sums.get(kind, 0) for kind in _DRAWN])
        if drawn > owed or (drawn < owed and "reversal" not in MAY[entry.journal.kind]):
            self._differs("allocations", entry, f"took {owed}, allocated {drawn}")
            return 0
        return owed - drawn

    def _take(self, entry: Entry, today: date) -> None:
        for taken in entry.allocations:
            if taken.kind == "repayment":
                continue
            lot = self._lots.get(taken.lot_id)
            if lot is None:
                told = f"drew on {show('lot', taken.lot_id)}, which the member didn't have"
                self._differs("allocations", entry, told)
            elif taken.kind == "expired_reversal":
                lot.expired -= taken.amount
            else:
                self._draw(entry, lot, taken, today)

    def _draw(self, entry: Entry, lot: Lot, taken: Allocation, today: date) -> None:
        lot.remaining -= taken.amount
        if not lot.remaining:
            self._open.pop(lot.lot_id, None)
        expiry = taken.kind == "expiry"
        if expiry:
            lot.expired += taken.amount
        if expiry != _due(lot, today):
            told = "before its time was up" if expiry else "although its time was up"
            self._differs("draw_order", entry, f"{taken.kind} of {show('lot', lot.lot_id)} {told}")

    def _check_order(self, entry: Entry, new_debt: int, today: date) -> None:
        """Check that a journal drew on lots in the order they expire, a reversal on the stay's own lots first."""
        self._report.counted("draw_order")
        spent = self._drawn(entry, "spend")
        if spent:
            self._in_order(entry, spent, self._open.values(), today)
        own = self._own(entry.journal)
        ids = {lot.lot_id for lot in own}
        reversed_ = self._drawn(entry, "reversal")
        undone = self._drawn(entry, "expired_reversal")
        others = [lot for lot in reversed_ if lot.lot_id not in ids]
        self._in_order(entry, [lot for lot in reversed_ if lot.lot_id in ids], own, today)
        self._in_order(entry, others, self._open.values(), today)
        if any(lot.lot_id not in ids for lot in undone):
            self._differs("draw_order", entry, "took back the expiry of points of another stay")
        if (undone or others or new_debt) and any(lot.remaining and not _due(lot, today) for lot in own):
            self._differs("draw_order", entry, "the stay's own lots had points")
        if (others or new_debt) and any(lot.expired for lot in own):
            self._differs("draw_order", entry, "the stay's own expired points could be taken back")
        if new_debt and any(not _due(lot, today) for lot in self._open.values()):
            self._differs("draw_order", entry, f"went into debt by {new_debt} while lots had points")

    def _own(self, journal: Journal) -> list[Lot]:
        """Return the lots that a reversal takes from first: the stay's, the milestone's, or what a merge brought."""
        if journal.kind == "merged_out":
            return self._merged
        if journal.stay_id:
            return self._of_stay.get(journal.stay_id, [])
        undone = self._undoes.get(journal.journal_id)
        return [self._lots[undone]] if undone is not None and undone in self._lots else []

    def _drawn(self, entry: Entry, kind: str) -> list[Lot]:
        return [
            lot for taken in entry.allocations
            if taken.kind == kind and (lot := self._lots.get(taken.lot_id)) is not None
        ]  # fmt: skip

    def _in_order(self, entry: Entry, drawn: Sequence[Lot], among: Iterable[Lot], today: date) -> None:
        """Check that no lot that expires earlier than one that was drawn on has points left."""
        latest = max((lot.expires_on or date.max for lot in drawn), default=date.min)
        for lot in among:
            if lot.remaining and (lot.expires_on or date.max) < latest and not _due(lot, today):
                told = f"drew on a lot that expires {latest} while {show('lot', lot.lot_id)} had points"
                self._differs("draw_order", entry, told)
                return

    def _earn(self, entry: Entry, repaid: int) -> None:
        """Put a journal's lot in, as it was when it was new."""
        lot = entry.lot
        if lot is None:
            return
        self._stored.append(lot)
        new = Lot(
            lot.lot_id, lot.member_id, lot.amount, lot.amount - repaid, 0, lot.earned_on, lot.expires_on
        )
        self._lots[lot.lot_id] = new
        if new.remaining:
            self._open[lot.lot_id] = new
        if entry.journal.kind == "merged_in":
            # All journals of one merge were recorded at one instant; only the last merge can be undone.
            if entry.at != self._merged_at:
                self._merged, self._merged_at = [], entry.at
            self._merged.append(new)
        if entry.journal.stay_id and is_of_stay(entry.journal):
            self._of_stay[entry.journal.stay_id].append(new)

    def close(self, member: Member, available: int) -> None:
        """Compare the lots as they came out with the lots as stored, and with the balance."""
        report, left = self._report, -self._debt
        for lot in self._stored:
            stored, again = (lot.remaining, lot.expired), self._lots[lot.lot_id]
            left += lot.remaining
            if stored != (again.remaining, again.expired):
                told = (
                    f"remaining and expired are {stored}, by its allocations {again.remaining, again.expired}"
                )
                report.differs("lots", f"{show('lot', lot.lot_id)}: {told}")
        if left != available:
            told = f"lots less debt are {left}, the transfers {available}"
            report.differs("lots", f"{show('mem', member.member_id)}: {told}")
        first = min(
            [lot.expires_on for lot in self._stored if lot.remaining and lot.expires_on], default=None
        )
        if first is not None and (member.next_expiry is None or member.next_expiry > first):
            told = f"{member.next_expiry}, but a lot expires {first}"
            report.differs("next_expiry", f"{show('mem', member.member_id)}: {told}")
        report.counted("lots", len(self._stored))

    def _differs(self, check: str, entry: Entry, what: str) -> None:
        self._report.differs(check, f"{show('jrn', entry.journal.journal_id)}: {what}")


def is_of_stay(journal: Journal) -> bool:
    """Tell whether a journal posts a stay; others may only name one."""
    return journal.kind.startswith("stay_")


def _due(lot: Lot, today: date) -> bool:
    return lot.expires_on is not None and lot.expires_on <= today
