"""The shell around commands that touch two members, or that need more than a lane gives: a transaction of their own.

All rows of members are locked first, in one global order (shard, then id), one statement each; then the facts are read.
A lane that has decided on what was there before is stopped by the members' versions, and decides again.
"""

from collections.abc import Sequence

from loyalty.clock import Clock
from loyalty.commands import approve, compensate, refer, store, transfer
from loyalty.commands.approve import Approve, Decided
from loyalty.commands.batch import Batches
from loyalty.commands.compensate import Circumstances, Compensate, Compensation
from loyalty.commands.model import Answer, Decision, Facts, Key, Move, Result, settle
from loyalty.commands.refer import PayReferral
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.tally import count
from loyalty.commands.transfer import Transfer
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ids import UUID, Mint, shard_of
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import needs

Need = tuple[Facts, int]
"""A member's facts, and how many points a command may draw from the lots."""


class Joints:
    """Runs commands in transactions of their own, under one program."""

    def __init__(self, batches: Batches, clock: Clock, mint: Mint) -> None:
        """Take what knows the program, the clock and the source of ids."""
        self._batches = batches
        self._clock = clock
        self._mint = mint

    @property
    def rules(self) -> Rulebook:
        """The versions of the program, as they were last known."""
        return self._batches.rules

    async def transfer(self, connection: Connection, command: Transfer) -> Move | Result:
        """Give points to another member."""
        async with connection.transaction():
            giving, taking = await self._lock_and_read(connection, (command.giver, command.taker))
            moment = self._moment()
            await _add_prior(connection, command.key, giving)
            await _add_lots(connection, ((giving, command.request.points), (taking, 0)), moment)
            result = transfer.decide(giving, taking, self.rules, command, moment)
            return await _write(connection, result, command.key, moment)

    async def compensate(self, connection: Connection, command: Compensate) -> Move | Result:
        """Give points after a complaint, or propose to."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            moment, principal, points = self._moment(), command.key.principal, command.request.points
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            owner = await store.stay_of(connection, command.stay_id) if command.stay_id else None
            given = await store.lock_agent_day(connection, principal, moment.today)
            result = compensate.decide(facts, Circumstances(owner, given), self.rules, command, moment)
            if not isinstance(result, Compensation):
                return await _write(connection, result, command.key, moment)
            await store.add_to_agent_day(connection, principal, moment.today, points)
            if result.proposal is not None:
                await store.write_approval(connection, result.proposal)
            return await _write(connection, result.decision, command.key, moment)

    async def approve(self, connection: Connection, command: Approve) -> Answer | Problem:
        """Approve or reject what was proposed."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            await store.lock_approval(connection, command.approval_id)
            approval = await store.read_approval(connection, command.approval_id)
            moment = self._moment()
            await _add_lots(connection, ((facts, 0),), moment)
            result = approve.decide(facts, approval, self.rules, command, moment)
            if not isinstance(result, Decided):
                return result
            await store.write_approval(connection, result.approval)
            await _write(connection, result.decision, None, moment)
            return result.decision.answer

    async def pay_referral(self, connection: Connection, command: PayReferral) -> bool:
        """Settle a newcomer's referral if it still waits; tell whether it was paid now."""
        async with connection.transaction():
            newcomer, referrer = await self._lock_and_read(connection, (command.newcomer, command.referrer))
            status = await store.referral_status(connection, command.newcomer)
            if status != refer.WAITING or newcomer.member is None:
                return False
            moment = self._moment()
            await _add_lots(connection, ((referrer, 0),), moment)
            awards = await store.awards_of(connection, command.newcomer)
            settled = refer.decide(newcomer, referrer, awards, self.rules, command, moment)
            decision = settled.decision
            paid = decision.book.journals[-1].journal_id if decision and decision.book else None
            await store.settle_referral(connection, newcomer.member, settled.status, paid, moment.at)
            if decision is not None:
                await _write(connection, decision, None, moment)
            return decision is not None

    async def _lock_and_read(self, connection: Connection, ids: Sequence[UUID | None]) -> list[Facts]:
        """Lock members in one global order, and return the facts of each; empty ones for None."""
        for one in sorted({one for one in ids if one is not None}, key=lambda one: (shard_of(one), one)):
            await store.lock_members(connection, shard_of(one), [one], [])
        facts: list[Facts] = []
        for one in ids:
            named = [] if one is None else [(one, None)]
            facts += await self._batches.read(connection, shard_of(one) if one else 0, named) or [Facts(None)]
        return facts

    def _moment(self) -> Moment:
        """Return the moment of a decision; the clock is read once the rows are locked."""
        at = self._clock.now()
        return Moment(at, self.rules.today(at), self._mint)


async def _add_prior(connection: Connection, key: Key, facts: Facts) -> None:
    facts.prior = (await store.find_keys(connection, [key])).get((key.principal, key.key))


async def _add_lots(connection: Connection, wanted: Sequence[Need], moment: Moment) -> None:
    """Give the lots that may be drawn on, and those that are due."""
    for facts, draws in wanted:
        member = facts.member
        if member is None:
            continue
        need = needs(member, draws, moment)
        if need is not None:
            await store.add_lots(connection, member.shard, [(facts, need)], moment.today)


async def _write(
    connection: Connection, result: Move | Result, key: Key | None, moment: Moment
) -> Move | Result:
    """Write what was decided, member by member; a refusal is the outcome of its key."""
    settled = result if isinstance(result, Move) else settle(result, key)
    parts: tuple[tuple[int, Decision], ...] = ()
    if isinstance(settled, Move):
        parts = settled.parts
    elif isinstance(settled, Decision) and not settled.answer.replayed:
        parts = ((settled.book.member.shard if settled.book else 0, settled),)
    for shard, decision in parts:
        await store.write(connection, shard, [decision], moment.at)
    count(decision for _, decision in parts)
    return settled
