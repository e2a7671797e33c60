"""The functions that expressions may call, each with the kinds it takes and the kind it gives."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from loyalty.importing.problems import UnusableValueError
from loyalty.importing.values import (
    Kind,
    Value,
    calendar_date,
    exact,
    integer,
    plain,
    quotient,
    rounded,
    to_number,
)

__all__ = ["FUNCTIONS", "LONGEST_DIGEST", "Function", "digest"]

LONGEST_DIGEST: Final = 32
_SEPARATOR: Final = "\x1f"
# Crockford's base 32 has no I, L, O, U: nothing that is misread over the phone.
_TO_CROCKFORD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")


class Function(NamedTuple):
    """A function of fixed kinds; `settings` are literals that follow the values, with their defaults."""

    takes: tuple[Kind, ...]
    gives: Kind
    call: Callable[..., Value]
    many: bool = False
    settings: tuple[int | str, ...] = ()


def digest(values: Iterable[str | None], length: int) -> str:
    """Hash values to `length` characters of Crockford's base 32: the head of their SHA-256.

    The values are joined by U+001F. A value that the file leaves empty counts as the empty text, so the digest of
    a row never depends on how emptiness is written.
    """
    joined = _SEPARATOR.join(value or "" for value in values)
    hashed = hashlib.sha256(joined.encode("utf-8", "surrogateescape")).digest()
    return base64.b32encode(hashed).decode().translate(_TO_CROCKFORD)[:length]


def _pad(value: Decimal, width: Decimal) -> str:
    return f"{integer(value, 'a padded number'):0{min(integer(width, 'the width'), 64)}}"


def _left(text: str, count: Decimal) -> str:
    return text[: max(0, integer(count, "the length"))]


def _number(text: str) -> Decimal:
    return to_number(text.strip())


def _largest(*values: Decimal) -> Decimal:
    return max(values)


def _smallest(*values: Decimal) -> Decimal:
    return min(values)


def _replace(text: str, old: str, new: str) -> str:
    if not old:
        raise UnusableValueError("empty_value", "replace() needs a text to look for")
    return text.replace(old, new)


def _absolute(value: Decimal) -> Decimal:
    return exact("*", value, Decimal(-1)) if value < 0 else value


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return text.lower()


def _f(takes: tuple[Kind, ...], gives: Kind, call: Callable[..., Any], **more: Any) -> Function:
    return Function(takes, gives, call, **more)


_N, _T, _D = Kind.NUMBER, Kind.TEXT, Kind.DATE

FUNCTIONS: Final[dict[str, Function]] = {
    "abs": _f((_N,), _N, _absolute),
    "date": _f((_N, _N, _N), _D, calendar_date),
    "divide": _f((_N, _N), _N, quotient, settings=(2, "half_even")),
    "left": _f((_T, _N), _T, _left),
    "lower": _f((_T,), _T, _lower),
    "max": _f((_N,), _N, _largest, many=True),
    "min": _f((_N,), _N, _smallest, many=True),
    "number": _f((_T,), _N, _number),
    "pad": _f((_N, _N), _T, _pad),
    "replace": _f((_T, _T, _T), _T, _replace),
    "round": _f((_N,), _N, rounded, settings=(0, "half_even")),
    "text_of_date": _f((_D,), _T, plain),
    "text_of_number": _f((_N,), _T, plain),
    "upper": _f((_T,), _T, _upper),
}
