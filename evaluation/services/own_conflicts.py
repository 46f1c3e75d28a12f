"""What an official declares about themself before an act on a proposal: a clearance is not theirs to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, IntegerField, Value, When

from evaluation.models import OfficialDeclaration
from evaluation.officials import IMPARTIALITY, hints_to_answer
from evaluation.services.assignments import recuse
from evaluation.services.ethics import ask_ethics_official
from program import audit, clock
from program.enums import OfficeRole
from program.transitions import NotReady, Problem, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from program.models import Agency, User

#: In whose place somebody acts who holds several: what weighs most first
ACTING = (OfficeRole.DECISION_OFFICIAL, OfficeRole.LEAD, OfficeRole.PROGRAM_OFFICER)


@transaction.atomic
def declare_as_official(
    proposal: Proposal, *, by: User, has_conflict: bool, about: str = "", text: str = ""
) -> OfficialDeclaration | None:
    """Declare whether a conflict of interest stands against what one does on the proposal.

    Where ``about`` says what it may be, the ethics official of one's agency decides and the proposal is
    closed until then; without it, who has a conflict is recused. That none stands is kept, with the reason
    where something is hinted, for the person and their ethics official; the record says only that it was.
    The same said again, with nothing new hinted, is what was said before.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    require("evaluation.add_officialdeclaration", by, proposal)
    text = text.strip()
    if has_conflict and about:
        ask_ethics_official(proposal, person=by, agency=acting_for(by), by=by, text=text, about=about)
        return None
    if has_conflict:
        recuse(proposal, person=by, by=by, reason=text)
        return None
    to_answer = hints_to_answer(proposal, by)
    if to_answer and not text:
        message = "Say why what is shown to you is no conflict of interest."
        raise NotReady([Problem("text", message, IMPARTIALITY, field="text")])
    version = proposal.versions.defer("package").get(number=proposal.version_count)
    agency = acting_for(by)
    last = by.official_declarations.filter(version=version, agency=agency).first()
    if last is not None and last.text == text and not to_answer:
        return last
    declaration = OfficialDeclaration(
        version=version, person=by, agency=agency, text=text, declared_at=clock.now()
    )
    declaration.full_clean(exclude=["version", "person", "agency"])
    declaration.save()
    audit.record(declaration, "officialdeclaration.give", by=by, clause=IMPARTIALITY)
    return declaration


def acting_for(person: User) -> Agency:
    """The agency whose ethics official is asked about what the person does on a proposal."""
    order = Case(
        *(When(role=role, then=Value(number)) for number, role in enumerate(ACTING)),
        default=Value(len(ACTING)), output_field=IntegerField(),
    )  # fmt: skip
    office = person.offices.in_force().select_related("agency").order_by(order, "pk").first()
    if office is None:
        raise NotReady([Problem("office", f"{person} holds no office today.", IMPARTIALITY)])
    return office.agency
