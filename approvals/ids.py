"""Ids of proposals: P- and ten letters or digits that cannot be mistaken for each other."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""


def new_id() -> str:
    """A new proposal id, 50 random bits."""
    return "P-" + "".join(secrets.choice(ALPHABET) for _ in range(10))
