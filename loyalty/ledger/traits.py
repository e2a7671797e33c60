"""What the rules may know of a member, as the database has it: JSON, which for most members is one of a few texts."""

from typing import Final

import msgspec

from loyalty.ledger.model import NO_TRAITS, Traits

_COMMON: Final = {"{}": NO_TRAITS, '{"by_day": true}': Traits(by_day=True)}
_TEXTS: Final = {id(traits): text for text, traits in _COMMON.items()}

_decode: Final = msgspec.json.Decoder(Traits).decode
_encode: Final = msgspec.json.Encoder().encode


def read(text: str) -> Traits:
    """Read traits; those that many have are read once."""
    return _COMMON.get(text) or _decode(text)


def show(traits: Traits) -> str:
    """Write traits as JSON."""
    return _TEXTS.get(id(traits)) or _encode(traits).decode()
