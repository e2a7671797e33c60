"""Goes through what is due, for jobs: one that can't be done doesn't keep those behind it waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from loyalty.errors import Problem

_log = structlog.get_logger("loyalty.due")

PAGE: Final = 500
"""How many are asked for at a time."""
_AT_ONCE: Final = 32
"""How many are worked on at once: enough to share batches, few enough to leave the service to its callers."""

_One = TypeVar("_One")


async def go_through(
    page: Sequence[_One], work: Callable[[_One], Awaitable[object]], show: Callable[[_One], str]
) -> None:
    """Do what is due about each one; what is refused is logged by the id it shows, and left to the next run."""

    async def attempt(one: _One) -> None:
        try:
            await work(one)
        except Problem as problem:
            _log.warning("due_postponed", of=show(one), code=problem.code)

    for first in range(0, len(page), _AT_ONCE):
        await asyncio.gather(*map(attempt, page[first : first + _AT_ONCE]))
