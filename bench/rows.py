"""What is measured: one row for each line of the table of numbers that the portal is designed for."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Final

from django.db.models.base import ModelState
from django.urls import reverse

from bench.client import Answer, Client, Form, Unexpected
from demonstration.calls import OPEN_TITLE
from demonstration.consortia import Formation, read_book
from demonstration.people import official
from demonstration.scale import TITLE
from demonstration.timeline import at_work
from evaluation import services as evaluation
from evaluation.models import Review
from evaluation.sheets import why_sheet_closed
from program import clock
from program.models import Call, User
from proposals import services as proposals
from proposals.composition import compose
from proposals.enums import AuthorityBasis, ProposalStatus
from proposals.models import Component, Proposal, Version

Request = Callable[[], Answer]
LARGE: Final = "Measured consortium with 2,000 components"
LINES: Final = 2_000


@dataclass(frozen=True)
class Row:
    """A budget: at most so many times the empty page, so many statements, so much slower when larger."""

    name: str
    times_empty: float
    statements: int
    slower: float
    prepare: Callable[[int], Request]
    expected: int = 200


def public_call(port: int) -> Request:
    client, number = Client(port), Call.objects.get(title=OPEN_TITLE).number
    return lambda: client.get(reverse("program:call-detail", args=[number]))


def catalog(port: int) -> Request:
    client = Client(port)
    return lambda: client.get(reverse("evaluation:catalog"))


def desk(port: int) -> Request:
    client = Client(port).sign_in(official("lead-STATE").email)
    return lambda: client.get(reverse("evaluation:desk"))


def consultations(port: int) -> Request:
    """The officer's queue: each row shows the five consultations side by side."""
    client = Client(port).sign_in(official("officer").email)
    return lambda: client.get(f"{reverse('evaluation:desk')}?status=under_evaluation")


def insights(port: int) -> Request:
    """The figures as they are kept; the first answer, before what is measured, counts them."""
    client = Client(port).sign_in(official("officer").email)
    path = f"{reverse('evaluation:insights')}?call={Call.objects.get(title=TITLE).number}"
    return lambda: client.get(path)


def other_weights(port: int) -> Request:
    """What other weights would move, asked of the database each time."""
    client = Client(port).sign_in(official("officer").email)
    call = Call.objects.get(title=TITLE)
    criteria = [criterion for criterion in call.criteria.all() if not criterion.is_independent]
    shares = [100 - len(criteria) + 1, *[1] * (len(criteria) - 1)]
    asked = "&".join(f"weight-{one.pk}={share}" for one, share in zip(criteria, shares, strict=True))
    return lambda: client.get(f"{reverse('evaluation:insight-weights')}?call={call.number}&{asked}")


def score_sheet(port: int) -> Request:
    review = draft_review()
    client = Client(port).sign_in(review.reviewer.email)
    return lambda: client.get(reverse("evaluation:review", args=[review.pk]))


def draft_review() -> Review:
    """One that can be handed in."""
    reviews = Review.objects.filter(status="draft", version__proposal__call__title=TITLE)
    rows = reviews.with_consultation().defer("version__package").iterator()
    review = next((row for row in rows if why_sheet_closed(row) is None), None)
    if review is None:
        raise Unexpected("There is no draft score sheet among the data for measuring.")
    return review


def save_row(port: int) -> Request:
    """The autosave of one component of a draft, with every field of its form."""
    drafts = Proposal.objects.filter(call__title=TITLE, status=ProposalStatus.DRAFT)
    component = Component.objects.filter(
        proposal__in=drafts.exclude(consortium__name=LARGE), layer="hardware"
    ).first()
    if component is None:
        raise Unexpected("There is no draft among the data for measuring.")
    return saving(port, component)


def saving(port: int, component: Component) -> Request:
    client = Client(port).sign_in(User.objects.get(pk=component.proposal.created_by_id).email)
    path = reverse("proposals:row-edit", args=[component.proposal_id, "hardware", component.key])
    fields = Form(client.get(path).text).fields
    tries = iter(range(1_000_000))

    def save() -> Answer:
        fields[f"{component.key}-name"] = f"Server {next(tries)}"
        answer = client.post(path, fields, autosave=True)
        if answer.status != 200:
            raise Unexpected(f"A row could not be saved: {answer.status} {answer.text[:300]}")
        fields["revision"] = str(json.loads(answer.text)["revision"])
        return answer

    return save


def of_many(name: str) -> Callable[[int], Request]:
    """A page of the draft with 2,000 components, by the name of its address."""

    def prepare(port: int) -> Request:
        proposal = large_draft()
        client = Client(port).sign_in(User.objects.get(pk=proposal.created_by_id).email)
        part = () if name in ("detail", "review") else ("hardware",)
        return lambda: client.get(reverse(f"proposals:{name}", args=[proposal.pk, *part]))

    return prepare


