"""Pages of the EDAG: what each shows, who finds it, and at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from financing.enums import ReferralStatus
from financing.models import Action, MarketBarrier, Meeting, Partnership, Tool, ToolReferral, Workstream
from financing.services.matching import match_tools
from financing.services.meetings import give_action, hold_meeting, put_on_agenda
from financing.services.referrals import refer_tool
from program import clock
from program.models import AuditEvent, Country
from proposals.models import Proposal
from tests.factories.financing import (
    PURPOSE,
    chair,
    designated,
    edag_officer,
    fresh,
    meeting,
    proposed,
    referral,
)
from tests.factories.program import UserFactory, officer

LISTS = ["edag", "designations", "tools", "meetings", "actions", "workstreams", "partnerships", "barriers"]


@pytest.fixture(autouse=True)
def _demonstration(settings):
    """Government offices enter without a second factor, which is tested elsewhere."""
    settings.DEMONSTRATION = True


def page(client, person, view, *args, answer=200, **query):
    client.force_login(fresh(person), backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.get(reverse(f"financing:{view}", args=args), query)
    assert response.status_code == answer, response.content[:500]
    return response


def post(client, person, view, *args, answer=302, **data):
    client.force_login(fresh(person), backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(reverse(f"financing:{view}", args=args), data)
    assert response.status_code == answer, response.content[-3000:]
    return response


@pytest.mark.parametrize("name", LISTS)
def test_page_exists_for_the_edag_and_for_nobody_else(client, name):
    page(client, edag_officer(), name)
    page(client, UserFactory(), name, answer=404)
    page(client, officer("reviewer", "DOE"), name, answer=404)


def test_strangers_are_asked_to_sign_in(client):
    for name in LISTS:
        assert client.get(reverse(f"financing:{name}")).status_code == 302


def test_record_of_a_recused_person_answers_like_an_absent_one(client):
    record, person = proposed(), edag_officer()
    record.designation.proposal.recusals.create(
        user=person, reason="Kin.", recused_by=officer(), recused_at=clock.now()
    )
    for name, number in [("referral", record.number), ("designation", record.designation.number)]:
        closed = page(client, person, name, number, answer=404).content
        absent = page(client, person, name, "AIX-D-2026-9999", answer=404).content
        assert len(closed) == len(absent)


def test_a_tool_goes_from_match_to_commitment_on_the_pages(client):
    designation, holder, head = designated(), edag_officer("EXIM"), chair()
    post(client, holder, "match", designation.number)
    found = designation.matches.get(tool__code="direct_loan")
    form = page(client, holder, "propose", designation.number, match=found.pk).context["form"]
    assert form.initial["tool"] == found.tool_id
    answer = post(
        client, holder, "propose", designation.number, tool=found.tool_id, market="Kenya", purpose=PURPOSE,
        amount_usd="100000000", lead_officer=holder.pk,
    )  # fmt: skip
    record = ToolReferral.objects.get()
    assert answer.url == reverse("financing:referral", args=[record.number])
    post(client, holder, "refer", record.number, answer=403)
    post(client, head, "refer", record.number, **{"refer-note": "Agreed."})
    assert b"Accept the case" in page(client, holder, "referral", record.number).content
    post(client, holder, "accept", record.number)
    refused = post(client, holder, "commit", record.number, answer=422, **{"commit-amount_usd": "90000000"})
    assert b"This field is required" in refused.content
    post(
        client, holder, "commit", record.number,
        **{
            "commit-amount_usd": "90000000", "commit-committed_on": clock.today().isoformat(),
            "commit-instrument_reference": "Board action 26-114", "commit-term_months": "120",
            "commit-is_subject_to_appropriations": "on",
        },
    )  # fmt: skip
    record.refresh_from_db()
    assert (record.status, record.commitment.amount_usd) == (ReferralStatus.COMMITTED, 90_000_000)
    shown = page(client, holder, "designation", designation.number).content.decode()
    assert "$90,000,000" in shown
    support = page(
        client, designation.proposal.created_by, "support", designation.proposal_id
    ).content.decode()
    assert "The agency has committed this support" in support
    post(client, holder, "close", record.number)
    answer = post(client, holder, "close", record.number)
    assert "was not done" in client.get(answer.url).content.decode()


def test_refused_proposal_shows_every_problem_beside_what_was_typed(client):
    designation, person = designated(), edag_officer("EXIM")
    response = post(
        client, person, "propose", designation.number, answer=422, market="Kenya", purpose=PURPOSE,
        tool=Tool.objects.get(code="equity").pk, amount_usd="5", lead_officer=person.pk,
    )  # fmt: skip
    text = response.content.decode()
    assert "The lead officer must be an EDAG officer of DFC." in text
    assert PURPOSE in text


def test_a_tool_without_an_officer_is_not_offered_and_who_appoints_one_is_said(client):
    designation, holder = designated(), edag_officer("EXIM")
    match_tools(designation, by=holder)
    tools = {match.tool.agency.code for match in designation.matches.select_related("tool__agency")}
    lacking = tools - {"EXIM"}
    assert {"EXIM"} < tools

    def offered():
        text = page(client, holder, "designation", designation.number).text
        rows = designation.matches.select_related("tool__agency")
        return {row.tool.agency.code for row in rows if f"propose/?match={row.pk}" in text}, {
            code for code in tools if f"No officer of {code} is appointed yet" in text
        }

    assert offered() == ({"EXIM"}, lacking)
    other = min(lacking)
    form = page(client, holder, "propose", designation.number).text
    said = form.split("No officer is appointed yet of: ")[1].split(". ")[0].split(", ")
    assert "EXIM" not in said
    assert other in said
    edag_officer(other)
    assert offered() == ({"EXIM", other}, lacking - {other})


def test_refused_proposal_of_a_tool_is_on_the_record(client):
    record, auditor = designated(), officer("auditor")
    page(client, auditor, "propose", record.number, answer=403)
    assert AuditEvent.objects.of(auditor).filter(act="user.refused").count() == 1


def test_consortium_page_says_nothing_of_what_is_only_proposed(client):
    record = proposed()
    anchor, proposal = record.designation.proposal.created_by, record.designation.proposal_id
    assert record.number.encode() not in page(client, anchor, "support", proposal).content
    assert b"No tool has been referred yet" in page(client, anchor, "support", proposal).content
    page(client, edag_officer(), "support", proposal, answer=404)
    page(client, UserFactory(), "support", proposal, answer=404)


def test_country_page_shows_packages_that_the_viewer_may_see(client):
    record = referral(ReferralStatus.REFERRED)
    proposal = record.designation.proposal
    shown = page(client, edag_officer(), "country", "KE")
    assert [row.pk for row, market in shown.context["packages"]] == [proposal.pk]
    assert page(client, officer("reviewer", "DOE"), "country", "KE").context["packages"] == []
    page(client, proposal.created_by, "country", "KE", answer=404)
    page(client, edag_officer(), "country", "QQ", answer=404)
    proposal.markets.update(country=Country.objects.get(pk="JP"))
    assert page(client, edag_officer(), "country", "JP").context["packages"] == [], "it was not submitted so"
    proposal.markets.all().delete()
    still = page(client, edag_officer(), "country", "KE").context["packages"]
    assert [(row.pk, market) for row, market in still] == [(proposal.pk, "Kenya")], "it was submitted so"


def test_country_page_goes_on_where_packages_are_many(client, monkeypatch):
    monkeypatch.setattr("financing.views.countries.PAGE_SIZE", 2)
    newest, *others = (referral(ReferralStatus.REFERRED).designation.proposal for _ in range(3))
    at = clock.now() - timedelta(days=3)
    Proposal.objects.filter(pk__in=[other.pk for other in others]).update(submitted_at=at)
    first = page(client, edag_officer(), "country", "KE")
    assert [row.pk for row, market in first.context["packages"]] == [newest.pk, others[1].pk]
    assert first.context["next_packages"] == f"?after={others[1].pk}#packages"
    rest = page(client, edag_officer(), "country", "KE", after=others[1].pk)
    assert [row.pk for row, market in rest.context["packages"]] == [others[0].pk]
    assert rest.context["next_packages"] == ""


def test_class_of_a_country_is_set_on_its_page(client):
    post(
        client, edag_officer("DFC"), "country_class", "KE", standing="high_income", source="World Bank, 2026"
    )
    assert page(client, edag_officer(), "country", "KE").context["standing"].standing == "high_income"
    post(client, officer(), "country_class", "KE", answer=403, standing="high_income", source="X")


def test_meeting_is_planned_held_and_decided_on_the_pages(client):
    head, record = chair(), proposed()
    post(client, head, "plan", title="EDAG", starts_at="2026-11-02T10:00", place="State", chair=head.pk)
    planned = Meeting.objects.get()
    post(client, head, "item_add", planned.pk, **{"agenda-title": "Loan", "agenda-referral": record.pk})
    item = planned.items.get()
    post(client, head, "hold", planned.pk, **{"hold-attendance": "State, EXIM"})
    key = f"decide-{item.pk}"
    post(client, head, "decide", item.pk, answer=422, **{f"{key}-decision": "refer"})
    post(client, head, "decide", item.pk, **{f"{key}-decision": "refer", f"{key}-text": "Agreed."})
    record.refresh_from_db()
    assert record.status == ReferralStatus.REFERRED
    key, day = f"action-{item.pk}", clock.today() + timedelta(days=7)
    post(client, head, "action_give", item.pk,
         **{f"{key}-text": "Ask.", f"{key}-owner": head.pk, f"{key}-due_on": day.isoformat()})  # fmt: skip
    action = Action.objects.get()
    post(client, head, "action_finish", action.pk, outcome="Answered.")
    assert b"Answered." in page(client, head, "meeting", planned.pk).content


def test_stale_workstream_answers_409_with_both_texts(client):
    person, record = edag_officer("STATE"), Workstream.objects.get(code="i")
    values = {"lead": record.lead_id, "revision": 1}
    post(client, person, "workstream", "i", status_text="First text.", **values)
    refused = post(client, person, "workstream", "i", answer=409, status_text="Second text.", **values)
    both = [(row["yours"], row["theirs"]) for row in refused.context["both"]]
    assert both == [("Second text.", "First text.")]
    post(client, person, "workstream", "i", status_text="Second text.", **values | {"revision": 2})


def test_partnership_and_barrier_are_entered_on_the_pages(client):
    person, stream = edag_officer("STATE"), Workstream.objects.get(code="iii")
    post(client, person, "partnership_new", name="Dialogue", workstream=stream.pk, status="signed",
         countries=["KE"])  # fmt: skip
    row = Partnership.objects.get()
    post(client, person, "partnership", row.pk, name="Dialogue II", workstream=stream.pk, status="signed",
         countries=["KE"], revision=1)  # fmt: skip
    post(client, person, "barrier_new", country="KE", title="Hosting rule", effect="burdens",
         status="identified")  # fmt: skip
    shown = page(client, person, "country", "KE").content.decode()
    assert "Dialogue II" in shown
    assert MarketBarrier.objects.get().title in shown


@pytest.mark.parametrize(
    ("view", "keep", "bad", "old", "new"),
    [
        ("partnership", {"name": "Dialogue", "status": "explored"}, {"name": ""}, "Explored", "Signed"),
        ("barrier", {"title": "Hosting rule", "effect": "burdens", "status": "identified"}, {"title": ""},
         "Identified", "Removed"),
    ],
)  # fmt: skip
def test_record_names_errors_beside_fields_and_shows_its_history(client, view, keep, bad, old, new):
    person, reader = edag_officer("STATE"), officer()
    more = {"workstream": Workstream.objects.get(code="iii").pk, "country": "KE"}
    refused = post(client, person, f"{view}_new", answer=422, **keep | more | bad)
    assert set(refused.context["form"].errors) == set(bad)
    post(client, person, f"{view}_new", **keep | more)
    row = {"partnership": Partnership, "barrier": MarketBarrier}[view].objects.get()
    post(client, person, view, row.pk, **keep | more | {"status": new.lower(), "revision": 1})
    refused = post(client, person, view, row.pk, answer=422, **keep | more | bad | {"revision": 2})
    assert f"<h1>{row}</h1>" in refused.content.decode(), "the heading is what stands"
    shown = page(client, reader, view, row.pk).content.decode()
    assert f"<del>{old}</del> <ins>{new}</ins>" in shown
    assert '<form method="post" novalidate>' not in shown
    post(client, reader, view, row.pk, answer=403, **keep | more)


def test_workstream_is_read_by_who_may_not_write_it(client):
    shown = page(client, officer(), "workstream", "v").content.decode()
    assert "Nothing was written here yet" in shown
    post(client, officer(), "workstream", "v", answer=403, status_text="X", revision=1)


def test_refused_decision_opens_its_form_with_the_error_beside_the_field(client):
    head = chair()
    record = meeting(by=head)
    hold_meeting(record, by=head)
    item = record.items.get()
    refused = post(client, head, "decide", item.pk, answer=422, **{f"decide-{item.pk}-decision": "note"})
    assert b'<details class="site-details" open><summary>Record the decision' in refused.content
    assert f'href="#id_decide-{item.pk}-text"' in refused.content.decode()


def test_country_counts_every_referral_and_adds_no_kinds(client):
    record = referral(ReferralStatus.COMMITTED)
    referral(ReferralStatus.REFERRED, designation=record.designation, tool="political_risk_insurance")
    sums = page(client, edag_officer(), "country", "KE").context["sums"]
    assert sums == [("referred", 1, "$100 million cover"), ("committed", 1, "$90 million money")]


def test_facts_of_a_tool_keep_source_day_and_confidence(client):
    record = referral(ReferralStatus.REFERRED)
    for shown in (
        page(client, edag_officer(), "referral", record.number),
        page(client, edag_officer(), "tools"),
    ):
        text = shown.content.decode()
        assert record.tool.source.partition(";")[0] in text
        assert "as of" in text.lower()
        assert record.tool.confidence_words in text


def test_consortium_reads_the_terms_of_the_commitment_and_how_each_request_fared(client):
    record = referral(ReferralStatus.COMMITTED)
    record.commitment.refresh_from_db()
    shown = page(client, record.designation.proposal.created_by, "support", record.designation.proposal_id)
    text = shown.content.decode()
    assert "120 months" in text
    assert "Committed, see above" in text


@pytest.mark.parametrize(
    "query", [{"stage": "nowhere"}, {"after": "x"}, {"after": "9" * 30}, {"agency": "XX"}]
)
def test_board_refuses_what_it_does_not_know(client, query):
    page(client, edag_officer(), "edag", answer=400, **query)


def test_board_narrows_to_the_stage_that_counts_now(client):
    record = referral(ReferralStatus.REFERRED)
    record.designation.proposal.designations.update(status="suspended")
    shown = page(client, edag_officer(), "edag", stage="suspended")
    assert shown.context["referrals"] == [record]
    assert page(client, edag_officer(), "edag", stage="referred").context["referrals"] == []


def rows_of(count):
    """``count`` of everything that the lists print."""
    for _ in range(count):
        record = referral(ReferralStatus.COMMITTED)
        head = chair()
        held = meeting(referral=proposed(record.designation, tool="equity"), by=head)
        hold_meeting(held, by=head)
        give_action(held.items.get(), text="Ask.", owner=head, due_on=clock.today(), by=fresh(head))
        match_tools(record.designation, by=head)
        Partnership.objects.create(
            name=record.number, workstream=Workstream.objects.get(code="iii")
        ).countries.add("KE")
        MarketBarrier.objects.create(country_id="KE", title=record.number)


#: Pages that list rows of one package, one meeting, one country, one proposal.
PAGES = {"designation": 21, "meeting": 15, "country": 21, "support": 8}


@pytest.mark.parametrize("count", [1, 3])
def test_pages_cost_the_same_for_one_row_and_for_three(client, count, django_assert_num_queries):
    record, head = referral(ReferralStatus.COMMITTED), chair()
    planned = meeting(by=head)
    hold_meeting(planned, by=fresh(head))
    for tool in ("equity", "co_financing", "feasibility_study")[:count]:
        other = proposed(record.designation, tool=tool)
        item = put_on_agenda(planned, title=tool, referral=other, by=fresh(head))
        give_action(item, text="Ask.", owner=head, due_on=clock.today(), by=fresh(head))
        refer_tool(other, by=fresh(head))
        Partnership.objects.create(name=tool, workstream=Workstream.objects.get(code="iii")).countries.add(
            "KE"
        )
        MarketBarrier.objects.create(country_id="KE", title=tool)
    keys = {"designation": record.designation.number, "meeting": planned.pk, "country": "KE",
            "support": record.designation.proposal_id}  # fmt: skip
    ContentType.objects.clear_cache()
    ContentType.objects.get_for_model(ToolReferral)
    for name, cost in PAGES.items():
        person = record.designation.proposal.created_by if name == "support" else edag_officer("DFC")
        page(client, person, name, keys[name])
        with django_assert_num_queries(cost, info=name):
            client.get(reverse(f"financing:{name}", args=[keys[name]]))


COSTS = {
    "edag": 14, "designations": 7, "tools": 10, "meetings": 7, "actions": 8, "workstreams": 8,
    "partnerships": 8, "barriers": 7,
}  # fmt: skip


@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_for_one_row_and_for_three(client, count, django_assert_num_queries):
    rows_of(count)
    ContentType.objects.clear_cache()
    ContentType.objects.get_for_model(ToolReferral)
    person = edag_officer("STATE")
    client.force_login(fresh(person), backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get("/healthz")
    for name, cost in COSTS.items():
        client.get(reverse(f"financing:{name}"))
        with django_assert_num_queries(cost):
            client.get(reverse(f"financing:{name}"))
