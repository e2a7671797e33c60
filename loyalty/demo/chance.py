"""Chances in whole numbers, so that the same seed gives the same history everywhere."""

from random import Random


def chance(rng: Random, part: int, whole: int = 100) -> bool:
    """Whether it happens this time, `part` times out of `whole`."""
    return rng.randrange(whole) < part