def save_one_of_many(port: int) -> Request:
    component = large_draft().components.filter(layer="hardware")[LINES // 2]
    return saving(port, component)


def large_draft() -> Proposal:
    """A draft whose hardware has 2,000 lines, half of them with something missing; made once."""
    proposal = Proposal.objects.filter(call__title=TITLE, consortium__name=LARGE).first()
    if proposal is None:
        proposal = formed(LARGE)[1]
    pattern = proposal.components.filter(layer="hardware").first()
    if pattern is None:
        raise Unexpected("The draft with many components has no hardware.")
    missing = LINES - proposal.components.filter(layer="hardware").count()
    lines = []
    for number in range(missing):
        line = copy(pattern)
        line.pk, line.name, line._state = None, f"Rack {number + 1}", ModelState()
        if number % 2:
            line.us_manufacture, line.maker = "", ""
        lines.append(line)
    Component.objects.bulk_create(lines, batch_size=500)
    return proposal


def submit(port: int) -> Request:
    """A new version of a complete package; changing and certifying it before each time is not measured."""
    proposal = complete_proposal()
    founder = User.objects.get(pk=proposal.created_by_id)
    client = Client(port).sign_in(founder.email)
    tries = iter(range(1_000_000))

    def send() -> Answer:
        proposal.refresh_from_db()
        values = {
            "summary": f"A complete package, measured for the {next(tries)}th time at {clock.instant()}."
        }
        proposals.save_row(proposal, by=founder, values=values, revision=proposal.revision)
        proposals.certify_proposal(
            proposal,
            by=founder,
            content_sha256=compose(proposal).sha256,
            typed_signature=founder.name,
            authority_basis=AuthorityBasis.OFFICER,
        )
        before = Version.objects.filter(proposal=proposal).count()
        answer = client.post(reverse("proposals:resubmit", args=[proposal.pk]), {"note": "Measured."})
        if Version.objects.filter(proposal=proposal).count() != before + 1:
            raise Unexpected(f"A version was not received: {answer.status} {answer.text[:300]}")
        return answer

    return send


def complete_proposal() -> Proposal:
    """A submitted proposal with a complete package under the call for measuring; made once."""
    name = "Measured consortium"
    if found := Proposal.objects.filter(consortium__name=name, call__title=TITLE).first():
        return found
    formation, proposal = formed(name)
    formation.submit(proposal)
    return proposal


def formed(name: str) -> tuple[Formation, Proposal]:
    """A draft with a complete package by a new consortium under the call for measuring."""
    book, call = read_book(), Call.objects.get(title=TITLE)
    facts = {**next(facts for facts in book.consortia if facts["key"] == "tallgrass"), "name": name}
    formation = Formation(
        book, facts, call, at_work(call.issued_on, 10) if call.issued_on else clock.instant()
    )
    return formation, formation.draft(formation.form())


def submit_sheet(port: int) -> Request:
    """A score sheet; the lead gives it back before each time, which is not measured."""
    review = draft_review()
    client = Client(port).sign_in(review.reviewer.email)
    lead = official(f"lead-{review.agency.code}")
    client.get(reverse("evaluation:review", args=[review.pk]))

    def send() -> Answer:
        review.refresh_from_db()
        if review.status != "draft":
            evaluation.reopen_review(review, by=lead, note="Measured again.")
        answer = client.post(reverse("evaluation:review-submit", args=[review.pk]), {})
        review.refresh_from_db()
        if review.status != "submitted":
            raise Unexpected(f"A score sheet was not taken: {answer.status} {answer.text[:300]}")
        return answer

    return send


def api_list(port: int) -> Request:
    client = Client(port).sign_in(official("officer").email)
    return lambda: client.get("/api/v1/proposals/?page_size=100")


def api_deep(port: int) -> Request:
    """A page far down the list, reached by following the cursor."""
    client = Client(port).sign_in(official("officer").email)
    path = "/api/v1/proposals/?page_size=100"
    for _ in range(10):
        following = json.loads(client.get(path).text).get("next")
        if not following:
            break
        path = "/" + following.split("/", 3)[3]
    return lambda: client.get(path)


ROWS: Final = (
    Row("public call page", 4, 2, 1.0, public_call),
    Row("catalog, 24 cards", 8, 4, 1.1, catalog),
    Row("desk of an agency lead, 25 rows", 16, 10, 1.1, desk),
    Row("queue of the Program office with five consultations", 25, 10, 1.1, consultations),
    Row("insights of one call", 30, 10, 1.1, insights),
    Row("what other weights would move", 60, 10, 10.0, other_weights),
    Row("version reader with score sheet", 16, 10, 1.1, score_sheet),
    Row("save one row of a draft", 12, 8, 1.0, save_row),
    Row("hardware part with 2,000 components", 40, 12, 1.1, of_many("part")),
    Row("table of 2,000 components, 25 rows to edit", 60, 14, 1.1, of_many("table")),
    Row("overview of a draft with 2,000 components", 60, 22, 1.1, of_many("detail")),
    Row("save one of 2,000 components", 12, 8, 1.1, save_one_of_many),
    Row("submit", 30, 20, 1.0, submit, expected=302),
    Row("submit a score sheet", 15, 12, 1.1, submit_sheet, expected=302),
    Row("API list, 100 proposals, first page", 10, 5, 1.1, api_list),
    Row("API list, 100 proposals, a later page", 10, 5, 1.1, api_deep),
)
