"""A decision on a match is remembered for the same party and the same entry, in every proposal."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import services
from evaluation.models import PartyCheck, ScreeningList
from evaluation.packets import packet_of
from evaluation.staleness import identity_of
from program.models import AuditEvent
from program.transitions import NotReady
from proposals.package import Party
from tests.evaluation.pages import sign_in
from tests.evaluation.refusals import codes
from tests.evaluation.screenings import judged
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db

OPEN, CONFIRMED, CLEARED = "open", "confirmed", "cleared"
ALIKE, LIKE = "Fictional Dragonfly Semiconductor", "Fictional Dragonfly Semicon Works"
ADDRESS = "14 Kenyatta Avenue, Nairobi"
WHY = "Compared with the trade register of Kestrel Bay."


@pytest.fixture
def desk(reference_data):
    return officer()


def named(proposal, name=ALIKE, **facts):
    """A new version in which the end user bears the name of a listed party."""
    before = make.version_of(proposal).value
    party = before.compliance.parties[0].model_copy(update={"legal_name": name, "address": ADDRESS} | facts)
    make.new_version(proposal, {"compliance": before.compliance.model_copy(update={"parties": (party,)})})
    return proposal


def flag(proposal, desk):
    return make.screened(proposal, desk).checks.exclude(result="no_hit").get()


def met(desk, name=ALIKE, **facts):
    return flag(named(make.at_intake(), name, **facts), desk)


def state(check):
    is_open, is_confirmed, is_cleared, _ = judged(check)
    return {is_open: OPEN, is_confirmed: CONFIRMED, is_cleared: CLEARED}[True]


def settle(check, *people, outcome="false_positive", reason=WHY):
    for person in people:
        services.adjudicate(check, by=person, outcome=outcome, reason=reason)
    return check


def changed_list(desk, name):
    """The fictional list with other remarks on the entry of one party: its row is another."""
    rows = make.LIST.read_text().splitlines(keepends=True)
    (at,) = [number for number, row in enumerate(rows) if name in row]
    rows[at] = rows[at].replace(name, f"{name} (a branch)", 1)
    services.import_screening_list(
        io.BytesIO("".join(rows).encode()), by=desk, name="Changed", file_date=date(2026, 11, 3)
    )


def test_what_two_people_cleared_at_95_needs_one_to_confirm_it_in_another_proposal(desk):
    """That it is the same party rests on what the applicant typed; under 95 nobody has to."""
    second, third = officer(), officer()
    first = settle(met(desk), desk, second)
    again = met(desk, f"{ALIKE.upper()} Co., Ltd.")

    assert again.score >= 95
    assert state(again) == OPEN
    (row,) = again.adjudications.all()
    assert (row.decided_by, row.reason, row.carried_from.party_check) == (second, WHY, first)
    with pytest.raises(NotReady) as same:
        settle(again, second)
    assert codes(same) == {"decided"}
    assert state(settle(again, third)) == CLEARED
    assert state(flag(again.proposal, desk)) == CLEARED
    assert state(settle(met(desk), desk)) == CLEARED


def test_what_was_cleared_below_95_is_cleared_in_another_proposal(desk):
    first = settle(met(desk, LIKE), desk)
    again = met(desk, LIKE)
    assert again.score < 95
    assert state(again) == CLEARED
    assert again.adjudications.get().carried_from.party_check == first


def test_what_one_person_cleared_at_95_waits_for_a_second_also_in_another_proposal(desk):
    settle(met(desk), desk)
    again = met(desk)
    assert state(again) == OPEN
    with pytest.raises(NotReady) as twice:
        settle(again, desk)
    assert codes(twice) == {"decided"}
    assert state(settle(again, officer())) == CLEARED


def test_a_confirmation_is_remembered_and_takes_two_people_to_correct(desk):
    settle(met(desk), desk, outcome="confirmed")
    again = met(desk)
    assert state(again) == CONFIRMED
    for person, wanted in ((officer(), CONFIRMED), (officer(), CLEARED)):
        confirmation = again.adjudications.get(outcome="confirmed")
        services.correct_adjudication(confirmation, by=person, reason="Another register.")
        assert state(again) == wanted


@pytest.mark.parametrize(
    "other",
    [
        {"address": "2 Moi Avenue, Mombasa"},
        {"address": ""},
        {"aliases": ("Zephyr Ceramics",)},
        {"country": None},
        {"name": "Fictional Dragonfly Semiconductors Kenya"},
    ],
)
def test_another_party_is_settled_by_itself(desk, other):
    settle(met(desk), desk, officer())
    assert state(met(desk, **other)) == OPEN


def test_a_name_and_a_country_alone_are_shared_by_too_many():
    party = Party("row-1", "Ivan Petrov", (), "Owner of Fictional Firm", ("RU",))
    assert identity_of(party) == identity_of(party._replace(countries=(), told_by=("UEI 1",))) == ""
    told = party._replace(told_by=("above", "UEI ABCDEF123456"))
    assert identity_of(told) == identity_of(told._replace(name="IVAN  PETROV", key="row-2")) != ""
    assert identity_of(told) != identity_of(told._replace(told_by=("above", "UEI ZZZZZZ123456")))
    assert identity_of(told) != identity_of(told._replace(told_by=("UEI ABCDEF123456",)))


def test_an_entry_that_changed_is_compared_anew(desk):
    settle(met(desk), desk, officer())
    changed_list(desk, ALIKE)
    again = met(desk)
    assert again.run.screening_list == ScreeningList.objects.first()
    assert state(again) == OPEN


def test_an_officer_opens_anew_what_is_remembered_and_it_is_open_everywhere(desk):
    second, third = officer(), officer()
    first = settle(met(desk), desk, second)
    again = settle(met(desk), officer())
    with pytest.raises(NotReady) as unsaid:
        services.reopen_remembered(again, by=third, reason=" ")
    with pytest.raises(NotReady) as own:
        services.reopen_remembered(first, by=third, reason="It was decided here.")
    assert (codes(unsaid), codes(own), state(again)) == ({"reason"}, {"not-carried"}, CLEARED)

    services.reopen_remembered(again, by=third, reason="A new address of the listed party.")
    assert state(again) == OPEN
    act = AuditEvent.objects.get(act="partycheck.reopen")
    assert (act.actor, act.said["note"]) == (third, "A new address of the listed party.")
    repeated, elsewhere = flag(again.proposal, desk), met(desk)
    at_first = flag(first.proposal, desk)
    assert [state(check) for check in (repeated, elsewhere, at_first)] == [OPEN] * 3
    assert state(settle(repeated, desk, third)) == CLEARED
    assert state(settle(met(desk), officer())) == CLEARED


def test_a_confirmation_is_not_opened_anew_by_one_person(desk):
    settle(met(desk), desk, outcome="confirmed")
    again = met(desk)
    with pytest.raises(NotReady) as one:
        services.reopen_remembered(again, by=officer(), reason="I doubt it.")
    assert (codes(one), state(again)) == ({"confirmed"}, CONFIRMED)


def test_only_an_officer_who_stands_apart_opens_anew(desk):
    settle(met(desk), desk, officer())
    again, recused = settle(met(desk), officer()), officer()
    services.recuse(again.proposal, person=recused, by=desk, reason="A cousin.")
    for person in (recused, make.lead(), make.reviewer(), make.decision_official()):
        with pytest.raises(PermissionDenied):
            services.reopen_remembered(again, by=person, reason="I doubt it.")
    assert state(again) == CLEARED


def recuse(check, person, desk):
    services.recuse(check.proposal, person=person, by=desk, reason="A cousin.")


def on_the_team(check, desk):
    OfficeFactory(user=representative_of(check.proposal), agency=desk.offices.get().agency)


@pytest.mark.parametrize("closed", ["recused", "on the team"])
def test_nothing_is_repeated_where_somebody_reads_to_whom_it_is_closed(desk, closed):
    """Else the match that is settled in one proposal tells that its party stands in another."""
    first = settle(met(desk, LIKE), desk)
    apart = officer()
    if closed == "recused":
        recuse(first, apart, desk)
    else:
        on_the_team(first, desk)
    again = met(desk, LIKE)
    assert (state(again), again.adjudications.count()) == (OPEN, 0)
    if closed == "recused":
        recuse(again, apart, desk)
        assert state(flag(again.proposal, desk)) == CLEARED


def test_what_a_person_decided_who_is_recused_here_is_not_repeated_here(desk):
    first, other = settle(met(desk, LIKE), desk), officer()
    proposal = named(make.at_intake(), LIKE)
    services.recuse(proposal, person=desk, by=other, reason="A cousin.")
    assert state(flag(proposal, other)) == OPEN
    assert first.proposal != proposal


@pytest.mark.parametrize("said", ["confirmed", "reopened"])
def test_what_one_said_who_is_recused_since_still_overrules_what_was_said_before(desk, said):
    """Else the older false positive would clear the match that somebody had found to be listed."""
    second, third = officer(), officer()
    check = met(desk, LIKE)
    if said == "confirmed":
        settle(check, desk)
        settle(check, second, outcome="confirmed")
    else:
        settle(check, desk)
        check = flag(check.proposal, desk)
        services.reopen_remembered(check, by=second, reason="A new address of the listed party.")
    before = state(check)
    recuse(check, second, third)
    assert (before, state(flag(check.proposal, desk))) == ((CONFIRMED, OPEN)[said == "reopened"],) * 2
    if said == "confirmed":
        opinion = flag(check.proposal, desk).adjudications.get(outcome="confirmed")
        services.correct_adjudication(opinion, by=desk, reason="Another register.")
        assert state(flag(check.proposal, third)) == CONFIRMED


def test_what_one_found_false_who_is_recused_since_is_not_repeated_as_second_opinion(desk):
    second = officer()
    check = settle(met(desk), desk, second)
    recuse(check, second, desk)
    again = flag(check.proposal, desk)
    assert (state(check), state(again)) == (CLEARED, OPEN)
    assert [one.decided_by for one in again.adjudications.all()] == [desk]


def test_nothing_clears_from_elsewhere_against_what_may_not_be_told(desk):
    """A third proposal does not clear by the older decision while the newer one is closed to its readers."""
    first = settle(met(desk, LIKE), desk)
    other = met(desk, LIKE)
    settled_there = state(other)
    services.reopen_remembered(other, by=desk, reason="A new address of the listed party.")
    settle(other, officer(), outcome="confirmed")
    recuse(other, officer(), desk)
    third = met(desk, LIKE)
    assert (settled_there, state(other), state(third)) == (CLEARED, CONFIRMED, OPEN)
    assert third.adjudications.count() == 0
    assert state(flag(first.proposal, desk)) == CLEARED


def before_identities(check):
    """The check as a release kept it that knew no identity of a party."""
    fields = {field.attname: getattr(check, field.attname) for field in PartyCheck._meta.concrete_fields}
    return PartyCheck.objects.create(**fields | {"id": None, "identity": ""})


@pytest.mark.parametrize(("outcome", "comes_to"), [("confirmed", CONFIRMED), ("false_positive", CLEARED)])
def test_a_decision_older_than_identities_is_remembered_all_the_same(desk, outcome, comes_to):
    old = settle(before_identities(met(desk, LIKE)), desk, outcome=outcome)
    again = met(desk, LIKE)
    opinion = again.adjudications.get()
    assert (old.identity, state(again), opinion.carried_from.party_check) == ("", comes_to, old)
    assert state(met(desk, LIKE, address="Elsewhere")) == OPEN


def screening_page(client, person):
    sign_in(client, person)
    answer = client.get(reverse("evaluation:screening"), {"show": "cleared"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_from_where_and_by_whom_but_not_to_whom_that_is_closed(client, desk):
    reader, decider = officer(), officer()
    first = settle(met(desk, LIKE), decider)
    again = met(desk, LIKE)
    number = first.proposal.number
    open_page = screening_page(client, reader)
    recuse(first, reader, desk)
    closed_page = screening_page(client, reader)

    assert open_page.count(f'in <a href="/desk/proposals/{number}/">') == 1
    assert again.proposal.number in closed_page
    assert "at an earlier screening of the same party" in closed_page
    for secret in (number, WHY, decider.name):
        assert secret in open_page
        assert secret not in closed_page, secret
    assert "Open this match anew" in closed_page
    # The next screening does not repeat it any more: somebody reads here to whom it is closed.
    assert state(flag(again.proposal, desk)) == OPEN


def test_the_packet_says_that_it_is_remembered_and_neither_where_nor_why(desk):
    first = settle(met(desk, LIKE), desk)
    proposal = make.accepted(desk)
    flag(named(proposal, LIKE), desk)
    packet = packet_of(services.prepare_determination(proposal, by=desk))
    (row,) = packet["adjudications"]
    (opinion,) = row["opinions"]
    assert (row["state"], opinion["outcome"], opinion["is_remembered"]) == (CLEARED, "false_positive", True)
    assert (opinion["decided_by"], opinion["reason"]) == (desk.name, "")
    assert first.proposal.number not in str(packet)
    assert WHY not in str(packet)


def test_a_match_is_opened_anew_on_the_page(client, desk):
    settle(met(desk, LIKE), desk)
    again = met(desk, LIKE)
    sign_in(client, officer())
    address = reverse("evaluation:check-reopen", args=[again.pk])
    refused = client.post(address, {f"{again.pk}-anew": ""})
    assert refused.status_code == 422
    assert "Give the reason for your decision." in refused.content.decode()
    assert client.post(address, {f"{again.pk}-anew": "A new address."}).status_code == 302
    assert state(again) == OPEN
    page = client.get(reverse("evaluation:screening")).content.decode()
    assert "To be decided anew. A new address." in page
    assert PartyCheck.objects.newest().open().get() == again
