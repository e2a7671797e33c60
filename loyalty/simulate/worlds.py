"""The same histories under the live rules and under new ones, side by side. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import structs

from loyalty.commands.rulebook import Rulebook, join
from loyalty.ids import UUID, parse
from loyalty.ledger.model import Counters, Member
from loyalty.program.model import Definition
from loyalty.simulate.budgets import Budgets, Cut
from loyalty.simulate.figures import Figures, Span, Tally
from loyalty.simulate.model import Compared, Counted, Moved, SpentBudget
from loyalty.simulate.replay import Replay, Said

Versions = Sequence[tuple[date, Definition]]

_EARNED: Final = "earned"
"""The status that stands for a tier whose days were left out; a replay finds it again by itself."""


class World:
    """Some rules, and what all histories come to under them."""

    def __init__(
        self, rules: Rulebook, published: Sequence[Definition], span: Span, cuts: Mapping[str, Cut] | None = None,
        point_value: str = "0",
    ) -> None:  # fmt: skip
        """Begin with no history; `cuts` are the budgets known to be spent, `point_value` is the other rules'."""
        self.rules = rules
        self.judged = frozenset(one.label for one in rules.versions if one.definition in published)
        budgets = {code: budget for version in rules.versions for code, budget in version.budgets.items()}
        self.budgets = Budgets(budgets, cuts)
        self.figures = Figures(rules, span, point_value)


def live_rules(versions: Versions) -> Rulebook:
    """Return the rules as they are published."""
    return join([(day, Rulebook(one)) for day, one in versions])


def new_rules(versions: Versions, new: Definition, first: date) -> Rulebook:
    """Return the rules as if a definition had been published for a day: until then those that were in force."""
    before = [(day, Rulebook(one)) for day, one in versions if day < first]
    return join([*before, (first, Rulebook(new))])


