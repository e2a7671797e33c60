"""A member's vouchers against what they were issued for, and against the journals that name them. Pure."""

from collections import defaultdict
from typing import Final

from msgspec import Struct

from loyalty.commands.vouching import of_reward
from loyalty.ids import UUID, parse, shard_of, show
from loyalty.ledger.counters import of_year
from loyalty.ledger.model import BENEFIT, Journal
from loyalty.verify.model import Captured, History, KeptVoucher
from loyalty.verify.report import Report
from loyalty.vouchers.codes import Codes
from loyalty.vouchers.model import Voucher

_SAYS: Final = {
    "voucher_redeemed": "redeemed", "voucher_expired": "expired", "voucher_revoked": "revoked",
    "voucher_handed_over": "",
}  # fmt: skip
"""The status that each kind of journal about a voucher leads to; a new code leaves it as it is."""
_GIVEN_BACK: Final = frozenset({"redemption_refunded", "benefit_returned"})
"""Journals that take vouchers back with what they stand for."""


class Said(Struct):
    """What journals say of a voucher: its status, and how often it was handed over."""

    status: str = "issued"
    handed_over: int = 0


def check_vouchers(history: History, codes: Codes | None, report: Report) -> None:
    """Check a member's vouchers: code, status, what each is for, and how many there are of it.

    Without what makes the codes, those are left out.
    """
    vouchers = {one.voucher.voucher_id: one.voucher for one in history.vouchers}
    said = _said(history)
    for voucher_id in said.keys() - vouchers.keys():
        report.differs("vouchers", f"{show('vch', voucher_id)}: a journal names it, but there is none")
    report.counted("vouchers", len(vouchers))
    journals = {entry.journal.journal_id: entry.journal for entry in history.entries}
    for kept in history.vouchers:
        one = kept.voucher
        wrong = _code(kept, codes) or _status(one, said.get(one.voucher_id, Said()), journals)
        if wrong:
            report.differs("vouchers", f"{show('vch', one.voucher_id)}: {wrong}")
    _check_rewards(history, vouchers, report)
    _check_captures(history, report)
    _check_uses(history, report)


def _said(history: History) -> dict[UUID, Said]:
    """Fold what the journals say; their reason begins with the id of the voucher."""
    said: defaultdict[UUID, Said] = defaultdict(Said)
    for entry in history.entries:
        status = _SAYS.get(entry.journal.kind)
        voucher_id = parse("vch", entry.journal.reason.partition(":")[0]) if status is not None else None
        if status is None or voucher_id is None:
            continue
        one = said[voucher_id]
        one.status = status or one.status
        one.handed_over += not status
    return said


def _code(kept: KeptVoucher, codes: Codes | None) -> str:
    one = kept.voucher
    if shard_of(one.voucher_id) != shard_of(one.member_id):
        return "its id is of another shard"
    if codes is None or codes.hash(one.voucher_id, one.handed_over) == kept.code_hash:
        return ""
    return "its code isn't the one that is kept"


def _status(one: Voucher, said: Said, journals: dict[UUID, Journal]) -> str:
    """Return what is wrong with a voucher by what the journals say; those of rewards go by the rewards."""
    if one.handed_over != said.handed_over:
        return f"was handed over {said.handed_over} times by its journals, {one.handed_over} by itself"
    if one.source == "reward":
        return ""
    changed_by = journals.get(one.changed_by)
    if one.status == "revoked" and changed_by is not None and changed_by.kind in _GIVEN_BACK:
        return "" if said.status in {"issued", "expired"} else f"was {said.status}, and taken back"
    return "" if one.status == said.status else f"is {one.status}, its journals say {said.status}"


def _check_rewards(history: History, vouchers: dict[UUID, Voucher], report: Report) -> None:
    """Compare rewards that aren't points with their vouchers."""
    rewards = {one.voucher_id: one for row in history.rewards if (one := of_reward(row)) is not None}
    for voucher_id in rewards.keys() | vouchers.keys():
        one, follows = vouchers.get(voucher_id), rewards.get(voucher_id)
        if one is None:
            report.differs("vouchers", f"{show('rwd', voucher_id)}: the reward has no voucher")
        elif follows is None:
            if one.source == "reward":
                report.differs("vouchers", f"{show('vch', voucher_id)}: it is of no reward")
        elif not _follows(one, follows):
            told = f"{one.kind} {one.item} is {one.status}, the reward {follows.item} {follows.status}"
            report.differs("vouchers", f"{show('vch', voucher_id)}: {told}")


def _follows(one: Voucher, follows: Voucher) -> bool:
    """Tell whether a voucher is what its reward says; one that was revoked by hand ends a reward before its time."""
    statuses = {follows.status, "revoked"} if follows.status == "expired" else {follows.status}
    return one.status in statuses and _what(one) == _what(follows)


def _what(one: Voucher) -> tuple[object, ...]:
    return one.source, one.kind, one.item, one.partner, one.valid_to, one.transferable


def _check_captures(history: History, report: Report) -> None:
    """Count vouchers against what was captured and what was refunded of it."""
    by_redemption: defaultdict[UUID, list[Voucher]] = defaultdict(list)
    for kept in history.vouchers:
        if kept.voucher.redemption_id is not None:
            by_redemption[kept.voucher.redemption_id].append(kept.voucher)
    for captured in history.captured:
        wrong = _miscounted(by_redemption.pop(captured.redemption_id, []), captured)
        if wrong:
            report.differs("vouchers", f"{show('red', captured.redemption_id)}: {wrong}")
    for redemption_id, vouchers in by_redemption.items():
        told = f"{len(vouchers)} vouchers of what was never captured"
        report.differs("vouchers", f"{show('red', redemption_id)}: {told}")


def _miscounted(vouchers: list[Voucher], captured: Captured) -> str:
    """Return what is wrong with the number of vouchers of a capture."""
    due = captured.captured if captured.vouchers else 0
    if len(vouchers) != due:
        return f"captured {captured.captured}, has {len(vouchers)} vouchers instead of {due}"
    if any((one.item, one.partner) != (captured.offer, captured.partner) for one in vouchers):
        return "has vouchers of another offer"
    redeemed = sum(one.status == "redeemed" for one in vouchers)
    revoked = sum(one.status == "revoked" for one in vouchers)
    if due and revoked < captured.refunded:
        return f"refunded {captured.refunded}, only {revoked} vouchers are revoked"
    if due and redeemed > captured.captured - captured.refunded:
        return f"refunded {captured.refunded} of {captured.captured}, {redeemed} vouchers were redeemed"
    return ""


def _check_uses(history: History, report: Report) -> None:
    """Count vouchers of tiers' benefits against their uses by year; what was merged away is counted elsewhere."""
    if history.member.status != "active":
        return
    standing: defaultdict[tuple[str, int], int] = defaultdict(int)
    for kept in history.vouchers:
        one = kept.voucher
        if one.source == "benefit" and one.status != "revoked":
            standing[one.item, one.valid_from.year] += 1
    for (code, year), count in standing.items():
        used = of_year(history.member.counters, year).get(BENEFIT + code, 0)
        if count > used:
            told = f"{code} has {count} vouchers of {year}, and was used {used} times"
            report.differs("vouchers", f"{show('mem', history.member.member_id)}: {told}")
