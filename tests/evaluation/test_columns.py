"""A consultation is shown alike from a list and from its record, and hides what the reader may not see."""

from __future__ import annotations

import pytest

from evaluation.columns import columns, summary
from evaluation.consultations import COLUMNS, Consultation
from evaluation.models import Referral
from program import clock
from program.models import User
from tests.factories import evaluation as make

pytestmark = pytest.mark.django_db


def rows_of(proposal):
    found = Referral.objects.filter(version__proposal=proposal)
    return [Consultation._make(row) for row in found.values_list(*COLUMNS)]


def open_one(proposal):
    pass


def answered(proposal):
    make.filed(proposal, "STATE", "support")


def lapsed(proposal):
    Referral.objects.update(status="lapsed", lapsed_at=clock.now())


def paused(proposal):
    Referral.objects.update(paused_at=clock.now(), stood_days=2, settled_on=clock.today())


def ended(proposal):
    Referral.objects.update(status="ended", ended_at=clock.now())


@pytest.mark.parametrize("change", [open_one, answered, lapsed, paused, ended])
def test_row_of_a_list_says_what_the_record_says(change):
    proposal = make.accepted()
    change(proposal)
    records = Referral.objects.filter(version__proposal=proposal).select_related("agency", "position")
    assert rows_of(proposal) == [Consultation.of(record) for record in records]
    words = [(row.status_words, row.replaced_by) for row in rows_of(proposal)]
    assert words == [(record.get_status_display(), record.replaced_by) for record in records]


def test_an_answer_on_an_earlier_version_opens_no_stance_on_a_later_one():
    proposal, now = make.accepted(), clock.now()
    make.filed(proposal, "STATE", "support")
    make.filed(proposal, "DOE", "object", rationale="The hall is not secure.")
    rows = [row if row.code == "STATE" else row._replace(version=2, newest=2) for row in rows_of(proposal)]

    def held(person, rows):
        found = columns(rows, User.objects.get(pk=person.pk), now)
        return {column.consultation.code: column for column in found}["DOE"]

    assert held(make.lead("STATE"), rows_of(proposal)).state == "Object"
    assert held(make.lead("STATE"), rows).state == "Answered"


def test_what_is_in_and_who_objects_is_counted_of_the_consultations():
    proposal = make.accepted()
    make.filed(proposal, "STATE", "support")
    make.filed(proposal, "DOE", "object", rationale="The hall is not secure.")
    Referral.objects.filter(agency__code="DOD").update(status="lapsed", lapsed_at=clock.now())

    def said(person):
        return summary(columns(rows_of(proposal), User.objects.get(pk=person.pk), clock.now()))

    assert said(make.decision_official()) == "2 of 5 in, 1 objects, 1 did not respond"
    assert said(make.lead("OSTP")) == "2 of 5 in, 1 did not respond"


def test_hidden_stance_is_not_held_by_what_a_page_is_given():
    proposal, now = make.accepted(), clock.now()
    make.filed(proposal, "STATE", "object", rationale="The hall is not secure.")

    def held(person):
        found = columns(rows_of(proposal), User.objects.get(pk=person.pk), now)
        return {column.consultation.code: column for column in found}["STATE"]

    waiting = held(make.lead("DOE"))
    assert (waiting.state, waiting.consultation.stance, "object" in repr(waiting).lower()) == (
        "Answered", None, False,
    )  # fmt: skip
    assert (held(make.lead("STATE")).state, held(make.lead("STATE")).consultation.stance) == (
        "Object", "object",
    )  # fmt: skip
