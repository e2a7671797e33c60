"""What becomes of vouchers: issued by captures, rewards and benefits; taken back with what they stand for. Pure.

The voucher of a reward has the reward's id and follows from it: issued with it, redeemed when it is used, expired and
revoked with it. So nothing has to be read to keep the two together.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.clock import add_months
from loyalty.commands.model import Answer, Decision, Facts
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, shard_of, show
from loyalty.ledger.model import Journal, Moment
from loyalty.partners.model import HOTEL, Offer
from loyalty.partners.redemption import Redemption
from loyalty.rewards.model import GrantedReward
from loyalty.vouchers.model import Voucher, VoucherStatus, may

_encode = msgspec.json.Encoder().encode
_DAY: Final = timedelta(days=1)

_OF_REWARDS: Final[dict[str, VoucherStatus]] = {
    "issued": "issued", "used": "redeemed", "flagged": "redeemed", "expired": "expired", "revoked": "revoked",
}  # fmt: skip
"""The status of a reward's voucher by that of the reward."""


class VoucherView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A voucher as people read it. `code` is left out for whoever may not see it.

    It comes from a `redemption`, a `reward` or a `benefit` of the tier; `kind` and `item` say what it is for, `number`
    which of several. From `valid_to` on it can't be used any more. `handed_over` counts how often it got a new code.
    `journal_id` is the journal that changed it last.
    """

    voucher_id: str
    status: str
    source: str
    kind: str
    item: str
    partner: str
    number: int
    valid_from: date
    journal_id: str
    name: dict[str, str] | None = None
    code: str = ""
    valid_to: date | None = None
    transferable: bool = False
    handed_over: int = 0
    property: str = ""
    redemption_id: str = ""
    reward_id: str = ""
    member_id: str = ""


class VoucherReply(Struct, frozen=True, gc=False):
    """The voucher as it is now."""

    voucher: VoucherView


class VoucherEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """What others are told about a voucher; never its code."""

    member_id: str
    voucher_id: str
    status: str
    source: str
    kind: str
    item: str
    partner: str
    valid_to: date | None = None
    redemption_id: str = ""
    property: str = ""


class _Nights(Struct, frozen=True):
    """Of the details of a redemption, how many days it is used on."""

    nights: int = 1


_nights = msgspec.json.Decoder(_Nights).decode


# --- captures and refunds ---------------------------------------------------------------------------------------------


def of_capture(
    redemption: Redemption, offer: Offer, quantity: int, journal: Journal, moment: Moment
) -> list[Voucher]:
    """Return the vouchers of so many units that a journal captures; none unless the offer has any."""
    if not offer.voucher:
        return []
    valid_to = _valid_to(redemption, offer, moment.today)
    return [
        Voucher(
            moment.mint(_shard(journal)), journal.member_id, "redemption", redemption.redemption_id, offer.kind,
            redemption.offer, redemption.partner, number, offer.transferable, moment.today, valid_to, "issued", 0, None,
            "", journal.journal_id, journal.journal_id,
        ) for number in range(1, quantity + 1)
    ]  # fmt: skip


def _valid_to(redemption: Redemption, offer: Offer, today: date) -> date | None:
    """Return the first day a voucher isn't valid any more: after its months, or two days after its last day of use."""
    if offer.voucher_months is not None:
        return add_months(today, offer.voucher_months)
    if not redemption.slot:
        return None
    last = date.fromisoformat(redemption.slot[:10]) + (_nights(redemption.details).nights - 1) * _DAY
    return max(last + 2 * _DAY, today + _DAY)


def check_refund(redemption: Redemption, vouchers: Sequence[Voucher], quantity: int) -> Problem | None:
    """Refuse a refund of more than what is captured and whose voucher wasn't redeemed."""
    redeemed = sum(one.status == "redeemed" for one in vouchers)
    refundable = max(0, redemption.captured - redemption.refunded - redeemed)
    if quantity <= refundable:
        return None
    told = f"{redeemed} of its vouchers were redeemed: {refundable} can be refunded."
    return Problem("voucher_used", told, at="/quantity", numbers={"refundable": refundable})


def of_refund(
    redemption: Redemption, vouchers: Sequence[Voucher], quantity: int, journal: Journal
) -> list[Voucher]:
    """Return the vouchers that a refund revokes, the last first; `redemption` is as it was before.

    Those that were revoked for another reason are given back before any that can still be used.
    """
    if not vouchers:
        return []
    spare = sum(one.status == "revoked" for one in vouchers) - redemption.refunded
    return take_back(vouchers, quantity - spare, journal)


def take_back(vouchers: Sequence[Voucher], most: int, journal: Journal) -> list[Voucher]:
    """Return so many vouchers as revoked, of those that may be: expired ones first, then the last."""
    left = [one for one in vouchers if may(one, "revoked")]
    left.sort(key=lambda one: (one.status == "expired", one.number, one.voucher_id), reverse=True)
    return [changed(one, "revoked", journal) for one in left[: max(0, most)]]


