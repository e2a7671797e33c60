"""What a posting of a stay is answered with, and what others are told of it."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from loyalty.commands.model import Balance, balance_of
from loyalty.commands.rewarding import Happened, events_of
from loyalty.commands.rulebook import Rulebook
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Counters, Journal, Member, MilestoneGrant, Moment
from loyalty.ledger.rules import Book
from loyalty.program.visit import Why
from loyalty.stays.model import Award
from loyalty.tiers.marks import Change, changes
from loyalty.tiers.milestones import Crossing

encode = msgspec.json.Encoder().encode


class Points(Struct, frozen=True, gc=False):
    """The points a stay stands for."""

    base: int
    tier_bonus: int
    promotion: int
    total: int


class TierChange(Struct, frozen=True, gc=False):
    """The member's tier today, before and after."""

    before: str
    after: str


class MilestoneChange(Struct, frozen=True, gc=False, omit_defaults=True):
    """A milestone that the posting granted or revoked; `period` is the year of a yearly one."""

    code: str
    ordinal: int
    status: str
    period: str = ""


class RewardChange(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a posting did to a reward: `status` is what it is now; an `open` one is a choice to make."""

    reward_id: str
    milestone: str
    status: str
    code: str = ""
    points: int = 0


class StayReply(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a posting came to. `points` is what the stay stands for now, `change` what this posting moved of them.

    `rewards`, of the milestones it granted or revoked, are left out when there are none.
    """

    stay_id: str
    member_id: str
    outcome: str
    revision: int
    program: str
    points: Points
    change: int
    nights: str
    balance: Balance
    tier: TierChange
    milestones: list[MilestoneChange]
    why: list[Why]
    rewards: list[RewardChange] = []


class StayEvent(Struct, frozen=True, gc=False):
    """What others are told about a stay."""

    stay_id: str
    member_id: str
    outcome: str
    change: int


class TierEvent(Struct, frozen=True, gc=False):
    """What others are told about a tier change."""

    member_id: str
    before: str
    after: str


class MilestoneEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """What others are told about a milestone."""

    member_id: str
    milestone: str
    ordinal: int
    status: str
    period: str = ""


def points_of(award: Award) -> Points:
    """Return the points of an award, by kind."""
    base, bonus, total = award.base, award.tier_bonus, award.points
    return Points(base, bonus, total - base - bonus, total)


def crossings_of(rules: Rulebook, counters: Counters, before: Award, after: Award) -> list[Crossing]:
    """Return the milestones that an award in place of another will pass, by the version in force at the check-out.

    Of those whose marks not all versions have alike it is yet to be seen which are granted or lost.
    """
    return rules.at(after.effective_on).crossed(changed_by(before, after), counters, ahead=True)


def changed_by(before: Award, after: Award) -> list[Change]:
    """Return by what an award in place of another changes what is counted."""
    return changes(before.counts, before.effective_on.year, after.counts, after.effective_on.year)


class Page:
    """What stands before a posting, so that what it changes can be told afterwards."""

    __slots__ = ("certain", "member", "moment", "rules", "tier", "told")

    def __init__(self, rules: Rulebook, member: Member, moment: Moment) -> None:
        """Remember the tier of a member: as it is, and as it was last told."""
        self.rules = rules
        self.member = member
        self.moment = moment
        self.certain = rules.tiers.certain(member, moment.today)
        self.tier = member.tier if self.certain else rules.tiers.on(member, moment.today).code
        self.told = member.tier or self.tier

    def turn(
        self, journal: Journal | None, stay_id: UUID, outcome: str, revision: int,
        before: Award, award: Award, why: list[Why], *, crossings: Sequence[Crossing] = (),
        book: Book | None = None, happened: Sequence[Happened] = (), passes: bool = True,
    ) -> tuple[bytes, list[MilestoneGrant], list[Event]]:  # fmt: skip
        """Return the reply, the milestones crossed and the events of what the book now holds.

        `passes`: what is counted may have passed a mark.
        """
        member, rules = self.member, self.rules
        tier = self._note_tier(changed_by(before, award) if passes else ()) if journal else self.tier
        member_id = show("mem", member.member_id)
        points = points_of(award)
        change = points.total - before.points
        reply = StayReply(
            show("sty", stay_id), member_id, outcome, revision, award.program, points, change,
            rules.show("nights", award.counts.get("nights", 0)), balance_of(member), TierChange(self.tier, tier),
            [MilestoneChange(item.code, item.ordinal, item.status, item.period) for item in crossings], why,
            [
                RewardChange(show("rwd", one.reward.reward_id), one.reward.milestone, one.reward.status,
                             one.reward.code, one.reward.points)
                for one in happened
            ],
        )  # fmt: skip
        if journal is None:
            return encode(reply), [], []
        told = encode(StayEvent(reply.stay_id, member_id, outcome, change))
        events = [Event(journal.journal_id, f"stay.{outcome}", member.member_id, journal.journal_id, told)]
        if tier != self.told:
            events.append(self._event(journal, "tier.changed", TierEvent(member_id, self.told, tier)))
        for item in crossings:
            passed = MilestoneEvent(member_id, item.code, item.ordinal, item.status, item.period)
            events.append(self._event(journal, f"milestone.{item.status}", passed))
        if book is not None and happened:
            events += events_of(book, happened, self.moment, events)
        grants = [
            MilestoneGrant(
                member.member_id, item.code, item.ordinal, item.status, journal.journal_id, item.period
            )
            for item in crossings
        ]
        return encode(reply), grants, events

    def _note_tier(self, changed: Sequence[Change]) -> str:
        """Return the tier that the book now comes to, and note it with the day of its next review."""
        member, tiers, today = self.member, self.rules.tiers, self.moment.today
        if self.certain and tiers.unmoved(changed, member.counters):
            return member.tier
        level, member.review_on = tiers.reviewed(member, today)
        member.tier = level.code
        return member.tier

    def _event(self, journal: Journal, kind: str, payload: Struct) -> Event:
        """Return a further event of a journal."""
        event_id = self.moment.mint(self.member.shard)
        return Event(event_id, kind, self.member.member_id, journal.journal_id, encode(payload))
