"""Paths that are a key themselves: whoever reads one may use an invitation, set a password, read a calendar.

They are never written down whole: not in the log, not in the record. The proxy withholds the same ones
(`deploy/nginx.conf`).
"""

from __future__ import annotations

import re
from typing import Final

KEYS: Final = (
    "/invitations/",
    "/subscriptions/confirm/",
    "/subscriptions/stop/",
    "/notices/mail/stop/",
    "/calendar/",
    "/accounts/confirm-email/",
    "/accounts/password/reset/key/",
)
WITHHELD: Final = "(withheld)"
#: Also where such a path stands in the query of another, as the page to go on to
_KEY = re.compile(f"({'|'.join(KEYS).replace('/', '(?:/|%2F)')})[^\\s\"'?&#<>\\\\,;]+", re.IGNORECASE)


def without_keys(text: str) -> str:
    """``text`` with every key in a path replaced by one word."""
    return _KEY.sub(rf"\1{WITHHELD}", text)
