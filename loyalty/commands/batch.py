"""The shell around the commands: it reads the facts of a batch, lets each command decide, and writes at once.

A refusal touches nothing but, under an idempotency key, the key. An unexpected failure rolls everything back; the
poster then runs the commands again, one by one.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from asyncpg.exceptions import (
    CheckViolationError,
    DeadlockDetectedError,
    SerializationError,
    UniqueViolationError,
)

from loyalty.clock import Clock
from loyalty.commands import (
    adjust,
    end_status,
    enrol,
    expire,
    give_status,
    post_stay,
    purchase,
    register,
    review,
    set_segments,
    store,
    versions,
)
from loyalty.commands.adjust import Adjust
from loyalty.commands.end_status import EndStatus
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.give_status import GiveStatus
from loyalty.commands.model import Alias, Decision, Elsewhere, Facts, Key, Move, Result, Short, settle
from loyalty.commands.move_stay import decide_move
from loyalty.commands.post_stay import PostStay
from loyalty.commands.purchase import Purchase
from loyalty.commands.register import Register
from loyalty.commands.review import Review
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.set_segments import SetSegments
from loyalty.commands.tally import count
from loyalty.db import Connection
from loyalty.ids import UUID, Mint, parse, shard_of
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import needs

Command = (
    PostStay | Adjust | Enrol | Expire | Review | Purchase | GiveStatus | EndStatus | SetSegments | Register
)

_RACES = (UniqueViolationError, CheckViolationError, DeadlockDetectedError, SerializationError)
"""What a batch fails by when another process has changed something since it was read."""


class Batches:
    """Runs batches of commands under one program."""

    def __init__(self, rules: Rulebook, clock: Clock, mint: Mint) -> None:
        """Take the program, the clock and the source of ids."""
        self.rules = rules
        self._clock = clock
        self._mint = mint

    async def run(
        self, connection: Connection, shard: int, commands: Sequence[Command]
    ) -> list[Result | None]:
        """Run commands of one shard, all of them or none; return their results in order.

        None says that the member already has a command in this batch, under its other name: run it again later.

        Most batches take two statements and no lock: the second fails if another process has meanwhile changed a
        member. Then, or where nothing would fail, the batch is decided under the members' locks.
        """
        facts = await self.read(connection, shard, [_named(command) for command in commands])
        if all(map(_shows_a_race, commands, facts)):
            with suppress(*_RACES):
                results, decisions = await self._decide_and_write(connection, shard, commands, facts)
                count(decisions)
                return results
        async with connection.transaction():
            await _lock(connection, shard, commands)
            if self._budgeted():
                await store.lock_budgets(connection, shard)
            facts = await self.read(connection, shard, [_named(command) for command in commands])
            results, decisions = await self._decide_and_write(connection, shard, commands, facts)
        count(decisions)
        return results

    async def _decide_and_write(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts]
    ) -> tuple[list[Result | None], list[Decision]]:
        """Let each command decide alone, and write what they decide; return all results, and what was written."""
        # The clock is read after the facts: a member's journals are recorded in the order of their versions.
        moment = self.moment()
        twins = _twins(facts)
        await _add_priors(connection, commands, facts)
        await _add_lots(connection, shard, commands, facts, twins, moment)
        if self._budgeted():
            results = await self._decide_within_budgets(connection, shard, commands, facts, twins, moment)
        else:
            results: list[Result | None] = [
                None if place in twins else settle(self._decide(known, command, moment), _key(command))
                for place, (known, command) in enumerate(zip(facts, commands, strict=True))
            ]
        results = _without_twins(results)
        decisions = [
            result for result in results if isinstance(result, Decision) and not result.answer.replayed
        ]
        if decisions:
            # In the order of the members, as locks are: two processes then never wait for each other in a circle.
            decisions.sort(key=_member_order)
            await store.write(connection, shard, decisions, moment.at)
        return results, decisions

    async def read(self, connection: Connection, shard: int, named: Sequence[store.Named]) -> list[Facts]:
        """Return the facts of members; if other versions of the program are in force by now, know them first.

        Where the program has come to need days, what was counted by year alone is counted again.
        """
        if not named:
            return []
        generation, facts = await store.read_facts(connection, shard, named)
        if generation != self.rules.generation:
            self.rules = await versions.load(connection, self.rules)
        if self.rules.months_kept:
            for known in facts:
                if known.member is not None and not known.member.traits.by_day:
                    await store.count_by_day(connection, known.member)
        return facts

    async def _decide_move(
        self, connection: Connection, leaving: Facts, joining: Facts, command: PostStay, moment: Moment
    ) -> Move | Result:
        shard = joining.member.shard if joining.member else 0
        if self._budgeted():
            await store.lock_budgets(connection, shard)
            joining.budgets = await store.read_budgets(connection, shard)
        while isinstance(result := decide_move(leaving, joining, self.rules, command, moment), Short):
            await self._lease(connection, shard, joining, result)
        return result

    async def _lease(self, connection: Connection, shard: int, facts: Facts, short: Short) -> None:
        """Take more of a promotion's budget for a shard, or note that there is no more."""
        leased = await store.lease_budget(connection, shard, short)
        facts.budgets[short.promotion] = facts.budgets.get(short.promotion, 0) + leased
        if not leased:
            facts.spent |= {short.promotion}

    def _budgeted(self) -> bool:
        return any(version.budgets for version in self.rules.versions)

    async def _decide_within_budgets(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        twins: set[int], moment: Moment,
    ) -> list[Result | None]:  # fmt: skip
        """Let each command decide by what those before it have left of promotions' budgets."""
        left = await store.read_budgets(connection, shard)
        spent: frozenset[str] = frozenset()
        results: list[Result | None] = []
        for place, (known, command) in enumerate(zip(facts, commands, strict=True)):
            if place in twins:
                results.append(None)
                continue
            known.budgets, known.spent = left, spent
            while isinstance(result := self._decide(known, command, moment), Short):
                await self._lease(connection, shard, known, result)
            spent = known.spent
            if isinstance(result, Decision):
                for code, points in result.budgets.items():
                    left[code] = left.get(code, 0) - points
            results.append(settle(result, _key(command)))
        return results

    def moment(self) -> Moment:
        """Return the moment of a decision: it is asked for once the facts are read."""
        at = self._clock.now()
        today = self.rules.today(at)
        return Moment(at, today, self._mint, self.rules.at(today).idling)

    def _decide(self, facts: Facts, command: Command, moment: Moment) -> Result:
        alias = _alias(facts, command)
        if alias is not None:
            return alias
        if isinstance(command, PostStay):
            return post_stay.decide(facts, self.rules, command, moment)
        if isinstance(command, Adjust):
            return adjust.decide(facts, self.rules, command, moment)
        if isinstance(command, Enrol):
            return enrol.decide(facts, self.rules, command, moment)
        if isinstance(command, Review):
            return review.decide(facts, self.rules, command, moment)
        if isinstance(command, Expire):
            return expire.decide(facts, self.rules, command, moment)
        if isinstance(command, Purchase):
            return purchase.decide(facts, self.rules, command, moment)
        return self._restate(facts, command, moment)

    def _restate(
        self, facts: Facts, command: GiveStatus | EndStatus | SetSegments | Register, moment: Moment
    ) -> Result:
        """Decide what changes a member's traits and moves nothing."""
        if isinstance(command, GiveStatus):
            return give_status.decide(facts, self.rules, command, moment)
        if isinstance(command, EndStatus):
            return end_status.decide(facts, self.rules, command, moment)
        if isinstance(command, SetSegments):
            return set_segments.decide(facts, self.rules, command, moment)
        return register.decide(facts, self.rules, command, moment)

    async def move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID
    ) -> Move | Result:
        """Run a posting that touches two members, in a transaction of its own that locks both in one order."""
        async with connection.transaction():
            for one in sorted((member_id, other), key=lambda value: (shard_of(value), value)):
                await store.lock_members(connection, shard_of(one), [one], [])
            moment = self.moment()
            result = await self._read_and_decide_move(connection, command, member_id, other, moment)
            written = await _write_move(connection, result, member_id, moment.at)
        count(written)
        return result

    async def _read_and_decide_move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID, moment: Moment
    ) -> Move | Result:
        """Decide a posting that touches two members by what is on file of both."""
        [joining] = await self.read(connection, shard_of(member_id), [(member_id, command.posting)])
        [leaving] = await self.read(connection, shard_of(other), [(other, None)])
        leaving.stay = joining.stay
        for facts in (joining, leaving):
            if facts.member is not None and facts.stay is not None:
                need = needs(facts.member, facts.stay.award.points, moment) or 0
                await store.add_lots(connection, facts.member.shard, [(facts, need)], moment.today)
        return await self._decide_move(connection, leaving, joining, command, moment)

    async def preview(self, connection: Connection, shard: int, command: PostStay) -> Move | Result:
        """Decide a posting as it would be decided now, and leave everything as it is.

        What it leases of a promotion's budget goes back with the transaction.
        """
        transaction = connection.transaction()
        await transaction.start()
        try:
            facts = await self.read(connection, shard, [_named(command)])
            moment = self.moment()
            await _add_lots(connection, shard, [command], facts, set(), moment)
            if self._budgeted():
                [result] = await self._decide_within_budgets(
                    connection, shard, [command], facts, set(), moment
                )
            else:
                result = self._decide(facts[0], command, moment)
            assert result is not None, "a single posting has no twin"
            member = facts[0].member
            if isinstance(result, Elsewhere) and member is not None:
                return await self._read_and_decide_move(
                    connection, command, member.member_id, result.member_id, moment
                )
            return result
        finally:
            await transaction.rollback()


