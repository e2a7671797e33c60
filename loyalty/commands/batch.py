"""The shell around the commands: it reads the facts of a batch, lets each command decide, and writes at once.

The way down: `run()` here, then `gather()`, `decide_all()`, `write()`. A refusal touches nothing but, under an
idempotency key, the key. An unexpected failure rolls everything back; the poster then runs the commands again, one by
one.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from asyncpg.exceptions import (
    CheckViolationError,
    DeadlockDetectedError,
    NotNullViolationError,
    SerializationError,
    UniqueViolationError,
)

from loyalty.clock import Clock
from loyalty.commands import store, versions
from loyalty.commands.budgets import budgeted, promotions
from loyalty.commands.deciding import decide_all, decide_between
from loyalty.commands.gathering import gather
from loyalty.commands.model import Decision, Elsewhere, Facts, Move, Result
from loyalty.commands.post_stay import PostStay
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.tally import count
from loyalty.commands.together import Batch, find_twins, without_twins
from loyalty.commands.verbs import Command, key_of, shows_a_race
from loyalty.db import Connection
from loyalty.ids import UUID, Mint, shard_of
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import needs
from loyalty.partners.catalogue import Catalogue, House
from loyalty.vouchers.codes import Codes

_RACES = (
    UniqueViolationError, CheckViolationError, NotNullViolationError, DeadlockDetectedError, SerializationError,
)  # fmt: skip
"""What a batch fails by when another process has changed something since it was read, or the program."""


class Batches:
    """Runs batches of commands under one program."""

    def __init__(self, rules: Rulebook, clock: Clock, mint: Mint, codes: Codes) -> None:
        """Take the program, the clock, the source of ids and that of vouchers' codes.

        The catalogue of offers is read once it is needed.
        """
        self.rules = rules
        self.codes = codes
        self.catalogue = Catalogue(House(rules.definition.currency, rules.zone))
        self._clock = clock
        self._mint = mint

    async def run(
        self, connection: Connection, shard: int, commands: Sequence[Command]
    ) -> list[Result | None]:
        """Run commands of one shard, all of them or none; return their results in order.

        None says that the member already has a command in this batch, under its other name: run it again later.

        Most batches take two statements and no lock: the second fails if another process has meanwhile changed a
        member, or published a version of the program. Then, or where nothing would fail, the batch is decided under the
        members' locks.
        """
        facts = await self.read(connection, shard, [_named(command) for command in commands])
        if all(map(shows_a_race, commands, facts)):
            with suppress(*_RACES):
                results, decisions = await self._decide_and_write(
                    connection, shard, commands, facts, self.rules.generation
                )
                count(decisions)
                return results
        async with connection.transaction():
            await _lock(connection, shard, commands)
            if budgeted(self.rules):
                await store.lock_budgets(connection, shard, promotions(self.rules))
            facts = await self.read(connection, shard, [_named(command) for command in commands])
            results, decisions = await self._decide_and_write(connection, shard, commands, facts)
        count(decisions)
        return results

    async def _decide_and_write(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        generation: int | None = None,
    ) -> tuple[list[Result | None], list[Decision]]:  # fmt: skip
        """Let each command decide alone, and write what they decide; return all results, and what was written.

        `generation` is that of the program's versions, where nothing keeps others from coming into force meanwhile.
        """
        # The clock is read after the facts: a member's journals are recorded in the order of their versions.
        batch = self._batch(shard, commands, facts)
        await gather(connection, batch)
        self._keep(batch.catalogue)
        if batch.stock and generation is None:
            await store.lock_budgets(connection, shard, batch.stock)
            batch.left = await store.read_budgets(connection, shard, batch.stock)
        results = without_twins(await decide_all(connection, batch))
        decisions = [
            result for result in results if isinstance(result, Decision) and not result.answer.replayed
        ]
        if decisions:
            # In the order of the members, as locks are: two processes then never wait for each other in a circle.
            decisions.sort(key=_member_order)
            await store.write(connection, shard, decisions, batch.moment.at, self.codes, generation)
        return results, decisions

    def _batch(self, shard: int, commands: Sequence[Command], facts: Sequence[Facts]) -> Batch:
        """Return commands and their facts as they are to be decided, by the program and catalogue of this moment."""
        return Batch(shard, commands, facts, find_twins(facts), self.rules, self.catalogue, self.moment())

    async def gather(self, connection: Connection, command: Command, facts: Facts) -> Moment:
        """Give a command that runs by itself all that it may look at; return the moment of its decision."""
        batch = self._batch(facts.member.shard if facts.member else 0, [command], [facts])
        await gather(connection, batch)
        self._keep(batch.catalogue)
        return batch.moment

    def _keep(self, catalogue: Catalogue) -> None:
        """Know a catalogue from now on, unless another batch has found a newer one meanwhile."""
        if catalogue.generation > self.catalogue.generation:
            self.catalogue = catalogue

    async def read(self, connection: Connection, shard: int, named: Sequence[store.Named]) -> list[Facts]:
        """Return the facts of members; if other versions of the program are in force by now, know them first.

        Where the program has come to need days, what was counted by year alone is counted again.
        """
        if not named:
            return []
        generation, facts = await store.read_facts(connection, shard, named)
        if generation != self.rules.generation:
            self.rules = await versions.load(connection, self.rules)
        by_day = self.rules.by_day
        if by_day:
            others = [one.member for one in facts if one.member and one.member.traits.by_day != by_day]
            if others:
                await store.count_by_day(connection, shard, others, by_day)
        return facts

    def moment(self) -> Moment:
        """Return the moment of a decision: it is asked for once the facts are read."""
        at = self._clock.now()
        today = self.rules.today(at)
        rules = self.rules.at(today)
        return Moment(at, today, self._mint, rules.idling, rules.spares)

    async def move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID
    ) -> Move | Result:
        """Run a posting that touches two members, in a transaction of its own that locks both in one order."""
        async with connection.transaction():
            for one in sorted((member_id, other), key=lambda value: (shard_of(value), value)):
                await store.lock_members(connection, shard_of(one), [one], [])
            moment = self.moment()
            result = await self._read_and_decide_move(connection, command, member_id, other, moment)
            written = await self._write_move(connection, result, member_id, moment.at)
        count(written)
        return result

    async def _write_move(
        self, connection: Connection, result: Move | Result, member_id: UUID, at: datetime
    ) -> list[Decision]:
        """Write what a posting that touches two members has decided, and return it."""
        parts: tuple[tuple[int, Decision], ...] = ()
        if isinstance(result, Move):
            parts = result.parts
        elif isinstance(result, Decision) and not result.answer.replayed:
            parts = ((shard_of(member_id), result),)
        for shard, decision in parts:
            if decision.entry is not None and decision.entry.left is not None:
                await store.move_entry(connection, shard, decision.entry)
            await store.write(connection, shard, [decision], at, self.codes)
        return [decision for _, decision in parts]

    async def _read_and_decide_move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID, moment: Moment
    ) -> Move | Result:
        """Decide a posting that touches two members by what is on file of both."""
        [joining] = await self.read(connection, shard_of(member_id), [(member_id, command.posting, None)])
        [leaving] = await self.read(connection, shard_of(other), [(other, None, None)])
        leaving.stay = joining.stay
        for facts in (joining, leaving):
            if facts.member is not None and facts.stay is not None:
                need = needs(facts.member, facts.stay.award.points, moment) or 0
                await store.add_lots(connection, facts.member.shard, [(facts, need)], moment.today)
        return await decide_between(connection, leaving, joining, self.rules, command, moment)

    async def preview(self, connection: Connection, shard: int, command: PostStay) -> Move | Result:
        """Decide a posting as it would be decided now, and leave everything as it is.

        What it leases of a promotion's budget goes back with the transaction.
        """
        transaction = connection.transaction()
        await transaction.start()
        try:
            facts = await self.read(connection, shard, [_named(command)])
            batch = self._batch(shard, [command], facts)
            await gather(connection, batch)
            [result] = await decide_all(connection, batch)
            assert result is not None, "a single posting has no twin"
            member = facts[0].member
            if isinstance(result, Elsewhere) and member is not None:
                return await self._read_and_decide_move(
                    connection, command, member.member_id, result.member_id, batch.moment
                )
            return result
        finally:
            await transaction.rollback()


def _member_order(decision: Decision) -> bytes:
    return b"" if decision.book is None else decision.book.member.member_id.bytes


def _named(command: Command) -> store.Named:
    return command.target, command.posting if isinstance(command, PostStay) else None, key_of(command)


async def _lock(connection: Connection, shard: int, commands: Sequence[Command]) -> None:
    ids = [command.target for command in commands if not isinstance(command.target, str)]
    numbers = [command.target for command in commands if isinstance(command.target, str)]
    await store.lock_members(connection, shard, ids, numbers)
