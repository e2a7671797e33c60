"""Record a stay as a PMS posts it: post, re-send, revise, cancel, no-show, late, out of order.

Refusals, in this order: the member is unknown; the same revision has other content; the stay is another member's and
no newer revision says that it moves; the member's account is closed; the stay's revisions are used up.

A posting is a snapshot. The first one is posted; the same content again is answered as it was; a newer revision posts
the difference; an older one is recorded and changes nothing. The tier that a stay is judged by is the member's on the
day of arrival, as recorded when the stay is first seen; it stays with it, so revisions in any order end alike.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands import judge as judging
from loyalty.commands import rewarding
from loyalty.commands.judge import Before, Case, Pinned
from loyalty.commands.model import (
    Answer,
    Decision,
    DirectoryEntry,
    Elsewhere,
    Facts,
    Result,
    Short,
    Target,
    Unread,
    balance_of,
)
from loyalty.commands.rewarding import Happened
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.stay_reply import (
    Page,
    StayReply,
    TierChange,
    changed_by,
    crossings_of,
    encode,
    points_of,
)
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.counters import PROMOTION
from loyalty.ledger.model import ISSUED, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.visit import Why
from loyalty.stays.model import Award, StayOnFile, StayPosting, StayRevision
from loyalty.stays.rules import Folio, content
from loyalty.tiers.ladder import Level
from loyalty.tiers.milestones import Crossing

_decode_posting = msgspec.json.Decoder(StayPosting).decode
_LAST_REVISION: Final = 2_147_483_647
"""The highest number that a revision can be kept under."""


class PostStay(Struct, frozen=True, gc=False):
    """A posting that is well-formed, with its figures. `actor` says which key posted it, `brand` is the property's."""

    target: Target
    posting: StayPosting
    folio: Folio
    actor: str
    brand: str = ""


def decide(facts: Facts, rules: Rulebook, command: PostStay, moment: Moment) -> Result:
    """Decide what one posting comes to."""
    member = facts.member
    if member is None:
        return Problem("unknown_member", at="/member")
    posting = command.posting
    if posting.member != member.number:
        posting = structs.replace(posting, member=member.number)
        command = structs.replace(command, posting=posting)
    known = _seen_before(facts.stay, posting)
    if known is not None:
        return known
    if facts.stay is not None and facts.stay.member_id != member.member_id:
        return _belongs_elsewhere(facts.stay, posting, member)
    if facts.stay is not None and posting.revision is not None and posting.revision < facts.stay.revision:
        return supersede(facts, facts.stay, member, rules, posting, moment)
    if member.status != "active":
        return Problem("member_closed", at="/member")
    if facts.stay is not None and posting.revision is None and facts.stay.revision >= _LAST_REVISION:
        return Problem(
            "invalid_value", "After this stay's last revision no other has a number.", at="/revision"
        )
    # From here the posting is recorded.
    return _record(facts, rules, command, member, moment)


def _seen_before(on_file: StayOnFile | None, posting: StayPosting) -> Result | None:
    """Return the answer that this content already has, or a conflict of its revision."""
    if on_file is None:
        return None
    if posting.revision is None:
        same = content(posting) == content(_decode_posting(on_file.snapshot))
        return _replay(on_file.reply) if same else None
    if on_file.same_revision is None:
        return None
    snapshot, reply = on_file.same_revision
    if content(posting) == content(_decode_posting(snapshot)):
        return _replay(reply)
    return Problem("revision_conflict", f"Revision {posting.revision} has other content.", at="/revision")


def _replay(reply: bytes) -> Decision:
    return Decision(Answer(200, reply, replayed=True, outcome="unchanged"))


def _belongs_elsewhere(on_file: StayOnFile, posting: StayPosting, member: Member) -> Result:
    # What a merged account still had on file without a journal follows its member without further ado.
    if posting.revision is None and show("mem", on_file.member_id) not in member.traits.merged:
        return Problem(
            "stay_of_another_member",
            "Only an explicit newer revision moves a stay to another member.",
            at="/member",
        )
    return Elsewhere(on_file.member_id)


def supersede(
    facts: Facts, on_file: StayOnFile, member: Member, rules: Rulebook, posting: StayPosting, moment: Moment
) -> Decision:
    """Record an older revision, and change nothing."""
    # The book isn't written; it only leaves what is due by now out of the balance that the reply tells.
    Book(member, moment, "", facts.lots, facts.following)
    tier = rules.tiers.on(member, moment.today).code
    award = on_file.award
    why = [Why("superseded", revision=on_file.revision)]
    reply = encode(
        StayReply(
            show("sty", on_file.stay_id), show("mem", member.member_id), "superseded", posting.revision or 0,
            award.program, points_of(award), 0, rules.show("nights", award.counts.get("nights", 0)),
            balance_of(member), TierChange(tier, tier), [], why,
        )
    )  # fmt: skip
    revision = StayRevision(
        on_file.stay_id, posting.revision or 0, member.member_id, "superseded", encode(posting), encode(award),
        reply, None,
    )  # fmt: skip
    return Decision(Answer(200, reply, outcome="superseded"), revision=revision)


