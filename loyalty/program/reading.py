"""Reading a definition: TOML text into frozen structs, with every mistake named by its line and key."""

import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from loyalty.program.checks import check
from loyalty.program.form import convert
from loyalty.program.mistakes import Mistake, key_of
from loyalty.program.model import HOUSE, HOUSE_2, Definition
from loyalty.program.places import line_of, places
from loyalty.program.syntax import not_toml

PUBLISHED: Final = files("loyalty.program") / "published"
"""Programs that hotel groups have published, written down as definitions."""

_BOM: Final = "\ufeff"
_NO_BOM: Final = "the file begins with a byte order mark"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class ProgramError(Exception):
    """The definition of a program can't hold. The message names each line and key and what would be right."""

    def __init__(self, message: str, mistakes: Iterable[Mistake] = ()) -> None:
        """Keep the mistakes one by one as well."""
        super().__init__(message)
        self.mistakes = tuple(mistakes)


class Examined(Struct, frozen=True):
    """What a text is: a definition, unless there are mistakes; and warnings, in the order of their lines."""

    definition: Definition | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()


def read(path: Path | Traversable) -> Definition:
    """Read and check a definition; raise ProgramError with all that is wrong."""
    return decode(read_text(path), str(path))


def decode(text: str, source: str = "program") -> Definition:
    """Decode and check the TOML text of a definition."""
    found = examine(text)
    if found.definition is None:
        raise ProgramError("\n".join(mistake.told(source) for mistake in found.mistakes), found.mistakes)
    return found.definition


def shipped() -> dict[str, Traversable]:
    """Return the definitions that come with the package, by name: the house program and its next version first."""
    published = {
        file.name.removesuffix(".toml"): file
        for file in sorted(PUBLISHED.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
    return {"house": HOUSE, "house_2": HOUSE_2, **published}


def find(name: str) -> Path | Traversable:
    """Return the file of a shipped definition by its name, or else the one at this path."""
    return shipped().get(name) or Path(name)


def read_text(path: Path | Traversable) -> str:
    """Return the text of a file; raise ProgramError when there is none, or when it isn't UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProgramError(f"{path}: {error.strerror}") from error
    if data.startswith(_UTF_16):
        mistake = Mistake((), "the file is in UTF-16", "Save it as UTF-8", line=1)
        raise ProgramError(mistake.told(str(path)), [mistake])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        mistake = Mistake((), "this line is not in UTF-8", "Save the file as UTF-8", line=line)
        raise ProgramError(mistake.told(str(path)), [mistake]) from error


def examine(text: str, today: date | None = None) -> Examined:
    """Return what a text defines, or all that is wrong with it. With `today`, warn of what is over."""
    if text.startswith(_BOM):
        return Examined(None, (Mistake((), _NO_BOM, "Save it as UTF-8 without BOM", line=1),))
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        return Examined(None, (not_toml(str(error), text),))
    except RecursionError:
        return Examined(None, (Mistake((), "lists or tables are nested too deep", line=1),))
    found = convert(document)
    if isinstance(found, list):
        return Examined(None, _located(found, text, document))
    told = _located(check(found, today), text, document)
    mistakes = tuple(one for one in told if one.severity == "mistake")
    warnings = tuple(one for one in told if one.severity == "warning")
    return Examined(None if mistakes else found, mistakes, warnings)


def _located(found: list[Mistake], text: str, document: dict[str, Any]) -> tuple[Mistake, ...]:
    if not found:
        return ()
    lines = places(text)
    located = [
        msgspec.structs.replace(
            mistake, key=key_of(mistake.path, document), line=line_of(mistake.path, lines)
        )
        for mistake in found
    ]
    return tuple(sorted(located, key=lambda mistake: mistake.line or 0))
