"""Records of the Program with their defaults written down."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, timedelta

import factory

from financing.models import EdagMember
from program import clock
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.models import Agency, Call, Country, Criterion, Office, Organization, Requirement, User
from program.services import calls
from tests.factories.remembered import RememberedFactory, remembered

COUNTRIES = {
    "US": "United States", "KE": "Kenya", "JP": "Japan", "CN": "China", "AE": "United Arab Emirates",
    "DE": "Germany", "IN": "India", "IR": "Iran",
}  # fmt: skip
AGENCIES = {
    "COMMERCE": ("Department of Commerce", True),
    "STATE": ("Department of State", True),
    "DOD": ("Department of Defense", True),
    "DOE": ("Department of Energy", True),
    "OSTP": ("Office of Science and Technology Policy", True),
    "EXIM": ("Export-Import Bank of the United States", False),
    "DFC": ("U.S. International Development Finance Corporation", False),
    "USTDA": ("U.S. Trade and Development Agency", False),
    "USTR": ("Office of the United States Trade Representative", False),
    "SBA": ("Small Business Administration", False),
    "USAID": ("United States Agency for International Development", False),
}


class CountryFactory(RememberedFactory):
    class Meta:
        model = Country
        django_get_or_create = ("code",)

    code = "US"
    name = factory.LazyAttribute(lambda country: COUNTRIES.get(country.code, country.code))


class AgencyFactory(RememberedFactory):
    class Meta:
        model = Agency
        django_get_or_create = ("code",)

    code = "COMMERCE"
    name = factory.LazyAttribute(lambda agency: AGENCIES[agency.code][0])
    display_name = factory.LazyAttribute(lambda agency: AGENCIES[agency.code][0])
    is_evaluating = factory.LazyAttribute(lambda agency: AGENCIES[agency.code][1])


class UserFactory(RememberedFactory):
    """A person without any office or team; the password is ``correct horse battery staple``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@firm.example")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password("correct horse battery staple")

    @factory.post_generation
    def verified(self, create, extracted, **kwargs):
        if create and extracted is not False:
            self.emailaddress_set.create(email=self.email, verified=True, primary=True)


class OfficeFactory(RememberedFactory):
    class Meta:
        model = Office

    user = factory.SubFactory(UserFactory)
    agency = factory.SubFactory(AgencyFactory)
    role = OfficeRole.PROGRAM_OFFICER
    effective_from = date(2025, 1, 1)


@remembered
def officer(role=OfficeRole.PROGRAM_OFFICER, agency="COMMERCE"):
    """A new person who holds one office; one of the EDAG with the place of its agency there."""
    office = OfficeFactory(role=role, agency__code=agency)
    in_edag = role in (OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)
    if in_edag and not EdagMember.objects.filter(agency=office.agency).exists():
        EdagMember.objects.create(agency=office.agency, basis="Memorandum", effective_from=date(2025, 1, 1))
    return office.user


class OrganizationFactory(RememberedFactory):
    class Meta:
        model = Organization

    legal_name = factory.Sequence(lambda n: f"Fictional Systems {n}, Inc.")
    incorporated_in = factory.SubFactory(CountryFactory)
    headquartered_in = factory.SubFactory(CountryFactory)


class CallFactory(RememberedFactory):
    """A draft call, complete but for requirements and rubric (see ``RequirementFactory``)."""

    class Meta:
        model = Call

    number = factory.Sequence(lambda n: f"AIX-C-2026-{n:04}")
    title = "Call for proposals from pre-set consortia"
    summary = "The Department of Commerce calls for full-stack AI export packages."
    text = "Consortia propose full-stack AI export packages."
    no_fr_reason = "Published on the Program's own site first."
    no_control_reason = "Approval under the Paperwork Reduction Act is pending."
    certification_text = (
        "I am authorized to sign, and this proposal is accurate and complete in all material respects."
    )
    privacy_text = "Authority: E.O. 14320. Answering is voluntary."
    confidentiality_text = "Mark what is business confidential and say why."
    created_by = factory.LazyFunction(officer)


class RequirementFactory(RememberedFactory):
    class Meta:
        model = Requirement

    call = factory.SubFactory(CallFactory)
    code = factory.Sequence(lambda n: f"requirement-{n}")
    title = "Describe the hardware layer"
    clause = "E.O. 14320 s.3(b)(i)(A)"


class CriterionFactory(RememberedFactory):
    class Meta:
        model = Criterion

    call = factory.SubFactory(CallFactory)
    code = factory.Sequence(lambda n: f"criterion-{n}")
    title = "National interest"
    weight = 100


@remembered
def drafted_call(by=None, **changes):
    """A draft with the requirements and rubric of the library, complete for approval and issue."""
    call = calls.draft_call(by=by or officer(), title="Call for proposals from pre-set consortia")
    complete = {
        "summary": "The Department of Commerce calls for full-stack AI export packages.",
        "text": "Consortia propose full-stack AI export packages.",
        "no_fr_reason": "Published on the Program's own site first.",
        "no_control_reason": "Approval under the Paperwork Reduction Act is pending.",
    }
    return calls.update_call(call, by=call.created_by, revision=call.revision, changes=complete | changes)


@remembered
def approved_call(from_draft=None, **changes):
    """As ``drafted_call``, approved by a second program officer."""
    call = from_draft or drafted_call(**changes)
    calls.approve_call(call, by=officer())
    return call


@remembered
def issued_call(at=None, **changes):
    """A call issued by the real services, now or at the moment ``at``."""
    with clock.moved_to(at) if at else nullcontext():
        call = approved_call(**changes)
        calls.issue_call(call, by=call.created_by)
    return call


@remembered
def closed_call(issued_at):
    """A call issued at ``issued_at`` and closed by the clock one minute after its deadline."""
    call = issued_call(at=issued_at)
    with clock.moved_to(call.closes_at + timedelta(minutes=1)):
        calls.close_call(call, by=clock_account())
    return call