def _record(
    facts: Facts, rules: Rulebook, command: PostStay, member: Member, moment: Moment
) -> Decision | Short | Unread:
    on_file, posting = facts.stay, command.posting
    own = on_file.award if on_file else None
    award, why = judge(rules, command, member, moment, own, facts.budgets)
    short = shortage(facts, why)
    if short is not None:
        return short
    before = nothing(award) if own is None else own
    kind = _journal_kind(on_file, posting, before, award)
    passes = kind is not None and rules.all_marks.passed(
        changed_by(before, award), member.counters, ahead=True
    )
    crossings = crossings_of(rules, member.counters, before, award) if passes else []
    if crossings and (places := rewarding.unread(facts, rules, crossings)):
        return Unread(member.member_id, places, rewarding.regained(crossings))
    stay_id = on_file.stay_id if on_file else moment.mint(member.shard)
    number = posting.revision
    if number is None:
        number = on_file.revision + 1 if on_file else 0
    page = Page(rules, member, moment)
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = None
    happened: list[Happened] = []
    if kind is not None:
        journal = book.journal(kind, award.effective_on, reason(posting), stay_id)
        apply(book, before, award, facts.own)
        if crossings:
            crossings, happened = reward(book, rules, crossings, facts, award, moment)
        if moment.idling is not None and posting.status == "checked_out":
            book.act(posting.departure, "stay")
    book.close()
    outcome = "unchanged" if kind is None else kind.removeprefix("stay_")
    reply, grants, events = page.turn(
        journal,
        stay_id,
        outcome,
        number,
        before,
        award,
        why,
        crossings=crossings,
        book=book,
        happened=happened,
        passes=passes,
    )
    if rules.months_kept:
        rules.tiers.compact(member, moment.today, rules.months_kept)
    return Decision(
        Answer(200 if on_file else 201, reply, outcome=outcome), book,
        entry=None if on_file else DirectoryEntry(posting, member.member_id, stay_id),
        revision=StayRevision(stay_id, number, member.member_id, outcome, encode(posting), encode(award), reply,
                              journal.journal_id if journal else None),
        grants=grants, events=events, budgets=budget_use(rules, before, award),
        rewards=rewarding.last_states(happened) if happened else [],
    )  # fmt: skip


def reward(
    book: Book, rules: Rulebook, crossings: list[Crossing], facts: Facts, award: Award, moment: Moment
) -> tuple[list[Crossing], list[Happened]]:
    """Grant and take back what crossings give, by the version in force at the check-out; return those that count."""
    day = award.effective_on
    version, given_by = rules.at(day), rewarding.standing_by(rules, facts.rewards)
    lost_by = rewarding.taken_by(rules, facts.rewards)
    counted = rewarding.decided(crossings, rules, version, book.member.counters, given_by, lost_by)
    return counted, rewarding.settle(book, version, counted, facts, day, moment)


def judge(
    rules: Rulebook, command: PostStay, member: Member, moment: Moment, own: Award | None,
    budgets: Mapping[str, int], tier_on: Callable[[date], Level] | None = None, *, explain: bool = True,
) -> tuple[Award, list[Why]]:  # fmt: skip
    """Return what a stay is worth to a member, under the version in force at its check-out, and why.

    `own` is what it stands for already, if it is on the member's file; `budgets` what is left of promotions' budgets.
    `tier_on` tells the member's tier on a day, for whoever has it at hand.
    """
    posting = command.posting
    version = rules.at(posting.departure)
    if own is None:
        if tier_on is None:
            tier_on = partial(rules.tiers.near, member, today=moment.today)
        pinned = judging.pin(version, posting, command.brand, moment, tier_on)
        before = Before(member.counters)
    else:
        pinned = Pinned(own.tier, own.brand, own.entitled, own.seen_on, _asked(rules, version, own))
        before = before_revision(rules, member, own)
        if version.budgets:
            had = budget_had(rules, own)
            budgets = {code: left + had.get(code, 0) for code, left in budgets.items()}
    guest, traits = None, member.traits
    promotions = version.promotions
    if promotions is not None and (
        pinned.entitled is None or (pinned.asked is not None and not promotions.asking <= pinned.asked)
    ):
        guest = judging.Asked(before, posting, traits, traits.segments, traits.registered)
    return judging.judge(Case(version, posting, command.folio, pinned, before, guest, budgets, explain))


def _asked(rules: Rulebook, version: Rulebook, award: Award) -> frozenset[str] | None:
    """Return the promotions whose conditions were looked at for an award; None where the same version judges again."""
    if award.program == version.label or award.entitled is None:
        return None
    before = rules.labelled(award.program, award.effective_on).promotions
    return before.asking.union(award.entitled) if before else frozenset(award.entitled)


def before_revision(rules: Rulebook, member: Member, award: Award) -> Before:
    """Return a member's counters, with what of them a stay on file stands for."""
    return Before(member.counters, award, rules.at(award.effective_on).counting.consecutive)


