"""The command `loyalty`. Each subcommand is imported only when it is run, so that `loyalty --help` is quick."""

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import rich_click as click

from loyalty import __version__
from loyalty.settings import Settings, SettingsError, describe, read_settings, unknown_variables


class Lazy(NamedTuple):
    """A subcommand that lives elsewhere."""

    path: str
    help: str


ELSEWHERE: Final = {
    "demo": Lazy(
        "loyalty.demo.command:demo", "Run a made-up hotel group's two years of stays through the service."
    ),
    "import": Lazy("loyalty.importing.command:import_", "Import stays from CSV or NDJSON files."),
    "keys": Lazy("loyalty.http.keys_command:keys", "Create, list and revoke the API keys of callers."),
    "program": Lazy(
        "loyalty.program.command:program", "Check, compare and list the definitions of programs."
    ),
    "explain": Lazy("loyalty.explaining:explain_stay", "Tell what a stay earned, and why."),
    "verify": Lazy("loyalty.verify.command:verify", "Recompute the books from their transfers and compare."),
    "bench": Lazy("loyalty.bench.command:bench", "Measure the service's speed and memory on this machine."),
}


class LazyGroup(click.RichGroup):
    """A group that lists commands without importing them, and tells people rather than tracing back."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = ELSEWHERE.get(cmd_name)
        return (
            click.RichCommand(name=cmd_name, help=lazy.help) if lazy else super().get_command(ctx, cmd_name)
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and (lazy := ELSEWHERE.get(args[0])):
            module, _, name = lazy.path.partition(":")
            return args[0], getattr(importlib.import_module(module), name), args[1:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, _told_to_people()):
                raise click.ClickException(str(error)) from error
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="loyalty-ledger")
def main() -> None:
    """Keep the points, tiers and milestones of a hotel group's guests, exactly.

    Settings come from LOYALTY_… variables of the environment; `loyalty settings` explains them.
    """


@main.command()
@click.option("--host", help="Address to listen on.  [LOYALTY_HOST]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [LOYALTY_PORT]"
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes that answer requests.  [LOYALTY_WORKERS]"
)
@click.option(
    "--address-file", type=click.Path(path_type=Path), hidden=True, help="Write the URL here once bound."
)
def serve(host: str | None, port: int | None, workers: int | None, address_file: Path | None) -> None:
    """Run the service, on an embedded PostgreSQL unless LOYALTY_DATABASE_URL is set."""
    from loyalty.serve import serve as run

    given = {"host": host, "port": port, "workers": workers}
    settings = msgspec.structs.replace(_settings(), **{k: v for k, v in given.items() if v is not None})
    run(settings, address_file=address_file)


@main.command()
def migrate() -> None:
    """Create the database's schema, or bring it up to date."""
    from loyalty.embedded import open_database
    from loyalty.migrate import migrate as run

    settings = _settings()
    with open_database(settings) as dsn:
        applied = asyncio.run(run(dsn, shards=settings.shards))
    for migration in applied:
        click.echo(f"applied {migration}")
    if not applied:
        click.echo("the schema is up to date")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def settings(*, as_json: bool) -> None:
    """List every setting with its value, default and meaning; secrets are masked."""
    rows = describe(_settings())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([row._asdict() for row in rows])))
    else:
        _print_table(rows)


def _settings() -> Settings:
    for warning in unknown_variables():
        click.echo(f"Warning: {warning}", err=True)
    return read_settings()


def _print_table(rows: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=False, box=None, pad_edge=False, header_style="bold")
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("default", overflow="fold")
    table.add_column("meaning")
    for row in rows:
        value = f"[bold green]{_plain(row.value)}[/]" if row.is_set else _plain(row.value)
        table.add_row(row.variable, value, _plain(row.default), row.meaning)
    # Through a pipe there is no width to keep to: a line for each setting is easier to search.
    Console(width=None if sys.stdout.isatty() else 220).print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text) if text else "–"


def _told_to_people() -> tuple[type[Exception], ...]:
    """Return the exceptions whose message says all that the person at the terminal needs."""
    from loyalty.db import DatabaseUnreachableError
    from loyalty.embedded import EmbeddedPostgresError
    from loyalty.migrate import MigrationError
    from loyalty.program.reading import ProgramError

    return SettingsError, ProgramError, EmbeddedPostgresError, MigrationError, DatabaseUnreachableError


if __name__ == "__main__":
    main()
