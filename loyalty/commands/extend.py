"""Extend a hold: for as long as the offer allows from now on, or until an instant that is named.

It never lasts beyond the day after the use, or two years from now where there is no day of use.

Refusals, in this order: the key was used with another request; the redemption is unknown, or another partner's; the
key's own person; it isn't held, or its time is up; `until` is before what it lasts already, or too far ahead.
"""

import datetime as dt
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from loyalty.commands import redeeming
from loyalty.commands.model import Facts, Key, Result, Target, replay
from loyalty.commands.redeeming import Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.partners.details import AHEAD, FORMS, Night
from loyalty.partners.offers import Listing
from loyalty.partners.redemption import Redemption


class ExtendRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold it until an instant; left out, for as long as the offer allows from now on."""

    until: Annotated[datetime, Meta(tz=True)] | None = None


class Extend(Struct, frozen=True, gc=False):
    """An extension that is well-formed."""

    target: Target
    redemption_id: UUID
    request: ExtendRequest
    caller: Caller
    key: Key


def decide(facts: Facts, rules: Rulebook, command: Extend, moment: Moment) -> Result:
    """Decide what an extension comes to."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    refusal = redeeming.refuse_step(one, "extended", moment)
    if refusal is not None:
        return refusal
    until = _until(one, listing, command.request.until, moment)
    if isinstance(until, Problem):
        return until
    # From here it is extended.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    journal = book.journal(
        "hold_extended", moment.today, redeeming.words(one, f"until {until:%Y-%m-%dT%H:%MZ}")
    )
    share = one.share(one.quantity)
    deed = redeeming.take_step(one, "extended", share, journal, moment, expires_at=until)
    book.close()
    return redeeming.decision(book, [deed], listing, command.caller, command.key, {})


def _until(one: Redemption, listing: Listing, wanted: datetime | None, moment: Moment) -> datetime | Problem:
    """Return until when it is held then; or why not until the instant that is wanted."""
    most = _most(one, listing, moment)
    if wanted is None:
        return max(one.expires_at, min(most, moment.at + timedelta(minutes=listing.offer.hold_minutes)))
    if wanted < one.expires_at:
        detail = f"It is held until {one.expires_at:%Y-%m-%dT%H:%M:%SZ} already."
        return Problem("invalid_value", detail, at="/until")
    if wanted > max(most, one.expires_at):
        return Problem("invalid_value", f"It can be held until {most:%Y-%m-%dT%H:%M:%SZ}.", at="/until")
    return wanted.astimezone(dt.UTC)


def _most(one: Redemption, listing: Listing, moment: Moment) -> datetime:
    """Return until when it can be held at most: to the end of the day after the last day of use."""
    if one.begins is None:
        return moment.at + AHEAD
    day = one.begins.astimezone(listing.zone).date()
    form = msgspec.json.decode(one.details, type=FORMS[listing.offer.kind])
    if isinstance(form, Night):
        day = form.arrival + timedelta(days=form.nights - 1)
    return datetime.combine(day + timedelta(days=2), dt.time(), listing.zone).astimezone(dt.UTC)
