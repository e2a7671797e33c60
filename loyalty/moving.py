"""Points on the move, as routes and jobs ask for it: what touches two members, or takes more than a lane gives."""

from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import structlog

from loyalty.commands import moving_store
from loyalty.commands.approval import Approval
from loyalty.commands.approve import Approve, Verdict
from loyalty.commands.compensate import Compensate, CompensationRequest
from loyalty.commands.found_household import FoundHousehold, HouseholdRequest
from loyalty.commands.household import HouseholdView, view
from loyalty.commands.join_household import ConsentRequest, JoinHousehold
from loyalty.commands.leave_household import LeaveHousehold
from loyalty.commands.merge import Merge
from loyalty.commands.model import Alias, Answer, Elsewhere, Key, Move, Pooled, Result, Short, Unread
from loyalty.commands.refer import PayReferral
from loyalty.commands.transfer import Transfer, TransferRequest
from loyalty.commands.unmerge import Unmerge
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.service import Service

_log = structlog.get_logger("loyalty.moving")

_PAGE: Final = 200
_FIRST: Final = UUID(bytes(16))


async def transfer(
    service: Service, request: TransferRequest, actor: str, key: Key, person: UUID | None = None
) -> Answer:
    """Give points to another member; `person` holds the caller's key. Raise Problem when it is refused."""
    giver, taker = await service.find_members((request.giver, request.taker))
    command = Transfer(
        giver.member.member_id if giver else None,
        taker.member.member_id if taker else None,
        request,
        actor,
        key,
        person,
    )
    return await _concluded(service, lambda connection: service.joints.transfer(connection, command))


async def compensate(
    service: Service, request: CompensationRequest, actor: str, key: Key, person: UUID | None = None
) -> Answer:
    """Give points after a complaint, or propose to; `person` holds the key. Raise Problem when it is refused."""
    found = await service.find_member(request.member)
    stay_id = parse("sty", request.stay_id) if request.stay_id else None
    command = Compensate(found.member.member_id if found else None, stay_id, request, actor, key, person)
    return await _concluded(service, lambda connection: service.joints.compensate(connection, command))


async def approvals(service: Service, status: str, after: UUID, limit: int) -> list[Approval]:
    """Return proposals of a status, oldest first."""
    return await moving_store.list_approvals(service.pool, status, after, limit)


async def approve(
    service: Service,
    approval_id: UUID,
    verdict: Verdict,
    principal: UUID,
    actor: str,
    person: UUID | None = None,
) -> Answer:
    """Approve or reject what was proposed; `person` holds the key. Raise Problem when it is refused."""
    approval = await moving_store.read_approval(service.pool, approval_id)
    found = await service.find_member(show("mem", approval.member_id)) if approval else None
    if approval is None or found is None:
        raise Problem("unknown_approval")
    if person is not None:
        await _require_another(service, approval, found.member.member_id, person)
    command = Approve(approval_id, found.member.member_id, verdict, principal, actor)
    return await _concluded(service, lambda connection: service.joints.approve(connection, command))


async def _require_another(service: Service, approval: Approval, owner: UUID, person: UUID) -> None:
    """Raise Problem when it is the same person who proposed, by whatever key, or whose points it would be."""
    decider = await service.survivor(person)
    proposer = await service.survivor(await moving_store.find_holder(service.pool, approval.proposer))
    if decider == proposer:
        raise Problem("own_proposal", "The key with which it was proposed belongs to the same person.")
    if approval.kind == "compensation" and decider == owner:
        raise Problem("own_proposal", "The points would be those of the member who holds this key.")


async def merge(
    service: Service, leaving: str, into: str, actor: str, key: Key, person: UUID | None = None
) -> Answer:
    """Merge an account into another; `person` holds the caller's key. Raise Problem when it is refused."""
    old, new = await service.find_members((leaving, into))
    command = Merge(
        old.member.member_id if old else None, new.member.member_id if new else None, actor, key, person
    )  # fmt: skip
    return await _concluded(service, lambda connection: service.joints.merge(connection, command))


async def unmerge(service: Service, merge_id: UUID, actor: str, key: Key) -> Answer:
    """Undo a merge; raise Problem when it is refused."""
    found = await moving_store.read_merge(service.pool, merge_id)
    command = Unmerge(merge_id, actor, key)
    return await _concluded(service, lambda connection: service.joints.unmerge(connection, command, found))


async def found_household(service: Service, request: HouseholdRequest, actor: str, key: Key) -> Answer:
    """Found a household; raise Problem when it is refused."""
    head = await service.find_member(request.head)
    command = FoundHousehold(head.member.member_id if head else None, actor, key)
    return await _concluded(service, lambda connection: service.joints.found_household(connection, command))


async def household(service: Service, household_id: UUID) -> HouseholdView:
    """Return a household; raise Problem when there is none."""
    found = await moving_store.read_household(service.pool, household_id)
    if found is None:
        raise Problem("unknown_household")
    return view(found)


async def join_household(
    service: Service, household_id: UUID, request: ConsentRequest, actor: str, key: Key
) -> Answer:
    """Record one side's consent that a member joins; raise Problem when it is refused."""
    found = await service.find_member(request.member)
    member_id = found.member.member_id if found else None
    command = JoinHousehold(household_id, member_id, request.consent, actor, key)
    return await _concluded(service, lambda connection: service.joints.join_household(connection, command))


async def leave_household(service: Service, household_id: UUID, member_id: UUID, actor: str) -> Answer:
    """Let a member leave a household; raise Problem when it is refused."""
    command = LeaveHousehold(household_id, member_id, actor)
    return await _concluded(service, lambda connection: service.joints.leave_household(connection, command))


async def pay_referrals(service: Service) -> int:
    """Look at all referrals that wait and whose newcomer has changed since; return how many were paid."""
    paid = 0
    for shard in range(service.poster.shards):
        after = _FIRST
        while page := await moving_store.find_waiting_referrals(service.pool, shard, after, _PAGE):
            for newcomer, referrer in page:
                paid += await _pay_referral(service, newcomer, referrer)
            after = page[-1][0]
    return paid


async def _pay_referral(service: Service, newcomer: UUID, referrer: UUID) -> bool:
    found = await service.find_member(show("mem", referrer))
    command = PayReferral(newcomer, found.member.member_id if found else referrer)
    try:
        async with service.pool.acquire() as connection:
            return await service.joints.pay_referral(connection, command)
    except (asyncpg.PostgresError, OSError) as error:
        # The next round looks again; those behind it don't wait for it.
        _log.warning("referral_postponed", newcomer=show("mem", newcomer), error=repr(error))
        return False


async def _concluded(
    service: Service, work: Callable[[Connection], Awaitable[Move | Result | Answer]]
) -> Answer:
    """Run a transaction, again if it lost a race, and return its answer; raise Problem when it is refused."""
    result = await service.jointly(work)
    if isinstance(result, Problem):
        raise result
    assert not isinstance(result, Elsewhere | Alias | Pooled | Short | Unread), (
        "what touches two members isn't elsewhere, nor a stay"
    )
    return result if isinstance(result, Answer) else result.answer
