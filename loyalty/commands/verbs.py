"""The verbs of the ledger: what kinds of commands there are, what decides each, and what it may need."""

from collections.abc import Callable
from typing import Any, Final

from loyalty.commands import (
    adjust,
    benefit,
    capture,
    choose,
    end_status,
    enrol,
    expire,
    expire_hold,
    extend,
    give_status,
    hand_over,
    hold,
    lapse,
    mint_token,
    post_stay,
    purchase,
    redeem_voucher,
    refund,
    register,
    release,
    review,
    revoke_voucher,
    set_segments,
    use,
)
from loyalty.commands.adjust import Adjust
from loyalty.commands.benefit import ReturnBenefit, UseBenefit
from loyalty.commands.capture import Capture
from loyalty.commands.choose import Choose
from loyalty.commands.end_status import EndStatus
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.expire_hold import ExpireHold
from loyalty.commands.extend import Extend
from loyalty.commands.give_status import GiveStatus
from loyalty.commands.hand_over import HandOver
from loyalty.commands.hold import Hold
from loyalty.commands.lapse import Lapse
from loyalty.commands.mint_token import MintToken
from loyalty.commands.model import Alias, Facts, Key, Result, settle, survivor_of
from loyalty.commands.post_stay import PostStay
from loyalty.commands.purchase import Purchase
from loyalty.commands.redeem_voucher import RedeemVoucher
from loyalty.commands.refund import Refund
from loyalty.commands.register import Register
from loyalty.commands.release import Release
from loyalty.commands.review import Review
from loyalty.commands.revoke_voucher import RevokeVoucher
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.set_segments import SetSegments
from loyalty.commands.use import UseReward
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import needs

Steps = Capture | Release | Extend | Refund | ExpireHold
"""What happens to a redemption that is there: it is the member's who made it, also when that one was merged."""

Command = (
    PostStay | Adjust | Enrol | Expire | Review | Purchase | GiveStatus | EndStatus | SetSegments | Register
    | Choose | UseReward | Lapse | UseBenefit | ReturnBenefit | RedeemVoucher | RevokeVoucher | HandOver
    | Hold | MintToken | Steps
)  # fmt: skip

_DECIDE: Final[dict[type, Callable[[Facts, Rulebook, Any, Moment], Result]]] = {
    PostStay: post_stay.decide,
    Adjust: adjust.decide,
    Enrol: enrol.decide,
    Expire: expire.decide,
    Review: review.decide,
    Purchase: purchase.decide,
    GiveStatus: give_status.decide,
    EndStatus: end_status.decide,
    SetSegments: set_segments.decide,
    Register: register.decide,
    Choose: choose.decide,
    UseReward: use.decide,
    Lapse: lapse.decide,
    UseBenefit: benefit.decide_use,
    ReturnBenefit: benefit.decide_return,
    RedeemVoucher: redeem_voucher.decide,
    RevokeVoucher: revoke_voucher.decide,
    HandOver: hand_over.decide,
    Hold: hold.decide,
    MintToken: mint_token.decide,
    Capture: capture.decide,
    Release: release.decide,
    Extend: extend.decide,
    Refund: refund.decide,
    ExpireHold: expire_hold.decide,
}
"""What decides each kind of command."""

_OF_THE_ACCOUNT = (
    Enrol, Expire, Review, Lapse, RedeemVoucher, RevokeVoucher, HandOver, Capture, Release, Extend, Refund, ExpireHold,
    MintToken,
)  # fmt: skip
"""Commands that are about an account itself, merged or not: what was redeemed stays where it was,
and a token is kept where its text says."""


def decide(facts: Facts, rules: Rulebook, command: Command, moment: Moment) -> Result:
    """Return what a command comes to by what is known; a refusal is the outcome of its key."""
    alias = _alias(facts, command)
    return alias or settle(_DECIDE[type(command)](facts, rules, command, moment), key_of(command))


def _alias(facts: Facts, command: Command) -> Alias | None:
    """Return who stands for a member that was merged; its number stays taken, its books have no points to expire."""
    if facts.member is None or isinstance(command, _OF_THE_ACCOUNT) or _consented(command):
        return None
    survivor = survivor_of(facts.member)
    return None if survivor is None else Alias(survivor)


def _consented(command: Command) -> bool:
    """Tell whether it goes by a token: that is consent to spend the points of one account."""
    return isinstance(command, Hold) and command.token is not None


def key_of(command: Command) -> Key | None:
    """Return the idempotency key of a command; a posting has none beside its own."""
    return None if isinstance(command, PostStay) else command.key


def shows_a_race(command: Command, facts: Facts) -> bool:
    """Tell whether what a command decides on outdated facts would fail to be written.

    A journal fails by the member's version, a new stay by its natural key, an idempotency key by itself. But a revision
    may be overtaken by a newer one that moves nothing and has no journal, and expiry may find nothing to write one for:
    only locks keep those in order.
    """
    if isinstance(command, PostStay):
        return facts.stay is None
    return not isinstance(command, Expire | Review | Lapse)


def need_of(facts: Facts, member: Member, command: Command, moment: Moment) -> int | None:
    """Return how many points a command may draw from lots; None when it needs no lot at all."""
    draws = 0
    if isinstance(command, PostStay):
        draws = 0 if facts.stay is None else facts.stay.award.points
    elif isinstance(command, Adjust):
        draws = max(0, -command.request.points)
    elif isinstance(command, Hold):
        draws = 0 if facts.order is None else facts.order.cost.points
    return needs(member, draws, moment)


def gives_back(command: Steps) -> bool:
    """Tell whether points may go back to lots."""
    if isinstance(command, Capture):
        return command.request.quantity is not None
    return not isinstance(command, Extend)
