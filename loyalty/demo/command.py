"""`loyalty demo`: a service of its own, a made-up hotel group, and what became of its two years."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

import rich_click as click
from msgspec import Struct
from rich.console import Console

from loyalty.demo.api import ServiceFailedError
from loyalty.demo.bonds import Bonds, made_up_bonds
from loyalty.demo.calendar import end_of_last_month
from loyalty.demo.farewell import curl_lines, show_books, show_farewell
from loyalty.demo.guests import MOST_MEMBERS
from loyalty.demo.history import History, made_up_history
from loyalty.demo.own_service import DemoRunningError, empty, make_keys, own_settings, pay_referrals, start
from loyalty.demo.play import Site, on_stage, play
from loyalty.demo.show import Report, show_report
from loyalty.demo.words import LANGUAGES, Words, in_language
from loyalty.http.auth import Role
from loyalty.serve import RunningService, ServiceError
from loyalty.settings import Settings, read_settings

DAY: Final = click.DateTime(formats=["%Y-%m-%d"])
MEMBERS: Final = click.IntRange(2, MOST_MEMBERS)
PORT: Final = click.IntRange(0, 65535)
WIDTH_WITHOUT_TERMINAL: Final = 120


class Choices(Struct, frozen=True):
    """What was asked for on the command line."""

    once: bool
    seed: int
    members: int
    until: date
    port: int | None


@click.command()
@click.option("--once", is_flag=True, help="Stop the server at the end.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another history.")
@click.option("--members", type=MEMBERS, default=3000, show_default=True, help="How many guests to enrol.")
@click.option("--until", type=DAY, metavar="DATE", help="End of the two years.  [default: end of last month]")
@click.option("--port", type=PORT, help="Port to listen on; 0 takes a free one.  [default: 8080 if free]")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of it all."
)
def demo(*, once: bool, seed: int, members: int, until: datetime | None, port: int | None, lang: str) -> None:
    """Run a made-up hotel group's two years of stays through the service, and what else its members do.

    It starts on an empty database in the folder `demo` of the data directory, even where LOYALTY_DATABASE_URL is
    set, and leaves the server running until Ctrl-C. What an earlier demo left in that folder is removed.
    """
    today = datetime.now(UTC).date()
    last = until.date() if until else end_of_last_month(today)
    if last > today:
        raise click.BadParameter("is in the future", param_hint="--until")
    try:
        run(Choices(once, seed, members, last, port), in_language(lang))
    except (DemoRunningError, ServiceError, ServiceFailedError) as error:
        raise click.ClickException(str(error)) from error


def run(choices: Choices, words: Words) -> None:
    """Start, play, show; then wait, unless once is enough."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_WITHOUT_TERMINAL)
    settings = own_settings(read_settings())
    empty(settings.data_dir)
    console.print(f"[bold]{words('group')}[/]: {words('starting')}", highlight=False)
    console.print(f"[dim]{words('data')} {settings.data_dir}", highlight=False, soft_wrap=True)
    _start_and_play(console, choices, settings, words)
    console.print(words("stopped"))
    show_books(console, settings.data_dir, words)


def _start_and_play(console: Console, choices: Choices, settings: Settings, words: Words) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as background, contextlib.ExitStack() as stack:
        # Made up while the service starts; which is here, because it ends with the thread that started it.
        making = background.submit(_make_up, choices)
        service = stack.enter_context(start(settings, choices.port))
        keys = asyncio.run(make_keys(settings))
        site = Site(
            service.url,
            keys.by_role[Role.OPERATOR],
            keys.supervisor,
            keys.by_role[Role.BOOKING],
            keys.partners,
            choices.seed,
            partial(pay_referrals, settings),
        )
        report = _play(console, site, *making.result(), words)
        show_report(console, report, words)
        console.print(words("took").format(seconds=f"{time.perf_counter() - began:.1f}"))
        if not choices.once:
            show_farewell(
                console,
                service.url,
                curl_lines(service.url, keys.by_role, report.balances, choices.until),
                words,
            )
            _wait(service)


def _make_up(choices: Choices) -> tuple[History, Bonds]:
    history = made_up_history(choices.seed, choices.members, choices.until)
    return history, made_up_bonds(choices.seed, history)


def _play(console: Console, site: Site, history: History, bonds: Bonds, words: Words) -> Report:
    with on_stage(console, words) as stage:
        return asyncio.run(play(site, history, bonds, stage))


def _wait(service: RunningService) -> None:
    """Until Ctrl-C; a service that ends by itself is a failure."""
    with contextlib.suppress(KeyboardInterrupt):
        status = service.process.wait()
        raise ServiceError(f"the service ended by itself with status {status}; see {service.log}")
