"""The shell around commands that touch two members, or that need more than a lane gives: a transaction of their own.

All rows of members are locked first, in one global order (shard, then id), one statement each; then the facts are read.
A lane that has decided on what was there before is stopped by the members' versions, and decides again.
"""

from collections.abc import Sequence
from typing import Final

from loyalty.commands import (
    accrue,
    approve,
    compensate,
    draw,
    found_household,
    join_household,
    leave_household,
    merge,
    moving_store,
    refer,
    refund,
    refund_merged,
    reverse_accrual,
    settle_adjust,
    settling_store,
    store,
    transfer,
    unmerge,
)
from loyalty.commands.accrue import Accrue
from loyalty.commands.adjust import Adjust
from loyalty.commands.approval import Approval
from loyalty.commands.approve import Approve, Decided
from loyalty.commands.batch import Batches
from loyalty.commands.compensate import Circumstances, Compensate, Compensation
from loyalty.commands.found_household import FoundHousehold
from loyalty.commands.household import Housed, joined
from loyalty.commands.join_household import JoinHousehold
from loyalty.commands.leave_household import LeaveHousehold
from loyalty.commands.merge import Merge, Merged, MergeOnFile
from loyalty.commands.model import Answer, Decision, Facts, Key, Move, Result, settle, survivor_of
from loyalty.commands.refer import PayReferral
from loyalty.commands.refund import Refund
from loyalty.commands.reverse_accrual import ReverseAccrual
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.settle_adjust import Dispute, SettleAdjust, SettlementAdjusted, SettlementProposal
from loyalty.commands.tally import count
from loyalty.commands.transfer import Transfer
from loyalty.commands.unmerge import Since, Unmerge
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ids import UUID, shard_of, show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import needs
from loyalty.partners import accruals
from loyalty.rewards import store as rewards_store

Need = tuple[Facts, int]
"""A member's facts, and how many points a command may draw from the lots."""


_ALL: Final = 1 << 62
"""Points that no member has: all lots are needed."""
_LINES: Final = 5
"""How often it is looked who stands for an account: each merge or undoing in between asks for another look."""


