"""More time for one proposal at the desk: the register, the answer, time given without being asked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation.fulfilling import proposals_in_time
from program import clock
from program.deadlines import end_of_day, next_business_day
from program.models import Call
from program.services.calls import PAST_THE_ORDER
from program.templatetags.portal import deadline, deadline_date
from proposals import services
from proposals.models import Extension, Proposal, TimeRequest
from tests.factories import evaluation as make
from tests.factories.program import issued_call, officer
from tests.factories.proposals import (
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
    submitted,
)
from tests.proposals.pages import sign_in
from tests.statements import statements

pytestmark = pytest.mark.django_db
LIST = "/desk/more-time/"


@pytest.fixture
def asked():
    return asked_for(ProposalFactory(title="Secret stack"))


def asked_for(proposal):
    return services.ask_for_time(proposal, by=representative_of(proposal), reason="A flood.")


def form_of(proposal, **changes):
    due_on = next_business_day(proposal.call.due_on + timedelta(days=3))
    form = {
        "due_on": due_on.isoformat(),
        "reason": "The flood.",
        "legal_basis": "The call",
        "understood": "on",
    }
    return form | changes


def shown_first(client, page, form):
    """The form as it is sent once its page has shown which day will stand."""
    shown = client.post(page, form)
    return form | {"seen": shown.context["form"]["seen"].value()}


def test_officer_finds_the_request_and_gives_time_once(client, asked):
    sign_in(client, officer())
    said = client.get(LIST).content.decode()
    page = f"{LIST}{asked.pk}/"
    assert page in said and "Secret" not in said
    said = client.get(page).content.decode()
    assert PAST_THE_ORDER in said and "A flood." in said and "Secret" not in said
    for missing in ("due_on", "reason", "legal_basis", "understood"):
        assert client.post(page, form_of(asked.proposal, **{missing: ""})).status_code == 422
    refused = client.post(page, form_of(asked.proposal, due_on=asked.proposal.call.due_on.isoformat()))
    assert "the last day as it stands" in refused.content.decode()
    assert "The flood." in refused.content.decode()
    assert not Extension.objects.exists()
    shown = client.post(page, form_of(asked.proposal))
    assert shown.status_code == 200 and not Extension.objects.exists()
    due_on = next_business_day(asked.proposal.call.due_on + timedelta(days=3))
    assert (
        f"<strong>{deadline(end_of_day(due_on))}</strong>" in shown.content.decode()
        and "cannot be taken back" in shown.content.decode()
    )
    form = form_of(asked.proposal, seen=shown.context["form"]["seen"].value())
    later = next_business_day(asked.proposal.call.due_on + timedelta(days=9)).isoformat()
    assert client.post(page, form | {"due_on": later}).status_code == 200
    assert client.post(page, form).status_code == 302
    again = client.post(page, form_of(asked.proposal, reason="A second flood."))
    assert (again.status_code, Extension.objects.count()) == (409, 1)
    assert "A second flood." in again.content.decode()
    given = Extension.objects.get()
    assert given.closes_at == end_of_day(given.due_on) == Proposal.objects.get(pk=asked.proposal_id).closes_at
    assert "Later than the 90th day" in client.get(LIST).content.decode()


def test_request_is_among_the_tasks_until_it_is_answered(client, asked):
    by = officer()
    sign_in(client, by)
    assert "1 request for more time" in client.get("/desk/").content.decode()
    services.decline_time(asked, by=by, answer="No.")
    assert "for more time" not in client.get("/desk/").content.decode()


def test_officer_declines_with_a_reason(client, asked):
    sign_in(client, officer())
    decline = f"{LIST}{asked.pk}/decline/"
    assert client.post(decline, {"answer": ""}).status_code == 422
    assert client.post(decline, {"answer": "All had the same time."}).status_code == 302
    again = client.post(decline, {"answer": "There is no reason."})
    assert again.status_code == 409 and "There is no reason." in again.content.decode()
    asked.refresh_from_db()
    assert (asked.status, asked.answer) == ("declined", "All had the same time.")
    assert "All had the same time." in client.get(LIST).content.decode()


def test_auditor_reads_and_does_not_answer(client, asked):
    sign_in(client, officer("auditor"))
    said = client.get(f"{LIST}{asked.pk}/").content.decode()
    assert "A flood." in said and "Show what will stand" not in said
    assert client.post(f"{LIST}{asked.pk}/", form_of(asked.proposal)).status_code == 403
    assert client.post(f"{LIST}{asked.pk}/decline/", {"answer": "No."}).status_code == 403
    assert TimeRequest.objects.get().status == "asked"


def test_register_is_closed_to_others(client, asked):
    own = officer()
    TeamMemberFactory(membership=asked.proposal.consortium.anchor, user=own)
    assert sign_in(client, own).get(f"{LIST}{asked.pk}/").status_code == 404
    for person in (representative_of(asked.proposal), officer("decision_official"), officer("reviewer")):
        sign_in(client, person)
        assert client.get(LIST).status_code == 403
        assert client.get(f"{LIST}{asked.pk}/").status_code == 403


def test_submitted_proposal_is_given_time_from_its_page(client):
    proposal = make.at_intake()
    sign_in(client, officer())
    page = reverse("evaluation:proposal-extend", args=[proposal.number])
    assert page in client.get(f"/desk/proposals/{proposal.number}/").content.decode()
    assert client.get(page).status_code == 200
    assert client.post(page, shown_first(client, page, form_of(proposal))).status_code == 302
    assert Extension.objects.get().proposal == proposal
    assert client.post(page, form_of(proposal)).status_code == 422
    assert Extension.objects.count() == 1


def test_extension_page_is_the_program_offices_and_of_nobody_recused(client):
    proposal = make.at_intake()
    page = reverse("evaluation:proposal-extend", args=[proposal.number])
    recused = officer()
    RecusalFactory(proposal=proposal, user=recused)
    assert sign_in(client, recused).get(page).status_code == 404
    assert sign_in(client, officer("auditor")).get(page).status_code == 403


def test_proposal_that_has_ended_leads_back_and_keeps_what_was_typed(client):
    proposal = make.designated().proposal
    page = reverse("evaluation:proposal-extend", args=[proposal.number])
    assert sign_in(client, officer()).get(page).status_code == 302
    found = client.post(page, form_of(proposal))
    assert (found.status_code, Extension.objects.count()) == (409, 0)
    said = found.content.decode()
    assert "The flood." in said and "Show what will stand" not in said


def test_control_characters_are_refused_beside_their_field(client, asked):
    sign_in(client, officer())
    page = f"{LIST}{asked.pk}/"
    for field in ("reason", "legal_basis"):
        found = client.post(page, form_of(asked.proposal, **{field: "A flood.\fOf paper."}))
        assert found.status_code == 422 and "Of paper." in found.content.decode()
        assert list(found.context["form"].errors) == [field]
    found = client.post(f"{page}decline/", {"answer": "No.\fNever."})
    assert found.status_code == 422 and "Never." in found.content.decode()
    asked.refresh_from_db()
    assert (asked.status, Extension.objects.count()) == ("asked", 0)


def test_request_that_can_no_longer_be_granted_waits_for_nobody(client, asked):
    cancelled = asked_for(ProposalFactory())
    Call.objects.filter(pk=cancelled.proposal.call_id).update(cancelled_at=clock.now(), status="cancelled")
    Proposal.objects.filter(pk=asked.proposal_id).update(status="withdrawn")
    sign_in(client, officer())
    assert "for more time" not in client.get("/desk/").content.decode()
    said = client.get(LIST).content.decode()
    for one in (asked, cancelled):
        assert f"{LIST}{one.pk}/" not in said
        page = client.get(f"{LIST}{one.pk}/").content.decode()
        assert "No time can be given any more" in page and "Or decline" not in page


def test_every_list_goes_on_to_what_does_not_fit(client, monkeypatch):
    by = officer()
    sign_in(client, by)
    due_on = next_business_day(clock.today() + timedelta(days=200))
    for _ in range(3):
        _, given, declined = (asked_for(ProposalFactory()) for _ in range(3))
        services.grant_time(given, by=by, due_on=due_on, reason="A flood.", legal_basis="The call")
        services.decline_time(declined, by=by, answer="No.")
    monkeypatch.setattr("evaluation.views.more_time.SHOWN", 2)
    for name in ("waiting", "given", "declined"):
        first = client.get(LIST)
        (link,) = re.findall(rf'href="(\?{name}=\d+#{name})"', first.content.decode())
        second = client.get(f"{LIST}{link}")
        assert [len(page.context[name]) for page in (first, second)] == [2, 1]
        assert not {*first.context[name]} & {*second.context[name]}
        assert f"?{name}=" not in second.content.decode()
    assert client.get(f"{LIST}?given=x").status_code == 200


def test_desk_shows_how_long_a_returned_proposal_has(client):
    proposal = ProposalFactory(status="returned")
    longer = proposal.cure_due_at + timedelta(days=20)
    Proposal.objects.filter(pk=proposal.pk).update(extended_to=longer)
    sign_in(client, officer())
    for page in ("/desk/", "/desk/intake/"):
        said = client.get(page).content.decode()
        assert deadline_date(longer) in said and deadline_date(proposal.cure_due_at) not in said


def test_what_came_within_its_own_longer_time_counts_as_in_time():
    call = issued_call(at=clock.now() - timedelta(days=100))
    with clock.moved_to(call.closes_at - timedelta(days=1)):
        proposal = ProposalFactory(call=call, complete=True)
    due_on = next_business_day(clock.today() + timedelta(days=3))
    services.extend_proposal(proposal, by=officer(), due_on=due_on, reason="A flood.", legal_basis="The call")
    proposal.refresh_from_db()
    submitted(proposal)
    assert proposals_in_time(officer()).value == 1


def test_list_costs_the_same_for_one_row_and_three(client):
    by = officer()
    sign_in(client, by)
    client.get(LIST)

    def add():
        _, given, declined = (asked_for(ProposalFactory()) for _ in range(3))
        due_on = next_business_day(clock.today() + timedelta(days=200))
        services.grant_time(given, by=by, due_on=due_on, reason="A flood.", legal_basis="The call")
        services.decline_time(declined, by=by, answer="No.")

    def cost():
        with statements() as sent:
            client.get(LIST)
        return len(sent)

    add()
    one = cost()
    for _ in range(2):
        add()
    assert cost() == one
