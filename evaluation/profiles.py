"""What of a package is written down to be compared with other proposals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from evaluation.names import normalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from proposals.package import Package

LONGEST: Final = 5000
LONGEST_NAME: Final = 300
#: Owners that are nobody in particular: two packages that name them share no party.
NOBODY: Final = frozenset(
    map(
        normalize,
        (
            "Public shareholders", "Public float", "Free float", "Public", "Publicly held",
            "Publicly traded", "Minority shareholders", "Other shareholders", "Shareholders",
            "Institutional investors", "Other investors", "Private investors", "Retail investors",
            "Investors", "Others", "Other", "Various", "Founders", "Management", "Employees",
            "Employee stock ownership plan", "Treasury stock", "None", "N/A", "Not applicable", "Unknown",
            "To be determined", "TBD",
        ),
    )
)  # fmt: skip


def compared_text(text: str) -> str:
    """A text as its words in small letters, cut where it is long."""
    return " ".join(re.findall(r"\w+", text.casefold()))[:LONGEST]


def named_in(package: Package, organizations: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Each name of each party, once; ``organizations`` are the keys of the members' by the member's key."""
    anchor = package.anchor.key if package.anchor else ""
    seen = set()
    for party in package.parties():
        compared = [normalize(name)[:LONGEST_NAME] for name in (party.name, *party.aliases)]
        if number := organizations.get(party.key):
            compared.append(f"#{number}")
        for one in compared:
            if one and one not in NOBODY and (party.key, one) not in seen:
                seen.add((party.key, one))
                yield {
                    "party_key": party.key,
                    "name": party.name,
                    "role": party.role,
                    "is_anchor": party.key == anchor,
                    "compared": one,
                }