class Joints:
    """Runs commands in transactions of their own, under one program."""

    def __init__(self, batches: Batches) -> None:
        """Take what knows the program, the clock and the source of ids."""
        self._batches = batches

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
            return await self._write(connection, result, command.key, moment)

    async def compensate(self, connection: Connection, command: Compensate) -> Move | Result:
        """Give points after a complaint, or propose to."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            moment, principal, points = self._moment(), command.key.principal, command.request.points
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            owner = await moving_store.stay_of(connection, command.stay_id) if command.stay_id else None
            given = await moving_store.lock_agent_day(connection, principal, moment.today)
            result = compensate.decide(facts, Circumstances(owner, given), self.rules, command, moment)
            if not isinstance(result, Compensation):
                return await self._write(connection, result, command.key, moment)
            await moving_store.add_to_agent_day(connection, principal, moment.today, points)
            if result.proposal is not None:
                await moving_store.write_approval(connection, result.proposal)
            return await self._write(connection, result.decision, command.key, moment)

    async def approve(self, connection: Connection, command: Approve) -> Answer | Problem:
        """Approve or reject what was proposed."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            await moving_store.lock_approval(connection, command.approval_id)
            approval = await moving_store.read_approval(connection, command.approval_id)
            dispute = await _lock_dispute(connection, approval)
            moment = self._moment()
            await _add_lots(connection, ((facts, 0),), moment)
            result = approve.decide(facts, approval, dispute, self.rules, command, moment)
            if not isinstance(result, Decided):
                return result
            await moving_store.write_approval(connection, result.approval)
            if result.adjustment is not None:
                await settling_store.write_adjustment(connection, result.adjustment)
            await self._write(connection, result.decision, None, moment)
            return result.decision.answer

    async def pay_referral(self, connection: Connection, command: PayReferral) -> bool:
        """Settle a newcomer's referral if it still waits; tell whether it was paid now."""
        async with connection.transaction():
            newcomer, referrer = await self._lock_and_read(connection, (command.newcomer, command.referrer))
            status = await moving_store.referral_status(connection, command.newcomer)
            if status != refer.WAITING or newcomer.member is None:
                return False
            moment = self._moment()
            await _add_lots(connection, ((referrer, 0),), moment)
            awards = await moving_store.awards_of(connection, command.newcomer)
            settled = refer.decide(newcomer, referrer, awards, self.rules, command, moment)
            decision = settled.decision
            paid = decision.book.journals[-1].journal_id if decision and decision.book else None
            await moving_store.settle_referral(connection, newcomer.member, settled.status, paid, moment.at)
            if decision is not None:
                await self._write(connection, decision, None, moment)
            return decision is not None

    async def _lock_and_read(self, connection: Connection, ids: Sequence[UUID | None]) -> list[Facts]:
        """Lock members in one global order, and return the facts of each; empty ones for None."""
        for one in sorted({one for one in ids if one is not None}, key=lambda one: (shard_of(one), one)):
            await store.lock_members(connection, shard_of(one), [one], [])
        facts: list[Facts] = []
        for one in ids:
            named = [] if one is None else [(one, None, None)]
            facts += await self._batches.read(connection, shard_of(one) if one else 0, named) or [Facts(None)]
        return facts

    async def merge(self, connection: Connection, command: Merge) -> Move | Result:
        """Merge an account into another."""
        async with connection.transaction():
            leaving, joining = await self._lock_and_read(connection, (command.leaving, command.joining))
            moment = self._moment()
            await _add_prior(connection, command.key, leaving)
            owed = leaving.member.debt if leaving.member else 0
            await _add_lots(connection, ((leaving, _ALL), (joining, owed)), moment)
            stays = await moving_store.belongings(connection, leaving)
            await _add_rewards(connection, leaving, joining)
            result = merge.decide(leaving, joining, stays, self.rules, command, moment)
            return await self._write_merge(connection, result, command.key, moment)

    async def unmerge(
        self, connection: Connection, command: Unmerge, found: MergeOnFile | None
    ) -> Move | Result:
        """Undo a merge; `found` says which members to lock."""
        async with connection.transaction():
            ids = (found.into_id, found.member_id) if found else (None, None)
            survivor, closed = await self._lock_and_read(connection, ids)
            on_file = await moving_store.read_merge(connection, command.merge_id)
            moment = self._moment()
            await _add_prior(connection, command.key, survivor)
            await _add_lots(connection, ((survivor, _ALL), (closed, 0)), moment)
            since = Since()
            if on_file is not None and survivor.member is not None:
                versions = (on_file.first, on_file.last)
                since = Since(
                    await moving_store.belongings(connection, survivor, versions, whole=True),
                    await moving_store.merged_lots(connection, survivor, versions),
                    await moving_store.kinds_since(connection, survivor.member, on_file.last),
                )
            await _add_rewards(connection, survivor, closed)
            result = unmerge.decide(survivor, closed, on_file, since, self.rules, command, moment)
            return await self._write_merge(connection, result, command.key, moment)

    async def refund(self, connection: Connection, command: Refund) -> Move | Result:
        """Refund what an account redeemed that was merged."""
        for _ in range(_LINES):
            ids = await self._find_line(connection, command.target)
            async with connection.transaction():
                line = await self._lock_and_read(connection, ids)
                if _is_whole(line):
                    return await self._refund(connection, command, line)
            # Somebody was merged, or a merge was undone, before all were locked.
        return Problem("unavailable", "The account is being merged.")

    async def _refund(self, connection: Connection, command: Refund, line: Sequence[Facts]) -> Move | Result:
        account, *heirs = line
        await _add_prior(connection, command.key, account)
        moment = await self._batches.gather(connection, command, account)
        if heirs:
            await _add_lots(connection, ((heirs[-1], 0),), moment)
            result = refund_merged.decide(account, heirs, command, moment)
        else:
            # The merge was undone meanwhile.
            result = refund.decide(account, self.rules, command, moment)
        return await self._write(connection, result, command.key, moment)

    async def _find_line(self, connection: Connection, member_id: UUID) -> list[UUID]:
        """Return a member and whoever stands for it, one for the other, up to the last: before all are locked."""
        line: list[UUID] = []
        heir: UUID | None = member_id
        while heir is not None and heir not in line:
            line.append(heir)
            [facts] = await self._batches.read(connection, shard_of(heir), [(heir, None, None)])
            heir = survivor_of(facts.member) if facts.member else None
        return line

    async def found_household(self, connection: Connection, command: FoundHousehold) -> Move | Result:
        """Found a household."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.head,))
            moment = self._moment()
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            result = found_household.decide(facts, self.rules, command, moment)
            return await self._write_household(connection, result, command.key, moment)

    async def join_household(self, connection: Connection, command: JoinHousehold) -> Move | Result:
        """Agree that a member joins a household."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            household = await moving_store.lock_household(connection, command.household_id)
            moment = self._moment()
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            result = join_household.decide(facts, household, self.rules, command, moment)
            return await self._write_household(connection, result, command.key, moment)

    async def leave_household(self, connection: Connection, command: LeaveHousehold) -> Move | Result:
        """Leave a household; all who are in it, if the head leaves."""
        async with connection.transaction():
            seen = await moving_store.read_household(connection, command.household_id)
            ids = leave_household.leaving(seen, command) if seen else []
            known = dict(zip(ids, await self._lock_and_read(connection, ids), strict=True))
            household = await moving_store.lock_household(connection, command.household_id)
            # Whoever has joined since is locked out of order: the database breaks a circle, and it is run again.
            late = (
                [one for one in leave_household.leaving(household, command) if one not in known]
                if household
                else []
            )
            known |= dict(zip(late, await self._lock_and_read(connection, late), strict=True))
            moment = self._moment()
            await _add_lots(connection, [(facts, 0) for facts in known.values()], moment)
            result = leave_household.decide(known, household, command, moment)
            return await self._write_household(connection, result, None, moment)

    async def draw(
        self, connection: Connection, command: Adjust, member_id: UUID, household_id: UUID
    ) -> Move | Result:
        """Post a debit that may draw on a household's points."""
        async with connection.transaction():
            household = await moving_store.read_household(connection, household_id)
            others = [one for one in joined(household) if one != member_id] if household else []
            drawer, *pool = await self._lock_and_read(connection, (member_id, *others))
            moment, owed = self._moment(), drawer.member.debt if drawer.member else 0
            # What the others give repays what the drawer owes first.
            need = owed - command.request.points
            await _add_prior(connection, command.key, drawer)
            # Whoever has left since gives nothing.
            name = show("hsh", household_id)
            pool = [one for one in pool if one.member is not None and one.member.traits.household == name]
            if drawer.member is not None and drawer.member.traits.household != name:
                pool = []
            await _add_lots(connection, [(facts, need) for facts in (drawer, *pool)], moment)
            result = draw.decide(drawer, pool, self.rules, command, moment)
            return await self._write(connection, result, command.key, moment)

    async def _write_household(
        self, connection: Connection, result: Housed | Decision | Problem, key: Key | None, moment: Moment
    ) -> Move | Result:
        if not isinstance(result, Housed):
            return await self._write(connection, result, key, moment)
        await moving_store.write_household(connection, result.household)
        return await self._write(connection, Move(result.answer, result.parts), key, moment)

    async def _write_merge(
        self, connection: Connection, result: Merged | Decision | Problem, key: Key, moment: Moment
    ) -> Move | Result:
        if not isinstance(result, Merged):
            return await self._write(connection, result, key, moment)
        written = await self._write(connection, Move(result.answer, result.parts), key, moment)
        taker = result.parts[1][1].book
        assert taker is not None, "both sides of a merge are written"
        await moving_store.move_stays(connection, result.stays, taker.member.number, moment.at)
        await moving_store.write_merge(connection, result.merge, result.status)
        (giving, _), (taking, _) = result.parts
        await moving_store.move_budgets(connection, giving, taking, result.budgets)
        return written

    async def _write(
        self, connection: Connection, result: Move | Result, key: Key | None, moment: Moment
    ) -> Move | Result:
        """Write what was decided, member by member; a refusal is the outcome of its key."""
        settled = result if isinstance(result, Move) else settle(result, key)
        parts: tuple[tuple[int, Decision], ...] = ()
        if isinstance(settled, Move):
            parts = settled.parts
        elif isinstance(settled, Decision) and not settled.answer.replayed:
            parts = ((settled.book.member.shard if settled.book else 0, settled),)
        for shard, decision in parts:
            await store.write(connection, shard, [decision], moment.at, self._batches.codes)
        count(decision for _, decision in parts)
        return settled

    async def accrue(self, connection: Connection, command: Accrue) -> Move | Result:
        """Credit points that a partner gives."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            moment, partner = self._moment(), command.partner
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            prepaid = partner.contract.account == "prepaid"
            names = accruals.draws(partner.code, 0, moment.today, prepaid=prepaid)
            # What is refused opens no budget.
            opening = connection.transaction()
            await opening.start()
            pools = await settling_store.lock_pools(connection, list(names))
            known = await settling_store.read_accruals(connection, partner.code, command.request.reference)
            result = accrue.decide(facts, known, pools, self.rules, command, moment)
            given = result.accruals if isinstance(result, Decision) else []
            for one in given:
                await settling_store.take_from_pools(
                    connection, one.draws, sized=accruals.fund_of(partner.code)
                )
            await (opening.commit() if given else opening.rollback())
            return await self._write(connection, result, command.key, moment)

    async def reverse_accrual(self, connection: Connection, command: ReverseAccrual) -> Move | Result:
        """Take back points that a partner gave."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            moment, code = self._moment(), command.partner
            await _add_prior(connection, command.key, facts)
            known = await settling_store.read_accruals(connection, code, command.reference)
            points = known[0].points if known else 0
            await _add_lots(connection, ((facts, points),), moment)
            await settling_store.add_own_lot(connection, facts, known)
            result = reverse_accrual.decide(facts, known, command, moment)
            for taken in result.accruals if isinstance(result, Decision) else ():
                back = {name: -amount for name, amount in taken.draws.items()}
                await settling_store.lock_pools(connection, list(back))
                await settling_store.take_from_pools(connection, back, sized=accruals.fund_of(code))
            return await self._write(connection, result, command.key, moment)

    async def settle_adjust(self, connection: Connection, command: SettleAdjust) -> Move | Result:
        """Resolve a dispute in the book of the member whom it was about, or propose to."""
        async with connection.transaction():
            [facts] = await self._lock_and_read(connection, (command.member_id,))
            about, code = command.about, command.partner.code
            dispute = (
                await settling_store.lock_dispute(connection, code, about.number, about.line, about.reference)
                if about
                else None
            )
            moment = self._moment()
            await _add_prior(connection, command.key, facts)
            await _add_lots(connection, ((facts, 0),), moment)
            result = settle_adjust.decide(facts, dispute, self.rules, command, moment)
            if isinstance(result, SettlementAdjusted):
                await settling_store.write_adjustment(connection, result.adjustment)
                result = result.decision
            elif isinstance(result, SettlementProposal):
                await moving_store.write_approval(connection, result.proposal)
                result = result.decision
            return await self._write(connection, result, command.key, moment)

    def _moment(self) -> Moment:
        """Return the moment of a decision; the clock is read once the rows are locked."""
        return self._batches.moment()


