"""The tables at the end of the demo."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import Struct
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loyalty.demo.deeds import DEEDS, Deeds
from loyalty.demo.group import PROPERTIES
from loyalty.demo.guests import Guest
from loyalty.demo.partners import NAMES
from loyalty.demo.pms import Kind
from loyalty.demo.tally import OUTCOMES, AtProperty, Tally
from loyalty.demo.wire import Balance, Stated, TierNow
from loyalty.demo.words import LANGUAGES, Words

TIER_ORDER: Final = ("silver", "gold", "platinum", "diamond")
BEST_GUESTS: Final = 6

K = TypeVar("K")


class Speed(Struct, frozen=True):
    """How long a phase took; `latencies` of its requests in seconds where they were taken."""

    phase: str
    count: int
    seconds: float
    latencies: Sequence[float] = ()


class Report(Struct, frozen=True):
    """All that the tables show."""

    guests: Sequence[Guest]
    balances: Sequence[Balance]
    tally: Tally
    deeds: Deeds
    speeds: Sequence[Speed]
    statements: Sequence[Stated] = ()


def show_report(console: Console, report: Report, words: Words) -> None:
    """Print every table that has something to say."""
    tables = (
        outcomes_table(report.tally, words),
        refusals_table(report.tally, words),
        properties_table(report.tally, words),
        nothing_table(report.tally, words),
        tiers_table(report.balances, words),
        points_table(report, words),
        deeds_table(report.deeds, words),
        statements_table(report.statements, words),
        guests_table(report.guests, report.balances, words),
        speed_table(report.speeds, words),
    )
    for table in tables:
        if table.row_count:
            # Apart from the table, whose width would wrap it.
            console.print(f"\n[bold]{table.title}")
            table.title = None
            console.print(table)


def tiers_table(balances: Sequence[Balance], words: Words) -> Table:
    """Members and their points by tier, the lowest first."""
    table = _table(words("tiers_title"), words("tier"), "", "#" + words("members"), "#" + words("share"))
    _add_columns(table, "#" + words("available"), "#" + words("points_each"))
    for code, name, group in _by_tier(balances):
        points = sum(balance.available for balance in group)
        names = (name.get("en", code), name.get("zh", ""))
        table.add_row(
            *names, _n(len(group)), _share(len(group), len(balances)), _n(points), _n(points // len(group))
        )
    return table


def _by_tier(balances: Iterable[Balance]) -> list[tuple[str, Mapping[str, str], list[Balance]]]:
    groups: dict[str, tuple[Mapping[str, str], list[Balance]]] = {}
    for balance in balances:
        tier = balance.tier or TierNow("-", {"en": "–", "zh": "–"})
        groups.setdefault(tier.code, (tier.name, []))[1].append(balance)
    return [(code, *groups[code]) for code in sorted(groups, key=_tier_rank)]


def _tier_rank(code: str) -> tuple[int, str]:
    return (TIER_ORDER.index(code) if code in TIER_ORDER else -1, code)


def outcomes_table(tally: Tally, words: Words) -> Table:
    """Why it was sent against what the service made of it."""
    outcomes = [outcome for outcome in OUTCOMES if tally.total(outcome)]
    table = _table(words("outcomes_title"), words("sent_as"), *("#" + words(each) for each in outcomes))
    _add_columns(table, "#" + words("sum"))
    for kind in Kind:
        counts = [tally.outcomes[kind, outcome] for outcome in outcomes]
        if any(counts):
            table.add_row(words(kind.value), *map(_n_or_dot, counts), _n(sum(counts)))
    sums = [tally.total(outcome) for outcome in outcomes]
    if sums:
        table.add_section()
        table.add_row(words("sum"), *map(_n, sums), _n(sum(sums)), style="bold")
    return table


def refusals_table(tally: Tally, words: Words) -> Table:
    """The codes and fields of the problem documents, the most frequent first, with one detail each."""
    table = _table(words("refused_title"), "#" + words("status"), words("code"), words("field"))
    _add_columns(table, "#" + words("times"), words("example"))
    for why, count in _most_frequent(tally.refusals):
        status, code, pointer = why
        table.add_row(str(status), code, pointer, _n(count), escape(tally.examples[why]))
    return table


def properties_table(tally: Tally, words: Words) -> Table:
    """Stays, nights and points of each property in the order of the group."""
    table = _table(words("properties_title"), "", words("property"), "", words("city"))
    _add_columns(table, *("#" + words(each) for each in ("stays", "nights", "points", "direct")))
    for hotel in PROPERTIES:
        here = tally.properties.get(hotel.code, AtProperty())
        if here.stays:
            share = _share(here.direct, here.stays)
            numbers = (_n(here.stays), _n(here.nights), _n(here.points), share)
            table.add_row(hotel.code, hotel.en, hotel.zh, hotel.city, *numbers)
    return table


def nothing_table(tally: Tally, words: Words) -> Table:
    """The reasons of stays that were posted without a point."""
    table = _table(words("nothing_title"), words("why"), "#" + words("stays"))
    for code, count in _most_frequent(tally.earned_nothing):
        table.add_row(code, _n(count))
    return table


def points_table(report: Report, words: Words) -> Table:
    """Where the points went; what is neither available nor held has expired. Debt is available below zero."""
    tally, balances, besides = report.tally, report.balances, report.deeds.change
    redeemed = report.deeds.redeemed
    available = sum(balance.available for balance in balances)
    held = sum(balance.held for balance in balances)
    debt = sum(balance.debt for balance in balances)
    expired = tally.issued - tally.reversed + besides - redeemed - available - held
    table = _table(words("points_title"), "", "#")
    table.show_header = False
    table.add_row(words("issued"), _n(tally.issued))
    table.add_row("  " + words("of_base"), _n(tally.base), style="dim")
    table.add_row("  " + words("of_bonus"), _n(tally.bonus), style="dim")
    if tally.promoted:
        table.add_row("  " + words("of_promotions"), _n(tally.promotions), style="dim")
    table.add_row(words("points_reversed"), _n(tally.reversed))
    table.add_row(words("besides"), _n(besides))
    table.add_row(words("redeemed"), _n(redeemed))
    table.add_row(words("expired"), _n(expired))
    table.add_row(words("available_now"), _n(available))
    table.add_row(words("held"), _n(held))
    table.add_row(words("debt"), _n(debt))
    _add_milestones(table, tally, _names(balances, words), words)
    _add_moves(table, tally, _names(balances, words), words)
    return table


def _add_milestones(table: Table, tally: Tally, names: Mapping[str, str], words: Words) -> None:
    table.add_section()
    for (code, status), count in sorted(tally.milestones.items()):
        table.add_row(f"{names.get(code, code)}: {words(status)}", _n(count))


def _add_moves(table: Table, tally: Tally, names: Mapping[str, str], words: Words) -> None:
    table.add_section()
    for pair, count in sorted(tally.moves.items(), key=lambda item: tuple(map(_tier_rank, item[0]))):
        before, after = (names.get(code, code) or "–" for code in pair)
        table.add_row(f"{words('tier')}: {before} → {after}", _n(count))


def deeds_table(deeds: Deeds, words: Words) -> Table:
    """What guests did beside staying, how often, and with how many points; then what was refused."""
    table = _table(words("deeds_title"), "", "#" + words("times"), "#" + words("points"))
    for deed in DEEDS:
        if deeds.times[deed]:
            table.add_row(
                words(deed), _n(deeds.times[deed]), _n(deeds.points[deed]) if deeds.points[deed] else ""
            )
    if deeds.refused:
        table.add_section()
        for code, times in _most_frequent(deeds.refused):
            table.add_row(f"{words('refused')}: {code}", _n(times), "")
    return table


def statements_table(statements: Sequence[Stated], words: Words) -> Table:
    """What partners are owed by the month: points that were spent there, less those that they gave."""
    table = _table(
        words("statements_title"), words("partner"), words("month"), words("statement"), words("state")
    )
    _add_columns(table, "#" + words("records"), "#" + words("points"), "#" + words("money"))
    language = LANGUAGES.index(words("language"))
    for one in statements:
        money = f"{Decimal(one.money.amount):,} {one.money.currency}"
        status = words(f"state_{one.status}")
        table.add_row(
            NAMES[one.partner][language],
            one.period,
            one.number or "",
            status,
            _n(one.records),
            _n(one.points),
            money,
        )
    return table


def _names(balances: Iterable[Balance], words: Words) -> dict[str, str]:
    """What tiers and milestones are called, as the balances say."""
    named = [each for balance in balances for each in (balance.tier, *balance.milestones) if each]
    return {each.code: each.name.get(words("language"), each.code) for each in named}


def guests_table(guests: Sequence[Guest], balances: Sequence[Balance], words: Words) -> Table:
    """Who has the most points, with the names that were made up for them."""
    table = _table(words("guests_title"), words("guest"), words("number"), words("tier"))
    _add_columns(table, "#" + words("nights_this_year"), "#" + words("available"))
    names = {guest.number: guest.name for guest in guests}
    for balance in sorted(balances, key=lambda each: (-each.available, each.number))[:BEST_GUESTS]:
        tier = " ".join(balance.tier.name.values()) if balance.tier else "–"
        nights = _n(int(Decimal(balance.year.nights)))
        table.add_row(names[balance.number], balance.number, tier, nights, _n(balance.available))
    return table


def speed_table(speeds: Sequence[Speed], words: Words) -> Table:
    """How fast each phase went, as the client saw it."""
    table = _table(words("speed_title"), words("phase"))
    _add_columns(
        table, *("#" + words(each) for each in ("requests", "seconds", "per_second", "median", "p99"))
    )
    for speed in speeds:
        rate = _n(round(speed.count / speed.seconds)) if speed.seconds else ""
        table.add_row(words(speed.phase), _n(speed.count), f"{speed.seconds:.1f}", rate, *_latencies(speed))
    return table


def _latencies(speed: Speed) -> tuple[str, str]:
    if not speed.latencies:
        return "", ""
    ordered = sorted(speed.latencies)
    return _milliseconds(ordered[len(ordered) // 2]), _milliseconds(ordered[len(ordered) * 99 // 100])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    _add_columns(table, *headings)
    return table


def _add_columns(table: Table, *headings: str) -> None:
    """A heading that begins with `#` is of numbers: right-aligned and never wrapped."""
    for heading in headings:
        if heading.startswith("#"):
            table.add_column(heading[1:], justify="right", no_wrap=True)
        else:
            table.add_column(heading)


def _most_frequent(counter: Counter[K]) -> list[tuple[K, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))


def _n(number: int) -> str:
    return f"{number:,}"


def _n_or_dot(number: int) -> str:
    return _n(number) if number else "·"


def _share(part: int, whole: int) -> str:
    return f"{(part * 200 + whole) // (whole * 2)} %"
