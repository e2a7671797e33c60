"""One side of a merge or its undoing: a member's book, what counted before, and what is told afterwards. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from loyalty.commands.model import Answer, Decision, Facts, Key
from loyalty.commands.rewarding import Happened, decided, events_of, last_states, standing_by, taken_by
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.stay_reply import MilestoneEvent, TierEvent, encode
from loyalty.events.model import Event
from loyalty.ids import show
from loyalty.ledger.model import Counters, Journal, Member, MilestoneGrant, Moment
from loyalty.ledger.rules import Book
from loyalty.tiers.milestones import Crossing, MilestoneRule, crossed


class Side:
    """A member's book, and what counted before: so that tiers and milestones can be told afterwards.

    `crossings` and `happened` (to rewards) are known once what is counted has moved.
    """

    def __init__(self, book: Book, facts: Facts, rules: Rulebook, moment: Moment) -> None:
        """Remember the counts and the tier of a member."""
        self.book = book
        self.facts = facts
        self.moment = moment
        self.crossings: list[Crossing] = []
        self.happened: list[Happened] = []
        self._rules = rules
        self.version = rules.at(moment.today)
        self._milestones = self.version.milestones
        self._before = _counts(self._milestones, book.member.counters)
        self._tier = book.member.tier or rules.tiers.on(book.member, moment.today).code

    def cross(self) -> None:
        """Note the milestones that the member's counts have passed since, up or down."""
        after = _counts(self._milestones, self.book.member.counters)
        crossings = [
            item
            for rule in self._milestones
            for period in sorted({of for code, of in (*self._before, *after) if code == rule.code})
            for item in crossed(
                rule, self._before.get((rule.code, period), 0), after.get((rule.code, period), 0), period
            )
        ]
        self.crossings = self._decided(crossings) if self._rules.remade else crossings

    def _decided(self, crossings: Sequence[Crossing]) -> list[Crossing]:
        """Return which crossings count where marks have changed: all that stands may be lost, whatever gave it."""
        remade, rewards = self._rules.remade, self.facts.rewards or ()
        standing = {
            one.place
            for one in rewards
            if one.status not in {"revoked", "flagged"}
            and one.milestone in remade
            and self.version.milestone(one.milestone) is not None
        }
        found = [one for one in crossings if one.status == "granted" or one.code not in remade]
        lost = [Crossing(code, ordinal, "revoked", period) for code, period, ordinal in sorted(standing)]
        given_by = standing_by(self._rules, rewards)
        return decided(
            [*found, *lost], self._rules, self.version, self.book.member.counters, given_by,
            taken_by(self._rules, rewards),
        )  # fmt: skip

    def decision(self, answer: Answer, journal: Journal, kind: str, key: Key | None = None) -> Decision:
        """Close the book, and return what to write; what is told of it is told with the journal."""
        member = self.book.member
        self.book.close()
        events = [Event(journal.journal_id, kind, member.member_id, journal.journal_id, answer.body)]
        grants: list[MilestoneGrant] = []
        for item in self.crossings:
            grants.append(
                MilestoneGrant(
                    member.member_id, item.code, item.ordinal, item.status, journal.journal_id, item.period
                )
            )
            told = MilestoneEvent(
                show("mem", member.member_id), item.code, item.ordinal, item.status, item.period
            )
            events.append(self._event(journal, f"milestone.{item.status}", told))
        events += self._tell_tier(member, journal)
        events += events_of(self.book, self.happened, self.moment, events)
        if self._rules.months_kept:
            self._rules.tiers.compact(member, self.moment.today, self._rules.months_kept)
        return Decision(
            answer, self.book, grants=grants, events=events, key=key, rewards=last_states(self.happened)
        )

    def _tell_tier(self, member: Member, journal: Journal) -> list[Event]:
        level, member.review_on = self._rules.tiers.reviewed(member, self.moment.today)
        member.tier = tier = level.code
        if tier == self._tier:
            return []
        change = TierEvent(show("mem", member.member_id), self._tier, tier)
        return [self._event(journal, "tier.changed", change)]

    def _event(self, journal: Journal, kind: str, payload: Struct) -> Event:
        event_id = self.moment.mint(self.book.member.shard)
        return Event(event_id, kind, journal.member_id, journal.journal_id, encode(payload))


def _counts(rules: Sequence[MilestoneRule], counters: Counters) -> dict[tuple[str, str], int]:
    """Return what milestones count, by code and, for yearly ones, year."""
    years = sorted({int(key[:4]) for key in counters})
    return {
        (rule.code, str(year) if rule.yearly else ""): rule.count(counters, year)
        for rule in rules
        for year in (years if rule.yearly else years[:1])
    }
