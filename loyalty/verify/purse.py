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
    "matured": frozenset({"repayment"}),
    "lapsed": frozenset({"expiry"}),
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
    "voucher_redeemed": frozenset(),
    "voucher_expired": frozenset(),
    "voucher_revoked": frozenset(),
    "voucher_handed_over": frozenset(),
}
"""What each kind of journal may take from lots."""

_ACTIVITIES: Final = {
    "purchased": ("purchase",),
    "compensated": ("adjustment",),
    "transfer_sent": ("transfer",),
    "transfer_received": ("transfer",),
}


class Purse:
    """A member's lots and debt, as the journals so far have left them."""

    __slots__ = (
        "_active_on", "_debt", "_lapsed", "_lots", "_merged", "_merged_at", "_of_stay", "_open", "_report", "_rules",
        "_stored", "_undoes", "_waiting",
    )  # fmt: skip

    def __init__(self, rules: Rulebook, report: Report, undoes: Mapping[UUID, UUID]) -> None:
        """Begin empty; `undoes` names the lot of a milestone that a journal takes back."""
        self._rules = rules
        self._undoes = undoes
        self._report = report
        self._stored: list[Lot] = []
        self._lots: dict[UUID, Lot] = {}
        self._open: dict[UUID, Lot] = {}
        self._waiting: dict[UUID, Lot] = {}
        """Those that are pending; `_open` are those that can be spent."""
        self._of_stay: defaultdict[UUID, list[Lot]] = defaultdict(list)
        self._debt = 0
        self._merged: list[Lot] = []
        self._merged_at: datetime | None = None
        self._lapsed: dict[UUID, date] = {}
        self._active_on: date | None = None
        """The last activity that a journal tells of; the time may have begun later, but not earlier."""

    @property
    def pending(self) -> int:
        """What is left in lots that are pending."""
        return sum([lot.remaining for lot in self._waiting.values()])

    def settle(self, entry: Entry, moved: Moved) -> None:
        """Take what a journal took, and put in what it earned."""
        self._act(entry, moved)
        if self._waiting or moved.matured or entry.journal.kind == "matured":
            self._mature(entry, moved)
            if entry.journal.kind == "matured":
                return
        taken = entry.allocations or moved.down or moved.lost or moved.undone
        if not taken and not moved.up and entry.lot is None:
            return
        sums = self._sum(entry)
        new_debt = self._new_debt(entry, moved, sums)
        if taken:
            today = self._rules.today(entry.at)
            if entry.journal.kind == "lapsed":
                self._lapse(entry, today)
            self._take(entry, today)
            self._check_order(entry, new_debt, today)
        self._debt += new_debt
        self._earn(entry, sums.get("repayment", 0))

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

    def _act(self, entry: Entry, moved: Moved) -> None:
        """Note a journal's activity, if it is one by the rule of its day."""
        idling = self._rules.at(self._rules.today(entry.at)).idling
        journal = entry.journal
        if idling is None:
            self._active_on = None
        elif not idling.activity.isdisjoint(_activities(journal, moved)):
            self._active_on = max(self._active_on or date.min, journal.effective_on)

    def _lapse(self, entry: Entry, today: date) -> None:
        """Check that all points lapse, on one day, and not before it was up."""
        day, idling = entry.journal.effective_on, self._rules.at(today).idling
        lost = {taken.lot_id for taken in entry.allocations}
        self._lapsed |= dict.fromkeys(lost, day)
        if idling is None or day > today or (self._active_on and day < idling.lapses_on(self._active_on)):
            self._differs("draw_order", entry, f"lapsed on {day}, after an activity on {self._active_on}")
        if any(transfer.effective_on != day for transfer in entry.transfers):
            self._differs("draw_order", entry, f"lapsed on other days than {day}")
        if (self._open.keys() | self._waiting.keys()) != lost:
            self._differs("draw_order", entry, "not all points lapsed, or others than there were")
        self._active_on = max(self._active_on or date.min, day)

    def _mature(self, entry: Entry, moved: Moved) -> None:
        """Open the lots whose day has come: only a journal `matured` does, before any other journal of that day."""
        today = self._rules.today(entry.at)
        due = sorted([lot for lot in self._waiting.values() if _opens(lot, today)], key=_first_to_open)
        if entry.journal.kind != "matured":
            if due:
                self._differs("lots", entry, f"{show('lot', due[0].lot_id)} should have opened before")
            if moved.matured:
                self._differs(
                    "lots", entry, f"{moved.matured} points opened in a journal `{entry.journal.kind}`"
                )
            return
        opened = sum([lot.remaining for lot in due])
        days: dict[date, int] = {}
        for lot in due:
            days[lot.opens_on or today] = days.get(lot.opens_on or today, 0) + lot.remaining
        moved_by_day: dict[date, int] = {}
        for transfer in entry.transfers:
            moved_by_day[transfer.effective_on] = moved_by_day.get(transfer.effective_on, 0) + transfer.amount
        if days != moved_by_day:
            self._differs("lots", entry, f"opened {moved.matured}, of lots whose day had come {opened}")
        repaid = {taken.lot_id: taken.amount for taken in entry.allocations}
        for lot in due:
            lot.pending = False
            del self._waiting[lot.lot_id]
            owed = self._repay(entry, lot, repaid.pop(lot.lot_id, 0))
            lot.remaining -= owed
            if lot.remaining:
                self._open[lot.lot_id] = lot
        if repaid:
            self._differs("allocations", entry, "repaid from lots that didn't open")

    def _repay(self, entry: Entry, lot: Lot, repaid: int) -> int:
        """Repay debt from a lot that opens; return what was, whatever should have been."""
        owed = 0 if lot.pending else min(self._debt, lot.remaining)
        if repaid != owed:
            self._differs("allocations", entry, f"repaid {repaid} of a debt of {self._debt}")
        self._debt -= owed
        return repaid

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
            self._waiting.pop(lot.lot_id, None)
        expiry = taken.kind == "expiry"
        if (
            lot.pending
            and not expiry
            and lot not in self._of_stay.get(entry.journal.stay_id or lot.lot_id, ())
        ):
            self._differs("draw_order", entry, f"{taken.kind} of {show('lot', lot.lot_id)} before it opened")
        if expiry:
            lot.expired += taken.amount
        if entry.journal.kind == "lapsed":
            if _due(lot, entry.journal.effective_on):
                self._differs("draw_order", entry, f"{show('lot', lot.lot_id)} lapsed after it had expired")
        elif expiry != _due(lot, today):
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
            if repaid:
                self._differs("allocations", entry, f"repaid {repaid} without a lot")
            return
        self._stored.append(lot)
        pending = lot.opens_on is not None and lot.opens_on > self._rules.today(entry.at)
        new = Lot(
            lot.lot_id,
            lot.member_id,
            lot.amount,
            lot.amount,
            0,
            lot.earned_on,
            lot.expires_on,
            lot.opens_on,
            pending,
            lot.lapsed_on,
        )
        new.remaining -= self._repay(entry, new, repaid)
        self._lots[lot.lot_id] = new
        if new.remaining:
            (self._waiting if pending else self._open)[lot.lot_id] = new
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
            left += 0 if lot.pending else lot.remaining
            if stored != (again.remaining, again.expired):
                told = (
                    f"remaining and expired are {stored}, by its allocations {again.remaining, again.expired}"
                )
                report.differs("lots", f"{show('lot', lot.lot_id)}: {told}")
            if lot.lapsed_on != self._lapsed.get(lot.lot_id):
                told = f"lapsed on {lot.lapsed_on}, by the journals {self._lapsed.get(lot.lot_id)}"
                report.differs("lots", f"{show('lot', lot.lot_id)}: {told}")
            if lot.pending != again.pending:
                told = "is pending, but has opened" if lot.pending else "is open, but is still pending"
                report.differs("lots", f"{show('lot', lot.lot_id)}: {told}")
        if left != available:
            told = f"lots less debt are {left}, the transfers {available}"
            report.differs("lots", f"{show('mem', member.member_id)}: {told}")
        first = min(
            [day for lot in self._stored if lot.remaining and (day := _next_of(lot)) is not None],
            default=None,
        )
        if first is not None and (member.next_expiry is None or member.next_expiry > first):
            told = f"{member.next_expiry}, but a lot opens or expires {first}"
            report.differs("next_expiry", f"{show('mem', member.member_id)}: {told}")
        self._check_activity(member, available)
        report.counted("lots", len(self._stored))

    def _check_activity(self, member: Member, available: int) -> None:
        """Check the last activity, and that the points will lapse, where all versions have them lapse by one rule."""
        who, rules = show("mem", member.member_id), {version.idling for version in self._rules.versions}
        if self._active_on and (member.active_on is None or member.active_on < self._active_on):
            told = f"last active on {member.active_on}, by the journals {self._active_on}"
            self._report.differs("next_expiry", f"{who}: {told}")
        idling = next(iter(rules))
        if len(rules) > 1 or idling is None or (available <= 0 and not self._waiting):
            return
        day = None if member.active_on is None else idling.lapses_on(member.active_on)
        if day is None or member.next_expiry is None or member.next_expiry > day:
            self._report.differs("next_expiry", f"{who}: {member.next_expiry}, but its points lapse on {day}")

    def _differs(self, check: str, entry: Entry, what: str) -> None:
        self._report.differs(check, f"{show('jrn', entry.journal.journal_id)}: {what}")


def is_of_stay(journal: Journal) -> bool:
    """Tell whether a journal posts a stay; others may only name one."""
    return journal.kind.startswith("stay_")


def _due(lot: Lot, today: date) -> bool:
    return lot.expires_on is not None and lot.expires_on <= today


def _opens(lot: Lot, today: date) -> bool:
    day, end = lot.opens_on, lot.lapsed_on or lot.expires_on
    return day is not None and day <= today and (end is None or day < end)


def _activities(journal: Journal, moved: Moved) -> tuple[str, ...]:
    """Return what kinds of activity a journal may be."""
    if journal.kind in {"stay_posted", "stay_revised", "stay_moved_in"}:
        return ("stay",) if journal.reason.startswith("checked_out ") else ()
    if journal.kind == "adjusted":
        return ("adjustment", "spend") if moved.down else ("adjustment",)
    return _ACTIVITIES.get(journal.kind, ())


def _first_to_open(lot: Lot) -> tuple[date, UUID]:
    return (lot.opens_on or date.min, lot.lot_id)


def _next_of(lot: Lot) -> date | None:
    days = [day for day in (lot.opens_on if lot.pending else None, lot.expires_on) if day is not None]
    return min(days, default=None)
