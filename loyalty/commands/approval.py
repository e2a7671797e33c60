"""What waits for a second person: a proposal as it is on file, and making one. Pure."""

from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from loyalty.commands.model import Key
from loyalty.ids import UUID
from loyalty.ledger.model import Member, Moment

Kind = Literal["compensation", "settlement_adjustment"]

_encode: Final = msgspec.json.Encoder().encode


class Approval(Struct, gc=False):
    """A proposal, in the order of the table's columns. `request` is what is proposed, as JSON; its `kind` says how."""

    shard: int
    approval_id: UUID
    member_id: UUID
    request: str
    proposer: UUID
    proposed_by: str
    proposed_at: datetime
    status: str = "open"
    decider: UUID | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    journal_id: UUID | None = None
    reply: str | None = None
    kind: Kind = "compensation"


def propose(kind: Kind, member: Member, request: Struct, actor: str, key: Key, moment: Moment) -> Approval:
    """Return a proposal in the shard of the member whom it is about."""
    return Approval(
        member.shard, moment.mint(member.shard), member.member_id, _encode(request).decode(), key.principal, actor,
        moment.at, kind=kind,
    )  # fmt: skip
