"""A stay's revisions against its journals: what each award says is what the transfers up to it come to. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, shard_of, show
from loyalty.ledger.counters import NOTE, PROMOTION, is_given
from loyalty.ledger.model import MEMBER_ACCOUNTS, POINTS
from loyalty.stays.model import Award
from loyalty.verify.model import Entry, NaturalKey, Place, Revision, StayFile
from loyalty.verify.report import Report

_AWARDED: Final = frozenset({"base", "tier_bonus", "count"})
_award = msgspec.json.Decoder(Award).decode
_key = msgspec.json.Decoder(NaturalKey).decode

Worth = dict[tuple[str, str, date], int]
"""What a stay stands for: amount by unit, kind and effective date; zeros are left out."""


class _Reading(Struct):
    """A stay while its revisions are read."""

    what: str
    journals: dict[UUID, Entry]
    worth: Worth
    over: bool = False


def natural_key(file: StayFile) -> NaturalKey | None:
    """Return the key under which the directory should know a stay; None when it can't be read."""
    try:
        return _key(file.revisions[-1].snapshot) if file.revisions else None
    except msgspec.MsgspecError:
        return None


def check_stay(file: StayFile, rules: Rulebook, report: Report) -> None:
    """Check a stay's awards against its journals, and that its natural key leads to it."""
    what = show("sty", file.stay_id)
    reading = _Reading(what, {entry.journal.journal_id: entry for entry in file.entries}, {})
    if not file.revisions:
        report.differs("revisions", f"{what}: journals but no revision")
        return
    begins = _begins(file)
    for revision in file.revisions:
        if revision.journal_id is not None or (
            revision.revision >= begins and revision.outcome != "superseded"
        ):
            check = "stays" if revision is file.revisions[-1] else "revisions"
            _read(revision, reading, check, rules, report)
    for journal_id in reading.journals:
        report.differs("revisions", f"{what}: no revision names {show('jrn', journal_id)}")
    _check_place(file, what, report)


def count_stays(files: Sequence[StayFile], report: Report) -> None:
    """Note what `check_stay` looks at in every stay."""
    for check in ("reversals", "directory", "homes"):
        report.counted(check, len(files))


def _begins(file: StayFile) -> int:
    """Return the revision with which a stay begins under this id; what came before it was brought along."""
    joined = {entry.journal.journal_id for entry in file.entries if entry.journal.kind == "stay_moved_in"}
    return next((item.revision for item in file.revisions if item.journal_id in joined), -1) if joined else -1


def _read(revision: Revision, reading: _Reading, check: str, rules: Rulebook, report: Report) -> None:
    """Add a revision's journal to what the stay is worth, and compare its award."""
    what = f"{reading.what} revision {revision.revision}"
    report.counted(check)
    entry = reading.journals.pop(revision.journal_id, None) if revision.journal_id else None
    if entry is not None:
        _add(entry, reading, report)
    elif revision.journal_id is not None:
        report.differs("revisions", f"{what} names a journal that isn't this stay's")
    try:
        award = _award(revision.award)
    except msgspec.MsgspecError as error:
        report.differs(check, f"{what}: the award can't be read: {error}")
        return
    if reading.worth != worth(award):
        report.differs(
            check, f"{what}: the award is {_plain(worth(award))}, its journals {_plain(reading.worth)}"
        )
        if entry is None:
            # Its journal is lost: tell that once, and not again for all that follows.
            reading.worth = worth(award)
    if entry is not None:
        _check_lot(entry, award, what, report)
    _check_tier(award, what, rules, report)


def worth(award: Award) -> Worth:
    """Return what an award says a stay stands for."""
    day = award.effective_on
    amounts: Worth = {
        (unit, "count", day): amount
        for unit, amount in award.counts.items()
        if amount and not unit.startswith(NOTE)
    }
    if award.base:
        amounts[POINTS, "base", day] = award.base
    if award.tier_bonus:
        amounts[POINTS, "tier_bonus", day] = award.tier_bonus
    for code, points in award.promotions.items():
        if points:
            amounts[POINTS, PROMOTION + code, day] = points
    return amounts


def _add(entry: Entry, reading: _Reading, report: Report) -> None:
    """Add what a journal moved for the member; nothing may ever be below zero."""
    amounts = reading.worth
    for one in entry.transfers:
        sign = (one.credit in MEMBER_ACCOUNTS) - (one.debit in MEMBER_ACCOUNTS)
        if sign and (one.kind in _AWARDED or is_given(one.kind)):
            place = (one.unit, one.kind, one.effective_on)
            amounts[place] = amounts.get(place, 0) + sign * one.amount
            if not amounts[place]:
                del amounts[place]
    # Stays that follow each other are counted as one: with one between two others there is one less.
    if not reading.over and any(amount < 0 for (unit, *_), amount in amounts.items() if unit != "stays"):
        reading.over = True
        report.differs(
            "reversals", f"{reading.what}: {_plain(amounts)} after {show('jrn', entry.journal.journal_id)}"
        )


def _check_lot(entry: Entry, award: Award, what: str, report: Report) -> None:
    lot = entry.lot
    if lot is None:
        return
    days = (lot.earned_on, lot.opens_on, lot.expires_on)
    awarded = (award.effective_on, award.opens_on, award.expires_on)
    if days != awarded:
        report.differs("lots", f"{show('lot', lot.lot_id)}: {_span(*days)}, {what} {_span(*awarded)}")


def _span(earned_on: date, opens_on: date | None, expires_on: date | None) -> str:
    opens = f", open {opens_on}," if opens_on else ""
    return f"from {earned_on}{opens} to {expires_on}"


def _check_tier(award: Award, what: str, rules: Rulebook, report: Report) -> None:
    """Check that the tier of an award is one: it may be of the version in force on another day, such as the arrival."""
    if any(one.label == award.program for one in rules.versions):
        report.counted("judged_tiers")
        if all(one.ladder.level(award.tier).code != award.tier for one in rules.versions):
            report.differs("judged_tiers", f"{what}: the program has no tier `{award.tier}`")


def _check_place(file: StayFile, what: str, report: Report) -> None:
    """Check that the directory leads to a stay; for one that has moved on, that it leads elsewhere."""
    head, found = file.revisions[-1], file.place
    if shard_of(file.stay_id) != head.shard:
        report.differs("homes", f"{what} is in shard {head.shard}")
    if found is None:
        report.differs("directory", f"{what}: its natural key leads nowhere")
    elif head.outcome == "moved":
        if found.stay_id == file.stay_id:
            report.differs("directory", f"{what} has moved, but its natural key still leads to it")
    elif found != Place(head.shard, head.member_id, file.stay_id):
        other = f"{show('sty', found.stay_id)} of {show('mem', found.member_id)} in shard {found.shard}"
        report.differs("directory", f"{what}: its natural key leads to {other}")


def _plain(amounts: Worth) -> str:
    return (
        ", ".join(f"{amount} {unit} ({kind})" for (unit, kind, _), amount in sorted(amounts.items()))
        or "nothing"
    )
