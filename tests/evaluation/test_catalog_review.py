"""What the anchor releases for the catalog is in no public channel until the Program office publishes it."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from evaluation import services
from evaluation.folding import fold
from evaluation.models import CatalogEntry, CatalogRelease, Designation
from evaluation.views.catalog_review import said_by
from program import grants
from program.models import AuditEvent, Notice, User
from program.transitions import NotReady, WrongStatus
from program.waiting import desk_tasks
from tests.evaluation.pages import page, press, sign_in
from tests.evaluation.test_catalog import entries_of_feed, opened, table
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import TeamMemberFactory, representative_of

pytestmark = pytest.mark.django_db


def everything_public(client, number):
    """All that everybody can read of the catalog, as one text."""
    client.logout()
    answers = [
        opened(client), opened(client, q="e"), opened(client, format="json"),
        client.get(reverse("evaluation:catalog-feed")), client.get(reverse("program:home")),
        client.get(reverse("evaluation:latest-designations"), headers={"HX-Request": "true"}),
        client.get(f"/catalog/{number}/"), client.get(f"/catalog/{number}/?format=json"),
        client.get("/api/v1/designations/"), client.get(f"/api/v1/designations/{number}/"),
    ]  # fmt: skip
    return "".join(answer.content.decode() for answer in answers) + str(table(client))


def told(kind):
    return {notice.recipient for notice in Notice.objects.filter(kind=f"evaluation.{kind}")}


def test_first_text_is_public_once_published(client):
    desk, designation = officer(), make.designated()
    text = make.released(designation, title="Zebra stack", contact_email="zebra@firm.example")
    assert "zebra" not in everything_public(client, designation.number).lower()
    assert len(entries_of_feed(client)) == 0
    assert desk in told("catalog_released")

    entry = services.publish_catalog_entry(text, by=desk)

    assert said_by(entry) == said_by(text)
    assert (entry.released_by, text.decided_by) == (text.released_by, desk)
    assert everything_public(client, designation.number).count("Zebra stack") >= 8
    assert representative_of(designation.proposal) in told("catalog_published")
    assert AuditEvent.objects.filter(act="catalogrelease.publish", actor=desk).count() == 1


def test_what_is_public_stays_until_the_change_is_published(client):
    designation = make.designated()
    make.published(designation, title="Old words", contact_name="Old desk")
    text = make.released(designation, title="Zebra words", summary="Zebra.", shows_markets=True)
    public = everything_public(client, designation.number)
    assert "zebra" not in public.lower() and "Old words" in public and "Old desk" in public

    services.return_catalog_entry(text, by=officer(), reason="Zebra is a claim.")

    assert "zebra" not in everything_public(client, designation.number).lower()
    assert representative_of(designation.proposal) in told("catalog_returned")
    notice = Notice.objects.filter(kind="evaluation.catalog_returned").first()
    assert "claim" not in notice.title + notice.text
    shown = page(client, representative_of(designation.proposal), "catalog-release", designation.proposal_id)
    assert "Zebra is a claim." in shown.text and "Zebra words" in shown.text

    services.publish_catalog_entry(make.released(designation, title="Zebra words"), by=officer())
    public = everything_public(client, designation.number)
    assert "Zebra words" in public and "Old words" not in public and "Old desk" not in public
    assert CatalogEntry.objects.count() == 1


def test_return_needs_a_reason_and_an_officer_who_stands_apart():
    designation = make.designated()
    text = make.released(designation)
    person = representative_of(designation.proposal)
    with pytest.raises(NotReady):
        services.return_catalog_entry(text, by=officer(), reason=" ")
    recused = officer()
    services.recuse(designation.proposal, person=recused, by=recused, reason="A former employer.")
    for other in (person, make.decision_official(), make.lead(), recused, UserFactory()):
        with pytest.raises(PermissionDenied):
            services.publish_catalog_entry(text, by=other)
        with pytest.raises(PermissionDenied):
            services.return_catalog_entry(text, by=other, reason="No.")
    assert not CatalogEntry.objects.exists()
    rows = CatalogRelease.objects.filter(pk=text.pk)
    with pytest.raises(IntegrityError, match="decided_by_another"), transaction.atomic():
        rows.update(status="published", decided_by=text.released_by, decided_at=text.released_at)


def test_text_that_was_replaced_or_decided_on_is_not_published(client):
    """An officer presses on a page that shows the text before."""
    desk, designation = officer(), make.designated()
    make.released(designation, title="First")
    make.released(designation, title="Second")
    for act in ("catalog-publish", "catalog-return"):
        answer = press(client, desk, act, designation.number, text="1", reason="Why.")
        assert answer.status_code == 302
    assert not CatalogEntry.objects.exists()
    assert "was not done" in page(client, desk, "catalog-review", designation.number).text
    assert press(client, desk, "catalog-publish", designation.number, text="9").status_code == 404
    assert press(client, desk, "catalog-publish", designation.number, text="2").status_code == 302
    assert press(client, desk, "catalog-publish", designation.number, text="2").status_code == 302
    assert CatalogEntry.objects.get().title == "Second"
    assert AuditEvent.objects.filter(act="catalogrelease.publish").count() == 1


def test_withdrawal_acts_at_once_and_takes_back_what_waits(client):
    designation = make.designated()
    person = representative_of(designation.proposal)
    make.published(designation, title="Zebra stack")
    text = make.released(designation, title="Zebra two")

    assert press(client, person, "catalog-withdraw", designation.proposal_id).status_code == 302

    assert "zebra" not in everything_public(client, designation.number).lower()
    with pytest.raises(WrongStatus):
        services.publish_catalog_entry(text, by=officer())
    with pytest.raises(NotReady):
        services.withdraw_catalog_entry(designation, by=person)
    make.published(designation, title="Zebra three")
    assert "Zebra three" in everything_public(client, designation.number)


def test_text_of_a_designation_that_is_not_active_is_not_published(client):
    desk, designation = officer(), make.designated()
    text = make.released(designation)
    services.suspend_designation(designation, by=make.decision_official(), reason="A member left.")
    with pytest.raises(NotReady):
        services.publish_catalog_entry(text, by=desk)
    address = reverse("evaluation:catalog-review", args=[designation.number])
    assert address not in {task.url for task in page(client, desk, "desk").context["tasks"]}


def test_officer_finds_the_text_at_the_desk_and_reads_the_difference(client):
    desk, designation = officer(), make.designated()
    make.published(designation, title="Old words", contact_email="a@firm.example")
    make.released(designation, title="New words", contact_email="a@firm.example", shows_members=True)
    address = reverse("evaluation:catalog-review", args=[designation.number])
    tasks = {task.url: task for task in page(client, desk, "desk").context["tasks"]}
    assert tasks[address].who == "New words"
    assert address in page(client, desk, "designation", designation.number).text

    shown = page(client, desk, "catalog-review", designation.number)

    assert [line.label for line in shown.context["changed"]] == ["Title", "Companies"]
    assert {line.label for line in shown.context["unchanged"]} == {"Summary", "Contact e-mail"}
    assert '<del class="site-removed">Old </del>' in shown.text
    refused = press(client, desk, "catalog-return", designation.number, text="2", reason="")
    assert refused.status_code == 422 and "Say what the anchor is to change" in refused.text
    assert press(client, desk, "catalog-publish", designation.number, text="2").status_code == 302
    assert address not in {task.url for task in page(client, desk, "desk").context["tasks"]}


def test_who_decides_nothing_reads_without_buttons_and_strangers_find_nothing(client):
    designation = make.designated()
    make.released(designation, title="Zebra stack")
    shown = page(client, make.decision_official(), "catalog-review", designation.number)
    assert "Zebra stack" in shown.text and not shown.context["may_publish"]
    for person in (representative_of(designation.proposal), UserFactory()):
        assert page(client, person, "catalog-review", designation.number).status_code in (403, 404)
        assert press(client, person, "catalog-publish", designation.number, text="1").status_code == 404
    assert not CatalogEntry.objects.exists()


def test_anchor_owes_a_text_until_it_waits_and_again_once_it_is_returned(client):
    designation = make.designated()
    person = representative_of(designation.proposal)

    def owed():
        sign_in(client, person)
        return [row.pk for row, _ in client.get(reverse("proposals:tasks")).context["designated"]]

    assert owed() == [designation.proposal_id]
    text = make.released(designation)
    assert owed() == []
    services.return_catalog_entry(text, by=officer(), reason="Shorter.")
    assert owed() == [designation.proposal_id]
    make.published(designation)
    assert owed() == []
    assert Designation.objects.get().status == "active"


# A component goes that the text names


def rack_removed(**texts):
    """A designation whose public text names “A second rack”, which an amendment then removes."""
    designation = make.two_markets()
    make.published(designation, **{"title": "Stack for clinics", "contact_name": "Zebra desk", **texts})
    make.amended(designation=designation, lifts=False, removed_components=["component-other"])
    return Designation.objects.get(pk=designation.pk)


NAMING = {
    "title": {"title": "A SECOND RÁCK for clinics"},
    "summary": {"summary": "With a  second rack in each hall."},
    "layer": {"layers": {"hardware": "Two: the first, and a second rack.", "security": "Keys in hardware."}},
}


@pytest.mark.parametrize("where", NAMING)
def test_text_that_names_a_removed_component_is_in_no_public_channel_until_reviewed(client, where):
    desk, designation = officer(), rack_removed(**NAMING[where])
    number = designation.number
    public = fold(everything_public(client, number))
    assert "second" not in public and "zebra desk" in public
    assert len(opened(client, q="rack").context["cards"]) == 0
    if where == "layer":
        assert "keys in hardware." in public
    assert representative_of(designation.proposal) in told("catalog_withheld")
    assert desk in told("catalog_to_review")
    tasks = [task.what for task in page(client, desk, "desk").context["tasks"]]
    assert f"Review the withheld catalog text of {number}" in tasks
    for person, name, key in (
        (desk, "catalog-review", number),
        (representative_of(designation.proposal), "catalog-release", designation.proposal_id),
    ):
        assert "second" in fold(page(client, person, name, key).text)

    entry = designation.catalog_entry
    assert press(client, desk, "catalog-restore", number).status_code == 422
    press(client, desk, "catalog-restore", number, **{"restore-reason": "Another rack of that name."})
    assert "second" in fold(everything_public(client, number))
    assert {name: getattr(CatalogEntry.objects.get(), name) for name in NAMING[where]} == NAMING[where]
    event = AuditEvent.objects.get(act="designation.restore_catalog_text")
    assert (event.actor, event.said["note"]) == (desk, "Another rack of that name.")
    assert representative_of(designation.proposal) in told("catalog_restored")
    with pytest.raises(NotReady):
        services.restore_catalog_texts(entry, by=desk, reason="Again.")


def test_new_text_of_the_anchor_ends_it_and_a_text_that_names_it_still_is_marked(client):
    designation = rack_removed(**NAMING["summary"])
    desk, text = officer(), make.released(designation, summary="Still a second rack.")
    shown = page(client, desk, "catalog-review", designation.number).text
    assert "Summary names what an amendment removed: A second rack." in shown
    services.return_catalog_entry(text, by=desk, reason="It names the rack.")
    services.publish_catalog_entry(make.released(designation, summary="One rack."), by=desk)
    assert CatalogEntry.objects.get().withheld == {}
    assert "One rack." in everything_public(client, designation.number)
    shown = page(client, desk, "catalog-review", designation.number).text
    assert "Withheld texts" not in shown


def test_text_that_names_only_what_is_left_stays(client):
    kept = make.two_markets()
    name = next(each.name for each in kept.version.value.components if each.key != "component-other")
    designation = rack_removed(summary=f"With {name}, and a secondary rackmount.")
    assert CatalogEntry.objects.get(designation=designation).withheld == {}
    assert not told("catalog_withheld")


@pytest.mark.parametrize("person", ["recused", "reviewer", "representative"])
def test_withheld_text_is_restored_by_an_officer_who_stands_apart_alone(person):
    designation = rack_removed(**NAMING["summary"])
    others = {"recused": officer, "reviewer": make.reviewer}
    other = others[person]() if person in others else representative_of(designation.proposal)
    if person == "recused":
        services.recuse(designation.proposal, person=other, by=other, reason="A former employer.")
    with pytest.raises(PermissionDenied):
        services.restore_catalog_texts(designation.catalog_entry, by=other, reason="So.")


@pytest.mark.parametrize("tie", ["none", "team", "counsel", "recused"])
def test_catalog_texts_wait_for_an_officer_who_stands_apart_alone(tie):
    withheld, waiting = rack_removed(**NAMING["summary"]), make.released(make.designated(), title="Zebra")
    desk = officer()
    for proposal in (withheld.proposal, waiting.designation.proposal):
        if tie == "team":
            TeamMemberFactory(user=desk, membership=proposal.consortium.anchor)
        elif tie == "counsel":
            grants.grant("proposals.view_proposal", on=proposal, to=desk, by=representative_of(proposal))
        elif tie == "recused":
            services.recuse(proposal, person=desk, by=desk, reason="A former employer.")
    tasks = {task.what for task in desk_tasks(User.objects.get(pk=desk.pk))}
    wanted = {
        f"Review the withheld catalog text of {withheld.number}",
        f"Publish or return the catalog text of {waiting.designation.number}",
    }
    assert tasks & wanted == (wanted if tie == "none" else set())


# What was public before texts were reviewed


def unreviewed():
    """A public entry of before, as the migration finds it."""
    designation = make.designated()
    make.published(designation, title="Zebra stack", shows_sectors=True)
    CatalogRelease.objects.all().delete()
    migration = importlib.import_module("evaluation.migrations.0044_put_to_review")
    for _ in range(2):
        migration.put_to_review(apps, None)
    return designation


def test_what_was_public_unreviewed_waits_for_an_officer_and_stays_meanwhile(client):
    designation, desk = unreviewed(), officer()
    text = CatalogRelease.objects.get()
    assert said_by(text) == said_by(CatalogEntry.objects.get())
    assert (text.number, text.released_by) == (1, CatalogEntry.objects.get().released_by)
    assert "Zebra stack" in everything_public(client, designation.number)
    tasks = [task.what for task in page(client, desk, "desk").context["tasks"]]
    assert f"Publish or return the catalog text of {designation.number}" in tasks
    assert "no officer has read it" in page(client, desk, "catalog-review", designation.number).text
    services.publish_catalog_entry(text, by=desk)
    assert "Zebra stack" in everything_public(client, designation.number)
    services.return_catalog_entry(make.released(designation, title="Other"), by=desk, reason="No.")
    assert "Zebra stack" in everything_public(client, designation.number), "it was reviewed meanwhile"


def test_what_was_public_unreviewed_leaves_the_catalog_when_it_is_returned(client):
    designation, desk = unreviewed(), officer()
    services.return_catalog_entry(CatalogRelease.objects.get(), by=desk, reason="It promises too much.")
    assert "zebra" not in everything_public(client, designation.number).lower()
    assert AuditEvent.objects.filter(act="designation.withdraw_catalog_entry", actor=desk).count() == 1


def test_catalog_shows_only_what_was_released(client):
    designation = make.designated()
    person = representative_of(designation.proposal)
    assert b"Full AI stack" not in client.get(reverse("evaluation:catalog")).content
    release = ["catalog-release", designation.proposal_id]
    assert page(client, person, *release).status_code == 200
    assert press(client, person, *release, title="Hospital stack").status_code == 422
    press(
        client,
        person,
        *release,
        title="Hospital stack",
        summary="For district hospitals.",
        layer_hardware="Accelerators.",
        contact_email="sales@firm.example",
    )
    client.logout()
    assert b"Hospital stack" not in client.get(reverse("evaluation:catalog")).content
    desk = officer()
    assert "Accelerators." in page(client, desk, "catalog-review", designation.number).content.decode()
    press(client, desk, "catalog-publish", designation.number, text="1")
    client.logout()

    listed, entry = client.get(reverse("evaluation:catalog")), client.get(f"/catalog/{designation.number}/")
    data = client.get(f"/catalog/{designation.number}/?format=json").json()

    assert b"Hospital stack" in listed.content
    assert b"Accelerators." in entry.content
    assert b"enforceable" in entry.content
    assert b"right" in entry.content
    assert (data["title"], data["members"], data["markets"]) == ("Hospital stack", [], [])
    assert b"Fictional Systems" not in entry.content + listed.content
    services.suspend_designation(designation, by=make.decision_official(), reason="A member left.")
    assert client.get(f"/catalog/{designation.number}/").status_code == 404


def test_second_first_release_overwrites_nothing_and_shows_both_texts(client):
    """Two people fill in the empty form; the second is shown both texts and chooses."""
    designation = make.designated()
    person = representative_of(designation.proposal)
    release = ["catalog-release", designation.proposal_id]
    empty = page(client, person, *release).content.decode()
    assert '<input type="hidden" name="revision" value="0">' in empty
    typed = {"summary": "For clinics.", "contact_email": "sales@firm.example", "revision": "0"}
    assert press(client, person, *release, title="First", **typed).status_code == 302

    second = press(client, person, *release, title="Second", **typed)
    refused = press(client, person, *release, title="", **typed)

    first = CatalogRelease.objects.get()
    assert (second.status_code, first.title) == (409, "First")
    assert "First" in second.content.decode() and "Second" in second.content.decode()
    assert '<input type="hidden" name="revision" value="0">' in refused.content.decode()
    unsaid = {name: value for name, value in typed.items() if name != "revision"}
    assert press(client, person, *release, title="Third", **unsaid).status_code == 409
    over = press(client, person, *release, title="Second", **{**typed, "revision": "1"})
    first.refresh_from_db()
    assert (over.status_code, CatalogRelease.objects.first().title) == (302, "Second")
    assert (first.status, CatalogEntry.objects.count()) == ("withdrawn", 0)


def test_only_the_anchor_releases_and_only_what_it_ticked():
    designation = make.designated()
    values = {"title": "Hospital stack", "summary": "For hospitals.", "shows_markets": True}
    with pytest.raises(PermissionDenied):
        services.release_catalog_entry(designation, by=officer(), values=values)
    entry = make.published(designation, **values)
    assert entry.markets == [{"code": "KE", "name": "Kenya"}]
    assert (entry.members, entry.sectors) == ([], [])
    entry = make.published(
        designation, **{**values, "shows_markets": False, "shows_sectors": True, "shows_members": True}
    )
    assert (entry.markets, len(entry.members), entry.sectors) == ([], 1, ["healthcare"])
    services.withdraw_catalog_entry(designation, by=representative_of(designation.proposal))
    assert not CatalogEntry.objects.public().exists()