async def _write_move(
    connection: Connection, result: Move | Result, member_id: UUID, at: datetime
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
        await store.write(connection, shard, [decision], at)
    return [decision for _, decision in parts]


def _alias(facts: Facts, command: Command) -> Alias | None:
    """Return who stands for a member that was merged; its number stays taken, and its books have nothing to expire."""
    member = facts.member
    if member is None or member.traits.merged_into is None or isinstance(command, Enrol | Expire | Review):
        return None
    survivor = parse("mem", member.traits.merged_into)
    assert survivor is not None, "a merged member leads to one that stands for it"
    return Alias(survivor)


def _shows_a_race(command: Command, facts: Facts) -> bool:
    """Tell whether what a command decides on outdated facts would fail to be written.

    A journal fails by the member's version, a new stay by its natural key, an idempotency key by itself. But a revision
    may be overtaken by a newer one that moves nothing and has no journal, and expiry may find nothing to write one for:
    only locks keep those in order.
    """
    if isinstance(command, PostStay):
        return facts.stay is None
    return not isinstance(command, Expire | Review)


def _member_order(decision: Decision) -> bytes:
    return b"" if decision.book is None else decision.book.member.member_id.bytes


def _named(command: Command) -> store.Named:
    return command.target, command.posting if isinstance(command, PostStay) else None


def _twins(facts: Sequence[Facts]) -> set[int]:
    """Return the places of commands whose member has an earlier one in the batch."""
    seen: set[UUID] = set()
    twins: set[int] = set()
    for place, known in enumerate(facts):
        if known.member is None:
            continue
        if known.member.member_id in seen:
            twins.add(place)
        seen.add(known.member.member_id)
    return twins


async def _lock(connection: Connection, shard: int, commands: Sequence[Command]) -> None:
    ids = [command.target for command in commands if not isinstance(command.target, str)]
    numbers = [command.target for command in commands if isinstance(command.target, str)]
    await store.lock_members(connection, shard, ids, numbers)


async def _add_priors(connection: Connection, commands: Sequence[Command], facts: Sequence[Facts]) -> None:
    keys = [key for command in commands if (key := _key(command)) is not None]
    if not keys:
        return
    priors = await store.find_keys(connection, keys)
    for command, known in zip(commands, facts, strict=True):
        key = _key(command)
        if key is not None:
            known.prior = priors.get((key.principal, key.key))


async def _add_lots(
    connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts], twins: set[int],
    moment: Moment,
) -> None:  # fmt: skip
    """Give the lots that commands need; none to twins, which are decided later, by what will then be there."""
    wanted = [
        (known, need)
        for place, (known, command) in enumerate(zip(facts, commands, strict=True))
        if place not in twins
        and known.member is not None
        and (need := _need(known, known.member, command, moment)) is not None
    ]
    if wanted:
        await store.add_lots(connection, shard, wanted, moment.today)


def _key(command: Command) -> Key | None:
    return None if isinstance(command, PostStay) else command.key


def _need(facts: Facts, member: Member, command: Command, moment: Moment) -> int | None:
    """Return how many points a command may draw from lots; None when it needs no lot at all."""
    draws = 0
    if isinstance(command, PostStay) and facts.stay is not None:
        draws = facts.stay.award.points
    elif isinstance(command, Adjust):
        draws = max(0, -command.request.points)
    return needs(member, draws, moment)


def _without_twins(results: list[Result | None]) -> list[Result | None]:
    """Let a stay or a key that two commands of a batch name be decided once; the second runs again later."""
    named: set[object] = set()
    for place, result in enumerate(results):
        if not isinstance(result, Decision) or result.answer.replayed:
            continue
        entry, key = result.entry, result.key
        names: list[tuple[object, ...]] = [(key.principal, key.key)] if key else []
        if entry:
            posting = entry.posting
            names.append((posting.source, posting.property, posting.stay_ref, posting.leg))
        if any(name in named for name in names):
            results[place] = None
        named.update(names)
    return results
