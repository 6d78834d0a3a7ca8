"""Sealed secrets: bound to their row, rotated, useless when changed."""

import pytest
from liqpass.adapters.database.key_vault import KeyVault, KeyVaultError, TamperedError, WrongMasterKeyError
from liqpass.records import Sealed

OLD, NEW = bytes([1]) * 32, bytes([2]) * 32
PLAIN = b"canary-secret-value"


def test_open__same_row__the_secret() -> None:
    vault = KeyVault([OLD])

    assert vault.open(vault.seal(PLAIN, row="t/1"), row="t/1") == PLAIN


def test_seal__twice__different_bytes_without_the_secret() -> None:
    vault = KeyVault([OLD])

    first, second = (vault.seal(PLAIN, row="t/1") for _ in range(2))

    assert first.data != second.data
    assert PLAIN not in first.data
    assert "canary" not in repr(first) + repr(vault)


def test_open__another_row__tampered() -> None:
    vault = KeyVault([OLD])

    with pytest.raises(TamperedError):
        vault.open(vault.seal(PLAIN, row="t/1"), row="t/2")


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_open__one_bit_changed__tampered(place: int) -> None:
    vault = KeyVault([OLD])
    sealed = vault.seal(PLAIN, row="t/1")
    data = bytearray(sealed.data)
    data[place] ^= 1

    with pytest.raises(TamperedError):
        vault.open(Sealed(sealed.key_id, bytes(data)), row="t/1")


def test_open__cut_short__tampered() -> None:
    vault = KeyVault([OLD])

    with pytest.raises(TamperedError):
        vault.open(Sealed(vault.seal(PLAIN, row="t/1").key_id, b"123"), row="t/1")


def test_open__master_key_missing__says_which() -> None:
    sealed = KeyVault([OLD]).seal(PLAIN, row="t/1")

    with pytest.raises(WrongMasterKeyError, match=sealed.key_id):
        KeyVault([NEW]).open(sealed, row="t/1")


def test_reseal__old_key_still_given__opens_under_the_new_one_alone() -> None:
    sealed = KeyVault([OLD]).seal(PLAIN, row="t/1")

    rotated = KeyVault([NEW, OLD]).reseal(sealed, row="t/1")

    assert KeyVault([NEW]).open(rotated, row="t/1") == PLAIN


def test_uid_hmac__after_a_rotation__the_same_person_has_the_same_hash() -> None:
    before = KeyVault([OLD])
    key = before.new_uid_key()
    both = KeyVault([NEW, OLD])

    rotated = both.reseal_uid_key(key)

    assert KeyVault([NEW]).uid_hmac("uid", uid_key=rotated) == before.uid_hmac("uid", uid_key=key)
    assert before.uid_hmac("uid", uid_key=key) != before.uid_hmac("other", uid_key=key)
    assert before.uid_hmac("uid", uid_key=before.new_uid_key()) != before.uid_hmac("uid", uid_key=key)


def test_key_id__key__differs_from_key_to_key_and_shows_none() -> None:
    ids = {KeyVault([key]).seal(PLAIN, row="t/1").key_id for key in (OLD, NEW)}

    assert len(ids) == 2
    assert OLD.hex()[:16] not in ids


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_key_vault__key_of_another_length__refused(key: bytes) -> None:
    with pytest.raises(KeyVaultError, match="32 bytes"):
        KeyVault([key])


def test_seal__no_master_key__says_what_to_set() -> None:
    with pytest.raises(KeyVaultError, match="LIQPASS_MASTER_KEY"):
        KeyVault([]).seal(PLAIN, row="t/1")
