"""Addresses of the portal with the keys of real records, and what they answer to whom."""

from __future__ import annotations

import io
import re
from functools import cache, partial
from urllib.parse import quote

from django.http import HttpResponseNotAllowed
from django.test import Client, RequestFactory
from django.urls import reverse
from openpyxl import load_workbook
from pypdf import PdfReader

from config.second_factor import VERIFIED
from evaluation.models import LetterPaper
from evaluation.querysets.discussion import discussed_by
from evaluation.querysets.people import papers_of
from evaluation.views.intake import OFFICE
from program.requests import page_above
from program.spreadsheets import KINDS
from proposals.enums import Part
from proposals.invitations import token_of
from proposals.models import Proposal, TimeRequest
from tests.architecture.routes import OURS
from tests.architecture.two_consortia import on_team

ABSENT = 99_999_999
NOWHERE = "AIX-2026-99999"
# One pattern for all; what a page shows anew each time is not part of its answer
CHANGING = re.compile(
    r'(name="csrfmiddlewaretoken" value="[^"]*")|("request_id": ?"[^"]*")|(nonce="[^"]*")|(data-now="[^"]*")'
)
# Addresses that name no record of a consortium: public matter, or the Government's own household
OPEN = {
    "program:call-detail", "program:call-calendar", "program:call-follow", "program:call-ask",
    "program:call-file",
    "api-call-detail",
    "evaluation:catalog-entry", "financing:country", "financing:country_class",
    "financing:workstream", "financing:barrier", "financing:partnership",
    "program:evidence", "program:office-end", "program:delegation-end",
    "program:appointment-confirm", "program:appointment-decline",
    "program:session-end",
    "program:suppression-remove", "program:refusal-lift", "program:outage-correct",
    "program:silence-dismiss", "program:closure-correct",
    "program:notice-kind", "program:notice-kind-mail", "program:subscription-confirm",
    "program:calendar-feed", "evaluation:insight-export", "evaluation:reviewers-export",
    "evaluation:reviewer",
    "program:subscription-stop", "program:mail-stop",
}  # fmt: skip

# What may be asked of the catalog beside its first page
CATALOG = ("format=json", "format=csv", "q=a&layer=hardware", "q=e&format=csv")

# Addresses under a proposal that say something new once it is designated
LATER = {
    "api-proposal-detail", "proposals:detail", "proposals:version", "financing:support",
    "evaluation:questions",
    "evaluation:catalog-release", "evaluation:catalog-withdraw",
}  # fmt: skip
# What a browser or a program reads of an answer beside its text
HEADERS = ("Location", "Allow", "Content-Type", "Content-Disposition", "Cache-Control", "ETag")


def by_name():
    return {route.name: route.pattern for route in OURS if "<" in route.pattern}


@cache
def refuses(name, method):
    """Whether the view refuses ``method`` before it learns who asks for what; then it tells nothing."""
    view = next(route.view for route in OURS if route.name == name)
    if name.startswith("api-"):
        return False
    try:
        answered = view(RequestFactory().generic(method.upper(), "/"))
    except (TypeError, AttributeError):  # it asked for the key, or for the person
        return False
    return isinstance(answered, HttpResponseNotAllowed)


def opened(world, person):
    """Every address at which ``person`` finds something to look at: lists, and the records that they see."""
    visible = cache(lambda sees_it: person.is_authenticated and sees_it(person))
    return [
        *lists(),
        *(
            reverse(name, kwargs=real)
            for name, real, _, sees_it in keyed(world)
            if not refuses(name, "get") and visible(sees_it)
        ),
    ]


def keyed(world):
    """Of every address that names a record: its name, the real keys, absent keys, and who may see it."""
    routes = by_name()
    seen = {record: partial(listed, record=getattr(world, record)) for record in world.records}
    for name, pattern in routes.items():
        if name in OPEN:
            continue
        yield from cases(world, name, pattern, seen)


def listed(user, record):
    """Whether the record stands in the list of what ``user`` may see."""
    return type(record).objects.visible_to(user).filter(pk=record.pk).exists()


def reads_paper(world, user):
    return papers_of(LetterPaper, user).filter(pk=world.letter.paper.pk).exists()


