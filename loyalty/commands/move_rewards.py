"""What becomes of rewards when a merge, or its undoing, moves what is counted from one member to another. Pure.

A crossing that one member loses and one of the same milestone that the other gains belong together, in the order of
their ordinals: what the one gave moves to the other as it is, used or not, with the time it has left. So merging gives
nothing a second time, and takes nothing that the joint account has earned. What is flagged moves too, and is valid
again. What the taker gains beyond that is given anew; what the giver loses beyond that is taken back as by a reversal.

Points that a milestone gave move like a stay's: what was spent of them, or repaid a debt, is `gone`. The reward then
counts as used.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from msgspec import structs

from loyalty.commands.rewarding import Happened, note_flags, passes, place_of, settle, standing_by
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.sides import Side
from loyalty.ids import UUID
from loyalty.ledger.model import TRANSIT, Journal, Lot, Moment
from loyalty.rewards.model import GrantedReward, Place, alive, show_place
from loyalty.tiers.milestones import Crossing

Pair = tuple[Journal, Journal]
"""The giver's and the taker's journal of one thing that moves."""


def move_rewards(
    giver: Side, taker: Side, pair: Pair, rules: Rulebook, moment: Moment, *, undoing: bool = False
) -> None:
    """Move rewards along with what is counted, which has just moved in a pair of journals; note it in both sides."""
    giver.cross()
    taker.cross()
    version = rules.at(moment.today)
    places = _matched(giver, taker, undoing=undoing)
    if not undoing and rules.remade:
        places |= _by_own_marks(giver, taker, rules, places)
    _settle(giver, version, places.keys(), moment)
    _settle(taker, version, places.values(), moment)
    if not undoing:
        places |= _of_old(giver, taker, version)
    for origin, target in places.items():
        for row in alive(giver.facts.rewards or (), origin):
            _move(giver, taker, row, target, pair, moment, whole=undoing)
    note_flags(giver.book, giver.happened)


def _matched(giver: Side, taker: Side, *, undoing: bool) -> dict[Place, Place]:
    """Return where the rewards of the giver's crossings go; what was flagged before stays when a merge is undone."""
    given = giver.facts.rewards or []
    lost = {place_of(one) for one in giver.crossings if one.status == "revoked"}
    moving = {one.place for one in given if one.place in lost or (one.status == "flagged" and not undoing)}
    gained = {place_of(one) for one in taker.crossings if one.status == "granted"}
    free = [place for place in gained if not alive(taker.facts.rewards or (), place)]
    there = _by_milestone(free)
    return {
        origin: target
        for key, origins in _by_milestone(moving).items()
        for origin, target in zip(origins, there.get(key, ()), strict=False)
    }


def _by_milestone(places: Iterable[Place]) -> dict[tuple[str, str], list[Place]]:
    """Group places by milestone and year, each group in the order of its ordinals."""
    groups: defaultdict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in sorted(places):
        groups[place[:2]].append(place)
    return groups


def _by_own_marks(
    giver: Side, taker: Side, rules: Rulebook, matched: Mapping[Place, Place]
) -> dict[Place, Place]:
    """Return where else rewards go whose milestone has other marks by now: to what the joint count passes by theirs."""
    places: dict[Place, Place] = {}
    given_by, there = standing_by(rules, giver.facts.rewards), taker.facts.rewards or []
    for one in sorted((one for one in giver.crossings if one.status == "revoked"), key=place_of):
        version = given_by(place_of(one)) if one.code in rules.remade else None
        if version is None or place_of(one) in matched:
            continue
        taken = {*matched.values(), *places.values()}
        free = next(
            target
            for ordinal in count(1)
            for target in [Crossing(one.code, ordinal, "granted", one.period)]
            if place_of(target) not in taken and not alive(there, place_of(target))
        )
        if passes(version, free, taker.book.member.counters):
            places[place_of(one)] = place_of(free)
            taker.crossings.append(free)
    return places


def _of_old(giver: Side, taker: Side, version: Rulebook) -> dict[Place, Place]:
    """Return where rewards of milestones go that the program no longer has: to the next ordinal that is free."""
    places: dict[Place, Place] = {}
    given, there = giver.facts.rewards or [], taker.facts.rewards or []
    for origin in sorted({one.place for one in given if version.milestone(one.milestone) is None}):
        if any(one.status == "flagged" for one in alive(given, origin)):
            continue
        code, period, _ = origin
        taken = [one.ordinal for one in there if one.place[:2] == origin[:2]]
        taken += [place[2] for place in places.values() if place[:2] == origin[:2]]
        ordinal = max(taken, default=0) + 1
        places[origin] = (code, period, ordinal)
        giver.crossings.append(Crossing(code, origin[2], "revoked", period))
        taker.crossings.append(Crossing(code, ordinal, "granted", period))
    return places


def _settle(side: Side, version: Rulebook, matched: Iterable[Place], moment: Moment) -> None:
    """Give and take back what crossings give, but for those whose rewards move."""
    others = set(matched)
    left = [one for one in side.crossings if place_of(one) not in others]
    side.happened += settle(side.book, version, left, side.facts, moment.today, moment)


def _move(
    giver: Side, taker: Side, row: GrantedReward, target: Place, pair: Pair, moment: Moment, *, whole: bool
) -> None:
    """Move a reward to a crossing of the taker: it ends with the giver, and goes on under a new id."""
    (out, into), status = pair, row.status
    if row.status == "flagged":
        status = "used"
    if row.kind == "points":
        lot = next((one for one in giver.facts.lots if one.lot_id == row.journal_id), None)
        kept = _kept(lot, whole=whole)
        out, into = _move_points(giver, taker, row, lot, kept, moment)
        if kept < row.points:
            status = "used"
    milestone, period, ordinal = target
    member = taker.book.member
    ended = structs.replace(row, status="revoked", changed_by=out.journal_id)
    goes_on = structs.replace(
        row, reward_id=moment.mint(member.shard), member_id=member.member_id, milestone=milestone, period=period,
        ordinal=ordinal, status=status, journal_id=into.journal_id, changed_by=into.journal_id,
    )  # fmt: skip
    giver.happened.append(Happened(ended, "moved", out))
    taker.happened.append(Happened(goes_on, "moved", into))


def _kept(lot: Lot | None, *, whole: bool) -> int:
    """Return what a lot holds and what of it has expired; with `whole`, all it began with. What has lapsed is gone."""
    if lot is None:
        return 0
    if whole:
        return lot.amount
    return lot.remaining + (lot.expired if lot.lapsed_on is None else 0)


def _move_points(
    giver: Side, taker: Side, row: GrantedReward, lot: Lot | None, kept: int, moment: Moment
) -> Pair:
    """Move the points of a reward, with effect from the day they were earned; the rest of them is gone."""
    day, expires_on = (lot.earned_on, lot.expires_on) if lot else (moment.today, row.valid_to)
    gone, reason = row.points - kept, f"{show_place(row.place)}: {row.code}"
    own: Sequence[UUID] = (row.journal_id,)
    out = giver.book.journal("milestone_reversed", day, reason)
    giver.book.points("milestone", -row.points, day, TRANSIT)
    giver.book.points("gone", gone, day, TRANSIT)
    giver.book.reverse(kept, frozenset(own))
    into = taker.book.journal("milestone_points", day, reason)
    taker.book.points("milestone", row.points, day, TRANSIT)
    taker.book.points("gone", -gone, day, TRANSIT)
    taker.book.earn(kept, expires_on)
    out.linked_id, into.linked_id = into.journal_id, out.journal_id
    return out, into