def _is_whole(line: Sequence[Facts]) -> bool:
    """Tell whether each member of a line is merged into the next one, and the last into nobody."""
    heirs = [survivor_of(one.member) if one.member else None for one in line]
    return heirs == [*(one.member and one.member.member_id for one in line[1:]), None]


async def _lock_dispute(connection: Connection, approval: Approval | None) -> Dispute | None:
    """Return how the dispute stands that a proposal would resolve; None when it is of another kind."""
    if approval is None or approval.kind != "settlement_adjustment":
        return None
    agreed = settle_adjust.proposed_in(approval).agreed
    return await settling_store.lock_dispute(
        connection, agreed.partner, agreed.number, agreed.line, agreed.reference
    )


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


async def _add_rewards(connection: Connection, *both: Facts) -> None:
    """Give what two members' milestones have given, and the lots of what are points."""
    for facts in both:
        member = facts.member
        if member is None:
            continue
        given = await rewards_store.find_alive(connection, member.shard, member.member_id)
        facts.rewards = [reward for reward, _ in given]
        facts.spent_rewards = frozenset(reward.reward_id for reward, spent in given if spent)
        there = {lot.lot_id for lot in facts.lots}
        own = [one.journal_id for one in facts.rewards if one.points and one.journal_id not in there]
        facts.lots += await rewards_store.find_lots(connection, member.shard, own)
