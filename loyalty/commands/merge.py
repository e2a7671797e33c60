"""Merge an account into another of the same person: all that was its own moves to the survivor; and back, if need be.

Refusals, in this order: the key was used with another request; an account is unknown; one is the key's own person's;
both are the same; an account is closed; the account that would end has points set aside, is in a household, or has a
stay whose revisions are used up.

Each stay moves in a pair of journals of its own, as it is on file: its award isn't judged anew, what was spent of it
stays spent (`gone`), what had expired expires again. What is counted follows; milestones are what the counters on both
sides have passed then, and rewards move with them. Other points move by the day they expire, then what is owed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands.carry import Words, carry
from loyalty.commands.model import Answer, Balance, Decision, Facts, Key, balance_of, replay
from loyalty.commands.move_rewards import move_rewards
from loyalty.commands.own import refuse_gain
from loyalty.commands.post_stay import budget_had, nothing
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.sides import Side
from loyalty.commands.stay_reply import encode as encode_reply
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger import counters as counting
from loyalty.ledger.counters import PROMOTION
from loyalty.ledger.model import TRANSIT, Counters, Journal, Member, Moment, Traits
from loyalty.ledger.rules import Book
from loyalty.stays.model import Award, MemberKey, StayOnFile, StayPosting, StayRevision

LAST_REVISION: Final = 2_147_483_647
_posting = msgspec.json.Decoder(StayPosting).decode


class MergeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Merge an account into another one, by number or id."""

    into: MemberKey


class Merge(Struct, frozen=True, gc=False):
    """A merge that is well-formed; an id is None where there is no such member.

    `person` is who holds the caller's key, if that is known.
    """

    leaving: UUID | None
    joining: UUID | None
    actor: str
    key: Key
    person: UUID | None = None


class MergeReply(Struct, frozen=True, gc=False):
    """What a merge, or its undoing, came to. `balance` is the survivor's; `journal_id` tells of it there."""

    merge_id: str
    status: str
    journal_id: str
    member_id: str
    into: str
    points: int
    stays: int
    balance: Balance


class Belonging(Struct, gc=False):
    """A stay on file with its own lots, and what of its points they stand for: what can still move."""

    stay: StayOnFile
    own: frozenset[UUID]
    kept: int


Mover = Callable[[str, int, date, str], None]
"""Moves points of a kind, with effect from a day, between a member's account and a program's."""


class MovedStay(Struct, frozen=True, gc=False):
    """A stay that moves as it is on file: where its key leads, how the old file ends and how the new one begins."""

    posting: StayPosting
    ends: StayRevision
    begins: StayRevision


class MergeOnFile(Struct, gc=False):
    """A merge as it is on file, in the survivor's shard.

    `first` to `last` are the survivor's versions that it made; `counters` what came along without a stay; `traits` what
    the survivor was before; `owed` what the other account owed.
    """

    shard: int
    merge_id: UUID
    member_id: UUID
    into_id: UUID
    first: int
    last: int
    owed: int
    counters: str
    traits: str
    status: str = "merged"


class Merged(Struct, frozen=True, gc=False):
    """What to write: both members' parts (the giver's first), the stays that move, the merge, who is closed or open.

    `budgets`: what the stays have had of promotions' budgets, which moves from shard to shard with them.
    """

    answer: Answer
    parts: tuple[tuple[int, Decision], ...]
    stays: Sequence[MovedStay]
    merge: MergeOnFile
    status: str
    budgets: Mapping[str, int]


