"""What isn't TOML, in words: its line, what is wrong there, and what would be right. Pure."""

import re
from collections.abc import Sequence
from typing import Final
from unicodedata import category

from loyalty.program.mistakes import Mistake

_WHERE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TWICE: Final = {"Cannot overwrite a value", "Cannot mutate immutable namespace"}
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')
_PLAIN: Final = {
    **dict.fromkeys("“”„＂「」", '"'), **dict.fromkeys("‘’＇", "'"), **dict.fromkeys("，、", ","), "＝": "=", "．": ".",
    "。": ".", "＃": "#", "－": "-", "＿": "_", **dict.fromkeys("［【", "["), **dict.fromkeys("］】", "]"), "｛": "{",
    "｝": "}", **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
}  # fmt: skip
"""What Chinese keyboards and word processors write, and what TOML knows instead."""
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_DATE: Final = re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})")
_DAY_FIRST: Final = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{4}")
_KEY: Final = re.compile(r"[\w-]+")
_WORD: Final = re.compile(r"[^\W\d][^\"'\[\]{}=,]{0,40}")


def not_toml(message: str, text: str) -> Mistake:
    """Turn what tomllib says of a text into a mistake with its line."""
    found = _WHERE.search(message)
    number = int(found[1]) if found and found[1] else text.count("\n") + 1
    reason, lines = _WHERE.sub("", message), text.split("\n")
    if reason in _TWICE or reason.endswith("twice"):
        return _twice(lines, number)
    column = f", at column {found[2]}" if found and found[2] else ""
    said = f"{reason[:1].lower()}{reason[1:]}{column}"
    odd, suggestion = _odd_letter(lines[number - 1]) or (said, _suggestion(reason, lines[number - 1]))
    return Mistake((), f"this is not TOML: {odd}", suggestion, line=number)


def _twice(lines: Sequence[str], number: int) -> Mistake:
    """Tell what is given twice, and where it is first."""
    brackets, name = _named(lines[number - 1])
    first = _first_of(brackets, name, lines[: number - 1])
    if not name or first is None:
        return Mistake((), "this key or table is given twice", line=number)
    place, others = first
    shown = f"[{name}]" if brackets else f"`{name}`"
    right = "Leave one of them" if brackets == others else f"Write [[{name}]] each time, in double brackets"
    return Mistake((), f"{shown} is given twice, first on line {place}", right, line=number)


def _first_of(brackets: str, name: str, before: Sequence[str]) -> tuple[int, str] | None:
    """Return on which line before a table, or a key of the same table, is given, and in which brackets."""
    for place in range(len(before), 0, -1):
        others, other = _named(before[place - 1])
        if other == name and bool(others) == bool(brackets):
            return place, others
        if others and not brackets:
            break
    return None


def _named(line: str) -> tuple[str, str]:
    """Return the brackets and the name of a table, or no brackets and a key; nothing for another line."""
    line = line.strip()
    brackets = next((one for one in ("[[", "[") if line.startswith(one)), "")
    name, end, _ = line.removeprefix(brackets).partition("]" if brackets else "=")
    return (brackets, name.strip()) if end else ("", "")


def _odd_letter(line: str) -> tuple[str, str] | None:
    """Tell of a letter where TOML knows another one; None when there is none outside of texts and comments."""
    bare = _TEXT.sub(lambda text: " " * len(text[0]), line)
    is_open = '"' in bare or "'" in bare
    for column, letter in enumerate(bare, 1):
        plain = _PLAIN.get(letter)
        if plain and (not is_open or plain in "\"'"):
            return (
                f"`{letter}` at column {column} is not `{plain}`",
                f"Write `{plain}`, as on an English keyboard",
            )
        if letter not in " \t\r" and (letter.isspace() or category(letter) == "Cf") and not is_open:
            return f"the blank at column {column} is not a plain space", "Write a plain space, or nothing"
    return None


def _suggestion(reason: str, line: str) -> str | None:
    """Say what would be right where it is plain."""
    _, equals, rest = line.partition("=")
    if not equals:
        name, _, value = (part.strip() for part in line.partition(":"))
        return f"Write {name} = {value}" if value and _KEY.fullmatch(name) else None
    if "inline table" in reason or ("key part" in reason and line.rstrip().endswith("{")):
        return "What is in { } stands on one line, with commas between"
    return _of_value(_TEXT.sub(lambda text: "" if text[0].startswith("#") else text[0], rest).strip())


def _of_value(value: str) -> str | None:
    """Say how to write a value that can't be read."""
    word = value.lower()
    if word in {"true", "false"}:
        return f"Write {word}, in small letters"
    if word in {"yes", "no", "on", "off"}:
        return "Write true or false"
    if found := _PERCENT.fullmatch(value):
        return f"Write {found[1]}, without the %"
    if found := _DATE.match(value):
        date = f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}"
        return "There is no such day" if value == date else f"Write {date}"
    if _DAY_FIRST.match(value):
        return "Write a date like 2027-01-31"
    return f'Write it in quotes, "{value}"' if _WORD.fullmatch(value) else None
