"""One member's recorded history judged once more, under any rules. Pure; no lots and no journals.

It goes as a posting does: what a stay is judged by is fixed when it is first seen; a newer revision is judged anew and
takes the place of the one before; a stay that moves leaves one member and joins another.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec import Struct, structs

from loyalty.commands import post_stay
from loyalty.commands.judge import left_behind
from loyalty.commands.post_stay import PostStay, before_revision, budget_use, nothing
from loyalty.commands.rewarding import decided
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID
from loyalty.ledger import counters
from loyalty.ledger.model import Counters, Member, Moment
from loyalty.simulate.budgets import Budgets
from loyalty.stays.model import Award, StayPosting
from loyalty.stays.rules import Folio
from loyalty.tiers.following import Following
from loyalty.tiers.ladder import Level
from loyalty.tiers.marks import Change, changes

NOT_CONVERTIBLE: Final = "not_convertible"
BEYOND_LIMITS: Final = "beyond_limits"
_NIGHT: Final = 10
"""Nights are counted in tenths."""
_NOTHING: Final = Award("", "", date.min)
"""What a stay stands for before anything was said of it."""

Grant = tuple[str, str, int]
"""A milestone granted: its code, its year if it has one, and its ordinal."""


class Said(Struct, frozen=True, gc=False):
    """What was said of a stay, and when.

    `gone`: it has left the member; `whole`: with all of the account, which was merged into another one. `joined`: if it
    is new, it came from another member; `award`: with all of that account, as what it stood for there.
    """

    stay_id: UUID
    revision: int
    command: PostStay
    moment: Moment
    gone: bool = False
    whole: bool = False
    joined: bool = False
    award: Award | None = None


class Kept(Struct, gc=False):
    """A stay's last posting and what it stands for. `refused` says why the rules refuse it, if they do."""

    revision: int
    posting: StayPosting
    award: Award
    refused: str = ""


