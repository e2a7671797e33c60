"""What the checks of all sections need: what a definition knows by name, and the mistakes that are alike everywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain, combinations
from typing import Any, Final, cast
from unicodedata import category

import msgspec
from msgspec import Struct

from loyalty import money
from loyalty.program.mistakes import Mistake, Path, listed, near, warning
from loyalty.program.model import UNIT_SCALE, Definition, EarningRule, Exclusion, Match, Name

CHANNELS: Final = (
    "direct", "web", "app", "phone", "walk_in", "corporate", "gds", "ota", "wholesale", "group", "complimentary",
)  # fmt: skip
"""The channels that a stay may be posted with."""

NIGHTS_A_YEAR: Final = 366
"""The most nights that a guest in one room can spend in a year."""

MOST_POINTS: Final = 1_000_000_000_000
"""The most points of one kind for one stay: so many stays of so many kinds still fit into the books."""
_MOST_NIGHTS: Final = 1_000
"""The most nights that one night counts for, or that a promotion counts for a stay."""
_LONGEST_NAME: Final = 200
"""Characters."""

_ALL: Final = Match.__struct_fields__
"""The lists of a match, those of what is left out too."""
_LISTS: Final = ("properties", "brands", "channels", "rate_codes", "room_types", "tiers")


class Known(Struct, frozen=True):
    """What is defined, for looking names up. `categories`: those that some rule earns points for."""

    units: tuple[str, ...]
    scale: Mapping[str, int]
    tiers: tuple[str, ...]
    benefits: tuple[str, ...]
    festivals: tuple[str, ...]
    categories: tuple[str, ...]


def known(definition: Definition) -> Known:
    """Gather what a definition defines."""
    earning = definition.earning
    return Known(
        definition.counting.units,
        {**UNIT_SCALE, "spend": money.digits(definition.currency)},
        tuple(item.code for item in definition.tier),
        tuple(item.code for item in definition.benefit),
        tuple(item.code for item in definition.festival),
        tuple(dict.fromkeys(chain(earning.points, *(rule.points for rule in earning.rule)))),
    )


def unit(path: Path, name: str, book: Known) -> Iterator[Mistake]:
    """A unit must be one that is counted."""
    if name in book.units:
        return
    if name in UNIT_SCALE:
        yield Mistake(path, f'"{name}" is not among counting.units', "Add it there, or take it away here")
    else:
        yield Mistake(path, f'"{name}" is unknown; known are {listed(UNIT_SCALE)}', near(name, UNIT_SCALE))


def amount(path: Path, name: str, text: str, book: Known, *, above_zero: bool = True) -> Iterator[Mistake]:
    """An amount must be one that its unit can be counted in."""
    if name in book.scale and not fits(text, book.scale[name]):
        decimals = book.scale[name]
        right = f"write at most {decimals} decimals" if decimals else "write a whole number"
        yield Mistake(
            path, f'"{text}" is finer than {name} are counted; {right.replace("1 decimals", "1 decimal")}'
        )
    if above_zero and not Fraction(text):
        yield Mistake(path, "must be above zero")


def thresholds(path: Path, amounts: Mapping[str, str], book: Known) -> Iterator[Mistake]:
    """Amounts by unit, each of a unit that is counted and above zero."""
    for name, text in amounts.items():
        yield from unit((*path, name), name, book)
        yield from amount((*path, name), name, text, book)


def fits(text: str, decimals: int) -> bool:
    """Tell whether a decimal can be kept with so many decimals; zeros at its end don't matter."""
    return (Fraction(text) * 10**decimals).denominator == 1


def nights(path: Path, text: str) -> Iterator[Mistake]:
    """What one night counts for, or what is counted besides, must be such as nights are counted."""
    if not fits(text, UNIT_SCALE["nights"]):
        yield Mistake(path, f'"{text}" is finer than nights are counted; write at most 1 decimal')
    if Fraction(text) > _MOST_NIGHTS:
        yield Mistake(path, f"must be at most {_MOST_NIGHTS}")


def refers(path: Path, code: str, codes: Iterable[str], what: str) -> Iterator[Mistake]:
    """A code must be one that is defined."""
    if code not in (defined := tuple(codes)):
        yield Mistake(path, f"there is no {what} `{code}`; there are: {listed(defined)}", near(code, defined))


def twice(path: Path, words: Iterable[Any], key: str | None = "code") -> Iterator[Mistake]:
    """Nothing may be given twice; told of the later one."""
    seen = set[Any]()
    for place, word in enumerate(words):
        if word in seen:
            yield Mistake((*path, place, key) if key else (*path, place), f"`{word}` is given twice")
        seen.add(word)


def match(path: Path, rule: Match, book: Known) -> Iterator[Mistake]:
    """The stays that a rule is for must be such as there are."""
    for name in _ALL:
        values: tuple[str, ...] = getattr(rule, name)
        yield from twice((*path, name), values, None)
        for place, value in enumerate(values):
            yield from _pattern((*path, name, place), name, value, book)
    if rule.brands:
        yield from _excepted(path, rule)


