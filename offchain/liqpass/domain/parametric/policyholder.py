"""How a leader names a policyholder on chain: by a salted hash, which tells nobody else anything."""

from eth_hash.auto import keccak

SALT_BYTES = 32


def policyholder_ref(salt: bytes, reference: str) -> bytes:
    """keccak256 of the salt and the leader's own reference (UTF-8).

    Who has both can prove what a registration stands for; without the salt, guessing references is of no
    use. Raises ValueError for a salt of another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return keccak(salt + reference.encode("utf-8"))
