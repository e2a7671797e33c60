"""Write down a member's consent that a partner spends points, once, for minutes. The token itself isn't kept.

Refusals, in this order: the key was used with another request; the member is unknown; the key's own person; the
account is closed.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from loyalty.commands import redeeming
from loyalty.commands.model import Answer, Decision, Facts, Key, Result, Target, replay
from loyalty.commands.redeeming import Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ledger.model import Moment
from loyalty.partners.redemption import Token
from loyalty.program.model import Identifier

_encode = msgspec.json.Encoder().encode


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Let a partner spend up to so many points within minutes; once."""

    partner: Identifier
    points: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    minutes: Annotated[int, Meta(ge=1, le=1440)] = 15


class MintToken(Struct, frozen=True, gc=False):
    """A token to be made that is well-formed; of itself only the hash."""

    target: Target
    token: Token
    caller: Caller
    key: Key


class TokenGiven(Struct, frozen=True, gc=False):
    """What is kept of the answer: all but the token itself."""

    partner: str
    points: int
    expires_at: datetime


def decide(facts: Facts, rules: Rulebook, command: MintToken, moment: Moment) -> Result:
    """Decide what a token comes to."""
    del rules, moment
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    if facts.member is None:
        return Problem("unknown_member")
    own = redeeming.refuse_caller(facts.member, command.caller)
    if own is not None:
        return own
    if facts.member.status != "active":
        return Problem("member_closed")
    # From here it is made.
    one = command.token
    reply = _encode(TokenGiven(one.partner, one.points, one.expires_at))
    return Decision(Answer(201, reply), key=command.key, tokens=[one])
