"""`loyalty program`: definitions checked, compared and listed; their schema."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

import importlib
import sys
from collections.abc import Iterable
from datetime import date
from typing import Any, Final, cast

import msgspec
import rich_click as click
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from loyalty.clock import SystemClock
from loyalty.program.diff import differences
from loyalty.program.mistakes import Mistake
from loyalty.program.model import Definition
from loyalty.program.reading import Examined, ProgramError, examine, find, read, read_text, shipped
from loyalty.program.schema import schema_text
from loyalty.program.sentences import Language, no_change, sentences

__all__ = ["program"]

ELSEWHERE: Final[dict[str, str]] = {
    "publish": "loyalty.publishing:publish",
    "versions": "loyalty.publishing:list_versions",
    "withdraw": "loyalty.publishing:withdraw",
    "simulate": "loyalty.simulate.command:simulate",
}
"""Subcommands that live elsewhere, by name: `"loyalty.…:command"`. Each is imported when it is asked for."""

_COUNTED: Final = {
    "tier": ("tier", "tiers"),
    "benefit": ("benefit", "benefits"),
    "exclusion": ("exclusion", "exclusions"),
    "festival": ("festival", "festivals"),
    "promotion": ("promotion", "promotions"),
    "milestone": ("milestone", "milestones"),
}
"""Lists of a definition, with what one and several are called."""

_name_or_file = click.argument("files", metavar="FILE|NAME...", nargs=-1, required=True)


class _Group(click.RichGroup):
    """A group that finds some of its commands elsewhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, name = ELSEWHERE[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)


@click.group(cls=_Group)
def program() -> None:
    """Check, compare and list the definitions of programs."""


# --- check ------------------------------------------------------------------------------------------------------------


class Report(Struct, frozen=True):
    """What was found in one file. `counts` says how many tiers, promotions … there are, when it is good."""

    file: str
    good: bool
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    program: str | None = None
    version: int | None = None
    counts: dict[str, int] = {}


@program.command()
@_name_or_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(files: tuple[str, ...], *, as_json: bool) -> None:
    """Check definitions and tell every mistake by its line and key.

    Exit status: 0 all are good, whatever warnings there are; 1 some have mistakes.
    """
    today = SystemClock().now().date()
    examined = [(name, _examine(name, today)) for name in files]
    reports = [_report(name, found) for name, found in examined]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(reports)))
    else:
        console = _console()
        for name, found in examined:
            _print(console, name, found)
    sys.exit(0 if all(report.good for report in reports) else 1)


def _examine(name: str, today: date) -> Examined:
    try:
        return examine(read_text(find(name)), today)
    except ProgramError as error:
        return Examined(None, error.mistakes or (Mistake((), str(error).partition(": ")[2]),))


def _report(name: str, found: Examined) -> Report:
    made = found.definition
    if made is None:
        return Report(name, good=False, mistakes=found.mistakes, warnings=found.warnings)
    counts = {key: len(getattr(made, key)) for key in _COUNTED}
    return Report(name, True, found.mistakes, found.warnings, made.id, made.version, counts)


def _print(console: Console, name: str, found: Examined) -> None:
    for mistake in found.mistakes:
        _tell(console, name, mistake, "red")
    for warning in found.warnings:
        _tell(console, name, warning, "yellow")
    if found.definition:
        console.print(
            Text(f"{name}: ", style="bold").append(_summary(found.definition), style="green"), soft_wrap=True
        )


def _tell(console: Console, name: str, mistake: Mistake, style: str) -> None:
    place = name if mistake.line is None else f"{name}:{mistake.line}"
    line = Text(f"{place}: ", style="bold").append(mistake.text, style=style)
    console.print(line, soft_wrap=True)


def _summary(definition: Definition) -> str:
    """Say in a sentence what a definition holds."""
    counts = {key: len(getattr(definition, key)) for key in _COUNTED}
    parts = [f"{count} {_COUNTED[key][count != 1]}" for key, count in counts.items() if count]
    name = definition.name
    return f"good. {name.en} ({name.zh}), version {definition.version}, has {_and(parts)}."


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# --- diff, list, schema -----------------------------------------------------------------------------------------------


@program.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", help="English or Chinese.  [default: en]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(before: str, after: str, lang: str, *, as_json: bool) -> None:
    """Say in words what differs between two definitions: files, or names of shipped ones."""
    language = cast("Language", lang)
    old, new = _read(before), _read(after)
    changes = differences(old, new)
    if as_json:
        told = [
            {"key": one.place.key, "kind": one.kind, "before": one.before, "after": one.after, "text": text}
            for one in changes
            for text in [" ".join(sentences([one], old, new, language))]
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    _print_lines(sentences(changes, old, new, language) or [no_change(language)])


@program.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool) -> None:
    """List the definitions that come with the package; `check` and `diff` take their names."""
    found = {name: read(file) for name, file in shipped().items()}
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "name": name,
                "title": msgspec.to_builtins(made.name),
                "version": made.version,
                "currency": made.currency,
            }
            for name, made in found.items()
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
        return
    width = max(map(len, found))
    _print_lines(f"{name:{width}}  {_summary(made).removeprefix('good. ')}" for name, made in found.items())


@program.command()
def schema() -> None:
    """Print the JSON Schema of definitions, for editors."""
    click.echo(schema_text(), nl=False)


def _read(name: str) -> Definition:
    try:
        return read(find(name))
    except ProgramError as error:
        raise click.ClickException(str(error)) from error


def _print_lines(lines: Iterable[str]) -> None:
    console = _console()
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _console() -> Console:
    return Console(highlight=False)
