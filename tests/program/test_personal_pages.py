"""What a signed-in person finds: where they begin, their notices, and the page above a form."""

from __future__ import annotations

import pytest

from program.enums import OfficeRole
from program.models import Notice
from program.requests import page_above
from program.services.subscriptions import subscribe
from tests.factories.program import OrganizationFactory, UserFactory, issued_call, officer
from tests.program.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/desk/reviews/7/scores/8/", "/desk/reviews/7/"),
        ("/desk/reviews/7/submit/", "/desk/reviews/7/"),
        ("/desk/intake/AIX-2026-0001/findings/", "/desk/intake/AIX-2026-0001/"),
        ("/desk/intake/A <b>/findings/", "/desk/intake/A%20%3Cb%3E/"),
        ("//elsewhere.example/desk/", "/start/"),
    ],
)
def test_the_address_of_a_form_leads_to_the_page_above_it(path, page):
    assert page_above(path) == page


def test_notice_is_read_by_post_only_and_only_by_its_reader(signed_in):
    reader = UserFactory()
    subscribe(None, by=reader)
    issued_call()
    notice = Notice.objects.get(recipient=reader)
    stranger = signed_in(UserFactory())
    assert stranger.post(f"/notices/{notice.pk}/read/").status_code == 404
    client = signed_in(reader)
    refused = client.get(f"/notices/{notice.pk}/read/")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert "This address cannot be opened like a page" in refused.content.decode()
    assert 'href="/notices/"' in refused.text
    client.get("/notices/")
    notice.refresh_from_db()
    assert notice.read_at is None
    assert client.post(f"/notices/{notice.pk}/read/")["Location"] == notice.url
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_inbox_pages_by_key(signed_in):
    reader = UserFactory()
    subscribe(None, by=reader)
    first = issued_call()
    event = reader.notices.get().event
    Notice.objects.bulk_create(
        Notice(event=event, recipient=reader, kind=f"k{n}", title=f"Notice {n}", text="x", url="/")
        for n in range(25)
    )
    client = signed_in(reader)
    page = client.get("/notices/")
    assert first.number not in text_of(page)
    assert first.number in text_of(client.get(f"/notices/{page.context['older']}"))
    assert client.get("/notices/?before=99999999999999999999").status_code == 200


@pytest.mark.parametrize(
    ("role", "address"),
    [
        (OfficeRole.PROGRAM_OFFICER, "/desk/"),
        (OfficeRole.REVIEWER, "/desk/"),
        (OfficeRole.EDAG_OFFICER, "/edag/"),
        (None, "/organizations/"),
    ],
)
def test_person_begins_where_their_work_is(signed_in, role, address):
    client = signed_in(officer(role) if role else UserFactory())
    assert client.get("/start/")["Location"] == address


def test_member_of_an_organization_begins_at_the_proposals(signed_in):
    person = UserFactory()
    OrganizationFactory().affiliations.create(user=person)
    assert signed_in(person).get("/start/")["Location"] == "/proposals/"
