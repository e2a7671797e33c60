"""`loyalty explain`: what a stay earned and why, in sentences."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

from typing import Any, Final

import asyncpg
import msgspec
import rich_click as click

from loyalty import ids
from loyalty.commands import versions
from loyalty.commands.explain import Explained, explain
from loyalty.commands.stay_reply import Points
from loyalty.ids import UUID, shard_of
from loyalty.program.wording import Language
from loyalty.stays import store
from loyalty.terminal import with_database

_KEY_PARTS: Final = 4
_SUMS: Final = {
    "en": "{program}: {total} points ({base} base, {tier_bonus} tier bonus, {promotion} promotions), {nights} nights",
    "zh": "{program}：共{total}分（基础{base}，等级奖励{tier_bonus}，活动{promotion}），{nights}晚",
}


class Said(Explained, frozen=True):
    """What a stay was last answered."""

    points: Points
    nights: str


_said = msgspec.json.Decoder(Said).decode


@click.command("explain")
@click.argument("stay")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the sentences.")
def explain_stay(stay: str, lang: Language) -> None:
    """Tell what a stay earned and why.

    STAY is its id (sty_…) or its natural key, SOURCE/PROPERTY/REFERENCE/LEG.
    """
    found = with_database(lambda connection: _lines(connection, stay, lang))
    if found is None:
        raise click.ClickException(f"there is no stay {stay}")
    for line in found:
        click.echo(line)


async def _lines(connection: "asyncpg.Connection[Any]", stay: str, language: Language) -> list[str] | None:
    stay_id = await _stay_id(connection, stay)
    revisions = [] if stay_id is None else await store.read_stay(connection, shard_of(stay_id), stay_id)
    if stay_id is None or not revisions:
        return None
    said = _said(revisions[0].reply)
    points = said.points
    head = _SUMS[language].format(
        program=said.program, total=points.total, base=points.base, tier_bonus=points.tier_bonus,
        promotion=points.promotion, nights=said.nights,
    )  # fmt: skip
    rules = await versions.load(connection)
    return [f"{ids.show('sty', stay_id)}  {head}", *explain(rules, said.program, said.why, language)]


async def _stay_id(connection: "asyncpg.Connection[Any]", stay: str) -> UUID | None:
    if stay.startswith("sty_"):
        return ids.parse("sty", stay)
    parts = stay.split("/")
    if len(parts) != _KEY_PARTS or not parts[3].isdecimal():
        raise click.UsageError("STAY is an id (sty_…) or SOURCE/PROPERTY/REFERENCE/LEG")
    source, place, stay_ref, leg = parts
    return await store.find_stay(connection, source, place, stay_ref, int(leg))
