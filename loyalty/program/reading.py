"""Reading a definition: TOML text into frozen structs, with every mistake named by its key."""

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from loyalty.program.checks import check
from loyalty.program.model import Definition


class ProgramError(Exception):
    """The definition of a program can't hold. The message names each key and what would be right."""


def read(path: Path | Traversable) -> Definition:
    """Read and check a definition; raise ProgramError with all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProgramError(f"{path}: {error.strerror}") from error
    return decode(text, str(path))


def decode(text: str, source: str = "program") -> Definition:
    """Decode and check the TOML text of a definition."""
    try:
        definition = msgspec.convert(tomllib.loads(text), Definition)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProgramError(f"{source}: {error}") from error
    mistakes = check(definition)
    if mistakes:
        raise ProgramError("\n".join(f"{source}: {mistake}" for mistake in mistakes))
    return definition
