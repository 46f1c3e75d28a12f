"""How often a person may do what costs the portal or its people something, and when they may again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TooMany(Exception):
    """It was done as often as is allowed; nothing was changed. It can be done again in ``seconds``."""

    message: str
    seconds: int

    def __str__(self) -> str:
        return self.message
