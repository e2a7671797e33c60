"""Going through what is due."""

import asyncio

import pytest
import structlog

from loyalty.due import go_through
from loyalty.errors import Problem


def test_what_is_refused_is_told_and_the_others_are_done() -> None:
    done: list[int] = []

    async def work(one: int) -> None:
        if one % 10 == 0:
            raise Problem("unavailable")
        done.append(one)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(go_through(range(100), work, str))

    assert [one for one in range(100) if one % 10] == sorted(done)
    assert [(str(one), "unavailable", "warning") for one in range(0, 100, 10)] == [
        (log["of"], log["code"], log["log_level"]) for log in logs
    ]


def test_so_many_are_worked_on_at_once() -> None:
    running = most = 0

    async def work(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    asyncio.run(go_through(range(100), work, str))

    assert most == 32


def test_a_fault_of_our_own_is_not_passed_over() -> None:
    async def work(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(go_through([1], work, str))