def reads_request(world, user):
    return TimeRequest.objects.read_by_office(user).filter(pk=world.time_request.pk).exists()


def reads_by_office(proposal, user):
    return Proposal.objects.read_by_office(user).filter(pk=proposal.pk).exists()


def reads_discussion(proposal, user):
    return discussed_by(user).filter(pk=proposal.pk).exists()


def cases(world, name, pattern, seen):
    def case(real, absent, sees_it):
        yield name, real, {**real, **absent}, sees_it

    def by_pk(record, rule=None, **more):
        return case({"pk": getattr(world, record).pk, **more}, {"pk": ABSENT}, rule or seen[record])

    def reads_facts(user):
        return on_team(user, world.consortium) or seen["organization"](user)

    if name == "api-proposal-detail" or pattern.startswith("proposals/<int:pk>/"):
        for part in ("draft", "inside", "done") if name in LATER else ("draft", "inside"):
            keys = rest(world, name, part)
            for kind in KINDS if name == "proposals:table-export" else [keys.get("kind")]:
                yield from by_pk(part, **keys | ({"kind": kind} if kind else {}))
    elif name == "api-question-detail":
        yield from by_pk("question")
    elif name == "api-designation-detail" or "designations/<" in pattern:
        more = {"act": "suspend"} if "<slug:act>" in pattern else {}
        more |= {"pk": ABSENT - 1} if "<int:pk>" in pattern else {}
        real = {"number": world.designation.number, **more}
        sees_it = seen["designation"] if name.startswith("api-") else partial(reads_by_office, world.done)
        yield from case(real, {"number": "AIX-D-2026-9999"}, sees_it)
    elif pattern.startswith("desk/proposals/<str:number>/discussion/"):
        real = {"number": world.inside.number}
        if "<int:pk>" in pattern:
            yield from case({**real, "pk": world.remark.pk}, {"pk": ABSENT}, seen["remark"])
        else:
            yield from case(real, {"number": NOWHERE}, partial(reads_discussion, world.inside))
    elif re.match(r"desk/(intake|proposals|assignments)/<str:number>", pattern):
        for record in ("inside", "done"):
            more = {"pk": ABSENT - 1} if "<int:pk>" in pattern else {}
            real = {"number": getattr(world, record).number, **more}
            yield from case(real, {"number": NOWHERE}, partial(reads_by_office, getattr(world, record)))
    elif pattern.startswith("desk/calls/<"):
        more = {"pk": world.planned.criteria.first().pk} if "criteria/<int:pk>" in pattern else {}
        more |= {"pk": world.planned.requirements.first().pk} if "requirements/<int:pk>" in pattern else {}
        if "files/<int:pk>" in pattern:
            more = {"pk": world.planned.files.first().pk}
        if "places/<int:pk>" in pattern:
            more = {"pk": world.planned.ineligible_jurisdictions.first().pk}
        real = {"number": world.planned.number, **more}
        yield from case(real, {"number": "AIX-C-2026-9999"}, seen["planned"])
    elif re.match(r"desk/(duties|agency-actions|exemptions)/<", pattern):
        kinds = {"desk/duties": ["duty"], "desk/exemptions": ["exemption"]}
        more = {"step": "propose"} if "<slug:step>" in pattern else {}
        for kept in kinds.get(pattern.partition("/<")[0], ["agency_action", "hidden_action"]):
            yield from by_pk(kept, lambda user: user.has_perm("program.view_duty"), **more)
    elif pattern.startswith("edag/referrals/<"):
        yield from case({"number": world.tool_referral.number}, {"number": NOWHERE}, seen["tool_referral"])
    elif pattern.startswith("desk/papers/"):
        real = {"kind": "letter", "pk": world.letter.paper.pk}
        yield from case(real, {"kind": "letter", "pk": ABSENT}, partial(reads_paper, world))
    elif name == "proposals:invitation":
        real = {"token": token_of(world.invitation)}
        yield from case(real, {"token": "none:none"}, lambda user: True)
    else:
        prefixes = [
            ("consortia/", "consortium", None),
            ("members/", "membership", None),
            ("team/", "place", None),
            ("anchor-offers/", "anchor_offer", None),
            ("invitations/", "invitation", seen["invited"]),
            ("letters/", "letter", None),
            ("notices/", "notice", None),
            ("questions/", "asked", None),
            ("desk/questions/", "asked", None),
            ("organizations/", "organization", reads_facts if name.startswith("proposals:") else None),
            ("desk/assigned/", "assignment", None),
            ("desk/reviews/", "review", None),
            ("desk/positions/", "referral", None),
            ("desk/escalations/", "escalation", None),
            ("desk/conflicts/", "conflict_case", None),
            ("desk/interests/", "interest", None),
            ("desk/determinations/", "determination", None),
            ("desk/amendments/", "amendment", None),
            ("desk/screening/lists/", "listed", lambda user: user.holds(*OFFICE)),
            ("desk/screening/", "check", None),
            ("desk/compliance/", "compliance_check", None),
            ("desk/more-time/", "time_request", partial(reads_request, world)),
            ("edag/meetings/", "meeting", None),
            ("edag/items/", "item", None),
            ("edag/actions/", "action", None),
        ]
        record, rule = next((r, rule) for prefix, r, rule in prefixes if pattern.startswith(prefix))
        more = {}
        if "<int:holding>" in pattern:
            more["holding"] = world.holding.pk
        if "<int:score_pk>" in pattern:
            more["score_pk"] = world.score.pk
        if "<int:condition_pk>" in pattern:
            more["condition_pk"] = world.condition.pk
        if "<int:change_pk>" in pattern:
            more["change_pk"] = world.amendment.condition_changes.get().pk
        yield from by_pk(record, rule, **more)


