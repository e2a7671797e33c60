"""The codes of vouchers: made, written for people, and read however they are typed. Pure.

A code has 17 characters: two for the shard, 14 for 70 bits that can't be guessed, and one to check them all. The bits
are a keyed hash of the voucher and of how often it was handed over. So only a hash of the code is kept, and still it
can be shown again to whoever may see it.

The check is a sum in the field of 32 elements with another weight for each place: it finds every single wrong character
and every swap of two, neighbours or not. ISO 7064's hybrid systems miss some swaps of neighbours.
"""

import re
from hashlib import blake2b, sha256
from typing import Final

from msgspec import Struct

from loyalty.ids import UUID, shard_of

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters without I, L, O and U: none looks like another."""
LENGTH: Final = 17
_BITS: Final = 5
_SHARD: Final = 2
_SECRET: Final = 14
_GROUP: Final = 4
_FIELD: Final = 0b100101
"""The polynomial x⁵ + x² + 1, by which the field of 32 elements is made; x gives all but zero of it."""
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_TYPED: Final = str.maketrans("OIL", "011", " \t-‐‑–—_")
"""What people type for what they see, and what they put between groups."""
_FORM: Final = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
_MOST_TYPED: Final = 64


class Codes(Struct, frozen=True, gc=False):
    """Makes codes with a key of the service. Whoever hasn't the key can't make one."""

    key: bytes = b""

    def make(self, voucher_id: UUID, handed_over: int) -> str:
        """Return the code of a voucher that was handed over so many times."""
        told = voucher_id.bytes + handed_over.to_bytes(4, "big")
        digest = blake2b(told, key=self.key, digest_size=9, person=b"voucher code").digest()
        shard = _letters(shard_of(voucher_id), _SHARD)
        body = shard + _letters(int.from_bytes(digest, "big") >> 2, _SECRET)
        return body + check(body)

    def hash(self, voucher_id: UUID, handed_over: int) -> bytes:
        """Return what is kept of the code of a voucher."""
        return digest_of(self.make(voucher_id, handed_over))


def digest_of(code: str) -> bytes:
    """Return the SHA-256 of a code; its entropy makes a slow hash needless."""
    return sha256(code.encode()).digest()


def check(body: str) -> str:
    """Return the character that goes with the others.

    >>> check("01" + "0" * 14)
    '4'
    """
    total, weight = 0, 1
    for character in body:
        weight = _times(weight, 2)
        total ^= _times(weight, _VALUES[character])
    return ALPHABET[total]


def read(typed: str) -> str | None:
    """Return the code that somebody typed, or None: case, blanks and dashes don't matter, nor O for 0 or I for 1."""
    if len(typed) > _MOST_TYPED:
        return None
    code = typed.upper().translate(_TYPED)
    return code if _FORM.fullmatch(code) and check(code[:-1]) == code[-1] else None


def shard_in(code: str) -> int:
    """Return the shard that a code names."""
    first, second = code[:_SHARD]
    return _VALUES[first] << _BITS | _VALUES[second]


def show(code: str) -> str:
    """Write a code in groups of four, for people.

    >>> show("0123456789ABCDEFG")
    '0123-4567-89AB-CDEF-G'
    """
    return "-".join(code[place : place + _GROUP] for place in range(0, len(code), _GROUP))


def _letters(value: int, places: int) -> str:
    """Write a number in so many characters, five bits each."""
    assert value >> _BITS * places == 0, "the number fits"
    return "".join(ALPHABET[value >> _BITS * place & 31] for place in range(places - 1, -1, -1))


def _times(one: int, other: int) -> int:
    """Multiply two elements of the field of 32."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 1 << _BITS:
            one ^= _FIELD
        other >>= 1
    return product