class Worlds:
    """The live rules beside the new ones, and what differs for each member."""

    def __init__(self, live: World, new: World, as_of: date) -> None:
        """Compare the tiers on the day `as_of`."""
        self.live = live
        self.new = new
        self.members = 0
        self.moved: list[tuple[UUID, str, str]] = []
        """Members with another tier, before and after."""
        self.as_of = as_of
        self._moves: Counter[tuple[str, str]] = Counter()
        self._survivors: dict[UUID, Pair] = {}
        self._left: list[tuple[Member, Counters, Counters]] = []

    def begin(self, member: Member) -> "Pair":
        """Return the replays of a member of whom nothing was told yet. What tier was earned is replayed, too."""
        traits = member.traits
        given = tuple(one for one in traits.statuses if one.kind != _EARNED)

        def begin(world: World) -> Replay:
            kept = structs.replace(traits, statuses=given, by_day=world.rules.by_day)
            known = structs.replace(member, counters={}, traits=kept)
            return Replay(world.rules, world.budgets, known, world.judged)

        return Pair(begin(self.live), begin(self.new))

    def end(self, pair: "Pair") -> None:
        """Note that a member's history is told; what an account was merged into waits for what others have left."""
        member = pair.live.member
        if member.traits.merged_into is not None:
            self._left.append((member, pair.live.leave_over(), pair.new.leave_over()))
        if member.traits.merged:
            self._survivors[member.member_id] = pair
        else:
            self._add(pair)

    def finish(self) -> None:
        """Give survivors what is left of the accounts that were merged into them; all histories are told."""
        into = {member.member_id: member.traits.merged_into for member, _, _ in self._left}
        for member, live, new in self._left:
            last = member.member_id
            while (text := into.get(last)) is not None and (found := parse("mem", text)) is not None:
                last = found
            if last in self._survivors:
                self._survivors[last].live.bring(live)
                self._survivors[last].new.bring(new)
        for pair in self._survivors.values():
            self._add(pair)

    def _add(self, pair: "Pair") -> None:
        """Add what a member's history has come to in each world."""
        self.members += 1
        self.live.figures.add(pair.live)
        self.new.figures.add(pair.new)
        member = pair.live.member
        if member.status != "active":
            return
        before, after = pair.live.tier_on(self.as_of).code, pair.new.tier_on(self.as_of).code
        self.live.figures.tiers[before] += 1
        self.new.figures.tiers[after] += 1
        if before != after:
            self._moves[before, after] += 1
            self.moved.append((member.member_id, before, after))

    # --- what differs -----------------------------------------------------------------------------------------------

    def direction(self, before: str, after: str) -> str:
        """Return whether a new tier is higher (`up`) or lower (`down`) than the one of the live rules, or the `same`.

        A tier that the new rules haven't by its code stands for the one in its place from below.
        """
        was = self.live.rules.at(self.as_of).level(before)
        ladder = self.new.rules.at(self.as_of).ladder
        change = ladder.level(after).rank - ladder.like(was).rank
        return "up" if change > 0 else "down" if change < 0 else "same"

    def moves(self) -> list[Moved]:
        """Return how many members move from which tier to which, from the lowest tier up."""
        order = self._tier_codes()
        found = sorted(self._moves.items(), key=lambda one: (order.index(one[0][0]), order.index(one[0][1])))
        return [
            Moved(before, after, self.direction(before, after), members) for (before, after), members in found
        ]

    def tiers(self) -> list[Counted]:
        """Return how many members have each tier, from the lowest up; those of the live rules first."""
        live, new = self.live.figures.tiers, self.new.figures.tiers
        return [Counted(code, live[code], new[code]) for code in self._tier_codes()]

    def _tier_codes(self) -> list[str]:
        ladders = [world.rules.at(self.as_of).ladder for world in (self.live, self.new)]
        return list(dict.fromkeys(level.code for ladder in ladders for level in ladder.levels))

    def milestones(self) -> list[Counted]:
        """Return how many milestones of each sort stays of the span passed."""
        return _counted(self.live.figures.milestones, self.new.figures.milestones)

    def promotions(self) -> list[Counted]:
        """Return how many points each promotion gave."""
        return _counted(self.live.figures.promotions, self.new.figures.promotions)

    def months(self) -> list[Compared]:
        """Return the sums by month of check-out."""
        return self._compared(self.live.figures.by_month(), self.new.figures.by_month())

    def properties(self) -> list[Compared]:
        """Return the sums by property."""
        return self._compared(self.live.figures.by_property(), self.new.figures.by_property())

    def totals(self) -> Compared:
        """Return the sums of all stays."""
        [total] = self._compared({"": self.live.figures.total()}, {"": self.new.figures.total()})
        return structs.replace(total, key="total")

    def _compared(self, live: Mapping[str, Tally], new: Mapping[str, Tally]) -> list[Compared]:
        none, old, changed = Tally(), self.live.rules, self.new.rules
        return [
            Compared(key, live.get(key, none).shown(old), new.get(key, none).shown(changed))
            for key in sorted({*live, *new})
        ]

    def spent(self) -> list[SpentBudget]:
        """Return which budgets are spent."""
        return [
            SpentBudget(code, which, cut.at)
            for which, world in (("live", self.live), ("new", self.new))
            for code, cut in sorted(world.budgets.cuts.items())
        ]


class Pair:
    """One member's history, replayed twice."""

    __slots__ = ("live", "new")

    def __init__(self, live: Replay, new: Replay) -> None:
        """Take the replays under the live rules and under the new ones."""
        self.live = live
        self.new = new

    def take(self, said: Said) -> None:
        """Judge what was said of a stay, twice."""
        self.live.take(said)
        self.new.take(said)


def _counted(live: Mapping[str, int], new: Mapping[str, int]) -> list[Counted]:
    return [Counted(code, live.get(code, 0), new.get(code, 0)) for code in sorted({*live, *new})]
