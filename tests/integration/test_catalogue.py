"""The catalogue in a database: versions that stay, what other processes know of them, and how many there are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from msgspec import structs

from loyalty.commands import store as commands_store
from loyalty.commands.model import Short
from loyalty.db import SERVICE_ROLE, connect
from loyalty.errors import Problem
from loyalty.partners import publishing, store
from loyalty.partners.catalogue import Catalogue, House
from loyalty.partners.model import Contract, Offer, Partner, Price, SlotStock, Stock, Title
from loyalty.partners.publishing import Change, Put

HOUSE = House("CNY", ZoneInfo("Asia/Shanghai"))
EMPTY = Catalogue(HOUSE)
RACES = (asyncpg.CheckViolationError, asyncpg.DeadlockDetectedError)
AT = datetime(2026, 5, 10, tzinfo=UTC)
FIRST = Change("head office", AT)
ANY = Change("head office", AT, frozenset({"*"}))
AIR = Partner(code="thai_air", name=Title("Thai Air", "泰航"), contract=Contract("THB", "0.05"))
TICKET = Offer(
    code="monet", kind="exhibition", name=Title("Monet", "莫奈"), prices=(Price(points=100),), events=("monet",),
    stock=Stock(per="date", amount=10, slots=(SlotStock("2026-06-01", 4),)),
)  # fmt: skip


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database, role=SERVICE_ROLE)
    yield connection
    await connection.close()


async def put_offer(connection: Any, one: Offer, change: Change = ANY, known: Catalogue = EMPTY) -> Any:
    return await publishing.put_offer(connection, known, one, change, frozenset(), frozenset())


async def test_only_what_was_added_is_read_and_old_versions_stay_known(connection: Any) -> None:
    await publishing.put_partner(connection, EMPTY, AIR, FIRST)
    await put_offer(connection, TICKET, FIRST)
    first = await store.load(connection, EMPTY)
    again = await store.load(connection, first)
    await put_offer(connection, structs.replace(TICKET, partner=None, hold_minutes=5))
    second = await store.load(connection, first)
    whole = await store.load(connection, EMPTY)

    assert again is first
    assert first.offers["monet"][0] is second.offers["monet"][0]
    assert (whole.offers, whole.partners, whole.generation) == (
        second.offers,
        second.partners,
        second.generation,
    )
    found = {version: second.listing("monet", version) for version in (None, 1, 2, 3)}
    assert [5, 60, 5, None] == [one and one.offer.hold_minutes for one in found.values()]
    assert (
        ["monet"]
        == [one.offer.code for one in second.listings()]
        == [one.offer.code for one in second.listings("hotel")]
    )
    assert [] == second.listings("thai_air")
    assert None is second.listing("manet") is second.partner("sino_air")


async def test_an_offer_of_a_partner_has_its_currency_and_zone(connection: Any) -> None:
    zoned = structs.replace(AIR, time_zone="Asia/Bangkok")
    await publishing.put_partner(connection, EMPTY, zoned, FIRST)
    await put_offer(connection, structs.replace(TICKET, partner="thai_air"), FIRST)
    await put_offer(connection, structs.replace(TICKET, code="own", stock=None), FIRST)
    known = await store.load(connection, EMPTY)
    theirs, ours = known.listing("monet"), known.listing("own")

    assert theirs
    assert ours
    assert ("thai_air", "THB", "Asia/Bangkok") == (theirs.partner_code, theirs.currency, str(theirs.zone))
    assert ("hotel", "CNY", "Asia/Shanghai") == (ours.partner_code, ours.currency, str(ours.zone))


async def test_a_refused_change_leaves_no_trace(connection: Any) -> None:
    await put_offer(connection, TICKET, FIRST)
    before = await store.read_generation(connection), await store.read_stock(connection, "stock:")
    with pytest.raises(Problem):
        await put_offer(connection, structs.replace(TICKET, prices=(), stock=Stock(amount=1)))
    with pytest.raises(Problem):
        await put_offer(connection, TICKET.__class__(code="monet", kind="spa", name=TICKET.name), FIRST)

    assert before == (await store.read_generation(connection), await store.read_stock(connection, "stock:"))


async def test_the_same_again_changes_nothing_and_is_answered_the_same(connection: Any) -> None:
    partner = await publishing.put_partner(connection, EMPTY, AIR, FIRST)
    offer = await put_offer(connection, TICKET, FIRST)
    before = await store.load(connection, EMPTY), await store.read_stock(connection, "stock:")
    later = Change("front desk", AT + timedelta(days=1))
    again = (
        await publishing.put_partner(connection, EMPTY, AIR, later),
        await put_offer(connection, TICKET, later),
    )

    assert (Put(partner.filed), Put(offer.filed)) == again
    assert before[0] is await store.load(connection, before[0])
    assert before[1] == await store.read_stock(connection, "stock:")


async def test_a_new_number_for_other_days_holds_for_those_that_were_opened(connection: Any) -> None:
    await put_offer(connection, TICKET, FIRST)
    known = await store.load(connection, EMPTY)
    await store.open_stock(
        connection, {"stock:monet/2026-06-02": 10, "stock:monet/2026-06-01": 10}, known.generation
    )
    opened = await store.read_stock(connection, "stock:monet")
    more = Stock(per="date", amount=12, slots=(SlotStock("2026-06-01", 5), SlotStock("2026-06-03", 1)))
    await put_offer(connection, structs.replace(TICKET, stock=more))
    await store.open_stock(connection, {"stock:monet/2026-06-04": 10}, known.generation)
    then = await store.read_stock(connection, "stock:monet")

    assert {"stock:monet/2026-06-01": 4, "stock:monet/2026-06-02": 10} == {
        name: one.left for name, one in opened.items()
    }
    # 4 June wasn't opened: whoever asked for it knew the number of another generation.
    assert {"stock:monet/2026-06-01": 5, "stock:monet/2026-06-02": 12, "stock:monet/2026-06-03": 1} == {
        name: one.left for name, one in then.items()
    }


async def test_of_the_same_version_changed_at_once_one_comes_next(database: str, connection: Any) -> None:
    await put_offer(connection, TICKET, FIRST)
    tag = Change("head office", AT, frozenset({'"1"'}))

    async def change(minutes: int) -> str:
        mine = await connect(database, role=SERVICE_ROLE)
        try:
            put = await put_offer(mine, structs.replace(TICKET, hold_minutes=minutes), tag)
        except Problem as problem:
            return problem.code
        finally:
            await mine.close()
        return put.filed.tag

    told = sorted(await asyncio.gather(*(change(minutes) for minutes in range(1, 9))))

    assert ['"2"', *["precondition_failed"] * 7] == told


async def test_however_often_the_number_changes_no_more_are_taken_than_there_are(
    database: str, connection: Any
) -> None:
    """Four shards lease and take while the number goes up and down; each change that succeeds holds."""
    name, shards = "stock:monet", range(4)
    await put_offer(connection, structs.replace(TICKET, stock=Stock(amount=40)), FIRST)
    owner = await connect(database)
    take = (
        "UPDATE promotion_budget SET used = used + 1 WHERE shard = $1 AND promotion = $2 AND used < allotted"
    )

    async def sell(shard: int) -> None:
        mine = await connect(database, role=SERVICE_ROLE)
        for _ in range(40):
            try:
                async with mine.transaction():
                    await commands_store.lock_budgets(mine, shard, [name])
                    if await mine.execute(take, shard, name) == "UPDATE 0":
                        await commands_store.lease_budget(mine, shard, Short(name, 1))
                        await mine.execute(take, shard, name)
            except RACES:
                continue
        await mine.close()

    async def change() -> list[bool]:
        held = list[bool]()
        for amount in (30, 50, 25, 60, 20, 45) * 3:
            try:
                async with connection.transaction():
                    done = await store.set_stock(connection, name, amount)
            except RACES:
                continue
            stock = (await store.read_stock(connection, name))[name]
            held.append(not done or stock.used <= stock.amount == amount)
        return held

    *_, held = await asyncio.gather(*map(sell, shards), change())
    end = (await store.read_stock(connection, name))[name]
    leased, allotted = await owner.fetchrow(
        "SELECT leased, (SELECT sum(allotted) FROM promotion_budget) FROM promotion_pool WHERE promotion = $1",
        name,
    )
    await owner.close()

    assert len(held) > 5
    assert all(held)
    assert 0 < end.used <= leased == allotted <= end.amount


@pytest.mark.parametrize("table", ["partner_version", "offer_version"])
@pytest.mark.parametrize("word", ["UPDATE {} SET changed_by = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_versions_are_never_changed_nor_taken_away(
    database: str, connection: Any, table: str, word: str
) -> None:
    await publishing.put_partner(connection, EMPTY, AIR, FIRST)
    await put_offer(connection, TICKET, FIRST)
    owner = await connect(database)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await connection.execute(word.format(table))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(word.format(table))
    finally:
        await owner.close()


async def test_a_partners_key_names_the_partner_and_no_other_key_does(database: str) -> None:
    owner = await connect(database)
    insert = (
        "INSERT INTO api_key (key_id, role, name, hash, created_at, partner)"
        " VALUES (gen_random_uuid(), $1, 'x', sha256('x'), now(), $2)"
    )
    try:
        for role, partner in (("partner", ""), ("booking", "thai_air")):
            with pytest.raises(asyncpg.CheckViolationError):
                await owner.execute(insert, role, partner)
    finally:
        await owner.close()
