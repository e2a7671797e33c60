"""The composition root: the one place where things are wired."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp

from loyalty import __version__, log, metrics
from loyalty.http import (
    accruals,
    adjustments,
    balances,
    compensations,
    households,
    members,
    merges,
    offers,
    operation,
    partners,
    programs,
    properties,
    purchases,
    redemptions,
    reports,
    rewards,
    simulations,
    standing,
    statements,
    stays,
    transfers,
    vouchers,
)
from loyalty.http.auth import KeyRing, permission_gate, postgres_keys
from loyalty.http.docs import DOCS_HANDLERS, ClosedStructs, openapi_config
from loyalty.http.edge import Edge
from loyalty.http.problems import EXCEPTION_HANDLERS, StrictRequest
from loyalty.opening import open_service
from loyalty.settings import Settings, read_settings
from loyalty.worker import running_jobs

ROUTES = (
    members.enrol, members.find_member, members.get_member,
    stays.post_stay, stays.post_stays, stays.get_stay,
    balances.get_balance, balances.get_balances, balances.get_statement,
    rewards.list_rewards, rewards.choose_reward, rewards.use_reward, rewards.list_flagged,
    rewards.use_benefit, rewards.return_benefit,
    adjustments.adjust,
    transfers.transfer, purchases.purchase,
    households.found_household, households.get_household, households.join_household, households.leave_household,
    merges.merge, merges.undo_merge,
    standing.give_status, standing.end_status, standing.set_segments, standing.register,
    compensations.compensate, compensations.list_approvals, compensations.approve, compensations.reject,
    properties.list_properties, properties.get_property, properties.put_property,
    programs.list_programs, programs.get_program, programs.publish_program, programs.withdraw_program,
    simulations.simulate_program,
    partners.list_partners, partners.get_partner, partners.put_partner,
    accruals.accrue, accruals.get_accrual, accruals.reverse_accrual, accruals.deposit, accruals.get_fund,
    statements.issue_statement, statements.list_statements, statements.get_statement, statements.accept_statement,
    statements.dispute_statement, statements.settle_statement, statements.match_statement,
    statements.match_statement_file, statements.get_match, statements.adjust_statement,
    reports.report_redemptions, reports.report_lots, reports.report_cost, reports.report_properties,
    redemptions.mint_token, redemptions.redeem, redemptions.get_redemption, redemptions.list_redemptions,
    redemptions.capture, redemptions.release, redemptions.extend, redemptions.refund,
    offers.list_offers, offers.get_offer, offers.put_offer,
    vouchers.get_voucher, vouchers.get_voucher_qr, vouchers.redeem_voucher, vouchers.revoke_voucher,
    vouchers.hand_over_voucher, vouchers.list_vouchers,
    operation.live, operation.ready, operation.expose,
    *DOCS_HANDLERS,
)  # fmt: skip


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the ASGI application on the database that the settings name; it opens and closes with its lifespan."""
    settings = settings or read_settings()
    log.configure(settings.log_format, settings.log_level)
    metrics.describe_build(__version__)
    app = make_litestar(settings)
    keys = KeyRing(postgres_keys(lambda: app.state.service.pool))
    return Edge(app, keys, body_limits={"/v1/stays/batch": settings.max_body_mb << 20})


def make_litestar(settings: Settings) -> Litestar:
    """Return the routes with their documentation; also what `openapi.json` is written from."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        dsn = settings.dsn
        assert dsn is not None, "`loyalty serve` says which database to use"
        async with open_service(settings, dsn) as service, running_jobs(service):
            app.state.service = service
            _collect_less_often()
            yield

    return Litestar(
        ROUTES,
        lifespan=[lifespan],
        middleware=[permission_gate],
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=StrictRequest,
        openapi_config=openapi_config(),
        plugins=[ClosedStructs()],
        logging_config=None,
        request_max_body_size=None,
    )


def _collect_less_often() -> None:
    """Leave what was made at the start out of garbage collection, and collect the rest less often.

    A request leaves hardly any cycles behind; looking for them at the default rate costs a tenth of a posting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def openapi_app() -> Any:
    """Return the routes without a database, for their documentation alone."""
    return make_litestar(Settings())
