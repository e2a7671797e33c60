"""Redemptions on the real service, in the oracle's words: offers of a history are its own."""

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import structs

from loyalty import offering, redeeming, settling
from loyalty.commands.accrue import AccrualRequest
from loyalty.commands.capture import CaptureRequest
from loyalty.commands.extend import ExtendRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.mint_token import TokenRequest
from loyalty.commands.model import Answer
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import RefundRequest
from loyalty.commands.release import ReleaseRequest
from loyalty.commands.reverse_accrual import ReverseAccrualRequest
from loyalty.errors import Problem
from loyalty.ids import parse, show
from loyalty.partners.accruals import Deposit
from loyalty.partners.model import Contract, Offer, Partner, Price, Stock, Title
from tests.builders import PRINCIPAL
from tests.property.claims import FUND, HOLD_DAYS, OFFERS, PARTNERS, TICKET, TOKEN_DAYS, ClaimsOracle, Offered
from tests.property.live import Live, LiveBooks, agree

DESK = Caller("test")
"""A booking site: it names the member, and gives no reason."""


class LiveClaims(LiveBooks):
    """One history of members who redeem, on the service."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.code = self.prefix.lower().replace("-", "_")
        self.claims: dict[str, int] = {}
        for code, offered in OFFERS.items():
            live.run(offering.put_offer(self.service, self.offer(code, offered), "test", None))
        self.tokens: list[str] = []
        self.partner = Caller("partner", partner=self.code + "museum")
        live.run(offering.put_partner(self.service, self._partner(), "test", None))
        paid = Deposit(self.partner.partner, "paid", FUND, 300, "CNY", live.clock.now(), "test")
        live.run(settling.deposit(self.service, paid, self.service.key(PRINCIPAL, self.prefix + "paid", b"")))
        ticket = structs.replace(self.offer(TICKET, PARTNERS[TICKET]), partner=self.partner.partner)
        live.run(offering.put_offer(self.service, ticket, "test", None))

    def offer(self, code: str, offered: Offered) -> Offer:
        """Return an offer to put on file, of the hotel itself."""
        return Offer(
            code=self.code + code, kind="merchandise", name=Title(code, code), prices=(Price(points=offered.points),),
            stock=None if offered.stock is None else Stock(amount=offered.stock), hold_minutes=HOLD_DAYS * 24 * 60,
            refundable=offered.refundable, voucher=offered.voucher, voucher_months=offered.months,
            transferable=offered.transferable,
        )  # fmt: skip

    def _partner(self) -> Partner:
        name = Title("Museum", "博物馆")
        contract = Contract("CNY", "0.01", "prepaid", "0.01")
        return Partner(code=self.partner.partner, name=name, contract=contract)

    # --- requests -----------------------------------------------------------------------------------------------

    def hold(self, number: str, offer: str, quantity: int, key: str, *, capture: bool) -> dict[str, Any]:
        request = RedemptionRequest(
            offer=self.code + offer,
            details={},
            quantity=quantity,
            member=self.prefix + number,
            capture=capture,
        )
        bound = self.service.key(PRINCIPAL, self.prefix + key, repr(request).encode())
        return self._seen(self._keyed(bound.key, redeeming.redeem(self.service, request, DESK, bound)))

    def capture(self, claim: int, quantity: int, key: str) -> dict[str, Any]:
        return self._step(claim, CaptureRequest(quantity), key)

    def release(self, claim: int, key: str) -> dict[str, Any]:
        return self._step(claim, ReleaseRequest(), key)

    def extend(self, claim: int, key: str) -> dict[str, Any]:
        return self._step(claim, ExtendRequest(), key)

    def refund(self, claim: int, quantity: int, key: str) -> dict[str, Any]:
        return self._step(claim, RefundRequest("not wanted", quantity), key)

    def mint(self, number: str, points: int, key: str) -> dict[str, Any]:
        request = TokenRequest(self.partner.partner, points, TOKEN_DAYS * 24 * 60)
        bound = self.service.key(PRINCIPAL, self.prefix + key, f"{number} {request!r}".encode())
        work = redeeming.mint_token(self.service, self.prefix + number, request, Caller("test"), bound)
        result = self._keyed(bound.key, work)
        if isinstance(result, Problem):
            return {"code": result.code}
        reply = msgspec.json.decode(result.body)
        replayed = {"replayed": True} if result.replayed else {}
        if "code" in reply:
            return {"code": reply["code"]} | replayed
        if not result.replayed:
            self.tokens.append(reply["token"])
        return {"status": result.status, "token": self.tokens.index(reply["token"])} | replayed

    def redeem(self, token: int, quantity: int, reference: str, key: str) -> dict[str, Any]:
        request = RedemptionRequest(
            offer=self.code + TICKET,
            details={},
            quantity=quantity,
            token=self.tokens[token],
            reference=reference,
        )
        bound = self.service.key(PRINCIPAL, self.prefix + key, repr(request).encode())
        return self._seen(
            self._keyed(bound.key, redeeming.redeem(self.service, request, self.partner, bound))
        )

    def accrue(self, number: str, points: int, reference: str, key: str) -> dict[str, Any]:
        request = AccrualRequest(self.prefix + number, reference, points, self.live.clock.now().date())
        bound = self.service.key(PRINCIPAL, self.prefix + key, repr(request).encode())
        work = settling.accrue(self.service, self.partner.partner, request, "partner", bound)
        return self._given(self._keyed(bound.key, work))

    def take_back(self, reference: str, key: str) -> dict[str, Any]:
        request, partner = ReverseAccrualRequest("not flown"), self.partner.partner
        bound = self.service.key(PRINCIPAL, self.prefix + key, reference.encode())
        work = settling.reverse_accrual(self.service, partner, reference, request, "partner", bound)
        return self._given(self._keyed(bound.key, work))

    @staticmethod
    def _given(result: Answer | Problem) -> dict[str, Any]:
        if isinstance(result, Problem):
            return {"code": result.code}
        reply = msgspec.json.decode(result.body)
        replayed = {"replayed": True} if result.replayed else {}
        if "code" in reply:
            return {"code": reply["code"]} | replayed
        left = {"left": reply["left"]} if "left" in reply else {}
        return {"status": result.status, "points": reply["points"]} | left | replayed

    def issue(self) -> tuple[str, int, int]:
        self._tick()
        period = f"{self.live.clock.now().date().replace(day=1) - timedelta(days=1):%Y-%m}"
        drawn, _ = self.live.run(settling.issue(self.service, self.partner.partner, period, "test"))
        return period, drawn.statement.records, drawn.statement.points

    def expire_holds(self) -> None:
        self._tick()
        self.live.run(redeeming.expire_holds(self.service))

    def _step(self, claim: int, request: Any, key: str) -> dict[str, Any]:
        which = next(name for name, place in self.claims.items() if place == claim)
        bound = self.service.key(PRINCIPAL, self.prefix + key, f"{which} {request!r}".encode())
        work = redeeming.step(self.service, which, request, DESK, bound)
        return self._seen(self._keyed(bound.key, work))

    def _seen(self, result: Answer | Problem) -> dict[str, Any]:
        """Return what the oracle predicts of an answer."""
        if isinstance(result, Problem):
            return {"code": result.code}
        reply = msgspec.json.decode(result.body)
        replayed = {"replayed": True} if result.replayed else {}
        if "code" in reply:
            return {"code": reply["code"]} | replayed
        claim = self.claims.setdefault(reply["redemption_id"], len(self.claims))
        balance = reply.get("balance")
        told = (
            {"available": balance["available"], "debt": balance["debt"], "held": balance["held"]}
            if balance
            else {}
        )
        return {
            "status": result.status, "claim": claim, "redemption": reply["status"],
            "captured": reply["captured"], "refunded": reply["refunded"],
        } | told | replayed  # fmt: skip


def agree_on_claims(books: LiveClaims, oracle: ClaimsOracle) -> None:
    """Check that all that can be seen of redemptions, stock and members is what the oracle says."""
    agree(books, oracle)
    for number in oracle.members:
        assert oracle.held(number) == books.balance(number).held
    found = {
        show("red", row["redemption_id"]): (row["status"], row["quantity"], row["captured"], row["refunded"])
        for row in books.live.query(
            "SELECT redemption_id, status, quantity, captured, refunded FROM redemption WHERE redemption_id = ANY ($1)",
            [parse("red", one) for one in books.claims],
        )
    }
    for which, place in books.claims.items():
        one = oracle.claims[place]
        assert (one.status, one.quantity, one.captured, one.refunded) == found[which]
    for code in ("lamp", TICKET):
        left = books.live.run(offering.left_of(books.service, books.code + code))
        assert list(left.values()) == [oracle.left(code)]
