"""One member's recorded history judged once more, under any rules. Pure; no lots and no journals.

It goes as a posting does: what a stay is judged by is fixed when it is first seen; a newer revision is judged anew and
takes the place of the one before; a stay that moves leaves one member and joins another.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from loyalty.commands import post_stay
from loyalty.commands.judge import left_behind
from loyalty.commands.model import Facts
from loyalty.commands.post_stay import PostStay, before_revision, budget_use, nothing
from loyalty.commands.rewarding import decided
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID
from loyalty.ledger import counters
from loyalty.ledger.model import Counters, Member, Moment
from loyalty.simulate.budgets import Budgets
from loyalty.stays.model import Award, StayOnFile, StayPosting
from loyalty.stays.rules import Folio
from loyalty.tiers.milestones import Change, all_crossed, changes, with_lost

NOT_CONVERTIBLE: Final = "not_convertible"
BEYOND_LIMITS: Final = "beyond_limits"
_NIGHT: Final = 10
"""Nights are counted in tenths."""

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
    """What is on file for a stay, with its last posting. `refused` says why the rules refuse it, if they do."""

    on_file: StayOnFile
    posting: StayPosting
    refused: str = ""


class Replay:
    """The history of one member under one set of rules, as far as it was told."""

    __slots__ = ("_budgets", "_by_day", "_judged", "_rules", "grants", "member", "stays")

    def __init__(self, rules: Rulebook, budgets: Budgets, member: Member, judged: frozenset[str]) -> None:
        """Begin with a member of whom nothing is counted. `judged`: labels of versions that are the live ones, too."""
        self.member = member
        self.stays: dict[UUID, Kept] = {}
        self.grants: dict[Grant, StayPosting] = {}
        """The milestones granted, each with the stay that passed its mark."""
        self._rules = rules
        self._budgets = budgets
        self._judged = judged
        self._by_day = member.traits.by_day

    def take(self, said: Said) -> None:
        """Judge what was said of a stay."""
        kept = self.stays.get(said.stay_id)
        if kept is not None and said.revision < kept.on_file.revision:
            return
        if said.gone:
            if kept is not None:
                self._leave(kept.on_file.award, said)
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

    def leave_over(self) -> Counters:
        """Return what is still counted of a member whose stays have all gone: others may count differently since."""
        left, self.member.counters = self.member.counters, {}
        self.member.tier = ""
        return left

    def bring(self, left: Counters) -> None:
        """Count what another account, which was merged into this one, has left over."""
        stays = [kept.posting for kept in self.stays.values()]
        for key, counts in list(counters.parts(left)):
            for unit, amount in counts.items():
                counters.add(self.member.counters, key, unit, amount)
            self.member.tier = ""
            if stays:
                self._cross(self._rules.versions[-1], [Change(counters.year_of(key), counts)], stays[-1])

    def _stands(self, award: Award) -> bool:
        """Tell whether an award that came with a merged account was judged by the version that judges it here."""
        label = self._rules.at(award.effective_on).label
        return label == award.program and label in self._judged

    def _keep(self, said: Said, kept: Kept | None, award: Award, refused: str = "") -> Kept:
        """Put an award in the place of the one on file."""
        self._replace(nothing(award) if kept is None else kept.on_file.award, award, said)
        member = self.member
        on_file = StayOnFile(member.shard, member.member_id, said.stay_id, said.revision, b"", award, b"")
        self.stays[said.stay_id] = now = Kept(on_file, said.command.posting, refused)
        return now

    def _leave(self, award: Award, said: Said) -> None:
        """Take a stay back; others may count differently without it."""
        del self.stays[said.stay_id]
        counts = {} if said.whole else left_behind(before_revision(self._rules, self.member, award))
        self._replace(award, structs.replace(nothing(award), counts=counts), said)

    def _judge(self, said: Said, kept: Kept | None) -> tuple[Award, str]:
        """Return what a stay is worth, and why it is refused, if it is."""
        command = said.command
        version = self._rules.at(command.posting.departure)
        refused = refusal(version, command.posting, command.folio)
        posting = command.posting
        if refused:
            # The service wouldn't have recorded it: it stands for what a cancelled stay does.
            posting = structs.replace(posting, status="cancelled")
        facts = Facts(self.member, kept.on_file if kept else None)
        if kept is None:
            self._rules.tiers.know(self.member, said.moment.today)
        if version.budgets:
            facts.budgets = self._budgets.left(said.moment.at)
        award, _ = post_stay.judge(
            facts, self._rules, command, posting, self.member, said.moment, explain=False
        )
        return award, refused

    def _replace(self, before: Award, after: Award, said: Said) -> None:
        """Count what an award changes, and note the milestones and budgets that it touches."""
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
        self._know_changed(changed)
        self._cross(self._rules.at(after.effective_on), changed, said.command.posting)

    def _know_changed(self, changed: Sequence[Change]) -> None:
        """Forget the tier that was known if a change of the counters, which hold it already, may have moved it."""
        member = self.member
        if member.tier and not self._rules.tiers.unmoved(changed, member.counters):
            member.tier = ""

    def _cross(self, version: Rulebook, changed: Sequence[Change], posting: StayPosting) -> None:
        """Note the milestones that a change of the counters, which hold it already, has crossed."""
        rules, counted = self._rules, self.member.counters
        found = all_crossed(version.milestones, changed, counted)
        if rules.remade:
            found = with_lost(found, rules.remade, changed, counted)
            found = decided(found, rules, version, counted, self._granted_by)
        for one in found:
            if one.status == "granted":
                self.grants[one.code, one.period, one.ordinal] = posting
            else:
                self.grants.pop((one.code, one.period, one.ordinal), None)

    def _granted_by(self, place: Grant) -> Rulebook | None:
        """Return the version by which a milestone was granted; None when it isn't."""
        posting = self.grants.get(place)
        return None if posting is None else self._rules.at(posting.departure)

    def _count(self, award: Award, sign: int) -> None:
        day = award.effective_on
        for unit, amount in award.counts.items():
            counters.count(self.member.counters, unit, day, sign * amount, self._by_day)
        for code, points in award.promotions.items():
            counters.count(self.member.counters, counters.PROMOTION + code, day, sign * points, ())


def refusal(version: Rulebook, posting: StayPosting, folio: Folio) -> str:
    """Return why a version would refuse a stay that was once recorded; nothing when it wouldn't."""
    currency, earning = posting.currency, version.earning
    if not earning.knows(currency):
        return NOT_CONVERTIBLE
    if folio.nights > version.limits.nights * _NIGHT:
        return BEYOND_LIMITS
    worth = earning.exchange(sum(folio.revenue.values()), currency, posting.departure)
    return BEYOND_LIMITS if worth > version.most else ""
