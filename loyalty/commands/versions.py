"""The versions of the program in a database: reading them, publishing one, withdrawing one.

A version is in force from its day on until the next one. It may be published for the day after tomorrow or later; for
an earlier day only if no stay has been judged at a check-out from that day on. What has been used is never changed.
Numbers go up with each publication, not with the days: one that is published later may be in force before another.
"""

import tomllib
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from loyalty.commands.rulebook import Rulebook, join
from loyalty.db import Connection
from loyalty.errors import FieldError, Problem, together
from loyalty.program import store
from loyalty.program.mistakes import key_of
from loyalty.program.model import Definition
from loyalty.program.places import line_of, places
from loyalty.program.store import Version

BEGINNING: Final = date(1970, 1, 1)
"""From when the first version is in force."""
_AHEAD: Final = timedelta(days=2)
"""A check-out may be this far ahead of the program's day, somewhere on earth, and a little more."""


async def load(connection: Connection, known: Rulebook | None = None) -> Rulebook:
    """Return the rules of all versions; those that are `known` are not compiled again. There must be one."""
    generation, versions = await store.read_versions(connection)
    compiled = {book.definition.version: book for book in known.versions} if known else {}
    return join([(one.effective_from, _compile(one, compiled)) for one in versions], generation)


def _compile(one: Version, compiled: dict[int, Rulebook]) -> Rulebook:
    definition, known = definition_of(one), compiled.get(one.version)
    return known if known is not None and known.definition == definition else Rulebook(definition)


def definition_of(one: Version) -> Definition:
    """Return the definition of a version, which was checked when it was published."""
    return msgspec.convert(tomllib.loads(one.definition), Definition)


async def begin(connection: Connection, text: str, by: str, at: datetime) -> None:
    """Publish the first version, from the beginning of time, unless there is one already."""
    async with connection.transaction():
        await store.lock_versions(connection)
        _, versions = await store.read_versions(connection)
        if versions:
            return
        definition = msgspec.convert(tomllib.loads(text), Definition)
        one = Version(definition.version, definition.id, BEGINNING, text, by, at)
        await _write(connection, one, definition)


async def publish(
    connection: Connection, one: Version, definition: Definition, today: date, *, dry_run: bool = False
) -> tuple[Version, bool]:
    """Publish a version; return it as it is on file, and whether it is new. Raise Problem when it can't be."""
    async with connection.transaction():
        await store.lock_versions(connection)
        _, versions = await store.read_versions(connection)
        for other in versions:
            if (other.version, other.effective_from, other.definition) == (
                one.version, one.effective_from, one.definition,
            ):  # fmt: skip
                return other, False
        problem = _refusal(one, definition, versions) or await _past(connection, one.effective_from, today)
        problem = problem or await _overspent(connection, one, definition)
        if problem is not None:
            raise problem
        if not dry_run:
            await _write(connection, one, definition)
            await _review(connection, one, versions)
    return one, True


async def withdraw(connection: Connection, version: int, today: date) -> None:
    """Take away a version that hasn't been used; raise Problem when there is none, or it has."""
    async with connection.transaction():
        await store.lock_versions(connection)
        _, versions = await store.read_versions(connection)
        found = next((one for one in versions if one.version == version), None)
        if found is None:
            raise Problem("unknown_version", f"There is no version {version}.")
        if found.effective_from <= BEGINNING:
            raise Problem("version_in_use", "The first version is in force from the beginning.")
        problem = await _past(connection, found.effective_from, today)
        if problem is not None:
            raise Problem("version_in_use", problem.detail)
        await store.withdraw_version(connection, version)
        others = [one for one in versions if one is not found]
        await store.write_pools(connection, _budgets(others))
        await _review(connection, found, others)
        await store.next_generation(connection)


async def _review(connection: Connection, one: Version, others: list[Version]) -> None:
    """Have everybody reviewed from the day on which tiers are others, with a version that comes or goes."""
    if any(_tiers(definition_of(other)) != _tiers(definition_of(one)) for other in others):
        await store.review_from(connection, one.effective_from)


def _tiers(definition: Definition) -> tuple[object, ...]:
    """Return what the tier of a member depends on."""
    return definition.tier, definition.qualification


def _budgets(versions: list[Version]) -> list[tuple[str, int]]:
    """Return the budgets of promotions: of those that several versions name, what was published last."""
    budgets: dict[str, int] = {}
    for one in sorted(versions, key=lambda one: one.published_at):
        budgets |= {
            item.code: item.budget for item in definition_of(one).promotion if item.budget is not None
        }
    return list(budgets.items())


async def _write(connection: Connection, one: Version, definition: Definition) -> None:
    await store.write_version(connection, one)
    if by_day := Rulebook(definition).by_day:
        await store.review_all(connection, by_day)
    await store.write_pools(
        connection, [(item.code, item.budget) for item in definition.promotion if item.budget is not None]
    )
    await store.next_generation(connection)


def _refusal(one: Version, definition: Definition, versions: list[Version]) -> Problem | None:
    """Return why a version doesn't fit those that are there."""
    for other in versions:
        if other.version == one.version:
            return _wrong("version_taken", f"Version {one.version} is already published.", one, "version")
        if other.effective_from == one.effective_from:
            detail = f"Version {other.version} comes into force on {one.effective_from}."
            return Problem("version_taken", detail, at="/effective_from")
    last = max(other.version for other in versions)
    if one.version < last:
        detail = f"Version {last} is already published: the next one has a higher number than {last}."
        return _wrong("invalid_value", detail, one, "version")
    first = definition_of(versions[0])
    fixed = {"id": first.id, "currency": first.currency, "time_zone": first.time_zone}
    wrong: list[Problem] = []
    for key, value in fixed.items():
        if getattr(definition, key) != value:
            detail = f"{key} is {value!r} in all versions of this program; this one has {getattr(definition, key)!r}."
            wrong.append(_wrong("invalid_value", detail, one, key))
    return together(wrong) if wrong else None


def _wrong(code: str, detail: str, one: Version, *path: str | int) -> Problem:
    """Refuse a version because of a key of its definition."""
    key, line = key_of(path, tomllib.loads(one.definition)), line_of(path, places(one.definition))
    return Problem(code, detail, errors=(FieldError("/definition", detail, key=key, line=line),))


async def _past(connection: Connection, day: date, today: date) -> Problem | None:
    """Return why a version can't come into force on a day that stays have been judged at."""
    if day >= today + _AHEAD:
        return None
    judged = await store.last_judged(connection)
    if judged is None or judged < day:
        # Looked at again while nobody posts: a stay may have been judged meanwhile, by the versions there were.
        judged = await store.hold_posters(connection)
    if judged is None or judged < day:
        return None
    detail = f"Stays up to {judged} have been judged: the first free day is {max(judged, today) + timedelta(days=1)}."
    return Problem("version_in_past", detail, at="/effective_from")


async def _overspent(connection: Connection, one: Version, definition: Definition) -> Problem | None:
    """Return which promotion's budget is below what of it is already taken."""
    pools = {pool.promotion: pool for pool in await store.read_pools(connection)}
    for place, item in enumerate(definition.promotion):
        pool = pools.get(item.code)
        if pool is not None and item.budget is not None and item.budget < pool.leased:
            detail = f"{item.code}: {pool.leased} points of its budget are already taken; it can't be {item.budget}."
            return _wrong("budget_too_small", detail, one, "promotion", place, "budget")
    return None
