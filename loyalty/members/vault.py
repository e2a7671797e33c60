"""The vault: each field of a profile sealed with the member's own key, and that key with the installation's.

AES-256-GCM. What is sealed is bound to the member and to its field, so that nothing can be swapped between rows.
Destroying the sealed key makes all fields unreadable for good, and leaves the books as they are.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from loyalty.ids import UUID
from loyalty.members.model import Profile, SealedProfile

FIELDS: Final = ("name", "email", "phone", "birthday", "language")
_NONCE: Final = 12


class VaultError(Exception):
    """A profile can't be opened: the installation's key is another one, or the row was tampered with."""


class Vault:
    """Seals and opens profiles with the installation's key."""

    def __init__(self, key: bytes) -> None:
        """Take the installation's key, 32 bytes."""
        self._installation = AESGCM(key)

    def seal(self, member_id: UUID, profile: Profile) -> SealedProfile:
        """Seal a profile under a fresh key of the member's own."""
        own = AESGCM.generate_key(256)
        cipher = AESGCM(own)
        values = {field: getattr(profile, field) for field in FIELDS}
        return SealedProfile(
            _seal(self._installation, own, member_id, "key"),
            **{
                field: _seal(cipher, text.encode(), member_id, field)
                for field, text in values.items()
                if text
            },
        )

    def open(self, member_id: UUID, sealed: SealedProfile) -> Profile:
        """Open a sealed profile; raise VaultError when it can't be."""
        try:
            cipher = AESGCM(_open(self._installation, sealed.sealed_key, member_id, "key"))
            values = {field: getattr(sealed, field) for field in FIELDS}
            return Profile(
                **{
                    field: _open(cipher, box, member_id, field).decode()
                    for field, box in values.items()
                    if box
                }
            )
        except InvalidTag as error:
            raise VaultError("the profile can't be opened with this installation's key") from error


def _seal(cipher: AESGCM, plain: bytes, member_id: UUID, field: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, member_id.bytes + field.encode())


def _open(cipher: AESGCM, box: bytes, member_id: UUID, field: str) -> bytes:
    return cipher.decrypt(box[:_NONCE], box[_NONCE:], member_id.bytes + field.encode())
