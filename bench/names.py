"""Party screening at size: 500 proposals with 5,000 names against 25,000 entries, with compliance checks and
owners; and how well it tells names apart.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from bench.report import cell
from evaluation.compliance import Known, findings
from evaluation.matching import Listed, Matcher
from evaluation.names import GENERIC, normalize
from program.destinations import Membership, Rules
from proposals.enums import OperatingAct, SiteStatus
from proposals.package import (
    CallReference,
    Compliance,
    ConsortiumFacts,
    Country,
    HardwareComponent,
    Holder,
    Member,
    OperatingModel,
    OperatingRole,
    OrganizationFacts,
    OutsideParty,
    Package,
    Site,
)

ENTRIES: Final = 25_000
PROPOSALS: Final = 500
NAMES_EACH: Final = 10
SECONDS: Final = 60.0
RECALL: Final = 0.98
PAIRS: Final = Path(__file__).resolve().parent.parent / "tests" / "evaluation"
SETS: Final = {"tuned on": "name_pairs_tuning.csv", "held out": "name_pairs_held_out.csv"}
ON: Final = date(2026, 11, 28)
SYLLABLES: Final = (
    "ba be bu da di do ev ka ki ko kov la li lo mal ma mi mo na ne no ov ra ri ro sa se so shan ski ta ter "
    "ti tian to va ve vi wei xing za zhen zhong hua bur dor gen"
)


@dataclass(frozen=True)
class Quality:
    """Of labelled pairs at the review band: which of the same are found, which found are the same."""

    pairs: int
    recall: float
    precision: float


@dataclass(frozen=True)
class Names:
    """Seconds to make the index, and to screen and check all proposals in one process; the labelled pairs."""

    index_seconds: float
    seconds: float
    checks: int
    quality: dict[str, Quality]

    def lines(self) -> Iterator[str]:
        row = f"screen {PROPOSALS} proposals, {PROPOSALS * NAMES_EACH:,} names, {ENTRIES:,} entries"
        took = cell(self.index_seconds + self.seconds, SECONDS, ".1f")
        yield f"{row:52}{took:>14} s, one process, with {self.checks:,} compliance checks"
        for name, found in self.quality.items():
            missed = " " if found.recall >= RECALL else "!"
            yield (
                f"{f'{found.pairs} pairs of names {name}, at 85':52}{found.recall:.3f} / {RECALL}{missed} "
                f"recall, {found.precision:.3f} precision"
            )


def measure_names(entries: int = ENTRIES, proposals: int = PROPOSALS) -> Names:
    chance = Random(14320)  # noqa: S311 (data to measure with)
    made = made_up(chance)
    listed = [
        Listed(key, (normalize(next(made)), normalize(next(made))), (chance.choice(["CN", "IR", "RU"]),))
        for key in range(entries)
    ]
    # Every tenth name is a listed one with a letter missing.
    names = (
        listed[number % entries].names[0][1:] if number % 10 == 0 else next(made)
        for number in range(proposals * NAMES_EACH)
    )
    packages = [package_of(list(islice(names, NAMES_EACH))) for _ in range(proposals)]
    groups = {"CN": "D:5", "RU": "D:5", "GE": "D:1", "KE": "B"}
    rows = [Membership(group, code, date(2026, 1, 1)) for code, group in groups.items()]
    places = Rules.of(ON, {}, rows, [])

    begun = time.monotonic()
    matcher = Matcher(listed)
    ready, checks = time.monotonic(), 0
    for package in packages:
        flagged = [
            party.key
            for party in package.parties()
            if matcher.screen([party.name, *party.aliases], party.countries).flags
        ]
        confirmed = dict.fromkeys(flagged[::2], frozenset({"SDN"}))
        checks += len(findings(package, places, Known(confirmed, flagged[1::2])))
    seconds = time.monotonic() - ready
    return Names(round(ready - begun, 1), round(seconds, 1), checks, quality())


def package_of(names: list[str]) -> Package:
    """A package of ten names: two members, owners and their owners, who works at the site, outsiders."""
    one, two, parent, site_partner, end_user, lender, *owners = names
    home, abroad, far = (Country(code=code, name=code) for code in ("US", "KE", "GE"))
    chain = [
        Holder(
            key=f"owner-{at}",
            name=name,
            country=far,
            share=Decimal("0.6"),
            owns=f"owner-{at - 1}" if at else None,
        )
        for at, name in enumerate(owners)
    ]
    members = [
        Member(
            key=key,
            is_anchor=key == "one",
            organization=OrganizationFacts(
                legal_name=name,
                incorporated_in=home,
                headquartered_in=home,
                ultimate_parent=parent if key == "one" else "",
                parent_country=far,
                holders=tuple(chain) if key == "two" else (),
            ),
        )
        for key, name in (("one", one), ("two", two))
    ]
    role = OperatingRole(key="role", act=OperatingAct.OWN, third_party_name=site_partner)
    site = Site(key="site", name="Site", country=far, status=SiteStatus.PLANNED, roles=(role,))
    return Package(
        call=CallReference(number="AIX-C-2026-0001", title="Call"),
        consortium=ConsortiumFacts(members=tuple(members)),
        components=(HardwareComponent(key="part", name="Server", tpp=Decimal(9000), eccn="5A992.c"),),
        operating_model=OperatingModel(sites=(site,)),
        compliance=Compliance(
            parties=(
                OutsideParty(key="end-user", legal_name=end_user, country=abroad, headquartered_in=far),
                OutsideParty(key="lender", legal_name=lender, country=abroad),
            )
        ),
    )


def made_up(chance: Random) -> Iterator[str]:
    """Names of one to three made-up words out of 20,000 and up to three that many names have."""
    syllables, generic = SYLLABLES.split(), sorted(GENERIC)
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(20_000)]
    while True:
        own = chance.choices(words, k=chance.randint(1, 3))
        yield " ".join([*own, *chance.choices(generic, k=chance.randint(len(own) == 1, 3))])


def quality() -> dict[str, Quality]:
    """Recall and precision at the review band over each set of labelled pairs."""
    return {name: _quality(PAIRS / file) for name, file in SETS.items()}


def _quality(file: Path) -> Quality:
    with file.open(encoding="utf-8", newline="") as lines:
        pairs = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    flagged = [
        pair["is_same"] == "1"
        for pair in pairs
        if Matcher([Listed(1, (normalize(pair["listed"]),))]).screen([pair["name"]]).flags
    ]
    same = sum(pair["is_same"] == "1" for pair in pairs)
    return Quality(len(pairs), round(sum(flagged) / same, 4), round(sum(flagged) / len(flagged), 4))
