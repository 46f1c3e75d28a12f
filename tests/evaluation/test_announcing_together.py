"""Several signed determinations announced with one press: each by itself, none twice."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import Announcement, Designation, Determination, Letter
from evaluation.services import announcing as module
from program.models import AuditEvent, Notice
from program.transitions import NotReady
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief():
    return make.decision_official()


@pytest.fixture
def signed(chief):
    """A designation, a refusal and a deferral, signed."""
    return [make.signed(outcome=outcome, by=chief) for outcome in ("designate", "not_select", "defer")]


def keys(rows):
    return [row.pk for row in rows]


def statuses(rows):
    return [Determination.objects.get(pk=row.pk).status for row in rows]


def test_each_is_announced_under_one_event_and_none_twice(chief, signed):
    came = services.announce_together(keys(signed), by=chief)

    assert (keys(came.done), came.left) == (keys(signed), [])
    assert statuses(signed) == ["announced"] * 3
    assert Letter.objects.count() == 3
    assert set(Determination.objects.values_list("announced_with", flat=True)) == {came.announcement.pk}
    begun, ended = AuditEvent.objects.of(came.announcement)
    assert begun.said["after"] == {"determinations": keys(signed)}
    assert ended.said["after"] == {"announced": keys(signed), "left": []}
    notices = Notice.objects.count()
    with pytest.raises(NotReady):
        services.announce_together(keys(signed), by=chief)
    assert (Announcement.objects.count(), Letter.objects.count()) == (1, 3)
    assert Notice.objects.count() == notices


def test_none_is_chosen_at_first_and_all_are_by_a_link(client, chief, signed):
    shown = page(client, chief, "determinations").text
    assert shown.count('name="determination"') == 3 and " checked" not in shown
    assert "chosen=all" in shown
    assert page(client, chief, "determinations", chosen="all").text.count(" checked") == 3


def test_who_is_told_stands_by_office_and_company_with_the_age_of_the_checks(client, chief, signed):
    proposal = signed[0].proposal
    (line,) = page(client, chief, "announcements", determination=keys(signed[:1])).context["lines"]
    groups = dict(line["groups"])
    company = str(proposal.consortium.anchor.organization)
    assert representative_of(proposal) in groups[company]
    assert any(name.startswith("Program officer") for name in groups)
    assert sum(len(people) for people in groups.values()) == len(line["recipients"])
    shown = page(client, chief, "announcements", determination=keys(signed[:1])).text
    assert f"{company} ({len(groups[company])})" in shown and "Checks of " in shown
    single = page(client, chief, "announcement", signed[0].pk).text
    assert f"{company} ({len(groups[company])})" in single and "Checks of " in single


def test_what_fails_is_listed_and_stays_signed(client, freshly_signed_in, chief, signed):
    gone = signed[1].proposal
    withdraw_proposal(gone, by=representative_of(gone), note="Enough.")
    preview = page(client, chief, "announcements", determination=keys(signed))
    assert [bool(line["missing"]) for line in preview.context["lines"]] == [False, True, False]
    answer = press(client, chief, "announce-together", determination=keys(signed))
    assert statuses(signed) == ["announced", "signed", "announced"]
    told = client.get(answer.url).text
    assert f"{gone.number} is not announced and stays signed. " in told
    assert "not under evaluation any more" in told
    assert f"2 announced, {signed[0].proposal.number}, {signed[2].proposal.number}." in told
    assert not Letter.objects.filter(proposal=gone).exists()
    later = page(client, chief, "determinations").text
    assert later.count("Not announced on ") == 1
    assert "not under evaluation any more" in later
    services.recall_determination(Determination.objects.get(pk=signed[1].pk), by=chief, reason="Gone.")
    assert "Not announced on " not in page(client, chief, "determinations").text


def test_what_another_press_announced_meanwhile_is_told_as_announced(
    client, freshly_signed_in, monkeypatch, chief, signed
):
    whole = module.announce_determination

    def beside(determination, **facts):
        if determination.pk == signed[1].pk:
            whole(Determination.objects.get(pk=determination.pk), by=chief)
        return whole(determination, **facts)

    services.announce_determination(signed[0], by=chief)
    monkeypatch.setattr(module, "announce_determination", beside)
    answer = press(client, chief, "announce-together", determination=keys(signed))
    told = client.get(answer.url).text
    numbers = f"{signed[0].proposal.number}, {signed[1].proposal.number}"
    assert f"Announced already, by another press: {numbers}." in told
    assert "is not announced" not in told
    assert Letter.objects.count() == 3
    assert "Not announced on " not in page(client, chief, "determinations").text


def test_a_fault_in_one_takes_back_that_one_whole(monkeypatch, chief, signed):
    whole = module.issue_letter

    def breaks(kind, **facts):
        if facts["proposal"].pk == signed[0].proposal_id:
            raise RuntimeError
        return whole(kind, **facts)

    monkeypatch.setattr(module, "issue_letter", breaks)
    came = services.announce_together(keys(signed), by=chief)
    assert [row.pk for row, _ in came.left] == [signed[0].pk]
    assert statuses(signed) == ["signed", "announced", "announced"]
    assert not Designation.objects.exists()
    assert Proposal.objects.get(pk=signed[0].proposal_id).status == "under_evaluation"
    assert not AuditEvent.objects.filter(act="determination.announce", subject_id=str(signed[0].pk)).exists()


def test_what_a_process_left_behind_is_announced_by_the_next_press(monkeypatch, chief, signed):
    whole = module.issue_letter

    class Killed(BaseException):
        """As the end of the process: nothing catches it."""

    def dies(kind, **facts):
        if facts["proposal"].pk == signed[1].proposal_id:
            raise Killed
        return whole(kind, **facts)

    monkeypatch.setattr(module, "issue_letter", dies)
    with pytest.raises(Killed):
        services.announce_together(keys(signed), by=chief)
    assert statuses(signed) == ["announced", "signed", "signed"]
    monkeypatch.setattr(module, "issue_letter", whole)
    came = services.announce_together(keys(signed), by=chief)
    assert keys(came.done) == keys(signed[1:])
    assert statuses(signed) == ["announced"] * 3
    assert Letter.objects.count() == 3


def test_only_who_announces_one_announces_many(client, freshly_signed_in, chief, signed):
    desk = officer()
    with pytest.raises(PermissionDenied):
        services.announce_together(keys(signed), by=desk)
    for person in (desk, make.lead(), make.reviewer()):
        assert page(client, person, "announcements", determination=keys(signed)).status_code == 403
        assert press(client, person, "announce-together", determination=keys(signed)).status_code == 403
    assert not Announcement.objects.exists()
    services.recuse(signed[0].proposal, person=chief, by=desk, reason="A cousin.")
    press(client, chief, "announce-together", determination=keys(signed))
    assert statuses(signed) == ["signed", "announced", "announced"]


def test_preview_shows_every_letter_and_count_and_one_press_announces(
    client, freshly_signed_in, chief, signed
):
    listed = page(client, chief, "determinations", status="signed")
    assert all(f'value="{row.pk}" id="choose-{row.pk}"' in listed.text for row in signed)
    assert "choose-" not in page(client, officer(), "determinations", status="signed").text
    preview = page(client, chief, "announcements", determination=keys(signed[:2]))
    single = [page(client, chief, "announcement", row.pk).context for row in signed[:2]]
    lines = preview.context["lines"]
    assert [line["letter"] for line in lines] == [one["letter"] for one in single]
    assert [line["recipients"] for line in lines] == [one["recipients"] for one in single]
    assert all(f"{len(line['recipients'])} people" in preview.text for line in lines)
    Notice.objects.all().delete()
    press(client, chief, "announce-together", determination=keys(signed[:2]))
    assert statuses(signed) == ["announced", "announced", "signed"]
    assert Notice.objects.values("recipient").distinct().count() == preview.context["people"]
    assert press(client, chief, "announce-together", determination=keys(signed[:2])).status_code == 422
    assert "None chosen" in page(client, chief, "announcements").text
