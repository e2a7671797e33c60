"""One simulation in a process of its own, so that it never holds up whoever answers requests.

    python -m loyalty.simulate.child

It reads a `Request` from its standard input and writes a `Reply` to its standard output, both JSON. The database is the
one that the environment names. It gives way to everything else on the machine, and ends with its parent.
"""

import asyncio
import gc
import os
import sys
from datetime import date

import msgspec
from msgspec import Struct

from loyalty.clock import SystemClock
from loyalty.db import SERVICE_ROLE, Connection, connect
from loyalty.errors import FieldError
from loyalty.program import store
from loyalty.program.mistakes import refusal
from loyalty.program.model import Definition
from loyalty.program.reading import ProgramError, decode
from loyalty.settings import read_settings
from loyalty.simulate.model import Ask, SimulationError, SimulationReply
from loyalty.simulate.run import Simulation, by_version

_NICE = 10


class Request(Struct, frozen=True):
    """What to simulate: the text of a definition, or a version in the database; and the days."""

    first: date
    last: date | None = None
    definition: str | None = None
    version: int | None = None


class Refusal(Struct, frozen=True):
    """Why it can't be simulated: the code of a problem, in words, and which fields are meant, if any are."""

    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()


class Reply(Struct, frozen=True, omit_defaults=True):
    """What it comes to, or why it can't be."""

    summary: SimulationReply | None = None
    refusal: Refusal | None = None


class _WithParent:
    """Ends the process once its parent is gone: nobody would read what it comes to."""

    def __init__(self) -> None:
        self._parent = os.getppid()

    def begin(self, members: int) -> None: ...

    def at(self, members: int, revisions: int) -> None:  # noqa: ARG002 - whatever they are
        if os.getppid() != self._parent:
            sys.exit(1)


async def answer(request: Request, connection: Connection) -> Reply:
    """Return what a simulation comes to."""
    try:
        ask = Ask(await _definition(request, connection), request.first, request.last)
        outcome = await Simulation(connection, ask, SystemClock().now(), _WithParent()).run(alone=True)
    except ProgramError as error:
        problem = refusal(error.mistakes)
        return Reply(refusal=Refusal(problem.code, problem.detail, problem.errors))
    except SimulationError as error:
        return Reply(refusal=Refusal(error.code, str(error), error.errors))
    return Reply(outcome.summary)


async def _definition(request: Request, connection: Connection) -> Definition:
    if request.definition is not None:
        return decode(request.definition)
    _, found = await store.read_versions(connection)
    return by_version(found, request.version or 0)


async def _run() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    dsn = read_settings().dsn
    assert dsn is not None, "the service that asks says which database it uses"
    connection = await connect(dsn, role=SERVICE_ROLE, application_name="loyalty simulate")
    try:
        sys.stdout.buffer.write(msgspec.json.encode(await answer(request, connection)))
    finally:
        await connection.close()


def main() -> None:
    """Answer one request."""
    os.nice(_NICE)
    gc.disable()
    asyncio.run(_run())


if __name__ == "__main__":
    main()
