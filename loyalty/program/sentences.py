"""Differences between two definitions in words, English or Chinese. Pure.

The frequent ones have a sentence each, in `diff_words.py`; whatever has none is told by its key.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import Struct

from loyalty.program import diff_words as words
from loyalty.program.diff import Change, Place
from loyalty.program.model import Definition, Name

Language = Literal["en", "zh"]

_SAID_BEFORE: Final = ("code", "name", "first", "last")
"""Keys of an entry that are told before all others, without saying their names."""


def no_change(language: Language) -> str:
    """Return what to say when nothing differs."""
    return _in(words.NO_CHANGE, language)


def sentences(
    changes: Iterable[Change], before: Definition, after: Definition, language: Language
) -> list[str]:
    """Return each change in words; that of a tier's benefits may take two sentences."""
    teller = _Teller(before, after, language)
    return [sentence for change in changes for sentence in teller.tell(change)]


def _in(both: words.Words, language: Language) -> str:
    return both[language == "zh"]


class _Teller:
    """Tells changes, with the names of both definitions at hand."""

    def __init__(self, before: Definition, after: Definition, language: Language) -> None:
        self._both = (after, before)
        self._language: Language = language

    def tell(self, change: Change) -> list[str]:
        """Return the sentences for a change."""
        shape = change.place.shape
        if shape == "tier.*.benefits" and (told := self._benefits(change)):
            return told
        kind = words.KINDS.get(shape.removesuffix(".*"))
        if kind and change.kind in words.CAME_OR_WENT:
            return [self._whole(change, kind)]
        return [self._sentence(change)]

    def _say(self, both: words.Words, **values: str) -> str:
        return _in(both, self._language).format(**values)

    # --- sentences ---

    def _sentence(self, change: Change) -> str:
        sentence = words.SENTENCES.get(change.place.shape)
        text: words.Words | None = getattr(sentence, change.kind, None)
        if sentence is None or text is None:
            return self._by_key(change)
        unit = self._unit(sentence.unit, change.place)
        after, before = self._both
        a = self._amount(change.after, unit, after.currency)
        b = self._amount(change.before, unit, before.currency)
        # In English the unit was said already.
        is_short = self._language == "en" and b != _in(words.NEVER, "en")
        if unit == "spend" and after.currency != before.currency:
            is_short = False
        return self._say(
            text, of=self._name(change.place), key=self._key(change.place), per=self._per(), a=a, b=b,
            old=self._value(change.before) if is_short else b,
            currency=before.currency if change.kind == "removed" else after.currency,
        )  # fmt: skip

    def _by_key(self, change: Change) -> str:
        a, b = self._bracketed(change.after), self._bracketed(change.before)
        return self._say(words.FALLBACK[change.kind], path=change.place.key, a=a, b=b, old=b)

    def _bracketed(self, value: Any) -> str:
        if isinstance(value, Name):
            return f"{value.en} ({value.zh})"
        return (
            f"[{self._value(value)}]" if isinstance(value, tuple | Mapping) and value else self._value(value)
        )

    def _whole(self, change: Change, kind: words.Words) -> str:
        """Tell of a whole entry or section that came or went."""
        what = self._say(words.CAME_OR_WENT[change.kind], what=_in(kind, self._language))
        detail = self._detail(change.before if change.after is None else change.after)
        return self._say(words.DETAIL, what=what, detail=detail) if detail else what

    def _benefits(self, change: Change) -> list[str]:
        came = [code for code in change.after if code not in change.before]
        went = [code for code in change.before if code not in change.after]
        return [
            self._say(
                words.BENEFITS[kind], of=self._name(change.place),
                a=self._list(self._name_in("benefit", code) for code in codes),
            )
            for kind, codes in (("added", came), ("removed", went))
            if codes
        ]  # fmt: skip

    def _detail(self, entry: Struct) -> str:
        """Return the name of an entry, and all that it says."""
        name = getattr(entry, "name", None) or getattr(entry, "code", None)
        parts = (self._value(name) if name else "", self._dates(entry), self._rest(entry))
        return _in(words.COMMA, self._language).join(filter(None, parts))

    def _dates(self, entry: Struct) -> str:
        first, last = getattr(entry, "first", None), getattr(entry, "last", None)
        if first and last:
            return self._say(words.FROM_TO, first=str(first), last=str(last))
        return (
            self._say(words.FROM if first else words.UNTIL, first=str(first), last=str(last))
            if first or last
            else ""
        )

    def _rest(self, entry: Struct) -> str:
        """Return the keys of an entry that aren't as they would be when left out."""
        return _in(words.COMMA, self._language).join(
            f"{self._said_key(field.name)} {self._value(value)}"
            for field in msgspec.structs.fields(entry)
            if field.name not in _SAID_BEFORE and not _is_default(value := getattr(entry, field.name), field)
        )

    # --- names ---

    def _name(self, place: Place) -> str:
        """Return the name of the entry that a place is in; its code where it has none."""
        steps = place.shape.split(".")
        if "*" not in steps:
            return ""
        at = steps.index("*")
        return self._name_in(".".join(steps[:at]), place.path[at])

    def _name_in(self, entries: str, code: str) -> str:
        for definition in self._both:
            for entry in getattr(definition, entries, ()):
                if isinstance(entry, Struct) and getattr(entry, "code", None) == code:
                    return self._value(getattr(entry, "name", code))
        return code

    def _key(self, place: Place) -> str:
        """Return the last key as people say it."""
        last = place.path[-1]
        if place.shape.endswith("points.*"):
            english = last.replace("_", " ")
            return (
                english[:1].upper() + english[1:]
                if self._language == "en"
                else words.CATEGORIES.get(last, last)
            )
        if place.shape == "tier.*.yearly.*":
            return self._name_in("benefit", last)
        return self._name_in("tier", last) if place.shape == "expiry.by_tier.*" else last

    def _said_key(self, key: str) -> str:
        return words.KEYS.get(key, key) if self._language == "zh" else key.replace("_", " ")

    def _per(self) -> str:
        after = self._both[0]
        per = _plain(after.earning.per)
        return self._say(words.PER, amount=after.currency if per == "1" else f"{per} {after.currency}")

    def _unit(self, unit: str, place: Place) -> str:
        if unit == words.KEY:
            return place.path[-1]
        if unit == words.MILESTONE:
            found = [item.unit for one in self._both for item in one.milestone if item.code == place.path[1]]
            return found[0]
        return unit

    # --- values ---

    def _amount(self, value: Any, unit: str, currency: str) -> str:
        """Write a value with its unit."""
        if isinstance(value, tuple):
            return self._list(self._amount(each, unit, currency) for each in cast("tuple[Any, ...]", value))
        if unit == "months" and value == 0:
            return _in(words.NEVER, self._language)
        number = self._value(value)
        if unit == "spend":
            return f"{number} {currency}"
        if unit not in words.UNITS:
            return number
        one, several, chinese = words.UNITS[unit]
        return (
            f"{number}{chinese}"
            if self._language == "zh"
            else f"{number} {one if number == '1' else several}"
        )

    def _value(self, value: Any) -> str:
        """Write a value as it is."""
        if isinstance(value, bool):
            return _in(words.YES if value else words.NO, self._language)
        if isinstance(value, Name):
            return getattr(value, self._language)
        if isinstance(value, Struct):
            return self._in_brackets(value)
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, Any]", value).items()
            return self._list(f"{key} {self._value(inner)}" for key, inner in pairs)
        if isinstance(value, tuple):
            return self._list(map(self._value, cast("tuple[Any, ...]", value)))
        if isinstance(value, str) and value in words.VALUES:
            return _in(words.VALUES[value], self._language)
        return value.isoformat() if isinstance(value, date) else str(value)

    def _in_brackets(self, value: Struct) -> str:
        name, rest = getattr(value, "name", None), self._rest(value)
        told = self._value(name) if name else getattr(value, "code", "")
        return f"{told} ({rest})" if told and rest else told or rest

    def _list(self, parts: Iterable[str]) -> str:
        return _in(words.LIST, self._language).join(parts) or _in(words.NONE, self._language)


def _plain(decimal: str) -> str:
    """Write a decimal without zeros at its end."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def _is_default(value: Any, field: msgspec.structs.FieldInfo) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return value == field.default
    return field.default_factory is not msgspec.NODEFAULT and value == field.default_factory()
