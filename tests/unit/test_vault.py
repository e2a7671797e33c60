"""The vault seals what identifies a person, and nothing can be swapped or read with another key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.ids import UUID
from loyalty.members.model import Profile, SealedProfile
from loyalty.members.vault import Vault, VaultError

ONE, OTHER = UUID(bytes(15) + b"\x01"), UUID(bytes(15) + b"\x02")
VAULT = Vault(b"k" * 32)
FULL = Profile("王小明 🏨", "ming@example.com", "+86 138 0000 0000", "03-08", "zh-Hans")


def test_what_is_sealed_is_opened_again() -> None:
    assert FULL == VAULT.open(ONE, VAULT.seal(ONE, FULL))


@given(st.builds(Profile, name=st.none() | st.text(min_size=1), email=st.none() | st.text(min_size=1)))
def test_any_profile_comes_back_with_what_was_given_and_no_more(profile: Profile) -> None:
    assert profile == VAULT.open(ONE, VAULT.seal(ONE, profile))


def test_a_field_that_was_not_given_is_not_there() -> None:
    sealed = VAULT.seal(ONE, Profile(name="Ada"))

    assert (None, None, None, None) == (sealed.email, sealed.phone, sealed.birthday, sealed.language)


def test_nothing_of_a_profile_can_be_read_in_what_is_stored() -> None:
    stored = b"".join(part for part in structs.astuple(VAULT.seal(ONE, FULL)) if part)

    assert not any(text.encode() in stored for text in structs.astuple(FULL) if text)


def test_the_same_profile_never_looks_the_same_twice() -> None:
    first, second = VAULT.seal(ONE, FULL), VAULT.seal(ONE, FULL)

    assert not set(structs.astuple(first)) & set(structs.astuple(second))


def tampered(sealed: SealedProfile) -> dict[str, tuple[UUID, SealedProfile]]:
    swapped = structs.replace(sealed, name=sealed.email, email=sealed.name)
    assert sealed.name is not None
    flipped = structs.replace(sealed, name=sealed.name[:-1] + bytes([sealed.name[-1] ^ 1]))
    foreign = structs.replace(sealed, sealed_key=VAULT.seal(ONE, FULL).sealed_key)
    return {
        "of another member": (OTHER, sealed),
        "with two fields swapped": (ONE, swapped),
        "with a bit flipped": (ONE, flipped),
        "with another profile's key": (ONE, foreign),
    }


@pytest.mark.parametrize("way", list(tampered(VAULT.seal(ONE, FULL))))
def test_a_profile_that_was_tampered_with_is_not_opened(way: str) -> None:
    member_id, sealed = tampered(VAULT.seal(ONE, FULL))[way]
    with pytest.raises(VaultError):
        VAULT.open(member_id, sealed)


def test_a_profile_is_not_opened_with_the_key_of_another_installation() -> None:
    sealed = VAULT.seal(ONE, FULL)
    with pytest.raises(VaultError, match="installation's key"):
        Vault(b"x" * 32).open(ONE, sealed)
