"""Figures of what was spent with partners, as routes ask for them."""

from datetime import date

from loyalty.partners import reports
from loyalty.partners import settlement_store as store
from loyalty.partners.reports import By, CostReport, LotsReport, Owed, Redeemed
from loyalty.service import Service


async def redemptions(service: Service, first: date, last: date, by: By) -> list[Redeemed]:
    """Return what was captured and refunded from a day to another, by partner, offer, tier or month."""
    return reports.redeemed(await store.report_redemptions(service.pool, first, last, by))


async def lots(service: Service) -> LotsReport:
    """Return what members have today, by the months until it is lost."""
    today = service.today()
    async with service.pool.acquire() as connection:
        rows = await store.report_lots(connection, today)
        return reports.lots(rows, await store.report_held(connection), today)


async def cost(service: Service, first: date, last: date) -> CostReport:
    """Return what partners gave and took from a day to another, and the money owed for it."""
    async with service.pool.acquire() as connection:
        partners = await store.report_cost(connection, first, last)
        return reports.cost(partners, await store.report_issued(connection, first, last))


async def properties(service: Service, first: date, last: date) -> list[Owed]:
    """Return who pays whom: points by the hotel that gave them and the partner that took them."""
    async with service.pool.acquire() as connection:
        rows = await store.report_properties(connection, first, last)
        hotels = await store.properties_of(connection, [(row[0], row[1], row[2], row[3]) for row in rows])
    return reports.owed(rows, hotels)