def _excepted(path: Path, rule: Match) -> Iterator[Mistake]:
    """What is left out of some brands must be among them, and leave some."""
    for place, value in enumerate(rule.except_brands):
        if not any(_touch(value, brand) for brand in rule.brands):
            yield warning((*path, "except_brands", place), f'"{value}" is not among brands anyway')
    if all(_within(brand, rule.except_brands) for brand in rule.brands):
        yield Mistake((*path, "except_brands"), "leaves none of brands")


def _pattern(path: Path, name: str, value: str, book: Known) -> Iterator[Mistake]:
    if name == "tiers":
        yield from refers(path, value, book.tiers, "tier")
    elif not value:
        yield Mistake(path, "an empty text fits nothing", 'Write "*" for whatever is said')
    elif "*" in value[:-1]:
        yield Mistake(path, f'"{value}" has a `*` that is not at its end; only there it stands for anything')
    elif name == "channels" and not any(covers(value, channel) for channel in CHANNELS):
        yield Mistake(path, f'"{value}" is no channel; there are: {listed(CHANNELS)}', near(value, CHANNELS))


def names_nothing(rule: Match) -> bool:
    """Tell whether a rule is for every stay."""
    return not any(getattr(rule, name) for name in _ALL)


def covers(wide: str, narrow: str) -> bool:
    """Tell whether a pattern fits whatever another one does.

    >>> covers("ST*", "STAFF"), covers("ST*", "STA*"), covers("STA*", "ST*")
    (True, True, False)
    """
    return narrow.startswith(wide[:-1]) if wide.endswith("*") else wide == narrow


def _touch(one: str, other: str) -> bool:
    """Tell whether two patterns can fit the same."""
    return covers(one, other) or covers(other, one)


def _within(narrow: str, wide: tuple[str, ...]) -> bool:
    """Tell whether one of some patterns fits whatever another one does."""
    return any(covers(one, narrow) for one in wide)


def includes(wide: Match, narrow: Match) -> bool:
    """Tell whether a rule is for every stay that another one is for."""
    return all(
        not (wide_list := getattr(wide, name))
        or ((list_ := getattr(narrow, name)) and all(_within(it, wide_list) for it in list_))
        for name in _LISTS
    ) and all(_leaves_out(narrow, brand) for brand in wide.except_brands)


def _leaves_out(rule: Match, brand: str) -> bool:
    """Tell whether a rule is for no stay at a brand."""
    if _within(brand, rule.except_brands):
        return True
    return bool(rule.brands) and not any(_touch(brand, one) for one in rule.brands)


def apart(one: Match, other: Match) -> bool:
    """Tell whether no stay can come under both rules."""
    if _excepts_all(one, other) or _excepts_all(other, one):
        return True
    return any(
        (mine := getattr(one, name))
        and (theirs := getattr(other, name))
        and not any(_touch(it, that) for it in mine for that in theirs)
        for name in _LISTS
    )


def _excepts_all(one: Match, other: Match) -> bool:
    """Tell whether a rule leaves out all brands that another one is for."""
    return bool(other.brands) and all(_within(brand, one.except_brands) for brand in other.brands)


def shadowed(path: Path, rules: Sequence[EarningRule | Exclusion]) -> Iterator[Mistake]:
    """Of rules of which the first that fits counts, none should be behind one that takes all its stays."""
    seen = set[int]()
    for (_, first), (place, later) in combinations(enumerate(rules), 2):
        if place not in seen and includes(first, later):
            seen.add(place)
            yield warning((*path, place), f"never counts: `{first.code}` before it is for every such stay")


def odd_names(item: Any, path: Path = ()) -> Iterator[Mistake]:
    """Every name must say something, in both languages, in one line that isn't too long."""
    if isinstance(item, Name):
        for language in ("en", "zh"):
            name: str = getattr(item, language)
            if not name.strip():
                yield Mistake((*path, language), "a name must not be empty")
            if len(name) > _LONGEST_NAME:
                yield Mistake(
                    (*path, language), f"a name has at most {_LONGEST_NAME} characters, this one {len(name)}"
                )
            if any(category(letter) == "Cc" for letter in name):
                yield Mistake(
                    (*path, language), "a name stands on one line, without tabs and other control characters"
                )
    elif isinstance(item, Struct):
        for field in msgspec.structs.fields(item):
            yield from odd_names(getattr(item, field.name), (*path, field.name))
    elif isinstance(item, dict | tuple):
        entries = cast("Mapping[Any, Any] | tuple[Any, ...]", item)
        pairs = entries.items() if isinstance(entries, Mapping) else enumerate(entries)
        for step, entry in pairs:
            yield from odd_names(entry, (*path, step))
