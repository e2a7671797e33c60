"""Asks for a simulation in a process of its own; one at a time."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from typing import Final

import msgspec

from loyalty.errors import Problem
from loyalty.simulate.child import Reply, Request
from loyalty.simulate.model import SimulationReply

SECONDS: Final = 600
"""How long one may take."""

_RETRY_LATER: Final = {"Retry-After": "10"}
_turn: Final = asyncio.Lock()


async def simulate_apart(request: Request, *, seconds: float = SECONDS) -> SimulationReply:
    """Return what a simulation comes to; raise Problem when it can't be, takes too long, or another one is running."""
    if _turn.locked():
        raise _running("Another simulation is running: try again later.")
    async with _turn:
        try:
            async with asyncio.timeout(seconds):
                reply = await _ask(request)
        except TimeoutError:
            detail = f"It took more than {seconds:.0f} seconds. The command `loyalty program simulate` has no limit."
            raise Problem("deadline_exceeded", detail) from None
    if reply.refusal is not None:
        refusal = reply.refusal
        if refusal.code == "simulation_running":
            raise _running(refusal.detail)
        raise Problem(refusal.code, refusal.detail, errors=refusal.errors)
    assert reply.summary is not None, "a reply is one of both"
    return reply.summary


def _running(detail: str) -> Problem:
    return Problem("simulation_running", detail, headers=_RETRY_LATER)


async def _ask(request: Request) -> Reply:
    """Run the process; it doesn't outlive the request."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loyalty.simulate.child", stdin=PIPE, stdout=PIPE
    )
    try:
        told, _ = await process.communicate(msgspec.json.encode(request))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"the simulation ended with {process.returncode}")
    return msgspec.json.decode(told, type=Reply)
