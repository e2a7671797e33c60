"""Lets the commands of a batch decide; what they turn out to need is read or leased, and they decide again."""

from collections.abc import Mapping
from typing import Final

from loyalty.commands import store
from loyalty.commands.budgets import budgeted, lease, lease_stock, promotions
from loyalty.commands.gathering import add_given
from loyalty.commands.model import Decision, Facts, Move, Result, Short, Unread
from loyalty.commands.move_stay import decide_move
from loyalty.commands.post_stay import PostStay
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.together import Batch
from loyalty.commands.verbs import decide
from loyalty.db import Connection
from loyalty.ids import shard_of
from loyalty.ledger.model import Moment
from loyalty.partners.offers import STOCK

_WANTING: Final = (Short, Unread)


async def decide_all(connection: Connection, batch: Batch) -> list[Result | None]:
    """Return what each command of a batch comes to; None for twins, which run again later."""
    if batch.stock or budgeted(batch.rules):
        return await _decide_in_turn(connection, batch)
    rules, moment = batch.rules, batch.moment
    results = [
        None if place in batch.twins else decide(known, rules, command, moment)
        for place, (known, command) in enumerate(batch.pairs())
    ]
    unread = [(place, one) for place, one in enumerate(results) if isinstance(one, Unread)]
    if unread:
        # What milestones gave is read once for all of the batch.
        await add_given(connection, batch.shard, [(batch.facts[place], one) for place, one in unread], moment)
        for place, _ in unread:
            results[place] = decide(batch.facts[place], rules, batch.commands[place], moment)
    return results


async def _decide_in_turn(connection: Connection, batch: Batch) -> list[Result | None]:
    """Let each command decide by what those before it have left of promotions' budgets, and of stock.

    Those of promotions are read once a command would draw on one: most batches have no stay that does.
    """
    rules, moment = batch.rules, batch.moment
    left, read = dict(batch.left), False
    taken: dict[str, int] = {}
    spent: frozenset[str] = frozenset()
    gone: dict[str, int] = {}
    results: list[Result | None] = []
    for place, (known, command) in enumerate(batch.pairs()):
        if place in batch.twins:
            results.append(None)
            continue
        known.budgets, known.spent, known.left = left, spent, gone
        while isinstance(result := decide(known, rules, command, moment), _WANTING):
            if isinstance(result, Unread):
                await add_given(connection, batch.shard, [(known, result)], moment)
            elif result.promotion.startswith(STOCK):
                generation = batch.catalogue.generation
                await lease_stock(connection, batch.shard, known, result, generation, taken)
            elif read:
                await lease(connection, batch.shard, known, result)
            else:
                found = await store.read_budgets(connection, batch.shard, promotions(rules))
                left |= {code: points - taken.get(code, 0) for code, points in found.items()}
                read = True
        spent = known.spent
        if isinstance(result, Decision) and result.budgets:
            spent -= _note(result.budgets, taken, left)
        results.append(result)
    return results


def _note(drawn: Mapping[str, int], taken: dict[str, int], left: dict[str, int]) -> set[str]:
    """Note what a command takes of budgets, and what is left; return of which it gives some back."""
    for code, points in drawn.items():
        taken[code] = taken.get(code, 0) + points
        left[code] = left.get(code, 0) - points
    return {code for code, points in drawn.items() if points < 0}


async def decide_between(
    connection: Connection, leaving: Facts, joining: Facts, rules: Rulebook, command: PostStay, moment: Moment
) -> Move | Result:
    """Return what a posting comes to that moves a stay from a member to another; budgets are those of the latter."""
    shard = joining.member.shard if joining.member else 0
    if budgeted(rules):
        await store.lock_budgets(connection, shard, promotions(rules))
        joining.budgets = await store.read_budgets(connection, shard, promotions(rules))
    while isinstance(result := decide_move(leaving, joining, rules, command, moment), Short | Unread):
        if isinstance(result, Unread):
            mine = joining if _is_of(joining, result) else leaving
            await add_given(connection, shard_of(result.member_id), [(mine, result)], moment)
        else:
            await lease(connection, shard, joining, result)
    return result


def _is_of(facts: Facts, unread: Unread) -> bool:
    return facts.member is not None and facts.member.member_id == unread.member_id
