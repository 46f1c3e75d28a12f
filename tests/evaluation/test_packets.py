"""What lies before the signer, and the packet as a PDF: what is in it, who reads it, whose hash it bears."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pypdf import PdfReader

from evaluation import services
from evaluation.models import Determination, LetterPaper, PacketPaper
from evaluation.packets import packet_of, packet_text, render_packet
from evaluation.tasks import sweep_documents
from program import clock
from program.canonical import canonical_json, sha256_hex
from program.documents import open_document
from program.enums import Mark, OfficeRole, PaperState
from program.models import Agency, AuditEvent
from program.papers import owed
from program.templatetags.portal import deadline_date
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import RecusalFactory, TeamMemberFactory, representative_of
from tests.proposals.test_documents import flat

pytestmark = pytest.mark.django_db

LAYERS = ["hardware", "data", "models", "security", "applications"]
PARTS = ("market_overlap", "questions", "adjudications", "earlier_positions", "recusals")


def packet(determination):
    return packet_of(Determination.objects.get(pk=determination.pk))


def test_standing_designations_in_the_same_markets_are_named_with_their_layers():
    chief = make.decision_official()
    standing, ended = make.designated(by=chief), make.designated(by=chief)
    services.suspend_designation(standing, by=chief, reason="A question is open.")
    services.revoke_designation(ended, by=chief, reason="It was given up.")
    determination = make.ready_to_sign()
    package = standing.version.value
    assert packet(determination)["market_overlap"] == [
        {
            "designation": standing.number,
            "title": package.title,
            "consortium": package.consortium.name,
            "status": "suspended",
            "markets": [{"code": "KE", "name": "Kenya"}],
            "layers": LAYERS,
        }
    ]
    determination.version = make.new_version(determination.proposal, {"markets": ()})
    assert packet_of(determination)["market_overlap"] == []
    assert packet(standing.determination)["market_overlap"] == []


def test_layers_of_an_overlap_are_those_that_both_packages_have():
    standing, determination = make.designated(), make.ready_to_sign()
    few = tuple(c for c in determination.version.value.components if c.layer in ("models", "data"))
    determination.version = make.new_version(determination.proposal, {"components": few})
    (row,) = packet_of(determination)["market_overlap"]
    assert (row["designation"], row["layers"]) == (standing.number, ["data", "models"])


def overlapping():
    """A designation, and a draft determination that an officer without ties reads, on the same markets."""
    chief = make.decision_official()
    standing = make.designated(by=chief)
    return standing, make.ready_to_sign()


def read_by(client, person, determination):
    """The packet as a page and as JSON, as ``person`` reads it."""
    shown = page(client, person, "determination", determination.pk).text
    return shown, page(client, person, "packet", determination.pk).text


@pytest.mark.parametrize("tie", ["recused", "on the team"])
def test_a_designation_that_is_closed_to_a_reader_is_counted_in_the_text_for_all(client, tie):
    standing, determination = overlapping()
    reader, other = officer(), officer()
    package = standing.version.value
    names = (standing.number, package.consortium.name)
    before = [*read_by(client, other, determination), printed(asked_for(determination, other))]
    assert all(name in text for text in before for name in names)
    if tie == "recused":
        services.recuse(standing.proposal, person=reader, by=officer(), reason="A cousin works there.")
    else:
        TeamMemberFactory(membership=standing.proposal.consortium.anchor, user=reader)

    pages, canonical = zip(
        *(read_by(client, person, determination) for person in (reader, other)), strict=True
    )

    assert len(set(canonical)) == 1 and canonical[0] != before[1]
    found = json.loads(canonical[0])
    assert (found["market_overlap"], found["market_overlap_closed"]) == ([], 1)
    paper = printed(asked_for(determination, other))
    for text in (*pages, paper):
        assert "One more designation, closed to a reader of this packet" in text
        assert "No active or suspended designation" not in text
    assert not any(name in text for text in (*pages, *canonical, paper) for name in names)


def test_of_a_closed_designation_the_packet_says_what_the_catalog_says(client):
    standing, determination = overlapping()
    make.published(
        standing, title="A public stack", layers={"models": "A public model.", "data": ""},
        shows_markets=True,
    )  # fmt: skip
    services.recuse(standing.proposal, person=officer(), by=officer(), reason="A cousin works there.")
    reader = officer()
    shown, canonical = read_by(client, reader, determination)
    paper = printed(asked_for(determination, reader))
    found = json.loads(canonical)
    assert (found["market_overlap"], found["market_overlap_closed"]) == (
        [
            {
                "designation": standing.number,
                "title": "A public stack",
                "consortium": "",
                "status": "active",
                "markets": [{"code": "KE", "name": "Kenya"}],
                "layers": ["models"],
                "from_catalog": True,
            }
        ],
        0,
    )
    for text in (shown, canonical, paper):
        assert "A public stack" in text and standing.version.value.consortium.name not in text
    services.suspend_designation(standing, by=make.decision_official(), reason="A question is open.")
    found = packet(determination)
    assert (found["market_overlap"], found["market_overlap_closed"]) == ([], 1)


def test_who_has_no_access_to_the_packet_closes_no_designation_in_it():
    standing, determination = overlapping()
    person, desk = officer(), officer()
    for proposal in (standing.proposal, determination.proposal):
        services.recuse(proposal, person=person, by=desk, reason="A cousin works there.")
    found = packet(determination)
    (row,) = found["market_overlap"]
    assert (row["title"], found["market_overlap_closed"]) == (standing.version.value.title, 0)


def test_every_question_is_in_it_with_its_answer_and_files():
    proposal, desk = make.accepted(), officer()
    first, second = make.asked(proposal, by=desk), make.asked(proposal, by=desk)
    table = SimpleUploadedFile("holders.csv", b"holder,1\n")
    services.answer_question(first, by=representative_of(proposal), answer="The anchor.", uploads=[table])
    services.withdraw_question(second, by=desk)
    one, two = packet(make.ready_to_sign(proposal, by=desk))["questions"]
    file = first.files.get().document
    assert (one["number"], one["status"], one["question"]) == (1, "answered", "Who holds the weights?")
    assert (one["answer"], one["is_late"]) == ("The anchor.", False)
    assert one["files"] == [{"name": "holders.csv", "sha256": file.sha256}]
    assert (two["number"], two["status"], two["answer"], two["answered_at"]) == (2, "withdrawn", "", None)


def test_flags_are_in_it_with_what_each_person_made_of_them():
    proposal, desk, other = make.accepted(), officer(), officer()
    check = make.flagged(proposal, by=desk)
    determination = services.prepare_determination(proposal, by=desk)
    (row,) = packet(determination)["adjudications"]
    assert (row["party"], row["state"], row["opinions"]) == (check.party_name, "open", [])
    assert row["entry"] == str(check.entry)
    services.adjudicate(check, by=other, outcome="confirmed", reason="The same address.")
    found = packet(determination)
    (row,) = found["adjudications"]
    assert row["state"] == "confirmed"
    assert [(o["decided_by"], o["outcome"], o["reason"]) for o in row["opinions"]] == [
        (other.name, "confirmed", "The same address.")
    ]
    checks = found["party_checks"]
    assert (checks["flags"], checks["open"], checks["confirmed"]) == (1, 0, 1)


def test_positions_that_no_longer_stand_are_in_it_and_those_that_stand_are_not_twice():
    proposal = make.accepted()
    make.filed(proposal, "DOE", "object", rationale="The grid is too weak.")
    determination = make.ready_to_sign(proposal)
    found = packet(determination)
    (row,) = found["earlier_positions"]
    assert (row["agency"], row["version"], row["stance"]) == ("DOE", 1, "object")
    assert row["rationale"] == "The grid is too weak."
    assert [one["stance"] for one in found["consultations"]] == ["support"] * 5


def test_it_names_who_is_recused_for_which_agency_and_not_why():
    proposal, desk, person = make.accepted(), officer(), make.lead("DOE")
    services.recuse(proposal, person=person, by=desk, reason="A cousin works there.")
    determination = make.ready_to_sign(proposal, by=desk)
    (row,) = packet(determination)["recusals"]
    assert (row["name"], row["agencies"]) == (person.name, [Agency.objects.get(code="DOE").display_name])
    assert "cousin" not in packet_text(Determination.objects.get())


def test_page_shows_every_part(client):
    desk = officer()
    designation, proposal, _ = make.designated(), make.accepted(desk), make.screening_list()
    recused = make.lead("OSTP")
    services.recuse(proposal, person=recused, by=desk, reason="A cousin works there.")
    make.filed(proposal, "DOE", "object", rationale="The grid is too weak.")
    make.asked(proposal, by=desk)
    determination = make.ready_to_sign(proposal, by=desk)
    shown = page(client, desk, "determination", determination.pk).text
    for words in (designation.number, recused.name, "The grid is too weak.", "Who holds the weights?"):
        assert words in shown
    assert "A cousin" not in shown
    link = reverse("evaluation:designation", args=[designation.number])
    assert link in shown
    RecusalFactory(proposal=designation.proposal, user=desk)
    assert link not in page(client, desk, "determination", determination.pk).text


def test_a_packet_signed_before_is_shown_and_printed_as_it_was_signed(client):
    determination = make.signed()
    kept = {name: value for name, value in json.loads(determination.packet).items() if name not in PARTS}
    text = canonical_json(kept)
    Determination.objects.update(packet=text, packet_sha256=sha256_hex(text))
    desk = officer()
    shown = page(client, desk, "determination", determination.pk)
    assert "Questions to the consortium" not in shown.text
    assert page(client, desk, "packet", determination.pk).text == text
    assert shown.context["packet_sha256"] == sha256_hex(text)
    whole = printed(asked_for(determination, desk))
    assert sha256_hex(text) in whole and "Questions to the consortium" not in whole


# The PDF


def asked_for(determination, by):
    """The PDF of the packet, asked for and made."""
    paper = services.ask_packet_pdf(Determination.objects.get(pk=determination.pk), by=by)
    assert render_packet(paper.pk)
    paper.refresh_from_db()
    return paper


def read(paper):
    with open_document(paper.document) as file:
        return PdfReader(io.BytesIO(file.read()))


def printed(paper):
    return " ".join(" ".join(page.extract_text() for page in read(paper).pages).split())


@pytest.fixture
def full():
    """A draft whose packet has something in every section."""
    desk, chief = officer(), make.decision_official()
    make.designated(by=chief)
    proposal = make.accepted(desk)
    services.recuse(proposal, person=make.lead("OSTP"), by=desk, reason="A cousin works there.")
    question = make.asked(proposal, by=desk)
    services.answer_question(question, by=representative_of(proposal), answer="The anchor holds them.")
    make.filed(proposal, "STATE", "object", rationale="The earlier objection.")
    review = make.filled_review(make.assigned(proposal, by=desk))
    services.submit_review(review, by=review.reviewer)
    determination = make.ready_to_sign(proposal, by=desk, DOE="object")
    services.save_condition(
        determination,
        by=desk,
        values={
            "text": "Log every access.",
            "owner": "The anchor",
            "due_on": clock.today(),
            "evidence": "A monthly log.",
            "effect": "The designation may be suspended.",
        },
    )
    return determination


def test_pdf_of_a_draft_bears_the_hash_of_the_json_and_says_on_every_page_that_it_is_not_signed(client, full):
    desk = officer()
    paper = asked_for(full, desk)
    pages = [" ".join(sheet.extract_text().split()) for sheet in read(paper).pages]
    whole = " ".join(pages)
    digest = sha256_hex(page(client, desk, "packet", full.pk).text)
    assert whole.count(digest) == 2
    assert len(pages) > 3 and all("Draft, not signed. Government only." in sheet for sheet in pages)
    assert "Not signed" in pages[-1] and full.prepared_by.name in pages[-1]
    assert (paper.document.mark, paper.packet_sha256) == (Mark.GOVERNMENT_ONLY, digest)


def test_pdf_has_the_text_of_every_section_tags_and_bookmarks(full):
    reader = read(paper := asked_for(full, officer()))
    whole, found = printed(paper), packet(full)
    (overlap,), (question,), (recused,) = found["market_overlap"], found["questions"], found["recusals"]
    (earlier,), (condition,) = found["earlier_positions"], found["conditions"]
    texts = [found["rationale"], found["letter_text"], found["us_content"]["state_words"]]
    texts += [finding["text"] for finding in found["findings"]]
    texts += [row["rationale"] for row in found["consultations"]] + [earlier["rationale"]]
    texts += [row["answer"] for row in found["objections"]]
    names = {row["agency"]: row["name"] for row in found["consultations"]}
    texts += [f"{names[row['agency']]}: {row['title']}" for row in found["scores"]]
    texts += [found["party_checks"]["list"], overlap["designation"], overlap["markets"][0]["name"]]
    texts += [question["question"], question["answer"], recused["name"]]
    texts += [condition[name] for name in ("text", "owner", "evidence", "effect")]
    assert found["scores"] and found["objections"] and found["findings"]
    assert [text for text in texts if " ".join(text.split()) not in whole] == []
    assert "cousin" not in whole
    escalation = found["escalations"][0]
    due = deadline_date(datetime.fromisoformat(escalation["due_at"]))
    assert f"To be settled by {due}" in whole and "12:00:00" not in whole
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert b'pdfuaid:part="1"' in reader.trailer["/Root"]["/Metadata"].get_data()
    headings = {entry["/Title"] for entry in flat(reader.outline)}
    assert {"Decision", "Questions to the consortium", "Recused", "Signature"} <= headings


def test_signed_pdf_has_the_signature_under_its_delegation_and_is_made_from_what_was_frozen(full):
    giver, delegate = make.decision_official(), officer()
    delegation = make.delegated(giver, delegate, "sign_determination", "COMMERCE")
    determination = make.signed(full, by=delegate)
    make.asked(determination.proposal)
    services.answer_question(
        determination.proposal.information_requests.last(),
        by=representative_of(determination.proposal),
        answer="Said after the signature.",
    )
    paper = asked_for(determination, officer())
    assert (paper.packet_sha256, paper.body) == (determination.packet_sha256, determination.packet)
    last = " ".join(read(paper).pages[-1].extract_text().split())
    assert f"{delegate.name} {delegate.title}".strip() in last and f"under delegation: {delegation}" in last
    whole = printed(paper)
    assert determination.packet_sha256 in last
    assert "ot signed" not in whole and "Said after the signature." not in whole


def test_recalled_packet_is_printed_as_recalled(full):
    chief = make.decision_official()
    determination = make.signed(full, by=chief)
    before = asked_for(determination, chief)
    services.recall_determination(determination, by=chief, reason="A figure was wrong.")
    paper = asked_for(determination, chief)
    assert (paper.pk != before.pk, paper.packet_sha256) == (True, before.packet_sha256)
    whole = printed(paper)
    assert "Recalled before it was announced." in whole and "A figure was wrong." in whole


def test_who_may_not_see_the_determination_gets_404(client, full):
    signed = make.signed(full)
    recused = officer()
    RecusalFactory(proposal=signed.proposal, user=recused)
    outside = (recused, make.reviewer("STATE"), make.lead("STATE"), representative_of(signed.proposal))
    paper = asked_for(signed, officer())
    for person in outside:
        assert page(client, person, "packet-pdf", signed.pk).status_code == 404
        assert page(client, person, "packet-state", signed.pk).status_code == 404
        assert press(client, person, "packet-ask", signed.pk).status_code == 404
        with pytest.raises(PermissionDenied):
            services.ask_packet_pdf(signed, by=person)
    assert PacketPaper.objects.get() == paper
    got = page(client, officer(OfficeRole.AUDITOR, "OSTP"), "packet-pdf", signed.pk)
    assert b"".join(got.streaming_content).startswith(b"%PDF-")
    services.announce_determination(signed, by=make.decision_official())
    assert page(client, outside[2], "packet-pdf", signed.pk).status_code == 200


def test_it_is_asked_for_on_the_page_read_there_and_made_anew_when_the_record_moves_on(client, full):
    desk = officer()
    back = reverse("evaluation:determination", args=[full.pk]) + "#packet"
    assert "Make the PDF" in page(client, desk, "determination", full.pk).text
    assert page(client, desk, "packet-pdf", full.pk).url == back
    for _ in range(2):
        assert press(client, desk, "packet-ask", full.pk).url == back
    paper = PacketPaper.objects.get()
    (event,) = AuditEvent.objects.filter(act="determination.ask_pdf")
    assert event.said["after"] == {"status": "draft", "packet_sha256": paper.packet_sha256}
    assert "as soon as a worker is free" in page(client, desk, "determination", full.pk).text
    state = reverse("evaluation:packet-state", args=[full.pk])
    assert client.get(f"{state}?shown=waiting").status_code == 204
    assert render_packet(paper.pk) and not render_packet(paper.pk)
    assert "Packet as PDF" in client.get(f"{state}?shown=waiting").text
    auditor = officer(OfficeRole.AUDITOR, "OSTP")
    before = AuditEvent.objects.filter(act="proposal.read").count()
    assert page(client, auditor, "packet-pdf", full.pk).status_code == 200
    assert AuditEvent.objects.filter(act="proposal.read").count() == before + 1
    make.asked(full.proposal, by=desk)
    assert "Make the PDF" in page(client, desk, "determination", full.pk).text
    assert page(client, desk, "packet-pdf", full.pk).url == back
    press(client, desk, "packet-ask", full.pk)
    assert PacketPaper.objects.count() == 2


def test_one_that_could_not_be_made_is_on_the_desk_and_made_again(client, full):
    desk = officer()
    paper = services.ask_packet_pdf(full, by=desk)
    assert owed(PacketPaper) == [paper.pk]
    PacketPaper.objects.update(state=PaperState.QUARANTINED, reason="It needed more memory.")
    assert "Could not be made" in page(client, desk, "determination", full.pk).text
    assert str(paper) in page(client, desk, "papers").text
    press(client, desk, "paper-again", "packet", paper.pk)
    assert owed(PacketPaper) == [paper.pk]


def test_the_sweep_makes_what_no_message_brought(full):
    LetterPaper.objects.all().delete()
    paper = services.ask_packet_pdf(full, by=officer())
    assert (sweep_documents(), sweep_documents()) == (1, 0)
    paper.refresh_from_db()
    assert paper.is_made


@pytest.mark.parametrize("rows", [1, 3])
def test_page_costs_the_same_however_much_lies_before_the_signer(
    client, warm, rows, django_assert_num_queries
):
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    for number in range(rows):
        make.designated(by=chief)
        question = make.asked(proposal, by=desk)
        services.answer_question(question, by=representative_of(proposal), answer="The anchor.")
        make.filed(proposal, "DOE", "object", rationale=f"The grid is too weak, {number}.")
        services.recuse(proposal, person=make.lead("OSTP"), by=desk, reason="A cousin works there.")
    determination = make.ready_to_sign(proposal, by=desk)
    sign_in(client, desk)
    address = reverse("evaluation:determination", args=[determination.pk])
    client.get(address)
    with django_assert_num_queries(73):
        found = client.get(address).context["packet"]
    assert {len(found[name]) for name in PARTS if name != "adjudications"} == {rows}