# --- benefits ---------------------------------------------------------------------------------------------------------


def of_use(code: str, times: int, journal: Journal, moment: Moment) -> list[Voucher]:
    """Return a voucher for each use of a tier's benefit, valid to the end of the calendar year that it counts in."""
    day = journal.effective_on
    return [
        Voucher(
            moment.mint(_shard(journal)), journal.member_id, "benefit", None, "benefit", code, HOTEL, number, False,
            day, date(day.year + 1, 1, 1), "issued", 0, None, "", journal.journal_id, journal.journal_id,
        ) for number in range(1, times + 1)
    ]  # fmt: skip


def uses_in(vouchers: Iterable[Voucher], code: str, year: int) -> list[Voucher]:
    """Return the vouchers for uses of a benefit in a calendar year that weren't taken back."""
    return [
        one
        for one in vouchers
        if one.item == code and one.valid_from.year == year and one.status != "revoked"
    ]


# --- rewards ----------------------------------------------------------------------------------------------------------


def of_reward(row: GrantedReward) -> Voucher | None:
    """Return the voucher of a reward as the reward says it is; None for points, and while it is to be chosen."""
    if row.kind not in {"voucher", "benefit"}:
        return None
    return Voucher(
        row.reward_id, row.member_id, "reward", None, row.kind, row.code, HOTEL, 1, False, row.granted_on, row.valid_to,
        _OF_REWARDS[row.status], 0, None, "", row.journal_id, row.changed_by,
    )  # fmt: skip


def written(decision: Decision) -> list[Voucher]:
    """Return the vouchers to write with a decision: those that it names, and those that follow from its rewards."""
    named = {one.voucher_id: one for one in decision.vouchers}
    for row in decision.rewards:
        follows = of_reward(row)
        if follows is not None:
            named.setdefault(follows.voucher_id, follows)
    return list(named.values())


# --- what the commands share ------------------------------------------------------------------------------------------


def find(facts: Facts, voucher_id: UUID, handed_over: int) -> Voucher | None:
    """Return a voucher by its id, if the code that was shown is still its code."""
    for one in facts.vouchers:
        if one.voucher_id == voucher_id and one.handed_over == handed_over:
            return one
    return None


def refusal(one: Voucher, today: date) -> Problem | None:
    """Return why a voucher can't be used on a day."""
    if one.status == "redeemed":
        where = f" at {one.property}" if one.property else ""
        return Problem("voucher_redeemed", f"It was redeemed{where} before.")
    if one.status == "revoked":
        return Problem("voucher_revoked")
    if one.status == "expired" or one.over(today):
        return Problem("voucher_expired", f"Its time was up on {one.valid_to}.")
    return None


def changed(one: Voucher, what: str, journal: Journal, **changes: object) -> Voucher:
    """Return a voucher after something has happened to it by a journal; what can't happen is a mistake of ours."""
    status = may(one, what)
    assert status is not None, f"a voucher that is {one.status} can't be {what}"
    return structs.replace(one, status=status, changed_by=journal.journal_id, **changes)


def reason(one: Voucher, note: str = "") -> str:
    """Return what a journal says of a voucher: which, what for, and why."""
    return f"{show('vch', one.voucher_id)}: {one.item}{note}"


def view(one: Voucher) -> VoucherView:
    """Return a voucher as people read it, without its code and name."""
    return VoucherView(
        show("vch", one.voucher_id), one.status, one.source, one.kind, one.item, one.partner, one.number,
        one.valid_from, show("jrn", one.changed_by), valid_to=one.valid_to, transferable=one.transferable,
        handed_over=one.handed_over, property=one.property,
        redemption_id=show("red", one.redemption_id) if one.redemption_id else "",
        reward_id=show("rwd", one.voucher_id) if one.source == "reward" else "",
    )  # fmt: skip


def answer_of(one: Voucher) -> Answer:
    """Return the answer that shows a voucher as it is now. It is kept under a key, so the code isn't in it."""
    return Answer(200, _encode(VoucherReply(view(one))))


def events_of(
    vouchers: Iterable[Voucher], what: str, journal: Journal, moment: Moment, *, first: bool = True
) -> list[Event]:
    """Return the events of what happened to vouchers by a journal; the `first` that is told of it goes by its id."""
    events: list[Event] = []
    for one in vouchers:
        event_id = journal.journal_id if first else moment.mint(_shard(journal))
        first = False
        payload = VoucherEvent(
            show("mem", one.member_id), show("vch", one.voucher_id), one.status, one.source, one.kind, one.item,
            one.partner, one.valid_to, show("red", one.redemption_id) if one.redemption_id else "", one.property,
        )  # fmt: skip
        events.append(Event(event_id, f"voucher.{what}", one.member_id, journal.journal_id, _encode(payload)))
    return events


def _shard(journal: Journal) -> int:
    return shard_of(journal.journal_id)
