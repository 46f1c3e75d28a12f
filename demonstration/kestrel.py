"""One draft as full as a real one, from ``data/kestrel.toml``: seven companies, counsel, a hundred rows."""

from __future__ import annotations

import io
import re
import textwrap
import tomllib
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pikepdf
from django.db import transaction

from demonstration.calls import opened_on
from demonstration.consortia import FOLDER, Book, Days, Facts, Formation, read_book
from demonstration.timeline import at_work
from program import clock
from program.enums import CallStatus, DeliveryState, Mark
from program.models import Call, User
from proposals import services
from proposals.checks.particular import ANSWER_FIELDS
from proposals.models import Answer, Comment, Consortium, Invitation, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGUN: Final = timedelta(days=3)
OPENS, CLOSES, FRIDAY = 9, 18, 4
WRAPPED: Final = re.compile(r"(?<!\n)\n(?!\n)")
MADE_UP: Final = "Made up for the demonstration of the portal, like the companies and people that it names."


def play(call: Call) -> bool:
    """Make the draft while its call is open; False if it is there already."""
    facts = unwrapped(tomllib.loads((FOLDER / "kestrel.toml").read_text(encoding="utf-8")))
    if call.status != CallStatus.ISSUED or Proposal.objects.filter(consortium__name=facts["name"]).exists():
        return False
    with transaction.atomic():
        begin = at_work(opened_on(call) + BEGUN, 9)
        formation = FullFormation(TextBook(read_book().columns, []), facts, call, begin)
        formation.days = OfficeHours(begin)
        proposal = formation.draft(formation.form())
        formation.finish(proposal)
    return True


def unwrapped(value: Any) -> Any:
    """Texts of several lines as paragraphs; what stands under ``tables`` keeps its lines."""
    if isinstance(value, str):
        return WRAPPED.sub(" ", value.strip())
    if isinstance(value, list):
        return [unwrapped(one) for one in value]
    if isinstance(value, dict):
        return {name: one if name == "tables" else unwrapped(one) for name, one in value.items()}
    return value


class TextBook(Book):
    """Rows by the names of their columns, where they are not listed cell by cell."""

    def rows(self, facts: Facts, part: str) -> Iterator[Facts]:
        if isinstance(facts[part][0], list):
            return super().rows(facts, part)
        return (dict(row) for row in facts[part])


class OfficeHours(Days):
    """Days of people who keep office hours: what falls on a night or a weekend waits for the next day."""

    @contextmanager
    def later(self, **span: float) -> Iterator[None]:
        moment = self.moment + timedelta(**span)
        if moment.hour >= CLOSES or moment.hour < OPENS:
            moment = moment.replace(hour=OPENS, minute=10) + timedelta(days=moment.hour >= CLOSES)
        if moment.weekday() > FRIDAY:
            moment += timedelta(days=7 - moment.weekday())
        self.moment = moment
        with clock.moved_to(moment):
            yield


class FullFormation(Formation):
    """Many hands: each member enters what it supplies, and people talk about what is still open."""

    def form(self) -> Consortium:
        consortium = super().form()
        for one in self.facts["people"]:
            member, facts = self.members[one["member"]], self.facts["members"][one["member"]]
            with self.days.later(hours=1):
                user = self.at_firm(one["person"], one["title"], facts["name"])
                inviter = self.person_of(facts)
                invitation = services.invite_person(member, by=inviter, email=user.email, role=one["role"])
                services.accept_invitation(services.token_of(invitation), by=user)
            self.mailed(invitation)
        return consortium

    def mailed(self, invitation: Invitation) -> None:
        """Its mail went out on the day: nothing is owed any more."""
        sent = {"mail_state": DeliveryState.SENT, "mailed_at": invitation.created_at}
        Invitation.objects.filter(pk=invitation.pk).update(**sent)

    def writer(self, row: Facts) -> User:
        """Its supplier; the anchor for one that has not consented yet."""
        undecided = row["supplier"] == self.facts["undecided"]
        return self.founder if undecided else self.person_of(self.facts["members"][row["supplier"]])

    def finish(self, proposal: Proposal) -> None:
        """What comes last: answers, files, and some days ago an invitation and comments."""
        with self.days.later(hours=1):
            self.answers(proposal)
        for facts in self.facts["documents"]:
            with self.days.later(minutes=10):
                self.file(proposal, facts)
        lately = (clock.instant() - timedelta(days=5)).astimezone(clock.WASHINGTON)
        self.days.moment = max(self.days.moment, lately)
        with self.days.later(minutes=5):
            one = self.facts["invited"]
            inviter = self.person_of(self.facts["members"][one["member"]])
            self.mailed(
                services.invite_person(
                    self.members[one["member"]], by=inviter, email=one["email"], role=one["role"]
                )
            )
        for facts in self.facts["comments"]:
            with self.days.later(minutes=40):
                self.comment(proposal, facts)

    def answers(self, proposal: Proposal) -> None:
        for requirement in self.call.requirements.filter(code__in=self.facts["answers"]):
            given = self.facts["answers"][requirement.code]
            column = ANSWER_FIELDS[requirement.evidence_type]
            value = Decimal(given) if column == "number" else given
            answer = Answer(proposal=proposal, requirement=requirement)
            services.add_row(answer, by=self.founder, values={column: value})

    def file(self, proposal: Proposal, facts: Facts) -> None:
        table = facts.get("table")
        if table is None:
            content = page(facts["caption"], clock.today())
        elif table == "hardware":
            content = self.hardware_table()
        else:
            content = self.facts["tables"][table].encode()
        self._attach(
            proposal,
            facts["name"],
            content,
            facts["part"],
            facts["caption"],
            facts.get("justification", ""),
            facts.get("mark", Mark.PUBLIC),
            self.row_key(proposal, facts),
        )

    def row_key(self, proposal: Proposal, facts: Facts) -> str:
        """The key of the component that a file or a comment is about, or ""."""
        return proposal.components.get(name=facts["row"]).key if "row" in facts else ""

    def comment(self, proposal: Proposal, facts: Facts) -> None:
        author = User.objects.get(name=facts["by"])
        comment = services.add_comment(
            proposal,
            by=author,
            part=facts["part"],
            text=facts["text"],
            row_key=self.row_key(proposal, facts),
            assigned_to=User.objects.get(name=facts["assigned"]) if "assigned" in facts else None,
        )
        written = [comment.pk]
        if "reply" in facts:
            replier = User.objects.get(name=facts["reply_by"])
            written.append(services.answer_comment(comment, by=replier, text=facts["reply"]).pk)
        Comment.objects.filter(pk__in=written).update(created_at=clock.instant())
        if facts.get("resolved"):
            services.resolve_comment(comment, by=self.founder)


def page(title: str, day: date) -> bytes:
    """A PDF of one page that says what it stands for."""
    lines = [
        *textwrap.wrap(title, 70),
        "",
        f"{day:%B} {day.day}, {day.year}",
        "",
        *textwrap.wrap(MADE_UP, 70),
    ]
    shown = (line.translate({40: r"\(", 41: r"\)", 92: r"\\"}) for line in lines)
    text = "\n".join(f"({line}) Tj T*" for line in shown)
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, 792))
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    pdf.pages[0].Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    pdf.pages[0].Contents = pdf.make_stream(f"BT /F1 12 Tf 16 TL 72 700 Td\n{text}\nET".encode("latin-1"))
    stored = io.BytesIO()
    pdf.save(stored, deterministic_id=True)
    return stored.getvalue()
