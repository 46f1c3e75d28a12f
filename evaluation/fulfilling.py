"""How many records of intake and evaluation fulfil a duty of E.O. 14320: of public ones, and inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef
from django.urls import reverse

from evaluation.models import CatalogEntry, Position
from program.figures import Figure, figure, fulfils, fulfils_inside, on_home_page
from proposals.models import Proposal, Version

if TYPE_CHECKING:
    from program.models import User


@on_home_page
@fulfils("14320", "3(d)")
def packages_in_catalog() -> Figure:
    """What is decided, announced and released; how many proposals wait or were declined stays inside."""
    found = CatalogEntry.objects.public().count()
    url = reverse("evaluation:catalog")
    return figure(found, "designated package in the catalog", "designated packages in the catalog", url)


@fulfils_inside("14320", "3(c)")
def proposals_in_time(user: User) -> Figure:
    """Proposals whose first version came within the days of the call or within its own, longer time."""
    first = Version.objects.filter(proposal=OuterRef("pk"), number=1, on_time=True)
    rows = Proposal.objects.read_by_office(user).filter(Exists(first))
    return Figure(rows.count(), "proposals received in time", reverse("evaluation:intake"))


@fulfils_inside("14320", "3(d)")
def positions_filed(user: User) -> Figure:
    """Positions of the agencies that stand."""
    rows = Position.objects.visible_to(user).standing()
    url = reverse("evaluation:determinations")
    return figure(rows.count(), "position of an agency filed", "positions of agencies filed", url)
