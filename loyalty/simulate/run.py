"""Runs a simulation: replays all histories in one snapshot of the database, as often as spent budgets ask for it."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from loyalty.commands import versions
from loyalty.commands.post_stay import PostStay
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ids import UUID, minter
from loyalty.ledger.model import Moment
from loyalty.program import store as program_store
from loyalty.program.model import Definition
from loyalty.simulate import store
from loyalty.simulate.budgets import Cut
from loyalty.simulate.figures import Span
from loyalty.simulate.model import Ask, SimulationError, SimulationReply
from loyalty.simulate.recorded import Recorded
from loyalty.simulate.replay import Said
from loyalty.simulate.worlds import Pair, Versions, World, Worlds, live_rules, new_rules
from loyalty.stays.model import Award
from loyalty.stays.rules import LATEST, Folio, read_folio

_ANY_LENGTH: Final = 100_000
"""Nights. Whether a stay is too long is for each of the rules to say."""

_posting = msgspec.json.Decoder(Recorded).decode
_award = msgspec.json.Decoder(Award).decode
_mint: Final = minter()


class Progressing(Protocol):
    """What is told on the way."""

    def begin(self, members: int) -> None:
        """Say how many members there are; again for another replay."""
        ...

    def at(self, members: int, revisions: int) -> None:
        """Say how many members, and revisions of stays, are done."""
        ...


class Quiet:
    """Says nothing on the way."""

    def begin(self, members: int) -> None: ...

    def at(self, members: int, revisions: int) -> None: ...


class Outcome(Struct, frozen=True):
    """What a simulation comes to, and the members with another tier: before and after."""

    summary: SimulationReply
    moved: list[tuple[UUID, str, str, str]]


class Simulation:
    """One definition simulated on one database."""

    def __init__(
        self, connection: Connection, ask: Ask, now: datetime, progress: Progressing | None = None
    ) -> None:
        """Use a connection that nobody else uses meanwhile; it works as a role that can't change the books."""
        self.revisions = 0
        self._is_asked = False
        """Whether a stay ends on a day that is asked for."""
        self._connection = connection
        self._ask = ask
        self._now = now
        self._progress: Progressing = progress or Quiet()
        self._brands: dict[str, str] = {}
        self._span = Span(ask.first, ask.last or LATEST)

    async def run(self, *, alone: bool = False) -> Outcome:
        """Replay everything; raise SimulationError when it can't be. `alone`: at most one such at a time."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            if alone and not await store.alone(self._connection):
                raise SimulationError("simulation_running", "Another simulation is running: try again later.")
            published = await self._published()
            self._brands = await store.read_brands(self._connection)
            await store.prepare(self._connection)
            return self._outcome(await self._replay_within_budgets(published))

    async def _published(self) -> Versions:
        """Return the versions in the database; raise SimulationError when they and the new one don't fit."""
        _, found = await program_store.read_versions(self._connection)
        if not found:
            raise SimulationError(
                "nothing_to_simulate", "No program is published here, so no stay was judged."
            )
        published = [(one.effective_from, versions.definition_of(one)) for one in found]
        currency, other = published[0][1].currency, self._ask.definition.currency
        if currency != other:
            raise SimulationError(
                "invalid_value",
                f"The books are kept in {currency}; a definition in {other} can't be compared.",
                "/definition",
                "currency",
            )
        if self._ask.last is not None and self._ask.last < self._span.first:
            raise SimulationError("invalid_value", "The last day is before the first one.", "/until")
        return published

    async def _replay_within_budgets(self, published: Versions) -> Worlds:
        """Replay until it is known from when on each budget is spent: once, unless there is one that is."""
        live, new = live_rules(published), new_rules(published, self._ask.definition, self._ask.first)
        known = [definition for _, definition in published]
        cuts: tuple[Mapping[str, Cut], Mapping[str, Cut]] = ({}, {})
        while True:
            day = min(self._span.last, live.today(self._now))
            worlds = Worlds(
                World(live, known, self._span, cuts[0], self._ask.definition.point_value),
                World(new, known, self._span, cuts[1], live.at(day).definition.point_value), day,
            )  # fmt: skip
            await self._replay(worlds)
            found = worlds.live.budgets.spent(), worlds.new.budgets.spent()
            if found == cuts:
                return worlds
            cuts = found

    async def _replay(self, worlds: Worlds) -> None:
        sizes = await store.read_sizes(self._connection)
        self._progress.begin(sum(sizes.values()))
        self.revisions = 0
        for shard in sizes:
            await self._replay_shard(shard, worlds)
        worlds.finish()
        if not self.revisions:
            raise SimulationError("nothing_to_simulate", "No stay is on file yet that could be judged again.")
        if not self._is_asked:
            until = f" to {self._ask.last}" if self._ask.last else " on"
            raise SimulationError(
                "nothing_to_simulate", f"No stay on file ends from {self._ask.first}{until}."
            )

    async def _replay_shard(self, shard: int, worlds: Worlds) -> None:
        present: Pair | None = None
        async with aclosing(store.histories(self._connection, shard)) as pages:
            async for rows in pages:
                for row in rows:
                    if present is None or row[0] != present.live.member.member_id:
                        if present is not None:
                            worlds.end(present)
                        present = worlds.begin(store.read_member(shard, row))
                    if row["stay_id"] is not None:
                        self.revisions += 1
                        present.take(self._said(row, worlds))
                self._progress.at(worlds.members, self.revisions)
        if present is not None:
            worlds.end(present)
        self._progress.at(worlds.members, self.revisions)

    def _said(self, row: Sequence[Any], worlds: Worlds) -> Said:
        """Read a row as something that was said of a stay."""
        member_id, number, _, _, _, stay_id, revision, outcome, at, snapshot, brand, joined, award = row
        posting = _posting(snapshot)
        folio = read_folio(posting, _ANY_LENGTH)
        if isinstance(folio, Problem):
            # It was in order when it was recorded; whatever has become of it, it is worth nothing.
            folio = Folio(0, {})
        if brand is None:
            brand = self._brands.get(posting.property, "")
        moved = outcome == "moved"
        self._is_asked |= self._span.holds(posting.departure)
        return Said(
            stay_id, revision, PostStay(member_id, posting, folio, "", brand),
            Moment(at, worlds.live.rules.today(at), _mint), moved or posting.departure > self._span.last,
            # A stay that leaves by itself names the member that it goes to.
            moved and posting.member == number, joined, None if award is None else _award(award),
        )  # fmt: skip

    def _outcome(self, worlds: Worlds) -> Outcome:
        ask, new = self._ask, worlds.new.rules.versions[-1]
        summary = SimulationReply(
            worlds.live.rules.at(worlds.as_of).label, new.label, ask.first, ask.last, worlds.as_of,
            ask.definition.currency,
            worlds.members, self.revisions, worlds.totals(), worlds.months(), worlds.properties(), worlds.tiers(),
            worlds.moves(), worlds.milestones(), worlds.promotions(), worlds.live.figures.refused,
            worlds.new.figures.refused, worlds.spent(),
        )  # fmt: skip
        moved = [(one, before, after, worlds.direction(before, after)) for one, before, after in worlds.moved]
        return Outcome(summary, moved)


def first_day(day: date | None) -> date:
    """Return the day from which on a definition is simulated: from the beginning, if none is said."""
    return day or versions.BEGINNING


def by_version(published: Sequence[program_store.Version], number: int) -> Definition:
    """Return the definition of a version; raise SimulationError when there is none."""
    for one in published:
        if one.version == number:
            return versions.definition_of(one)
    raise SimulationError("unknown_version", f"There is no version {number}.", "/version")
