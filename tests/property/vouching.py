"""Vouchers on the real service, in the oracle's words: as the routes ask for them, by codes."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from loyalty import rewarding, vouchering, worker
from loyalty.commands.model import Answer, Key
from loyalty.commands.redeem_voucher import RedeemVoucherRequest
from loyalty.commands.revoke_voucher import RevokeVoucherRequest
from loyalty.commands.use import Occasion
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.vouchering import Listed
from loyalty.vouchers import codes
from loyalty.vouchers.model import Voucher
from tests.builders import PRINCIPAL
from tests.property.claiming import DESK, LiveClaims, agree_on_claims
from tests.property.live import Live
from tests.property.vouchers import Name, VouchersOracle

_LAST: Final = UUID(b"\xff" * 16)


class LiveVouchers(LiveClaims):
    """One history of members who redeem and have vouchers, on the service."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.names: dict[UUID, Name] = {}
        """What the oracle calls each voucher."""

    # --- requests -----------------------------------------------------------------------------------------------

    def redeem_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]:
        bound = self._bound(key, "redeem", name, code)

        async def work(one: Voucher) -> Answer:
            return await vouchering.redeem(self.service, one, RedeemVoucherRequest(), DESK, bound)

        return self._shown(name, self._by_code(name, code, bound, work))

    def revoke_voucher(self, name: Name, code: int, key: str) -> dict[str, Any]:
        bound = self._bound(key, "revoke", name, code)

        async def work(one: Voucher) -> Answer:
            request = RevokeVoucherRequest("stolen")
            return await vouchering.revoke(self.service, one, request, "test", bound)

        return self._shown(name, self._by_code(name, code, bound, work))

    def hand_over(self, name: Name, code: int, to: str | None, key: str) -> dict[str, Any]:
        bound = self._bound(key, "hand over", name, code, to)

        async def work(one: Voucher) -> Answer:
            holder = None if to is None else self.prefix + to
            return await vouchering.hand_over(self.service, one, holder, "test", bound)

        return self._shown(name, self._by_code(name, code, bound, work))

    def use_reward(self, name: Name, key: str) -> dict[str, Any]:
        bound, reward_id = self._bound(key, "use", name), self._id_of(name)
        member_id = self.member(str(name[0])).member_id
        work = rewarding.use(self.service, member_id, reward_id, Occasion(), "test", bound)
        return self._told(self._keyed(bound.key, work), lambda reply: {"reward": reply["reward"]["status"]})

    def lapse(self) -> None:
        self._tick()
        self.live.run(worker.lapse_rewards(self.service))

    def _bound(self, key: str, *body: object) -> Key:
        return self.service.key(PRINCIPAL, self.prefix + key, repr(body).encode())

    def _by_code(self, name: Name, code: int, key: Key, work: Any) -> Answer | Problem:
        """Do something with the voucher of a code, as the routes do."""
        typed = self.service.codes.make(self._id_of(name), code)

        async def found() -> Answer:
            one = await vouchering.named(self.service, typed, key)
            answer = one if isinstance(one, Answer) else await work(one)
            return vouchering.with_code(self.service, answer)

        return self._keyed(key.key, found())

    # --- what is seen -------------------------------------------------------------------------------------------

    def _shown(self, name: Name, result: Answer | Problem) -> dict[str, Any]:
        def told(reply: dict[str, Any]) -> dict[str, Any]:
            one = reply["voucher"]
            handed_over = one.get("handed_over", 0)
            assert show("vch", self._id_of(name)) == one["voucher_id"]
            assert codes.show(self.service.codes.make(self._id_of(name), handed_over)) == one["code"]
            return {"voucher": one["status"], "handed_over": handed_over}

        return self._told(result, told)

    @staticmethod
    def _told(result: Answer | Problem, told: Any) -> dict[str, Any]:
        """Return what the oracle predicts of an answer: the code of a refusal, or what is told of the reply."""
        if isinstance(result, Problem):
            return {"code": result.code}
        reply = msgspec.json.decode(result.body)
        seen = {"code": reply["code"]} if "code" in reply else {"status": result.status} | told(reply)
        return seen | ({"replayed": True} if result.replayed else {})

    def _seen(self, result: Answer | Problem) -> dict[str, Any]:
        """Return what is seen of a step, with the vouchers that it issued or revoked; those that are new get a name."""
        seen = super()._seen(result)
        told = msgspec.json.decode(result.body).get("vouchers") if isinstance(result, Answer) else None
        if not told:
            return seen
        ids = [_id(one) for one in told]
        for number, one in enumerate(ids, 1):
            self.names.setdefault(one, (seen["claim"], number))
        return seen | {"vouchers": sorted(self.names[one] for one in ids)}

    def know_rewards(self) -> None:
        """Name the vouchers of rewards as the oracle does: by member, milestone and ordinal, in their order."""
        rows = self.live.query(
            "SELECT r.reward_id, m.number, r.milestone, r.ordinal,"
            " row_number() OVER (PARTITION BY m.number, r.milestone, r.ordinal ORDER BY r.reward_id) - 1"
            " FROM reward AS r JOIN member AS m USING (shard, member_id) WHERE starts_with(m.number, $1)",
            self.prefix,
        )
        for reward_id, number, *place in rows:
            self.names[reward_id] = (number.removeprefix(self.prefix), *place)

    def _id_of(self, name: Name) -> UUID:
        if name not in self.names.values():
            self.know_rewards()
        return next(one for one, called in self.names.items() if called == name)

    def listed(self, numbers: Iterable[str]) -> dict[str, dict[Name, tuple[Any, ...]]]:
        """Return by member all that a list of the member's vouchers tells of each."""
        self.know_rewards()

        async def page(number: str) -> list[Listed]:
            found = await self.service.find_member(self.prefix + number)
            assert found is not None
            return await vouchering.page(self.service, found.member, _LAST, None, 500)

        async def pages() -> dict[str, list[Listed]]:
            return {number: await page(number) for number in numbers}

        return {
            number: {self.names[one.voucher.voucher_id]: _said(one) for one in page}
            for number, page in self.live.run(pages()).items()
        }


def _said(listed: Listed) -> tuple[Any, ...]:
    one = listed.voucher
    return one.status, one.handed_over, one.transferable, one.valid_to, listed.mine


def _id(shown: str) -> UUID:
    found = parse("vch", shown)
    assert found is not None
    return found


def agree_on_vouchers(books: LiveVouchers, oracle: VouchersOracle) -> None:
    """Check that all that can be seen of vouchers, redemptions and members is what the oracle says."""
    agree_on_claims(books, oracle)
    expected = {
        number: {
            name: (one.status, one.handed_over, one.transferable, one.ends, one.holder == number)
            for name, one in oracle.vouchers.items()
            if number in {one.owner, one.holder}
        }
        for number in oracle.members
    }
    assert expected == books.listed(oracle.members)
