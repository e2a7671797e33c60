"""What happened, counted from the replies: outcomes, refusals, points, milestones, tier moves."""

from collections import Counter
from datetime import date

from msgspec import Struct, field

from loyalty.demo.pms import Kind, Posting
from loyalty.demo.wire import Item, Problem, StayReply

REFUSED = "refused"
OUTCOMES = ("posted", "revised", "reversed", "unchanged", "superseded", REFUSED)

THROUGH_AGENCIES = frozenset({"ota", "wholesale", "group"})


class AtProperty(Struct):
    """The stays of one property, as first posted; points with their later corrections."""

    stays: int = 0
    nights: int = 0
    points: int = 0
    direct: int = 0


class Tally(Struct):
    """Counts over the postings of one demo."""

    outcomes: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    refusals: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    """By status, code and the field that is to blame."""
    examples: dict[tuple[int, str, str], str] = field(default_factory=dict)
    issued: int = 0
    reversed: int = 0
    base: int = 0
    bonus: int = 0
    promoted: int = 0
    """First postings that a promotion added points to, and how many."""
    promotions: int = 0
    milestones: Counter[tuple[str, str]] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    earned_nothing: Counter[str] = field(default_factory=Counter)
    properties: dict[str, AtProperty] = field(default_factory=dict)
    seen: set[tuple[str, int, str]] = field(default_factory=set)
    standing: dict[tuple[str, str], int] = field(default_factory=dict)
    """The points that each stay stands for now, by property and reference."""

    def add(self, posting: Posting, item: Item) -> None:
        """Count one posting and what the service said to it."""
        if item.reply is not None:
            self._add_reply(posting, item.reply)
        elif item.problem is not None:
            self._add_refusal(posting, item.problem)

    def total(self, outcome: str) -> int:
        """How many postings had this outcome."""
        return sum(count for (_, each), count in self.outcomes.items() if each == outcome)

    def _add_refusal(self, posting: Posting, problem: Problem) -> None:
        self.outcomes[posting.kind, REFUSED] += 1
        why = (problem.status, problem.code, " ".join(error.pointer for error in problem.errors))
        self.refusals[why] += 1
        self.examples.setdefault(why, problem.detail or problem.title)

    def _add_reply(self, posting: Posting, reply: StayReply) -> None:
        # A posting sent again is answered with the first reply, byte for byte: it happened once.
        said = (reply.stay_id, reply.revision, reply.outcome)
        if said in self.seen:
            self.outcomes[posting.kind, "unchanged"] += 1
            return
        self.seen.add(said)
        self.outcomes[posting.kind, reply.outcome] += 1
        self._add_points(posting, reply)
        self._add_progress(reply)
        if reply.outcome == "posted":
            self._add_stay(posting, reply)

    def _add_points(self, posting: Posting, reply: StayReply) -> None:
        # Not `change`, which is the member's: when a stay moves to another member, nothing new is issued.
        stay = (str(posting.body["property"]), str(posting.body["stay_ref"]))
        change = reply.points.total - self.standing.get(stay, 0)
        self.standing[stay] = reply.points.total
        self.issued += max(change, 0)
        self.reversed -= min(change, 0)
        self._at(posting).points += change
        if reply.outcome == "posted":
            self.base += reply.points.base
            self.bonus += reply.points.tier_bonus
            promotions = reply.points.total - reply.points.base - reply.points.tier_bonus
            self.promoted += promotions > 0
            self.promotions += promotions

    def _add_progress(self, reply: StayReply) -> None:
        for milestone in reply.milestones:
            self.milestones[milestone.code, milestone.status] += 1
        if reply.tier.before != reply.tier.after:
            self.moves[reply.tier.before or "", reply.tier.after or ""] += 1

    def _add_stay(self, posting: Posting, reply: StayReply) -> None:
        here = self._at(posting)
        here.stays += 1
        here.nights += (_day(posting, "departure") - _day(posting, "arrival")).days
        here.direct += posting.body["channel"] not in THROUGH_AGENCIES
        if reply.points.total == 0:
            self.earned_nothing.update({why.code for why in reply.why})

    def _at(self, posting: Posting) -> AtProperty:
        return self.properties.setdefault(str(posting.body["property"]), AtProperty())


def _day(posting: Posting, field: str) -> date:
    return date.fromisoformat(str(posting.body[field]))
