"""What the rules may know of a member, as the database has it: JSON, which for most members is one of a few texts."""

from typing import Final

import msgspec

from loyalty.ledger.model import NO_TRAITS, Traits

_MOST: Final = 64
"""How many texts are remembered."""
_common: Final[dict[str, Traits]] = {"{}": NO_TRAITS}
_texts: Final[dict[int, str]] = {id(NO_TRAITS): "{}"}

_decode: Final = msgspec.json.Decoder(Traits).decode
_encode: Final = msgspec.json.Encoder().encode


def read(text: str) -> Traits:
    """Read traits; where they tell no more than how counters are kept, as for most members, the text is read once."""
    known = _common.get(text)
    if known is not None:
        return known
    traits = _decode(text)
    if len(_common) < _MOST and traits == Traits(by_day=traits.by_day):
        _common[text], _texts[id(traits)] = traits, text
    return traits


def show(traits: Traits) -> str:
    """Write traits as JSON."""
    return _texts.get(id(traits)) or _encode(traits).decode()
