"""The EDAG hears of a designation; who committed hears when it is suspended or ends."""

from __future__ import annotations

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import Designation
from financing.enums import ReferralStatus
from financing.models import Match, Tool
from financing.notice_kinds import STAGE_REACHED
from financing.services.referrals import close_referral, refer_tool
from financing.views.countries import targeting
from financing.waiting import waiting_for
from program import clock
from program.models import Country, Notice, User
from program.transitions import NotReady
from tests.factories import evaluation as make
from tests.factories.financing import chair, edag_officer, fresh, proposed, referral
from tests.factories.program import CountryFactory, officer
from tests.financing.test_views import page


def told(kind):
    return set(Notice.objects.filter(kind=kind).values_list("recipient", flat=True))


def test_edag_is_told_of_a_designation_and_it_waits_for_the_chair():
    head, holder = chair(), edag_officer()
    designation = make.designated()
    assert {head.pk, holder.pk} <= told("financing.designated")
    (task,) = waiting_for(fresh(head))
    assert task.url == reverse("financing:designation", args=[designation.number])
    assert waiting_for(fresh(holder)) == []


@pytest.mark.parametrize("outcome", ["designate", "not_select"])
def test_preview_of_an_announcement_lists_everybody_who_is_told(client, settings, outcome):
    settings.DEMONSTRATION = True  # the second factor is tested elsewhere
    edag, chief = {chair(), edag_officer()}, make.decision_official()
    gone = edag_officer()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    determination = make.signed(outcome=outcome, by=chief)
    client.force_login(chief)
    preview = client.get(reverse("evaluation:announcement", args=[determination.pk]))
    last = Notice.objects.latest("pk").pk

    services.announce_determination(determination, by=chief)

    owed = set(Notice.objects.filter(pk__gt=last).values_list("recipient__email", flat=True))
    listed = [person.email for person in preview.context["recipients"]]
    assert sorted(owed) == sorted(listed)
    assert f"{len(owed)} people</strong> are told" in preview.text
    assert {person.email for person in edag} & owed == (
        {person.email for person in edag} if outcome == "designate" else set()
    )


def test_suspension_reaches_who_committed_and_the_page_says_so(client, settings):
    settings.DEMONSTRATION = True  # the second factor is tested elsewhere
    head, record = chair(), referral(ReferralStatus.COMMITTED)
    services.suspend_designation(record.designation, by=make.decision_official(), reason="Listed party.")
    assert {head.pk, record.lead_officer_id} <= told("financing.designation_changed")
    text = page(client, fresh(record.lead_officer), "referral", record.number).content.decode()
    assert "is suspended. What was committed stands" in text
    assert "Record a new commitment in its place" not in text
    assert "Lower the commitment" in text
    record.refresh_from_db()
    assert record.status == ReferralStatus.COMMITTED
    board = page(client, fresh(head), "edag").content.decode()
    assert "designation suspended" in board


def test_notice_of_a_commitment_does_not_deny_it():
    record = referral(ReferralStatus.COMMITTED)
    texts = Notice.objects.filter(kind=STAGE_REACHED.code).order_by("pk").values_list("text", flat=True)
    assert "no commitment" not in texts.last()
    assert "no commitment" in texts.first()
    close_referral(record, by=edag_officer(record.agency.code))


def test_an_amendment_closes_a_market_to_tools_and_its_people_are_told():
    designation, head = make.two_markets(), chair()
    make.screened(designation.proposal)
    at = {"as_of": clock.today(), "made_by": officer(), "made_at": clock.now(), "tool": Tool.objects.first()}
    for key in ("market-ghana", "market-kenya"):
        Match.objects.create(
            designation=designation, market_key=key, market=key, assessment="possible", reasons=[],
            citation="s.4(d)", **at,
        )  # fmt: skip
    asked = proposed(designation, market="Ghana", tool="direct_loan")
    make.amended(designation=designation, removed_markets=["market-ghana"])
    assert head.pk in told("financing.designation_amended")
    assert [match.market_key for match in Match.objects.current()] == ["market-kenya"]
    with pytest.raises(NotReady) as refusal:
        refer_tool(asked, by=head)
    assert "market-removed" in {problem.code for problem in refusal.value.problems}
    with pytest.raises(NotReady):
        proposed(Designation.objects.get(pk=designation.pk), market="Ghana", tool="loan_guarantee")


def test_the_page_of_a_referral_says_that_its_market_was_removed_and_its_lead_is_told(client, settings):
    settings.DEMONSTRATION = True  # the second factor is tested elsewhere
    designation, head = make.two_markets(), chair()
    make.screened(designation.proposal)
    asked = proposed(designation, market="Ghana", tool="direct_loan")
    other = proposed(designation, market="Kenya", tool="direct_loan")
    assert "Refer the tool" in page(client, fresh(head), "referral", asked.number).text
    signed = make.signed_amendment(designation=designation, removed_markets=["market-ghana"])
    named = {person.pk for person in services.amendment_recipients(signed)}
    assert asked.lead_officer_id in named
    assert other.lead_officer_id not in named
    services.announce_amendment(signed, by=signed.signed_by)
    assert told("financing.market_removed") == {asked.lead_officer_id}
    shown = page(client, fresh(head), "referral", asked.number).text
    assert "by amendment 1, in force from" in shown
    assert "Refer the tool" not in shown
    assert "Set this proposal aside" in shown
    shown = page(client, fresh(head), "referral", other.number).text
    assert "by amendment 1" not in shown
    assert "Refer the tool" in shown


def test_a_removed_country_within_a_bloc_that_remains_is_named_by_the_bloc(client, settings):
    settings.DEMONSTRATION = True  # the second factor is tested elsewhere
    designation, head, desk = make.two_markets(), chair(), officer()
    kenya, ghana = designation.version.value.markets
    bloc = ghana.model_copy(update={"key": "market-ecowas", "code": "", "name": "ECOWAS"})
    designation.version = make.new_version(designation.proposal, {"markets": (kenya, ghana, bloc)})
    designation.save()
    CountryFactory(code="GH")
    draft = make.drafted_amendment(designation=designation, by=desk, removed_markets=["market-ghana"])
    client.force_login(desk)
    words = "Ghana stays a target within ECOWAS."
    assert words in client.get(reverse("evaluation:amendment", args=[draft.pk])).text
    signed = make.signed_amendment(draft)
    client.force_login(signed.signed_by)
    assert words in client.get(reverse("evaluation:amendment-announcement", args=[signed.pk])).text
    services.announce_amendment(signed, by=signed.signed_by)
    ((_, market),), _ = targeting(Country.objects.get(pk="GH"), fresh(head))
    assert market == "ECOWAS"


def test_a_country_that_was_removed_is_not_targeted_any_more():
    designation = make.two_markets()
    CountryFactory(code="GH")
    ghana = Country.objects.get(pk="GH")
    head = chair()
    assert [proposal for proposal, _ in targeting(ghana, head)[0]] == [designation.proposal]
    make.amended(designation=designation, removed_markets=["market-ghana"])
    assert targeting(ghana, fresh(head))[0] == []
