"""Plays the history against a running service, with progress bars, and gathers what the tables show."""

import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import httpx
from msgspec import Struct
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from loyalty.demo.api import Api
from loyalty.demo.bonds import Bonds
from loyalty.demo.calendar import end_of_last_month
from loyalty.demo.dealing import Players, Scene
from loyalty.demo.deeds import Deeds
from loyalty.demo.group import CHINA
from loyalty.demo.guests import Guest
from loyalty.demo.history import History
from loyalty.demo.redeeming import Counters, Redeeming, open_counters
from loyalty.demo.sending import (
    Tick,
    enrol_all,
    post_in_batches,
    post_singly,
    read_balances,
    register_properties,
    split_live,
)
from loyalty.demo.settling import Settling
from loyalty.demo.show import Report, Speed
from loyalty.demo.tally import Tally
from loyalty.demo.transport import Spread
from loyalty.demo.wire import Balance, Stated
from loyalty.demo.wishes import made_up_gifts, made_up_wishes
from loyalty.demo.words import Words

TIMEOUT_SECONDS: Final = 60


class Site(Struct, frozen=True):
    """The service, the keys there, and what has it look at the referrals that wait, at once.

    `key` and `supervisor` are of two persons, `booking` of the booking site; `partners` have one each.
    """

    url: str
    key: str
    supervisor: str
    booking: str
    partners: Mapping[str, str]
    seed: int
    settle: Callable[[], Awaitable[object]]

    def client(self, key: str) -> httpx.AsyncClient:
        """A client with one of the keys."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=TIMEOUT_SECONDS, transport=Spread()
        )


class RateColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Show the speed of the whole task once it is finished, else the present one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", justify="right")


class Stage:
    """Shows the phases, one bar each, and keeps how long they took."""

    def __init__(self, progress: Progress, words: Words) -> None:
        self.speeds: list[Speed] = []
        self._progress = progress
        self._words = words

    @contextmanager
    def phase(self, key: str, total: int) -> Generator[tuple[Tick, list[float]]]:
        """Run a phase: yields the tick of its bar, and a list to leave the latencies in."""
        task = self._progress.add_task(self._words(key), total=total, day="")
        latencies: list[float] = []
        reached = date.min

        def tick(count: int, day: date | None) -> None:
            nonlocal reached
            self._progress.update(task, advance=count)
            if day is not None:
                reached = max(reached, day)
                self._progress.update(task, day=reached.isoformat())

        began = time.perf_counter()
        yield tick, latencies
        self.speeds.append(Speed(key, total, time.perf_counter() - began, latencies))


@contextmanager
def on_stage(console: Console, words: Words) -> Generator[Stage]:
    """Progress bars as wide as the terminal allows."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,}"),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[day]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield Stage(progress, words)


async def play(site: Site, history: History, bonds: Bonds, stage: Stage) -> Report:
    """Enrol the guests, post their history, let them do what else they do, and read their balances."""
    async with site.client(site.key) as http, site.client(site.supervisor) as other:
        api = Api(http)
        await register_properties(api)
        with stage.phase("enrolling", len(history.guests)) as (tick, _):
            await enrol_all(api, history.guests, bonds.friends, tick)
        tally = await _post(api, history, stage)
        await site.settle()
        scene = Scene(Players(api, Api(other)), site.seed, await read_balances(api, history.guests))
        with stage.phase("dealing", scene.turns(bonds)) as (tick, _):
            await scene.play(bonds, tick)
        statements = await _redeem(site, api, scene.deeds, history.guests, stage)
        balances = await _read(api, history.guests, stage)
    return Report(history.guests, balances, tally, scene.deeds, stage.speeds, statements)


async def _redeem(site: Site, desk: Api, deeds: Deeds, guests: Sequence[Guest], stage: Stage) -> list[Stated]:
    """Let guests spend points with partners and with the hotel, and partners give some; return their statements."""
    await open_counters(desk)
    today = datetime.now(ZoneInfo(CHINA)).date()
    balances = await read_balances(desk, guests)
    wishes = made_up_wishes(site.seed, balances, today)
    gifts = made_up_gifts(site.seed, balances, end_of_last_month(today))
    async with AsyncExitStack() as stack:
        keys = {"": site.booking, **site.partners}
        apis = {code: Api(await stack.enter_async_context(site.client(key))) for code, key in keys.items()}
        counters = Counters(desk, apis.pop(""), apis)
        settling = Settling(desk, apis, deeds)
        with stage.phase("redeeming", len(wishes) + len(gifts)) as (tick, _):
            await Redeeming(counters, deeds).play(wishes, tick)
            await settling.give(gifts, tick)
            return await settling.close(today)


async def _post(api: Api, history: History, stage: Stage) -> Tally:
    tally = Tally()
    past, live = split_live(history.postings, history.until)
    with stage.phase("batches", len(past)) as (tick, _):
        await post_in_batches(api, past, tally, tick)
    with stage.phase("singles", len(live)) as (tick, latencies):
        latencies.extend(await post_singly(api, live, tally, tick))
    return tally


async def _read(api: Api, guests: Sequence[Guest], stage: Stage) -> Sequence[Balance]:
    with stage.phase("reading", len(guests)) as (tick, _):
        balances = await read_balances(api, guests)
        tick(len(guests), None)
    return balances
