"""Rounding of a ratio of integers, neither below zero: down, up, or half up. Exact."""

from collections.abc import Callable
from typing import Final

Round = Callable[[int, int], int]
"""Returns the whole number for a ratio: `over`, `under`."""


def down(over: int, under: int) -> int:
    """Round down.

    >>> down(8459, 10), down(8460, 10)
    (845, 846)
    """
    return over // under


def up(over: int, under: int) -> int:
    """Round up.

    >>> up(8451, 10), up(8450, 10)
    (846, 845)
    """
    return -(-over // under)


def half_up(over: int, under: int) -> int:
    """Round to the nearest, a half upwards.

    >>> half_up(8455, 10), half_up(8454, 10)
    (846, 845)
    """
    return (2 * over + under) // (2 * under)


ROUNDINGS: Final[dict[str, Round]] = {"down": down, "up": up, "half_up": half_up}
"""By the names that a definition uses."""
