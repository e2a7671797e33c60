"""SQL of what partners give and are owed: accruals, the budgets that they draw on, adjustments of settlement."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import astuple

from loyalty.commands.model import Facts
from loyalty.commands.settle_adjust import Dispute, SettlementAdjustment
from loyalty.commands.store import QUERIES, lot_of_row
from loyalty.db import Connection
from loyalty.partners import settlement_store
from loyalty.partners.accruals import Accrual, Pool


async def lock_pools(connection: Connection, names: Sequence[str]) -> dict[str, Pool]:
    """Return budgets, and let nobody else take from them until the transaction ends; open those that are new."""
    found = await connection.fetch(QUERIES["lock_pools"], names)
    if len(found) < len(names):
        await connection.execute(QUERIES["open_pools"], names)
        found = await connection.fetch(QUERIES["lock_pools"], names)
    return {row["promotion"]: Pool(row["budget"], row["leased"]) for row in found}


async def take_from_pools(connection: Connection, draws: Mapping[str, int], *, sized: str) -> None:
    """Take from budgets, or give back; all but the one that is `sized` grow with what is taken."""
    for name, amount in sorted(draws.items()):
        await connection.execute(QUERIES["take_from_pool"], name, amount, name != sized)


async def read_accruals(connection: Connection, partner: str, reference: str) -> list[Accrual]:
    """Return the points that a partner gave under a reference, then their reversal; none when it gave none."""
    return [Accrual(*row) for row in await connection.fetch(QUERIES["read_accruals"], partner, reference)]


async def add_own_lot(connection: Connection, facts: Facts, known: Sequence[Accrual]) -> None:
    """Add the lot that an accrual earned to the facts, even if nothing is left in it, while its member has it."""
    there = {lot.lot_id for lot in facts.lots}
    if facts.member is None or not known or known[0].journal_id in there:
        return
    rows = await connection.fetch(
        QUERIES["find_lots_by_id"], facts.member.shard, [known[0].journal_id], facts.member.member_id
    )
    facts.lots += map(lot_of_row, rows)


async def lock_dispute(
    connection: Connection, partner: str, number: int, line: int | None, reference: str
) -> Dispute:
    """Return how a dispute stands, and let nobody settle or resolve it until the transaction ends."""
    await settlement_store.lock_turn(connection, partner)
    row: Any = await connection.fetchrow(QUERIES["dispute"], partner, number, line, reference)
    return Dispute(*row)


async def write_adjustment(connection: Connection, one: SettlementAdjustment) -> None:
    """Write an adjustment of settlement."""
    await connection.execute(QUERIES["write_settlement_adjustment"], *astuple(one))
