"""Which secrets are strong enough for production: keys, and the passwords of database and broker."""

from __future__ import annotations

KEY_LENGTH = 50
PASSWORD_LENGTH = 20
DIFFERENT_CHARACTERS = 10
#: Words of sample files and of the images of database and broker
WELL_KNOWN = (
    "insecure",
    "changeme",
    "change-me",
    "secret",
    "password",
    "example",
    "postgres",
    "valkey",
)


def is_weak(secret: str, *, least: int) -> bool:
    """Whether ``secret`` has fewer than ``least`` characters, few different ones, or a well-known word.

    Nothing is weak where nothing is demanded: ``least`` is 0.
    """
    if not least:
        return False
    is_known = any(word in secret.lower() for word in WELL_KNOWN)
    return len(secret) < least or len(set(secret)) < DIFFERENT_CHARACTERS or is_known
