"""One way to write a value down: canonical JSON (RFC 8785) and its SHA-256.

Decimals are written as strings and dates in ISO 8601 before they come here, so that no platform's
floating point takes part.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_json(value: Any) -> str:
    """``value`` as RFC 8785 text; raises ``rfc8785.CanonicalizationError`` for what JSON cannot say."""
    return rfc8785.dumps(value).decode()


def sha256_hex(text: str | bytes) -> str:
    """The SHA-256 of ``text`` (UTF-8) as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
