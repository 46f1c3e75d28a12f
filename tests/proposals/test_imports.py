"""A package file goes out and comes back: nothing changes by itself, nothing half, nothing over others."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program import clock
from program.models import AuditEvent, Bloc
from program.transitions import NotReady
from proposals import services
from proposals.comparison import compare
from proposals.composition import compose
from proposals.enums import ComplianceAnswer
from proposals.models import (
    Answer,
    Component,
    Marking,
    PackageUpload,
    Site,
    TableImport,
    TargetMarket,
)
from proposals.package_file import read_file, write_file
from proposals.questionnaire import BY_CODE
from proposals.views.receipts import answer_to_file
from tests.factories.program import CountryFactory, OrganizationFactory, UserFactory, officer
from tests.factories.proposals import (
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    certified,
    representative_of,
    submitted,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal():
    return ProposalFactory(complete=True)


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


def exported(proposal):
    """The file of the working copy, as data to edit."""
    return json.loads(write_file(compose(proposal), proposal=proposal.pk, at=clock.now()))


def upload(proposal, data, by):
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return services.keep_upload(proposal, read_file(text), by=by, name="package.json")


def seen(proposal, data, by, **ticks):
    file = read_file(json.dumps(data).encode())
    return services.what_would_change(proposal, file, by=by, current=compose(proposal), **ticks)


def taken(proposal, data, by, **ticks):
    """Upload and take over what was shown."""
    kept = upload(proposal, data, by)
    return services.import_package(kept, by=by, shown_sha256=compose(proposal).sha256, **ticks)


def events(proposal):
    return AuditEvent.objects.of(proposal).count()


def test_export_taken_over_changes_nothing(proposal, by):
    bloc = Bloc.objects.create(code="eac", name="East African Community")
    bloc.countries.add(CountryFactory(code="KE"), CountryFactory(code="US"))
    TargetMarket.objects.create(proposal=proposal, bloc=bloc)
    own = TargetMarket.objects.create(proposal=proposal, list_name="Coast")
    own.countries.add(CountryFactory(code="TZ"))
    proposal.cloud_access_countries.add(CountryFactory(code="KE"))
    document = DocumentFactory(uploaded_by=by)
    services.attach_document(proposal, document, by=by, part="hardware", caption=" Offer ")
    Marking.objects.create(proposal=proposal, part="hardware", row_key="component-1", justification="Prices.")
    before, told = compose(proposal), events(proposal)
    found = seen(proposal, exported(proposal), by)
    assert (
        found.is_nothing and found.changes == () and not (found.errors or found.left_out or found.removable)
    )
    assert compare(before, found.target) == ()
    assert taken(proposal, exported(proposal), by) is None
    assert compose(proposal) == before and events(proposal) == told


def test_what_is_shown_is_what_the_working_copy_becomes(proposal, by):
    CountryFactory(code="TZ", name="Tanzania")
    data = exported(proposal)
    data["title"] = "Another title\r\nof two lines "
    data["components"][0] |= {"total_value_usd": "5000000", "country_of_origin": {"code": "TZ"}}
    data["components"].append(
        {
            "key": "component-new",
            "layer": "data",
            "name": "Labels",
            "supplier": data["provisions"][0]["member"],
        }
    )
    data["markets"].append(
        {"key": "market-new", "kind": "list", "name": "Coast", "countries": [{"code": "TZ"}]}
    )
    data["operating_model"]["sites"].append(
        {
            "key": "site-new", "name": "Mombasa", "country": {"code": "KE"},
            "roles": [{"key": "role-new", "act": "own", "third_party_name": "Coast Ltd"}],
        }
    )  # fmt: skip
    data["compliance"]["statements"][0]["explanation"] = "שלום 🛰️"
    data["compliance"]["parties"][0]["aliases"] = ["KDHA", " The Authority "]
    data["compliance"]["cloud_access_countries"] = [{"code": "TZ"}, {"code": "KE"}, {"code": "TZ"}]
    found, told = seen(proposal, data, by), events(proposal)
    assert not found.errors and len(found.changed) == 5 and len(found.added) == 4
    event = taken(proposal, data, by)
    after = compose(proposal)
    differing = compare(found.target, after)
    assert {
        (c.kind, c.key) for c in differing if not c.key.startswith(("component", "market", "site"))
    } == set()
    assert after.title == "Another title\nof two lines"
    assert [row.name for row in after.layer("data")] == ["Clinical labeling", "Labels"]
    assert [place.code for place in after.compliance.cloud_access_countries] == ["KE", "TZ"]
    assert after.components[0].country_of_origin.name == "Tanzania"
    assert [role.third_party_name for role in after.operating_model.sites[1].roles] == ["Coast Ltd"]
    assert after.compliance.parties[0].aliases == ("KDHA", "The Authority")
    assert event.act == "proposal.import" and events(proposal) == told + 1
    again = seen(proposal, data, by)
    assert again.is_nothing, "rows that came from the file are known again by what they say"


def test_what_the_file_leaves_unsaid_stays(proposal, by):
    data, component = exported(proposal), proposal.components.first()
    data["components"][0] = {"key": component.key, "layer": "hardware", "name": "Renamed"}
    del data["summary"]
    taken(proposal, data, by)
    after = compose(proposal)
    assert after.components[0].name == "Renamed" and after.components[0].maker == "Fictional Silicon"
    assert after.summary == proposal.summary


def test_row_goes_only_when_it_is_ticked(proposal, by):
    data = exported(proposal)
    gone = data["components"].pop(1)["key"]
    found = seen(proposal, data, by)
    assert [entry.key for entry in found.removable] == [gone] and found.is_nothing
    taken(proposal, data, by)
    assert Component.objects.filter(proposal=proposal).count() == 7
    event = taken(proposal, data, by, remove=frozenset({gone, "component-999999"}))
    assert gone not in {row.key for row in compose(proposal).components}
    assert json.loads(event.body)["after"]["removed"] == 1


def test_removed_site_takes_its_roles_along(proposal, by):
    data = exported(proposal)
    site = data["operating_model"]["sites"].pop()["key"]
    taken(proposal, data, by, remove=frozenset({site}))
    assert not Site.objects.filter(proposal=proposal).exists()


def test_what_others_changed_since_the_export_is_not_overwritten(proposal, by):
    data = exported(proposal)
    first, second, third = proposal.components.all()[:3]
    services.save_row(first, by=by, values={"name": "Theirs"}, revision=first.revision)
    services.save_row(second, by=by, values={"name": "Theirs too"}, revision=second.revision)
    data["components"][0]["name"] = "Mine"
    data["components"][2]["name"] = "Mine alone"
    newer = Component.objects.create(proposal=proposal, layer="data", name="Newer")
    found = seen(proposal, data, by)
    assert [clash.key for clash in found.clashes] == [first.key]
    assert [entry.key for entry in found.kept] == [second.key] and found.removable == ()
    taken(proposal, data, by)
    names = {row.key: row.name for row in compose(proposal).components}
    assert (names[first.key], names[second.key]) == ("Theirs", "Theirs too")
    assert (names[third.key], names[newer.key]) == ("Mine alone", "Newer")
    taken(proposal, data, by, take=frozenset({first.key}))
    assert compose(proposal).components[0].name == "Mine"


def test_row_that_others_removed_comes_back_only_by_a_tick(proposal, by):
    data = exported(proposal)
    first, second = proposal.components.all()[:2]
    for row in (first, second):
        services.remove_row(row, by=by, revision=row.revision)
    data["components"][0]["name"] = "Kept by me"
    found = seen(proposal, data, by)
    assert found.is_nothing and len(found.kept) == 1
    assert [clash.here for clash in found.clashes] == [None]
    taken(proposal, data, by, take=frozenset({found.clashes[0].key}))
    assert "Kept by me" in {row.name for row in compose(proposal).components}


def test_change_after_the_page_was_shown_takes_nothing_over(proposal, by):
    data, shown = exported(proposal), compose(proposal).sha256
    data["title"] = "Mine"
    kept = upload(proposal, data, by)
    component = proposal.components.first()
    services.save_row(component, by=by, values={"name": "Theirs"}, revision=component.revision)
    with pytest.raises(services.ChangedMeanwhile):
        services.import_package(kept, by=by, shown_sha256=shown)
    assert compose(proposal).title == proposal.title


def test_same_file_is_taken_over_once(proposal, by):
    data = exported(proposal)
    data["title"] = "Mine"
    kept = upload(proposal, data, by)
    services.import_package(kept, by=by, shown_sha256=compose(proposal).sha256)
    with pytest.raises(services.ChangedMeanwhile):
        services.import_package(kept, by=by, shown_sha256=compose(proposal).sha256)
    assert PackageUpload.objects.get().content == ""


def aged(days):
    for model in (PackageUpload, TableImport):
        model.objects.update(created_at=clock.now() - timedelta(days=days))
    return services.purge_untaken()


def test_file_that_nobody_takes_over_is_forgotten_after_a_week(reference_data, proposal, by):
    data = exported(proposal)
    upload(proposal, data, by)
    assert (aged(days=6.9), aged(days=7.1), PackageUpload.objects.count()) == (0, 1, 0)
    data["title"] = "Mine"
    services.import_package(upload(proposal, data, by), by=by, shown_sha256=compose(proposal).sha256)
    assert (aged(days=7.1), PackageUpload.objects.count()) == (0, 1)


def test_table_that_nobody_takes_over_is_forgotten_after_a_week(reference_data, proposal, by):
    services.keep_table(proposal, by=by, layer="hardware", source="prices.csv", lines=[])
    assert (aged(days=6.9), aged(days=7.1), TableImport.objects.count()) == (0, 1, 0)


def test_organization_that_is_no_member_is_named_and_never_made(proposal, by):
    data = exported(proposal)
    data["consortium"]["members"].append(
        {"key": "member-new", "organization": {"legal_name": "Stranger, Inc."}}
    )
    data["components"][0]["supplier"] = "member-new"
    data["components"][1]["supplier"] = "member-77"
    data["title"] = "Half" * 60
    with pytest.raises(NotReady) as refusal:
        taken(proposal, data, by)
    told = [problem.message for problem in refusal.value.problems]
    assert told[0].startswith("Stranger, Inc. is not a member of this consortium. Invite it")
    assert told[1].startswith("Storage array: “member-77” is no member")
    assert told[2].startswith("Overview: title: Ensure this value has at most 200") and len(told) == 3
    assert proposal.consortium.memberships.count() == 1 and compose(proposal).title == proposal.title


def test_member_is_known_by_its_name_under_another_key(proposal, by):
    other = MembershipFactory(consortium=proposal.consortium, organization=OrganizationFactory())
    data = exported(proposal)
    data["consortium"]["members"][1]["key"] = "member-x"
    data["components"][0]["supplier"] = "member-x"
    taken(proposal, data, by)
    assert proposal.components.first().supplier == other


def test_import_changes_no_consent_no_owner_and_no_role(proposal, by):
    certification = certified(proposal)
    data, before = exported(proposal), compose(proposal)
    member = data["consortium"]["members"][0]
    member["role"], member["consent"]["declaration_version"] = "Does everything.", "9"
    member["organization"]["holders"] = []
    data["consortium"]["name"] = "Other name"
    found = seen(proposal, data, by)
    assert found.is_nothing and len(found.left_out) == 3
    data["title"] = "Mine"
    taken(proposal, data, by)
    after = compose(proposal)
    assert after.consortium == before.consortium
    assert certification.content_sha256 != after.sha256, "the change takes the certification away"


def test_documents_are_matched_by_hash_and_missing_ones_are_named(proposal, by):
    mine, others = DocumentFactory(uploaded_by=by), DocumentFactory()
    data = exported(proposal)
    data["documents"] = [
        {"key": "attachment-a", "name": "offer.pdf", "sha256": mine.sha256, "size": 1, "part": "hardware"},
        {"key": "attachment-b", "name": "secret.pdf", "sha256": others.sha256, "size": 1},
    ]
    found = seen(proposal, data, by)
    assert found.left_out == (
        f"The file “secret.pdf” (SHA-256 {others.sha256[:12]}…) is not in the portal. Add it under "
        "Documents; its mark can be taken over by importing again.",
    )
    taken(proposal, data, by)
    assert [(row.name, row.part) for row in compose(proposal).documents] == [(mine.name, "hardware")]


def test_answers_are_taken_where_the_call_asks_the_same(proposal, by):
    asked = proposal.call.requirements.create(
        code="own-1", title="Power", clause="Call, s.4", evidence_type="choice", choices="Grid\nOwn plant"
    )
    data = exported(proposal)
    data["answers"] = [
        {"key": "answer-a", "requirement": "own-1", "evidence_type": "choice", "choice": "Grid"},
        {"key": "answer-b", "requirement": "own-2", "title": "Water", "evidence_type": "text", "text": "x"},
    ]
    assert seen(proposal, data, by).left_out == ("The answer to “Water”: this call does not ask that.",)
    taken(proposal, data, by)
    assert Answer.objects.get(proposal=proposal).requirement == asked
    data["answers"][0]["choice"] = "Wind"
    assert [problem.code for problem in seen(proposal, data, by).errors] == ["not-offered"]


@pytest.mark.parametrize(
    ("place", "value", "part", "says"),
    [
        (("title",), "x" * 201, "overview", "title: Ensure this value has at most 200 characters"),
        (("components", 0, "us_content_value_usd"), "3000000.01", "hardware", "cannot be worth more"),
        (("components", 0, "country_of_origin"), {"code": "QQ"}, "hardware", "“QQ” is no country"),
        (("components", 0), {"layer": "data"}, "data", "another layer"),
        (("contact", "email"), "nobody", "overview", "Enter a valid email address"),
        (("markets", 0, "kind"), "bloc", "markets", "is no bloc that the portal knows"),
        (("operating_model", "sites", 0, "roles", 0, "member"), "anchor", "operating-model", "not both"),
        (("compliance", "statements", 0, "answer"), "maybe", "compliance", "is not offered"),
    ],
)  # fmt: skip
def test_row_that_no_draft_can_hold_stops_the_whole_file(proposal, by, place, value, part, says):
    data = exported(proposal)
    data["support_requests"][0]["purpose"] = "Half"
    if value == "anchor":
        value = data["provisions"][0]["member"]
    if value == "maybe":
        subject = BY_CODE[data["compliance"]["statements"][0]["subject"]]
        value = next(answer for answer in ComplianceAnswer.values if answer not in subject.answers)
    if value == {"layer": "data"}:
        value = {"key": data["components"][0]["key"], "layer": "data"}
    *way, last = place
    target = data
    for step in way:
        target = target[step]
    target[last] = value
    with pytest.raises(NotReady) as refusal:
        taken(proposal, data, by)
    found = refusal.value.problems
    assert any(says in problem.message and problem.part == part for problem in found), found
    assert all(problem.clause for problem in found)
    assert compose(proposal).support_requests[0].purpose != "Half"


def test_what_a_package_holds_once_is_named_once(proposal, by):
    data = exported(proposal)
    data["markets"].append(data["markets"][0] | {"key": "market-again"})
    data["components"].append(data["components"][0])
    codes = {problem.code for problem in seen(proposal, data, by).errors}
    assert codes == {"key-twice", "twice"}


def test_markets_that_change_places_are_taken_whole_or_refused(proposal, by):
    """A country stands once, row by row: who swaps two codes is told so, and keeps both markets."""
    TargetMarket.objects.create(proposal=proposal, country=CountryFactory(code="TZ"))
    data = exported(proposal)
    a, b = data["markets"]
    a["code"], b["code"] = b["code"], a["code"]
    with pytest.raises(NotReady) as refusal:
        taken(proposal, data, by)
    assert [problem.code for problem in refusal.value.problems] == ["twice"]
    assert [market.code for market in compose(proposal).markets] == ["KE", "TZ"]


def test_who_may_not_edit_takes_nothing_over(proposal, by):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by)
    for person in (counsel, UserFactory()):
        with pytest.raises(PermissionDenied):
            upload(proposal, exported(proposal), person)
    kept = upload(proposal, exported(proposal) | {"title": "Late"}, by)
    TeamMemberFactory(membership=proposal.consortium.anchor)
    proposal.consortium.anchor.team.filter(user=by).update(removed_at=clock.instant())
    with pytest.raises(PermissionDenied):
        services.import_package(kept, by=by, shown_sha256=compose(proposal).sha256)


def test_statements_of_an_import_do_not_grow_with_its_rows(proposal, by, django_assert_max_num_queries):
    data = exported(proposal)
    data["components"] += [
        {"key": f"component-new-{n}", "layer": "hardware", "name": f"Line {n}"} for n in range(60)
    ]
    for row in data["components"]:
        row["description"] = "From the file"
    kept = upload(proposal, data, by)
    shown = compose(proposal).sha256
    with django_assert_max_num_queries(80):
        services.import_package(kept, by=by, shown_sha256=shown)
    assert Component.objects.filter(proposal=proposal, description="From the file").count() == 67


# On the page


def signed_in(client, user):
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["second_factor_verified"] = user.pk
    session.save()


def sent_file(client, proposal, data, name="package.json"):
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return client.post(
        reverse("proposals:package", args=[proposal.pk]), {"file": SimpleUploadedFile(name, content)}
    )


def of_page(proposal):
    """The file that the page has shown."""
    return {"upload": PackageUpload.objects.get(proposal=proposal).pk}


def test_page_shows_what_would_change_and_takes_over_exactly_that(proposal, by, client):
    signed_in(client, by)
    download = client.get(reverse("proposals:package-json", args=[proposal.pk]))
    assert 'filename="draft-' in download["Content-Disposition"]
    data = json.loads(download.content)
    data["title"] = "A title <b>in bold</b>"
    data["components"][0]["supplier"] = None
    gone = data["components"].pop()
    page = reverse("proposals:package-import", args=[proposal.pk])
    assert client.get(page).status_code == 302
    assert sent_file(client, proposal, data).headers["Location"] == page
    shown = client.get(page)
    text = shown.content.decode()
    assert "&lt;b&gt;" in text and f"Remove {gone['name']}" in text and "None" not in text
    assert f"<del>{proposal.consortium.anchor.organization.legal_name}</del>" in text
    assert compose(proposal).title == proposal.title
    answer = client.post(
        page,
        {**of_page(proposal), "shown_sha256": compose(proposal).sha256, "remove": gone["key"]},
        follow=True,
    )
    assert "Rows of the package: 2 changed, 1 removed." in answer.content.decode()
    assert compose(proposal).title == "A title <b>in bold</b>"
    assert (
        client.post(page, {**of_page(proposal), "shown_sha256": compose(proposal).sha256}).status_code == 302
    )


def test_page_answers_409_with_both_texts_when_somebody_saved_meanwhile(proposal, by, client):
    signed_in(client, by)
    data, shown = exported(proposal), compose(proposal).sha256
    component = proposal.components.first()
    data["components"][0]["name"] = "Mine"
    sent_file(client, proposal, data)
    services.save_row(component, by=by, values={"name": "Theirs"}, revision=component.revision)
    page = reverse("proposals:package-import", args=[proposal.pk])
    answer = client.post(page, {**of_page(proposal), "shown_sha256": shown})
    assert answer.status_code == 409
    assert "<del>Theirs</del><ins>Mine</ins>" in answer.content.decode().replace("\n", "")
    assert compose(proposal).components[0].name == "Theirs"
    client.post(page, {**of_page(proposal), "shown_sha256": compose(proposal).sha256, "take": component.key})
    assert compose(proposal).components[0].name == "Mine"


def test_strangers_find_no_package_and_who_may_only_look_cannot_import(proposal, by, client):
    counsel, stranger, desk = UserFactory(), UserFactory(), officer()
    services.grant_access(proposal, to=counsel, by=by)
    names = ("package", "package-json", "package-import")
    pages = [reverse(f"proposals:{name}", args=[proposal.pk]) for name in names]
    for person, expected in ((stranger, [404] * 3), (desk, [404] * 3), (counsel, [200, 200, 403])):
        signed_in(client, person)
        assert [client.get(page).status_code for page in pages] == expected
    signed_in(client, counsel)
    assert sent_file(client, proposal, exported(proposal)).status_code == 403


def test_receipts_know_an_exported_file_by_its_package(proposal, by, client):
    submitted(proposal)
    content = write_file(compose(proposal), proposal=proposal.pk, at=clock.now()).encode()
    assert answer_to_file(content, "").how == "package"


def test_another_file_uploaded_meanwhile_is_not_taken_over_unseen(proposal, by, client):
    signed_in(client, by)
    sent_file(client, proposal, exported(proposal) | {"title": "Seen"})
    shown = {**of_page(proposal), "shown_sha256": compose(proposal).sha256}
    sent_file(client, proposal, exported(proposal) | {"title": "Not seen"})
    page = reverse("proposals:package-import", args=[proposal.pk])
    answer = client.post(page, shown)
    assert answer.status_code == 409 and "Something changed meanwhile" in answer.content.decode()
    assert compose(proposal).title == proposal.title