def decide(
    leaving: Facts,
    joining: Facts,
    stays: Sequence[Belonging],
    rules: Rulebook,
    command: Merge,
    moment: Moment,
) -> Merged | Decision | Problem:
    """Decide what a merge comes to. Both rows are locked."""
    known = replay(leaving.prior, command.key)
    if known is not None:
        return known
    old, new = leaving.member, joining.member
    if old is None:
        return Problem("unknown_member")
    if new is None:
        return Problem("unknown_member", at="/into")
    own = refuse_gain(old, command.person) or refuse_gain(new, command.person, "/into")
    refusal = own or _refuse(old, new, stays)
    if refusal is not None:
        return refusal
    # From here the account is merged.
    giver = Book(old, moment, command.actor, leaving.lots, leaving.following)
    taker = Book(new, moment, command.actor, joining.lots, joining.following)
    sides = (Side(giver, leaving, rules, moment), Side(taker, joining, rules, moment))
    first, points = new.version + 1, old.available
    traits, reason = new.traits, f"merged into {new.number}"
    tiers = tuple(rules.tiers.on(one, moment.today).rank for one in (new, old))
    moved = [move_stay(giver, taker, one, moment, reason) for one in stays]
    counters = {key: dict(counted) for key, counted in counting.parts(old.counters) if counted}
    pair = move_counts(giver, taker, counters, reason, moment.today)
    # Days may have been left out since they were counted: all of it together is nothing now.
    old.counters = {}
    move_rewards(*sides, pair, rules, moment)
    carry(giver, taker, max(0, old.available), _words(reason), moment.today)
    owed = _move_debt(giver, taker, reason, moment.today)
    new.traits = _joined(old, new)
    _keep_earned(new, old.traits, traits, tiers, rules, moment.today)
    old.traits = structs.replace(old.traits, merged_into=show("mem", new.member_id))
    old.status = "closed"
    new.active_on = max((day for day in (old.active_on, new.active_on) if day is not None), default=None)
    merge = MergeOnFile(
        new.shard, moment.mint(new.shard), old.member_id, new.member_id, first, new.version, owed,
        encode_reply(counters).decode(), encode_reply(traits).decode(),
    )  # fmt: skip
    return conclude(merge, sides, pair, moved, points, command.key, 201, budgets_of(rules, stays))


def _refuse(old: Member, new: Member, stays: Sequence[Belonging]) -> Problem | None:
    if old.member_id == new.member_id:
        return Problem("same_member", at="/into")
    if old.status != "active":
        return Problem("member_closed")
    if new.status != "active":
        return Problem("member_closed", at="/into")
    if old.held:
        return Problem("holds_open", f"{old.held} points are held for redemptions.")
    if old.traits.household is not None:
        return Problem("not_mergeable", "The account is in a household; it has to leave first.")
    if any(one.stay.revision >= LAST_REVISION for one in stays):
        return Problem("not_mergeable", "The revisions of a stay are used up.")
    return None


def _words(reason: str) -> Words:
    return Words("merged_out", "merged_in", "merge", reason, counted=False)


def _joined(old: Member, new: Member) -> Traits:
    """Return what is known of the survivor: of both, and of the survivor where only one can hold.

    What each had earned before the days that are kept is left out: it is no history of both.
    """
    mine, other = new.traits, old.traits
    return structs.replace(
        mine,
        birth_month=mine.birth_month or other.birth_month,
        segments=tuple(sorted({*mine.segments, *other.segments})),
        registered={
            code: min(days)
            for code in {**other.registered, **mine.registered}
            if (days := [one[code] for one in (mine.registered, other.registered) if code in one])
        },
        referred_by=mine.referred_by or other.referred_by,
        statuses=tuple(one for one in (*mine.statuses, *other.statuses) if one.kind != "earned"),
        merged=(*mine.merged, *other.merged, show("mem", old.member_id)),
    )


def _keep_earned(
    new: Member, theirs: Traits, mine: Traits, tiers: tuple[int, ...], rules: Rulebook, today: date
) -> None:
    """Recount the survivor's tier; only where that comes to less than one of both had, go on from what that one earned.

    `tiers` are those of today before the merge, the survivor's first.
    """
    if rules.tiers.on(new, today).rank >= max(tiers):
        return
    best = mine if tiers[0] == max(tiers) else theirs
    earned = [one for one in best.statuses if one.kind == "earned"]
    new.traits = structs.replace(new.traits, statuses=(*new.traits.statuses, *earned))


# --- What moves ------------------------------------------------------------------------------------------------------


