"""What nobody does with a key of the staff where it is for an account of the key's own. Pure."""

from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.model import Member


def is_own(member: Member, person: UUID | None) -> bool:
    """Tell whether an account is the key's `person`, whatever accounts were merged into it; None: nobody's."""
    return person is not None and (person == member.member_id or show("mem", person) in member.traits.merged)


def refuse_gain(member: Member, person: UUID | None, at: str = "") -> Problem | None:
    """Return that somebody of the staff would give to an own account."""
    if not is_own(member, person):
        return None
    return Problem("own_account", "The key belongs to this member: another one has to do it.", at=at)
