"""Move a stay to another member, after a correction: the one posting that touches two members.

The first member's award is reversed into the transit account; the second member's journal clears that account and
posts the stay anew, judged by that member's own tier. Both journals name each other. The stay goes on under a new id
in the second member's shard, with all its revisions; the old one ends with a revision that says `moved`.
"""

from datetime import date

from msgspec import Struct, structs

from loyalty.commands.judge import left_behind
from loyalty.commands.model import (
    Answer,
    Decision,
    DirectoryEntry,
    Elsewhere,
    Facts,
    Move,
    Result,
    Short,
    Unread,
)
from loyalty.commands.post_stay import (
    PostStay,
    apply,
    before_revision,
    budget_use,
    decide,
    judge,
    nothing,
    reason,
    reward,
    shortage,
    supersede,
)
from loyalty.commands.rewarding import Happened, last_states, regained, unread
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.stay_reply import Page, crossings_of, encode
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import POINTS, TRANSIT, Journal, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.stays.model import Award, StayOnFile, StayPosting, StayRevision
from loyalty.tiers.milestones import Crossing


def decide_move(
    leaving: Facts, joining: Facts, rules: Rulebook, command: PostStay, moment: Moment
) -> Move | Result:
    """Decide a posting for `joining` whose stay is on file with `leaving`. Both rows are locked.

    Whatever `decide` says comes first: by now the stay may be this member's, or a third one's.
    """
    verdict = decide(joining, rules, command, moment)
    on_file, giver, taker = joining.stay, leaving.member, joining.member
    if not isinstance(verdict, Elsewhere) or giver is None or taker is None or on_file is None:
        return verdict
    if verdict.member_id != giver.member_id:
        return verdict
    posting = structs.replace(command.posting, member=taker.number)
    if posting.revision is None:
        posting = structs.replace(posting, revision=on_file.revision + 1)
    assert posting.revision is not None, "what moves has a revision"
    if posting.revision < on_file.revision:
        older = supersede(joining, on_file, taker, rules, posting, moment)
        return Move(older.answer, ((on_file.shard, older),))
    if taker.status != "active":
        return Problem("member_closed", at="/member")
    # From here the stay moves.
    moved = structs.replace(command, posting=posting)
    return _move(leaving, joining, giver, taker, on_file, rules, moved, moment)


def _move(
    leaving: Facts, joining: Facts, giver: Member, taker: Member, on_file: StayOnFile, rules: Rulebook,
    command: PostStay, moment: Moment,
) -> Move | Short | Unread:  # fmt: skip
    posting, before = command.posting, on_file.award
    left_page, joined_page = Page(rules, giver, moment), Page(rules, taker, moment)
    award, why = judge(rules, command, taker, moment, None, joining.budgets)
    short = shortage(joining, why)
    if short is not None:
        return short
    # What is left: others of the first member's stays may count differently without this one.
    gone = structs.replace(nothing(before), counts=left_behind(before_revision(rules, giver, before)))
    lost = crossings_of(rules, giver.counters, before, gone)
    gained = crossings_of(rules, taker.counters, nothing(award), award)
    for facts, member, crossings in ((leaving, giver, lost), (joining, taker, gained)):
        if places := unread(facts, rules, crossings):
            return Unread(member.member_id, places, regained(crossings))
    stay_id = moment.mint(taker.shard)
    left, moved_out, lost, taken = _leave(
        leaving, giver, on_file, gone, command, moment, rules=rules, lost=lost
    )
    joined, moved_in, gained, given = _join(
        joining, taker, stay_id, _difference(before, gone), award, command, moment, rules=rules, gained=gained
    )
    moved_out.linked_id, moved_in.linked_id = moved_in.journal_id, moved_out.journal_id
    number = posting.revision or 0
    none = nothing(award)
    outcome = _outcome(posting, before)
    reply, grants, events = joined_page.turn(
        moved_in, stay_id, outcome, number, none, award, why, crossings=gained, book=joined, happened=given
    )
    _, left_grants, left_events = left_page.turn(
        moved_out,
        on_file.stay_id,
        "moved",
        number,
        before,
        gone,
        [],
        crossings=lost,
        book=left,
        happened=taken,
    )
    ends = StayRevision(
        on_file.stay_id, number, giver.member_id, "moved", encode(posting), encode(gone), reply, moved_out.journal_id
    )  # fmt: skip
    begins = StayRevision(
        stay_id, number, taker.member_id, outcome, encode(posting), encode(award), reply, moved_in.journal_id
    )
    entry = DirectoryEntry(posting, taker.member_id, stay_id, left=on_file.stay_id)
    answer = Answer(200, reply, outcome=outcome)
    giving = Decision(
        answer, left, revision=ends, grants=left_grants, events=left_events,
        budgets=budget_use(rules, before, gone), rewards=last_states(taken),
    )  # fmt: skip
    taking = Decision(
        answer, joined, entry=entry, revision=begins, grants=grants, events=events,
        budgets=budget_use(rules, none, award), rewards=last_states(given),
    )  # fmt: skip
    return Move(answer, ((giver.shard, giving), (taker.shard, taking)))


class _Moved(Struct, frozen=True, gc=False):
    """What a stay takes along by unit, and the day it is of."""

    amounts: dict[str, int]
    day: date


def _difference(before: Award, gone: Award) -> _Moved:
    counts = {unit: amount - gone.counts.get(unit, 0) for unit, amount in before.counts.items()}
    left = {unit: -amount for unit, amount in gone.counts.items() if unit not in before.counts}
    return _Moved({POINTS: before.points, **counts, **left}, before.effective_on)


def _leave(
    leaving: Facts, giver: Member, on_file: StayOnFile, gone: Award, command: PostStay, moment: Moment,
    *, rules: Rulebook, lost: list[Crossing],
) -> tuple[Book, Journal, list[Crossing], list[Happened]]:  # fmt: skip
    book = Book(giver, moment, command.actor, leaving.lots, leaving.following)
    journal = book.journal("stay_moved_out", gone.effective_on, reason(command.posting), on_file.stay_id)
    apply(book, on_file.award, gone, leaving.own, TRANSIT)
    lost, happened = reward(book, rules, lost, leaving, gone, moment)
    book.close()
    return book, journal, lost, happened


def _join(
    joining: Facts, taker: Member, stay_id: UUID, moved: _Moved, award: Award, command: PostStay, moment: Moment,
    *, rules: Rulebook, gained: list[Crossing],
) -> tuple[Book, Journal, list[Crossing], list[Happened]]:  # fmt: skip
    book = Book(taker, moment, command.actor, joining.lots, joining.following)
    journal = book.journal("stay_moved_in", award.effective_on, reason(command.posting), stay_id)
    for unit, amount in moved.amounts.items():
        book.pass_on(TRANSIT, unit, amount, moved.day)
    apply(book, nothing(award), award, frozenset())
    gained, happened = reward(book, rules, gained, joining, award, moment)
    if command.posting.status == "checked_out":
        book.act(award.effective_on, "stay")
    book.close()
    return book, journal, gained, happened


def _outcome(posting: StayPosting, before: Award) -> str:
    if posting.status == "checked_out":
        return "revised"
    return "reversed" if before.points or before.counts else "unchanged"
