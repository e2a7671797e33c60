"""Redemptions on the real service, in the oracle's words: offers of a history are its own."""

from typing import Any

import msgspec

from loyalty import offering, redeeming
from loyalty.commands.capture import CaptureRequest
from loyalty.commands.extend import ExtendRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.model import Answer
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import RefundRequest
from loyalty.commands.release import ReleaseRequest
from loyalty.errors import Problem
from loyalty.ids import parse, show
from loyalty.partners.model import Offer, Price, Stock
from loyalty.program.model import Name
from tests.builders import PRINCIPAL
from tests.property.claims import HOLD_DAYS, OFFERS, ClaimsOracle, Offered
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

    def offer(self, code: str, offered: Offered) -> Offer:
        """Return an offer to put on file, of the hotel itself."""
        return Offer(
            code=self.code + code, kind="merchandise", name=Name(code, code), prices=(Price(points=offered.points),),
            stock=None if offered.stock is None else Stock(amount=offered.stock), hold_minutes=HOLD_DAYS * 24 * 60,
            refundable=offered.refundable,
        )  # fmt: skip

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
        balance = reply["balance"]
        return {
            "status": result.status, "claim": claim, "redemption": reply["status"],
            "captured": reply["captured"], "refunded": reply["refunded"],
            "available": balance["available"], "debt": balance["debt"], "held": balance["held"],
        } | replayed  # fmt: skip


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
    left = books.live.run(offering.left_of(books.service, books.code + "lamp"))
    assert list(left.values()) == [oracle.left("lamp")]