def shortage(facts: Facts, why: list[Why]) -> Short | None:
    """Return which promotion's budget at hand is too small, unless it is known that there is no more."""
    for one in why:
        if one.code == "budget_spent" and one.rule and one.rule not in facts.spent:
            return Short(one.rule, one.limit or 0)
    return None


def budget_use(rules: Rulebook, before: Award, after: Award) -> dict[str, int]:
    """Return what a posting takes of promotions' budgets; below zero what it gives back."""
    had = budget_had(rules, before) if before.promotions else {}
    has = budget_had(rules, after) if after.promotions else {}
    if not had and not has:
        return {}
    changed = {code: has.get(code, 0) - had.get(code, 0) for code in had.keys() | has.keys()}
    return {code: points for code, points in changed.items() if points}


def budget_had(rules: Rulebook, award: Award) -> dict[str, int]:
    """Return what an award has had of promotions' budgets, under the version that judged it."""
    limited = rules.at(award.effective_on).budgets
    if limited.keys().isdisjoint(award.promotions):
        return {}
    return {code: points for code, points in award.promotions.items() if code in limited}


def nothing(award: Award) -> Award:
    """Return an award of nothing on the same dates."""
    return Award(
        award.tier, award.program, award.effective_on, award.expires_on, entitled=award.entitled,
        brand=award.brand, seen_on=award.seen_on, opens_on=award.opens_on,
    )  # fmt: skip


def _journal_kind(
    on_file: StayOnFile | None, posting: StayPosting, before: Award, after: Award
) -> str | None:
    """Return the kind of journal a posting causes; None when the books stay as they are."""
    stayed = posting.status == "checked_out"
    if on_file is None:
        return "stay_posted" if stayed or _worth(after) else None
    had_stayed = _decode_posting(on_file.snapshot).status == "checked_out"
    if had_stayed and not stayed:
        return "stay_reversed"
    if _worth(before) == _worth(after) and (had_stayed or not stayed):
        return None
    return "stay_revised"


def _worth(award: Award) -> tuple[object, ...]:
    if not award.points and not award.counts:
        return ()
    return (
        award.base, award.tier_bonus, award.promotions, award.counts, award.effective_on, award.expires_on,
        award.opens_on,
    )  # fmt: skip


def reason(posting: StayPosting) -> str:
    """Return the reason that a stay's journals give."""
    return f"{posting.status} {posting.property} {posting.stay_ref}"


def apply(book: Book, before: Award, after: Award, own: frozenset[UUID], account: str = ISSUED) -> None:
    """Post the difference between two awards; all of both when their dates differ."""
    if (before.effective_on, before.expires_on, before.opens_on) == (
        after.effective_on, after.expires_on, after.opens_on,
    ):  # fmt: skip
        _apply_part(book, before, after, after, own, account)
    else:
        _apply_part(book, before, nothing(before), before, own, account)
        _apply_part(book, nothing(after), after, after, own, account)


def _apply_part(
    book: Book, before: Award, after: Award, dated: Award, own: frozenset[UUID], account: str
) -> None:
    points, counts = _point_changes(before, after), _changes(before.counts, after.counts)
    if dated.opens_on is None:
        change = book.post(points, counts, dated.effective_on, account)
    else:
        change = _move_later(book, points, dated, own, account)
        book.post((), counts, dated.effective_on, account)
    if change > 0:
        book.earn(change, dated.expires_on, dated.opens_on)
    elif change < 0:
        book.reverse(-change, own)


def _point_changes(before: Award, after: Award) -> list[tuple[str, int]]:
    """Return by how much the points of each kind change."""
    points = [("base", after.base - before.base), ("tier_bonus", after.tier_bonus - before.tier_bonus)]
    for code, change in _changes(before.promotions, after.promotions):
        points.append((PROMOTION + code, change))
    return points


def _changes(before: Mapping[str, int], after: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """Return by how much each of some amounts changes."""
    if not before:
        return after.items()
    return [(name, after.get(name, 0) - before.get(name, 0)) for name in {**after, **before}]


def _move_later(
    book: Book, changes: list[tuple[str, int]], dated: Award, own: frozenset[UUID], account: str
) -> int:
    """Move points that open later, and return the sum.

    What is pending of the stay is taken first; the rest from what is available.
    """
    day, raised = dated.effective_on, sum([change for _, change in changes if change > 0])
    total = sum([change for _, change in changes])
    if total > 0:
        hidden = raised if dated.opens_on is not None and book.waits(dated.opens_on) else 0
    else:
        pending = book.pending_of(own)
        hidden = raised + pending if pending else 0
    raise_ = book.pend if hidden else book.points
    for kind, change in changes:
        if change > 0:
            raise_(kind, change, day, account)
        else:
            part = min(hidden, -change)
            hidden -= part
            book.pend(kind, -part, day, account)
            book.points(kind, change + part, day, account)
    return total
