"""Which stays a rule means: compiled once into a test of what a stay is sold as. Pure."""

from collections.abc import Callable
from typing import Final

from loyalty.program.model import Match

Kind = tuple[str, str, str, str | None, str | None]
"""What a stay is sold as: property, brand, channel, rate code, room type."""

Matcher = Callable[[str, str, str, str | None, str | None, str], bool]
"""Tells whether a rule means a stay: property, brand, channel, rate code, room type, tier."""

_Test = Callable[[str | None], bool]

_LISTS: Final = ("properties", "brands", "channels", "rate_codes", "room_types", "tiers")
"""The lists of a match, in the order of a matcher's arguments."""


def matcher(rule: Match) -> Matcher:
    """Compile a match: all lists that name something must hold, of one list any value does.

    A `*` at the end of a value stands for anything, also for nothing; tiers are taken as they are written. What a stay
    doesn't say (no rate code, say) is in no list, not even in `*`. Capitals matter.
    """
    tests = [
        (place, _one_of(values, wild=name != "tiers"))
        for place, name in enumerate(_LISTS)
        if (values := getattr(rule, name))
    ]
    if rule.except_brands:
        tests.append((_LISTS.index("brands"), _none_of(rule.except_brands)))
    if not tests:
        return _anything

    def matches(*stay: str | None) -> bool:
        return all(test(stay[place]) for place, test in tests)

    return matches


def _anything(*_: str | None) -> bool:
    return True


def _none_of(values: tuple[str, ...]) -> _Test:
    excepted = _one_of(values, wild=True)
    return lambda value: not excepted(value)


def _one_of(values: tuple[str, ...], *, wild: bool) -> _Test:
    prefixes = tuple(value[:-1] for value in values if wild and value.endswith("*"))
    exact = frozenset(value for value in values if not (wild and value.endswith("*")))
    if not prefixes:
        return lambda value: value in exact
    return lambda value: value is not None and (value in exact or value.startswith(prefixes))
