"""What followed the designations: catalog, tools, meetings of the EDAG, a commitment, a suspension."""

from __future__ import annotations

from typing import Final

FIRST_MEETING: Final = "EDAG: first review of designated packages"


def play() -> None:
    pass
