"""A mistake in a definition: where it stands, what is wrong, and what would be right. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, Literal, cast

from msgspec import Struct

from loyalty.errors import FieldError, Problem

Path = tuple[str | int, ...]
"""The way to a value: keys, and places in lists counted from 0, like `("tier", 1, "reach", "nights")`."""

Severity = Literal["mistake", "warning"]

_NEAR: Final = 0.6
"""How alike two words must be for one to be suggested for the other: 1 is equal."""
_NAMED_BY: Final = ("code", "unit", "tier", "day")
"""Keys that people know an entry by, the best first."""


class Mistake(Struct, frozen=True, gc=False):
    """What can't hold, or (a warning) what is probably not meant.

    `key` is the way to it in words, like `tier gold.reach.nights`; `line` counts from 1, None when no text is at hand.
    `suggestion` is a sentence of its own.
    """

    path: Path
    message: str
    suggestion: str | None = None
    severity: Severity = "mistake"
    key: str = ""
    line: int | None = None

    @property
    def text(self) -> str:
        """The mistake in one line, without its place."""
        told = f"{self.key}: {self.message}" if self.key else self.message
        if self.severity == "warning":
            told = f"warning: {told}"
        return f"{told}. {self.suggestion}" if self.suggestion else told

    def told(self, source: str) -> str:
        """Return the mistake in one line, with its file and line."""
        return f"{source}: {self.text}" if self.line is None else f"{source}:{self.line}: {self.text}"


def refusal(mistakes: Sequence[Mistake]) -> Problem:
    """Return the refusal of a definition that a request has brought, with an entry for each mistake."""
    first, number = mistakes[0], len(mistakes)
    place = f"{number} mistakes, the first on line" if number > 1 else "Line"
    errors = [FieldError("/definition", one.text, key=one.key, line=one.line or 0) for one in mistakes]
    return Problem("invalid_program", f"{place} {first.line}: {first.text}", errors=tuple(errors))


def warning(path: Path, message: str, suggestion: str | None = None) -> Mistake:
    """Return what is probably not meant, but can hold."""
    return Mistake(path, message, suggestion, "warning")


def near(word: str, known: Iterable[str], say: str = "Did you mean {}?") -> str | None:
    """Suggest the known word that is most like this one; None when none is.

    >>> near("nigths", ["stays", "nights"])
    'Did you mean `nights`?'
    """
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=_NEAR)
    return say.format(f"`{by_lower[found[0]]}`") if found else None


def listed(words: Iterable[str]) -> str:
    """Join words for a sentence; "none" when there are none."""
    return ", ".join(words) or "none"


def key_of(path: Path, document: Any) -> str:
    """Return the way to a value in words: an entry is called by its code, or else by its place counted from 1.

    >>> key_of(("tier", 0, "reach", "nights"), {"tier": [{"code": "gold", "reach": {}}]})
    'tier gold.reach.nights'
    """
    key = ""
    for step in path:
        document = _inside(document, step)
        if isinstance(step, str):
            key = f"{key}.{step}" if key else step
        elif isinstance(document, Mapping):
            key = f"{key} {_name(cast('Mapping[str, Any]', document), step)}"
    return key


def _inside(document: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return cast("Mapping[str, Any]", document).get(step) if isinstance(document, Mapping) else None
    if isinstance(document, Sequence) and not isinstance(document, str):
        entries = cast("Sequence[Any]", document)
        return entries[step] if step < len(entries) else None
    return None


def _name(entry: Mapping[str, Any], place: int) -> str:
    named = (entry.get(key) for key in _NAMED_BY)
    return next((str(word) for word in named if word and isinstance(word, str | date)), str(place + 1))
