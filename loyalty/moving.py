"""Points on the move, as routes and jobs ask for it: what touches two members, or takes more than a lane gives."""

from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import structlog

from loyalty.commands.model import Answer, Decision, Key, Move, Result
from loyalty.commands.transfer import Transfer, TransferRequest
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.service import Service

_log = structlog.get_logger("loyalty.moving")

_TRIES: Final = 3
_RETRY_AFTER: Final = {"Retry-After": "1"}


async def transfer(service: Service, request: TransferRequest, actor: str, key: Key) -> Answer:
    """Give points to another member; raise Problem when it is refused."""
    giver, taker = await service.find_members((request.giver, request.taker))
    command = Transfer(
        giver.member.member_id if giver else None,
        taker.member.member_id if taker else None,
        request,
        actor,
        key,
    )
    return await _concluded(service, lambda connection: service.joints.transfer(connection, command))


async def _concluded(service: Service, work: Callable[[Connection], Awaitable[Move | Result]]) -> Answer:
    """Run a transaction, again if it lost a race, and return its answer; raise Problem when it is refused."""
    for _ in range(_TRIES):
        try:
            async with service.pool.acquire() as connection:
                result = await work(connection)
        except (asyncpg.PostgresError, OSError) as error:
            _log.warning("joint_rerun", error=repr(error))
            continue
        if isinstance(result, Problem):
            raise result
        assert isinstance(result, Move | Decision), "what touches two members isn't elsewhere"
        return result.answer
    raise Problem("unavailable", headers=_RETRY_AFTER)