def move_stay(giver: Book, taker: Book, one: Belonging, moment: Moment, reason: str) -> MovedStay:
    """Move a stay as it is on file. What was spent of its points, or repaid a debt, is gone and doesn't move."""
    stay, award = one.stay, one.stay.award
    day, gone = award.effective_on, award.points - one.kept
    assert gone >= 0, "no more of a stay moves than it is worth"
    stay_id = moment.mint(taker.member.shard)
    out = giver.journal("stay_moved_out", day, reason, stay.stay_id)
    move = giver.pend if giver.pending_of(one.own) else giver.points
    _post(giver, move, award, -1)
    move("gone", gone, day, TRANSIT)
    giver.reverse(one.kept, one.own)
    into = taker.journal("stay_moved_in", day, reason, stay_id)
    move = taker.pend if award.opens_on is not None and taker.waits(award.opens_on) else taker.points
    _post(taker, move, award, 1)
    move("gone", -gone, day, TRANSIT)
    taker.earn(one.kept, award.expires_on, award.opens_on)
    out.linked_id, into.linked_id = into.journal_id, out.journal_id
    posting = _posting(stay.snapshot)
    left, joined = giver.member, taker.member
    ends = StayRevision(
        stay.stay_id, stay.revision + 1, left.member_id, "moved", stay.snapshot, encode_reply(nothing(award)),
        stay.reply, out.journal_id,
    )  # fmt: skip
    begins = StayRevision(
        stay_id, stay.revision, joined.member_id, "revised",
        encode_reply(structs.replace(posting, member=joined.number)), encode_reply(award), stay.reply, into.journal_id,
    )  # fmt: skip
    return MovedStay(posting, ends, begins)


def _post(book: Book, move: Mover, award: Award, sign: int) -> None:
    """Post an award whole, or take it back, through the account that stands between; `move` moves its points."""
    day = award.effective_on
    move("base", sign * award.base, day, TRANSIT)
    move("tier_bonus", sign * award.tier_bonus, day, TRANSIT)
    for code, points in award.promotions.items():
        move(PROMOTION + code, sign * points, day, TRANSIT)
    for unit, amount in award.counts.items():
        book.count(unit, sign * amount, day, TRANSIT)


def _move_debt(giver: Book, taker: Book, reason: str, today: date) -> int:
    owed = giver.member.debt
    if owed:
        out = giver.journal("merged_out", today, reason)
        giver.points("merge", owed, today, TRANSIT)
        giver.earn(owed, None)
        into = taker.journal("merged_in", today, reason)
        taker.points("merge", -owed, today, TRANSIT)
        taker.reverse(owed, frozenset())
        out.linked_id, into.linked_id = into.journal_id, out.journal_id
    return owed


def move_counts(
    giver: Book, taker: Book, counters: Counters, reason: str, today: date
) -> tuple[Journal, Journal]:
    """Move what is counted without a stay, in the pair of journals that tells of a merge or its undoing."""
    out, into = giver.journal("merged_out", today, reason), taker.journal("merged_in", today, reason)
    out.linked_id, into.linked_id = into.journal_id, out.journal_id
    for key, units in counters.items():
        day = date.fromisoformat(key) if "-" in key else min(today, date(int(key), 12, 31))
        for unit, amount in units.items():
            giver.count(unit, -amount, day)
            taker.count(unit, amount, day)
    return out, into


# --- What is told ----------------------------------------------------------------------------------------------------


def conclude(
    merge: MergeOnFile, sides: tuple[Side, Side], pair: tuple[Journal, Journal], moved: Sequence[MovedStay],
    points: int, key: Key, status: int, budgets: Mapping[str, int],
) -> Merged:  # fmt: skip
    """Return all there is to write of a merge or its undoing; `sides` and `pair` are the giver's and the taker's."""
    survivor = next(place for place in (0, 1) if sides[place].book.member.member_id == merge.into_id)
    # What was earned too late to last until today expires before the balance is told.
    for side in sides:
        side.book.close()
    reply = MergeReply(
        show("mrg", merge.merge_id), merge.status, show("jrn", pair[survivor].journal_id),
        show("mem", merge.member_id), show("mem", merge.into_id), points, len(moved),
        balance_of(sides[survivor].book.member),
    )  # fmt: skip
    answer, kind = Answer(status, encode_reply(reply)), f"member.{merge.status}"
    parts = tuple(
        (side.book.member.shard, side.decision(answer, journal, kind, key if place == survivor else None))
        for place, (side, journal) in enumerate(zip(sides, pair, strict=True))
    )
    return Merged(answer, parts, moved, merge, "closed" if merge.status == "merged" else "active", budgets)


def budgets_of(rules: Rulebook, stays: Sequence[Belonging]) -> dict[str, int]:
    """Return what stays have had of promotions' budgets."""
    sums: dict[str, int] = {}
    for one in stays:
        for code, points in budget_had(rules, one.stay.award).items():
            sums[code] = sums.get(code, 0) + points
    return sums