class Replay:
    """The history of one member under one set of rules, as far as it was told."""

    __slots__ = ("_budgets", "_by", "_by_day", "_judged", "_rules", "_tiers", "grants", "member", "stays")

    def __init__(self, rules: Rulebook, budgets: Budgets, member: Member, judged: frozenset[str]) -> None:
        """Begin with a member of whom nothing is counted. `judged`: labels of versions that are the live ones, too."""
        self.member = member
        self.stays: dict[UUID, Kept] = {}
        self.grants: dict[Grant, StayPosting] = {}
        """The milestones granted, each with the stay that passed its mark."""
        self._by: dict[Grant, list[Rulebook]] = {}
        """By which versions those were granted whose marks not all versions have alike, again and again."""
        self._rules = rules
        self._budgets = budgets
        self._judged = judged
        self._by_day = member.traits.by_day
        self._tiers = Following(rules.tiers, member)

    def take(self, said: Said) -> None:
        """Judge what was said of a stay."""
        kept = self.stays.get(said.stay_id)
        if kept is not None and said.revision < kept.revision:
            return
        if said.gone:
            if kept is not None:
                self._leave(kept.award, said)
            return
        arrives = said.joined and kept is None
        if said.award is not None:
            kept = self._keep(said, kept, said.award)
            if self._stands(said.award):
                return
        award, refused = self._judge(said, kept)
        self._keep(said, kept, award, refused)
        # As a posting does; what moves a stay to another member leaves it to the next one.
        if self._by_day and not arrives:
            self._rules.tiers.compact(self.member, said.moment.today, self._rules.months_kept)

    def tier_on(self, day: date) -> Level:
        """Return the member's tier on a day."""
        return self._tiers.on(day)

    def leave_over(self) -> Counters:
        """Return what is still counted of a member whose stays have all gone: others may count differently since."""
        left, self.member.counters = self.member.counters, {}
        self._tiers.forget()
        return left

    def bring(self, left: Counters) -> None:
        """Count what another account, which was merged into this one, has left over."""
        stays = [kept.posting for kept in self.stays.values()]
        for key, counts in list(counters.parts(left)):
            for unit, amount in counts.items():
                counters.add(self.member.counters, key, unit, amount)
            self._tiers.forget()
            if stays:
                change = [Change(counters.year_of(key), counts)]
                self._cross(self._rules.versions[-1], change, stays[-1], merging=True)

    def _stands(self, award: Award) -> bool:
        """Tell whether an award that came with a merged account was judged by the version that judges it here."""
        label = self._rules.at(award.effective_on).label
        return label == award.program and label in self._judged

    def _keep(self, said: Said, kept: Kept | None, award: Award, refused: str = "") -> Kept:
        """Put an award in the place of the one on file."""
        self._replace(_NOTHING if kept is None else kept.award, award, said)
        self.stays[said.stay_id] = now = Kept(said.revision, said.command.posting, award, refused)
        return now

    def _leave(self, award: Award, said: Said) -> None:
        """Take a stay back; others may count differently without it."""
        del self.stays[said.stay_id]
        counts = {} if said.whole else left_behind(before_revision(self._rules, self.member, award))
        self._replace(award, structs.replace(nothing(award), counts=counts), said)

    def _judge(self, said: Said, kept: Kept | None) -> tuple[Award, str]:
        """Return what a stay is worth, and why it is refused, if it is."""
        command, rules = said.command, self._rules
        version = rules.at(command.posting.departure)
        refused = refusal(version, command.posting, command.folio)
        if refused:
            # The service wouldn't have recorded it: it stands for what a cancelled stay does.
            command = structs.replace(command, posting=structs.replace(command.posting, status="cancelled"))
        award, _ = post_stay.judge(
            rules, command, self.member, said.moment, None if kept is None else kept.award,
            self._budgets.left(said.moment.at), self._tiers.on, explain=False,
        )  # fmt: skip
        return award, refused

    def _replace(self, before: Award, after: Award, said: Said) -> None:
        """Count what an award changes, and note the milestones and budgets that it touches."""
        if before.promotions or after.promotions:
            for code, points in budget_use(self._rules, before, after).items():
                self._budgets.take(code, said.moment.at, points)
        if before.effective_on == after.effective_on and (before.counts, before.promotions) == (
            after.counts, after.promotions,
        ):  # fmt: skip
            return
        if before.counts or before.promotions:
            self._count(before, -1)
        self._count(after, 1)
        changed = changes(before.counts, before.effective_on.year, after.counts, after.effective_on.year)
        passes = self._rules.all_marks.passed(changed, self.member.counters)
        self._tiers.counted(
            changed if passes else (), after.effective_on, before.effective_on if before.counts else None
        )
        if not passes:
            return
        merging = said.whole or said.award is not None
        version = self._rules.at(said.moment.today if merging else after.effective_on)
        self._cross(version, changed, said.command.posting, merging=merging)

    def _cross(
        self, version: Rulebook, changed: Sequence[Change], posting: StayPosting, *, merging: bool = False
    ) -> None:
        """Note the milestones that a change of the counters, which hold it already, has crossed.

        What comes or goes with a whole account passes the marks of that day, and brings back nothing that was lost.
        """
        counted = self.member.counters
        found = version.crossed(changed, counted)
        if self._rules.remade:
            if merging:
                found = [one for one in found if one.status != "regained"]
            found = decided(found, self._rules, version, counted, self._granted_by, self._lost_by)
        for one in found:
            place = one.code, one.period, one.ordinal
            if one.status == "granted":
                self.grants[place] = posting
                if one.code in self._rules.remade:
                    self._by.setdefault(place, []).append(
                        self._rules.labelled(one.program or version.label, date.min)
                    )
            else:
                self.grants.pop(place, None)

    def _granted_by(self, place: Grant) -> Rulebook | None:
        """Return the version by which a milestone stands; None when it doesn't."""
        return self._by[place][-1] if place in self.grants else None

    def _lost_by(self, place: Grant) -> Sequence[Rulebook]:
        """Return the versions by which a milestone was granted before it was lost, the last one first."""
        return self._by.get(place, ())[::-1]

    def _count(self, award: Award, sign: int) -> None:
        counts = award.counts
        moved = counts.items() if sign > 0 else [(unit, -amount) for unit, amount in counts.items()]
        given = [(counters.PROMOTION + code, sign * points) for code, points in award.promotions.items()]
        counters.count_all(self.member.counters, moved, award.effective_on, self._by_day, given)


def refusal(version: Rulebook, posting: StayPosting, folio: Folio) -> str:
    """Return why a version would refuse a stay that was once recorded; nothing when it wouldn't."""
    currency, earning = posting.currency, version.earning
    if currency != earning.currency and not earning.knows(currency):
        return NOT_CONVERTIBLE
    if folio.nights > version.limits.nights * _NIGHT:
        return BEYOND_LIMITS
    worth = sum(folio.revenue.values())
    if currency != earning.currency:
        worth = earning.exchange(worth, currency, posting.departure)
    return BEYOND_LIMITS if worth > version.most else ""