def rest(world, name, record):
    """The further keys of an address under a proposal."""
    proposal = getattr(world, record)
    pattern = by_name()[name]
    wanted = set(re.findall(r"<(?:\w+:)?(\w+)>", pattern)) - {"pk"}
    attachment = proposal.attachments.get()
    component = proposal.components.first()
    values = {
        "part": "hardware", "key": component.key, "kind": "component", "user": world.counsel.pk,
        "attachment": attachment.pk, "number": 1, "other": 1, "what": "package",
        "sha256": attachment.document.sha256, "question_pk": world.question.pk,
        "comment": getattr(proposal.comments.first(), "pk", ABSENT),
        "mark": getattr(proposal.markings.first(), "pk", ABSENT),
        "removed": getattr(proposal.removed_rows.first(), "pk", ABSENT),
        "file": world.question.files.get().pk,
        "replaced": attachment.replaced_files.get().pk, "upload": proposal.uploads.get().pk,
    }  # fmt: skip
    assert values["part"] in Part.values
    return {key: values[key] for key in wanted}


def client_of(person):
    client = Client(raise_request_exception=False)
    if person.is_authenticated:
        client.force_login(person)
        session = client.session
        session[VERIFIED] = person.pk
        session.save()
    return client


def answer(client, method, address, **sent):
    """What a request brings; ``sent`` is a body and headers, as the client takes them."""
    return heard(getattr(client, method)(address, **sent))


def heard(response):
    """Status, headers and text of an answer."""
    headers = "\n".join(f"{name}: {response.headers[name]}" for name in HEADERS if name in response.headers)
    return response.status_code, headers, text_of(content_of(response))


def content_of(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def text_of(content):
    if content.startswith(b"%PDF-"):
        return text_of_paper(content)
    if content.startswith(b"PK"):
        return "\n".join(str(cell.value) for cell in cells_of(content) if cell.value is not None)
    return content.decode("utf-8", "replace")


@cache
def text_of_paper(content):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def cells_of(content):
    """Every cell of a workbook, as its file has it."""
    for sheet in load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows():
            yield from row


def comparable(found, address):
    status, place, text = found
    return status, without(place, address), CHANGING.sub("", without(text, address))


def without(text, address):
    """The text without the address that was asked, and the one above it, to which a refused method links."""
    for said in (address, quote(address, safe=""), quote(address), page_above(address.partition("?")[0])):
        text = text.replace(said, "HERE")
    return text


def lists():
    """Every address without a key: lists, home, desks, the API, the catalog as open data."""
    plain = [route.address for route in OURS if "<" not in route.pattern and route.pattern != "accounts/"]
    return [*plain, *(f"{reverse('evaluation:catalog')}?{asked}" for asked in CATALOG)]
