"""Every main page on a telephone: long words and file names wrap, tables turn into blocks."""

from __future__ import annotations

import pytest
from django.urls import reverse

from financing.reference import load_tools
from program.models import Document
from tests.architecture.two_consortia import build
from tests.browser.people import with_second_factor

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def pages_of(world):
    """By person: the pages that matter to them, each with a word of 36 letters in every text."""
    draft, inside, done = world.draft, world.inside, world.done
    part = [("proposals:part", draft.pk, name) for name in ("hardware", "markets", "compliance", "documents")]
    return {
        "our representative": [
            ("proposals:list",), ("proposals:tasks",), ("program:notices",), ("proposals:detail", draft.pk),
            *part, ("proposals:review", draft.pk), ("proposals:access", draft.pk),
            ("proposals:consortium", world.consortium.pk), ("proposals:member", world.membership.pk),
            ("proposals:receipt", inside.pk), ("proposals:versions", inside.pk),
            ("proposals:compare", inside.pk, 0, 1), ("evaluation:questions", inside.pk),
            ("evaluation:catalog-release", done.pk),
        ],
        "program_officer": [
            ("program:home",), ("program:calls",), ("evaluation:catalog",), ("evaluation:catalog-map",),
            ("proposals:receipts",), ("evaluation:catalog-review", world.designation.number),
            ("evaluation:desk",), ("evaluation:intake",), ("evaluation:intake-proposal", inside.number),
            ("evaluation:proposal", inside.number), ("evaluation:assignments", inside.number),
            ("evaluation:screening",), ("evaluation:compliance-list",), ("evaluation:determinations",),
            ("evaluation:determination", world.determination.pk),
            ("evaluation:designation", world.designation.number), ("program:offices",),
            ("program:desk-calls",), ("program:desk-call", world.planned.number),
        ],
        "assigned reviewer": [("evaluation:review", world.review.pk)],
        "lead of DOD": [("evaluation:position", world.referral.pk)],
        "auditor": [("evaluation:record",)],
    }  # fmt: skip


def test_no_page_scrolls_sideways_on_a_telephone(person, portal, faults):
    load_tools()
    world = build(tail="w" * 24, short_tail="www")
    Document.objects.update(name="w" * 150 + ".csv")
    for role, pages in pages_of(world).items():
        reader = person(with_second_factor(world.people[role]))
        for name, *keys in pages:
            answer = reader.page.goto(portal + reverse(name, args=keys))
            assert answer.status == 200, (role, name)
            reader.fits()
