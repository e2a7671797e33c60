"""What differs between two definitions, key by key. Pure. In words it is told by `sentences.py`."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from re import compile as pattern
from typing import Any, Final, Literal, cast

from msgspec import Struct

from loyalty.program.model import Definition, Name

Kind = Literal["changed", "added", "removed", "order"]

_DECIMAL: Final = pattern(r"[0-9]+(\.[0-9]+)?")
_NAMED_BY: Final = ("code", "unit", "tier", "day")
"""What entries of a list are known by: the first of these that they have."""
_ORDERED: Final = {"tier", "exclusion", "earning.rule"}
"""Lists whose order is a rule: a ladder, or of which the first that fits counts."""


class Place(Struct, frozen=True, gc=False):
    """Where a value stands: the steps to it, and the same as people read it, like `tier gold.reach.nights`.

    `shape` has `*` for codes and for keys of one's own choice: `tier.*.reach.*`.
    """

    path: tuple[str, ...] = ()
    shape: str = ""
    key: str = ""

    def field(self, name: str) -> "Place":
        """Return the place of a key that every definition has."""
        return self._step(name, name, ".")

    def item(self, key: str) -> "Place":
        """Return the place of a key that this definition has chosen."""
        return self._step(key, "*", ".")

    def entry(self, code: str) -> "Place":
        """Return the place of an entry of a list."""
        return self._step(code, "*", " ")

    def _step(self, step: str, shape: str, mark: str) -> "Place":
        if not self.path:
            return Place((step,), shape, step)
        return Place((*self.path, step), f"{self.shape}.{shape}", f"{self.key}{mark}{step}")


class Change(Struct, frozen=True):
    """One difference. `before` is None for what was added, `after` for what was removed.

    Of kind `order` both are the codes of the entries that both definitions have.
    """

    place: Place
    kind: Kind
    before: Any
    after: Any


def differences(before: Definition, after: Definition) -> list[Change]:
    """Return what differs, in the order of the keys. What is left out is as its default."""
    return list(_between(Place(), before, after))


def _between(place: Place, before: Any, after: Any) -> Iterator[Change]:
    if before == after or _equal_decimals(before, after):
        return
    if before is None or after is None:
        yield Change(place, "added" if before is None else "removed", before, after)
    elif isinstance(before, Struct) and not isinstance(before, Name):
        for key in before.__struct_fields__:
            yield from _between(place.field(key), getattr(before, key), getattr(after, key))
    elif isinstance(before, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for key in {**old, **new}:
            yield from _between(place.item(key), old.get(key), new.get(key))
    elif isinstance(before, tuple) and _are_tables(entries := cast("tuple[Any, ...]", before), after):
        yield from _tables(place, by_code(entries), by_code(after))
    else:
        yield Change(place, "changed", before, after)


def _tables(place: Place, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for code in {**old, **new}:
        yield from _between(place.entry(code), old.get(code), new.get(code))
    order_before = tuple(code for code in old if code in new)
    order_after = tuple(code for code in new if code in old)
    if place.shape in _ORDERED and order_before != order_after:
        yield Change(place, "order", order_before, order_after)


def by_code(entries: tuple[Any, ...]) -> dict[str, Any]:
    """Return entries by what they are known by; the second of the same gets a number."""
    found: dict[str, Any] = {}
    for entry in entries:
        code = name = str(next(getattr(entry, key) for key in _NAMED_BY if hasattr(entry, key)))
        number = 1
        while name in found:
            number += 1
            name = f"{code} {number}"
        found[name] = entry
    return found


def _are_tables(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    return all(isinstance(entry, Struct) for entry in (*before, *after))


def _equal_decimals(before: Any, after: Any) -> bool:
    """Tell whether two decimals are the same amount, however they are written."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return False
    are_decimals = _DECIMAL.fullmatch(before) and _DECIMAL.fullmatch(after)
    return bool(are_decimals) and Fraction(before) == Fraction(after)
