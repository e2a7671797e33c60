"""A hotel's desk, for tests of settlement: it speaks to the service in their words."""

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from loyalty import moving, offering, redeeming, settling
from loyalty.commands.accrue import AccrualRequest
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.approve import Verdict
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.model import Answer
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import RefundRequest
from loyalty.commands.reverse_accrual import ReverseAccrualRequest
from loyalty.commands.settle_adjust import SettlementAdjustmentRequest
from loyalty.errors import Problem
from loyalty.ids import UUID, parse
from loyalty.members.model import EnrolRequest
from loyalty.partners.accruals import Deposit
from loyalty.partners.model import Contract, Offer, Partner, Price, Title
from loyalty.stays.model import Line, StayPosting
from tests.builders import PRINCIPAL
from tests.property.live import Live

NAME = Title("Air", "航空")
DESK = Caller("the desk", operator=True)
SECOND = UUID(bytes(15) + b"\x02")
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


def seen(answer: Answer) -> Any:
    """Return what was answered; what a key was refused as a problem."""
    body = json.loads(answer.body)
    if answer.status < 400:
        return body
    return Problem(body["code"], body["detail"], numbers=body.get("numbers"))


class Desk:
    """A hotel's desk that speaks to the service in the tests' words."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.keys = itertools.count(1)
        live.clock.set(MARCH)

    def key(self, *about: object) -> Any:
        return self.live.service.key(PRINCIPAL, f"k{next(self.keys)}", repr(about).encode())

    def does(self, work: Any) -> Any:
        """Run work a second later; return what was answered, or the code of the refusal."""
        self.live.clock.advance(timedelta(seconds=1))
        try:
            answer = self.live.run(work)
        except Problem as problem:
            return problem
        return seen(answer) if isinstance(answer, Answer) else answer

    def partner(self, code: str, **contract: Any) -> str:
        one = Partner(code=code, name=NAME, contract=Contract("CNY", "0.01", **contract))
        self.live.run(offering.put_partner(self.live.service, one, "desk", None))
        return code

    def offer(self, code: str, partner: str | None, points: int) -> str:
        one = Offer(code=code, kind="merchandise", name=NAME, partner=partner, prices=(Price(points=points),))
        self.live.run(offering.put_offer(self.live.service, one, "desk", None))
        return code

    def member(self, number: str, points: int = 0) -> str:
        self.does(self.live.service.enrol(EnrolRequest(number=number), "desk", self.key()))
        if points:
            request = AdjustmentRequest(number, points, "goodwill")
            self.does(self.live.service.adjust(request, "desk", self.key()))
        return number

    def stay(self, member: str, amount: str) -> None:
        today = self.live.clock.now().date()
        posting = StayPosting(
            "opera", "SHA01", f"R{next(self.keys)}", member, "checked_out", today - timedelta(2), today - timedelta(1),
            "direct", "CNY", [Line("room", amount)],
        )  # fmt: skip
        self.does(self.live.service.post_stay(posting, "desk"))

    def ask(self, member: str, offer: str, quantity: int = 1, reference: str | None = None) -> Any:
        request = RedemptionRequest(
            offer, {}, quantity, member, reference=reference, reason="asked", capture=True
        )
        return self.does(redeeming.redeem(self.live.service, request, DESK, self.key()))

    def redeem(self, member: str, offer: str, quantity: int = 1, reference: str | None = None) -> str:
        done = self.ask(member, offer, quantity, reference)
        assert not isinstance(done, Problem), done.detail
        return done["redemption_id"]

    def refund(self, redemption: str, quantity: int) -> Any:
        request = RefundRequest("changed their mind", quantity)
        return self.does(redeeming.step(self.live.service, redemption, request, DESK, self.key()))

    def accrue(self, partner: str, member: str, reference: str, points: int, day: date | None = None) -> Any:
        request = AccrualRequest(member, reference, points, day or self.live.clock.now().date(), "LH720")
        return self.does(settling.accrue(self.live.service, partner, request, partner, self.key()))

    def take_back(self, partner: str, reference: str) -> Any:
        request = ReverseAccrualRequest("not flown")
        return self.does(
            settling.reverse_accrual(self.live.service, partner, reference, request, partner, self.key())
        )

    def pay(self, partner: str, reference: str, points: int) -> Any:
        one = Deposit(partner, reference, points, points, "CNY", self.live.clock.now(), "desk")
        return self.does(settling.deposit(self.live.service, one, self.key()))

    def issue(self, partner: str, period: str) -> Any:
        found = self.does(settling.issue(self.live.service, partner, period, "desk"))
        return found if isinstance(found, Problem) else found[0]

    def act(self, partner: str, period: str, *doing: Any) -> Any:
        done = self.does(settling.act(self.live.service, partner, period, *doing))
        return done.code if isinstance(done, Problem) else done.status

    def adjust(self, partner: str, period: str, points: int, money: str = "0", **about: Any) -> Any:
        request = SettlementAdjustmentRequest("as agreed", points, money, **about)
        return self.does(
            settling.adjust(self.live.service, partner, period, request, "desk", self.key(request))
        )

    def judge(self, proposed: Any, verdict: Verdict = "approved", who: UUID = SECOND) -> Any:
        approval_id = parse("apr", proposed["approval_id"])
        assert approval_id is not None
        return self.does(moving.approve(self.live.service, approval_id, verdict, who, "boss"))
