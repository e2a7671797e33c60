"""`/v1/partners/{code}/accruals`: points that partners give; `…/deposits` and `…/fund`: what they pay for before."""

from fractions import Fraction
from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from loyalty import money, settling
from loyalty.commands.accrue import AccrualRequest, AccrualView
from loyalty.commands.reverse_accrual import ReverseAccrualRequest
from loyalty.commands.transfer import SomePoints
from loyalty.errors import Problem
from loyalty.http.answers import answered
from loyalty.http.auth import require_partner
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of
from loyalty.partners.accruals import Deposit, PartnerReference
from loyalty.partners.model import Money
from loyalty.settling import Fund


class DepositRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a partner paid for so many points; without `money` it is the points at the contract's price."""

    reference: Annotated[PartnerReference, Meta(examples=["PAY-20260301"])]
    points: SomePoints
    money: Money | None = None


@post(
    "/v1/partners/{code:str}/accruals", tags=["Settlement"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_partner", "own_account", "unknown_partner", "unknown_member",
        "reference_taken", "idempotency_key_reused", "not_offered", "partner_suspended", "member_closed",
        "invalid_value", "limit_reached", "fund_exhausted",
    ),
)  # fmt: skip
async def accrue(
    code: FromPath[str], data: JSONBody[AccrualRequest], request: ApiRequest
) -> Response[AccrualView]:
    """Credit points that a partner gives to a member. Needs a header `Idempotency-Key`.

    Nobody of the staff credits an own account.
    """
    require_partner(request.user, code)
    key, person = await key_of(request), await person_of(request)
    return answered(await settling.accrue(service_of(request), code, data, request.user.name, key, person))


@get(
    "/v1/partners/{code:str}/accruals/{reference:str}", tags=["Settlement"],
    responses=problem_responses("forbidden_partner", "unknown_partner", "unknown_accrual"),
)  # fmt: skip
async def get_accrual(code: FromPath[str], reference: FromPath[str], request: ApiRequest) -> AccrualView:
    """Return points that a partner gave."""
    require_partner(request.user, code)
    return await settling.accrual(service_of(request), code, reference)


@post(
    "/v1/partners/{code:str}/accruals/{reference:str}/reverse", tags=["Settlement"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_partner", "unknown_partner", "unknown_accrual", "accrual_reversed",
        "idempotency_key_reused",
    ),
)  # fmt: skip
async def reverse_accrual(
    code: FromPath[str], reference: FromPath[str], data: JSONBody[ReverseAccrualRequest], request: ApiRequest
) -> Response[AccrualView]:
    """Take back points that a partner gave; what was spent of them is owed. Needs a header `Idempotency-Key`."""
    require_partner(request.user, code)
    key = await key_of(request)
    return answered(
        await settling.reverse_accrual(service_of(request), code, reference, data, request.user.name, key)
    )


@post(
    "/v1/partners/{code:str}/deposits", tags=["Settlement"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_partner", "reference_taken", "idempotency_key_reused", "not_offered",
        "invalid_value",
    ),
)  # fmt: skip
async def deposit(code: FromPath[str], data: JSONBody[DepositRequest], request: ApiRequest) -> Response[Fund]:
    """Note what a prepaid partner paid for points that it is to give. Needs a header `Idempotency-Key`."""
    service, key = service_of(request), await key_of(request)
    contract = (await settling.partner_of(service, code)).one.contract
    if contract.account != "prepaid" or contract.accrual_price is None:
        raise Problem("not_offered", "By its contract the partner pays nothing before.")
    decimals = money.digits(contract.currency)
    exact = Fraction(contract.accrual_price) * data.points * 10**decimals
    paid = int(exact) if data.money is None else money.to_minor(data.money, decimals)
    if paid is None:
        raise Problem("invalid_value", f"Is finer than {contract.currency} has decimals.", at="/money")
    one = Deposit(
        code, data.reference, data.points, paid, contract.currency, service.clock.now(), request.user.name
    )
    return answered(await settling.deposit(service, one, key))


@get(
    "/v1/partners/{code:str}/fund", tags=["Settlement"],
    responses=problem_responses("forbidden_partner", "unknown_partner"),
)  # fmt: skip
async def get_fund(code: FromPath[str], request: ApiRequest) -> Fund:
    """Return how many points a partner paid for before, and what is left of them."""
    require_partner(request.user, code)
    return await settling.fund(service_of(request), code)
