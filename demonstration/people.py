"""The people of the demonstration: one for each role, all made up, all under ``.example`` addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from program import audit, clock
from program.enums import CONFIRMED_OFFICES
from program.enums import OfficeRole as R
from program.models import Agency, Office, User
from program.services.people import appoint, clock_account

PASSWORD: Final = "lantern harbor granary"  # noqa: S105  # printed at each start; opens nothing but a demonstration
FOUNDED: Final = datetime(2025, 11, 3, 14, 0, tzinfo=clock.WASHINGTON)
BASIS: Final = "Demonstration: a fictional appointment"


@dataclass(frozen=True)
class Official:
    """A fictional person in government: what the sign-in page calls the role, and the offices held."""

    key: str
    role: str
    name: str
    title: str
    email: str
    offices: tuple[tuple[str, str], ...]
    is_offered: bool = True


def _official(
    key: str, role: str, name: str, title: str, agency: str, *offices: str, is_offered: bool = True
) -> Official:
    email = f"{name.lower().replace(' ', '.')}@{agency.lower()}.example"
    return Official(key, role, name, title, email, tuple((office, agency) for office in offices), is_offered)


OFFICIALS: Final = (
    _official(
        "officer",
        "Program officer (Commerce)",
        "Morgan Hale",
        "Program Officer",
        "COMMERCE",
        R.PROGRAM_OFFICER,
    ),
    _official(
        "second-officer",
        "Second program officer (Commerce)",
        "Priya Nair",
        "Senior Program Officer",
        "COMMERCE",
        R.PROGRAM_OFFICER,
    ),
    _official(
        "decision",
        "Decision official (Commerce)",
        "Eleanor Whitcomb",
        "Under Secretary, as delegate of the Secretary",
        "COMMERCE",
        R.DECISION_OFFICIAL,
    ),
    _official(
        "reviewer-COMMERCE",
        "Reviewer (Commerce)",
        "Tomas Reyes",
        "International Economist",
        "COMMERCE",
        R.REVIEWER,
    ),
    _official(
        "reviewer-STATE", "Reviewer (State)", "Leila Farouk", "Foreign Affairs Officer", "STATE", R.REVIEWER
    ),
    _official(
        "reviewer-DOD",
        "Reviewer (Department of War)",
        "Grant Ellison",
        "Technology Analyst",
        "DOD",
        R.REVIEWER,
    ),
    _official(
        "reviewer-DOE", "Reviewer (Energy)", "Hana Okafor", "Computing Program Manager", "DOE", R.REVIEWER
    ),
    _official("reviewer-OSTP", "Reviewer (OSTP)", "Victor Lund", "Senior Policy Analyst", "OSTP", R.REVIEWER),
    _official(
        "lead-COMMERCE",
        "Agency lead (Commerce)",
        "Caroline Beck",
        "Director, Office of Digital Industries",
        "COMMERCE",
        R.LEAD,
    ),
    _official("lead-STATE", "Agency lead (State)", "Daniel Osei", "Deputy Coordinator", "STATE", R.LEAD),
    _official(
        "lead-DOD",
        "Agency lead (Department of War)",
        "Ruth Calloway",
        "Director, Technology Security",
        "DOD",
        R.LEAD,
    ),
    _official("lead-DOE", "Agency lead (Energy)", "Samuel Ibarra", "Associate Director", "DOE", R.LEAD),
    _official("lead-OSTP", "Agency lead (OSTP)", "Mei Thornton", "Assistant Director", "OSTP", R.LEAD),
    _official(
        "edag-chair",
        "EDAG chair (State)",
        "Isaac Thorne",
        "Chair for the Secretary of State",
        "STATE",
        R.EDAG_CHAIR,
    ),
    _official(
        "edag-STATE", "EDAG officer (State)", "Paula Jimenez", "Economic Officer", "STATE", R.EDAG_OFFICER
    ),
    _official(
        "edag-COMMERCE",
        "EDAG officer (Commerce)",
        "Neil Abernathy",
        "Commercial Officer",
        "COMMERCE",
        R.EDAG_OFFICER,
    ),
    _official(
        "edag-EXIM",
        "EDAG officer (EXIM)",
        "Joan Merrick",
        "Vice President, Structured Finance",
        "EXIM",
        R.EDAG_OFFICER,
    ),
    _official("edag-DFC", "EDAG officer (DFC)", "Omar Vance", "Managing Director", "DFC", R.EDAG_OFFICER),
    _official(
        "edag-USTDA", "EDAG officer (USTDA)", "Keiko Brandt", "Regional Director", "USTDA", R.EDAG_OFFICER
    ),
    _official(
        "edag-SBA", "EDAG officer (SBA)", "Lucia Marchetti", "Export Finance Manager", "SBA", R.EDAG_OFFICER
    ),
    _official(
        "ethics-COMMERCE",
        "Ethics official (Commerce)",
        "Judith Amsel",
        "Alternate Designated Agency Ethics Official",
        "COMMERCE",
        R.ETHICS_OFFICIAL,
    ),
    _official(
        "ethics-STATE",
        "Ethics official (State)",
        "Robert Kinsella",
        "Assistant Legal Adviser for Ethics",
        "STATE",
        R.ETHICS_OFFICIAL,
    ),
    _official(
        "ethics-DOD",
        "Ethics official (Department of War)",
        "Marian Castillo",
        "Deputy General Counsel, Ethics",
        "DOD",
        R.ETHICS_OFFICIAL,
        is_offered=False,
    ),
    _official(
        "ethics-DOE",
        "Ethics official (Energy)",
        "Wendell Harth",
        "Assistant General Counsel for Ethics",
        "DOE",
        R.ETHICS_OFFICIAL,
        is_offered=False,
    ),
    _official(
        "ethics-OSTP",
        "Ethics official (OSTP)",
        "Anneke Bright",
        "Ethics Counsel",
        "OSTP",
        R.ETHICS_OFFICIAL,
        is_offered=False,
    ),
    _official("auditor", "Auditor", "Philip Archer", "Inspector General's staff", "COMMERCE", R.AUDITOR),
    _official(
        "reviewer2-COMMERCE",
        "Second reviewer (Commerce)",
        "Nadia Petrov-Lowe",
        "Trade Specialist",
        "COMMERCE",
        R.REVIEWER,
        is_offered=False,
    ),
    _official(
        "reviewer2-STATE",
        "Second reviewer (State)",
        "Amos Winfield",
        "Economic Officer",
        "STATE",
        R.REVIEWER,
        is_offered=False,
    ),
    _official(
        "reviewer2-DOE",
        "Second reviewer (Energy)",
        "Clara Nystrom",
        "Grid Engineer",
        "DOE",
        R.REVIEWER,
        is_offered=False,
    ),
)


@dataclass(frozen=True)
class SignIn:
    """One line of the list of sign-ins."""

    role: str
    name: str
    email: str
    password: str = PASSWORD


#: People of companies whom the list of sign-ins offers; the others sign in with the same password.
OF_COMPANIES: Final = (
    SignIn("Anchor, financed (Harbor Light)", "Dana Whitlock", "dana.whitlock@harbor-light-compute.example"),
    SignIn(
        "Anchor with a draft to complete (Saltmarsh)",
        "Naomi Farrow",
        "naomi.farrow@saltmarsh-hydrology.example",
    ),
    SignIn(
        "Authorized representative only (Harbor Light)",
        "Lewis Arbogast",
        "lewis.arbogast@harbor-light-compute.example",
    ),
    SignIn(
        "Member asked to consent (Riverine, for Saltmarsh)",
        "Ada Kirkpatrick",
        "ada.kirkpatrick@riverine-survey.example",
    ),
    SignIn("Contributor (Harbor Light)", "Tessa Brannigan", "tessa.brannigan@harbor-light-compute.example"),
    SignIn(
        "Anchor of the fullest draft (Kestrel Bay)",
        "Margaret Oyelaran-Whitfield",
        "margaret.oyelaran-whitfield@kestrel-bay-computing-systems.example",
    ),
    SignIn(
        "Contributor to it (Sablewood)",
        "Aisha Rahman-Cole",
        "aisha.rahman-cole@sablewood-language-models.example",
    ),
    SignIn("Outside counsel (reads Saltmarsh)", "Everett Sloan", "everett.sloan@sloan-pierce-law.example"),
)


def sign_ins() -> list[SignIn]:
    """Who can sign in, one for each role: companies first, then government."""
    officials = [SignIn(one.role, one.name, one.email) for one in OFFICIALS if one.is_offered]
    return [*OF_COMPANIES, *officials]


@cache
def hashed_password() -> str:
    """The one demonstration password, hashed once: each hash takes as long as a sign-in."""
    return make_password(PASSWORD)


def person(email: str, name: str, title: str) -> User:
    """A fictional person with a verified address; made when missing, otherwise as it stands."""
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User(email=email, name=name, title=title, password=hashed_password())
        user.full_clean()
        user.save()
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@transaction.atomic
def load_officials() -> None:
    """The people in government and their offices; who is there already stays as he or she is.

    The first two program officers have nobody who could appoint them: the service account's events say so.
    """
    if User.objects.filter(email__in=[one.email for one in OFFICIALS]).count() == len(OFFICIALS):
        return
    with clock.moved_to(FOUNDED):
        agencies = {agency.code: agency for agency in Agency.objects.all()}
        founder, second = (_found(one, agencies) for one in OFFICIALS[:2])
        for official in OFFICIALS[2:]:
            user = person(official.email, official.name, official.title)
            for role, code in official.offices:
                if not user.offices.filter(role=role, agency=agencies[code]).exists():
                    appoint(
                        user,
                        agency=agencies[code],
                        role=role,
                        by=founder,
                        basis=BASIS,
                        effective_from=FOUNDED.date(),
                        confirmed_by=second if role in CONFIRMED_OFFICES else None,
                    )


def _found(official: Official, agencies: dict[str, Agency]) -> User:
    user = person(official.email, official.name, official.title)
    role, code = official.offices[0]
    office, made = Office.objects.get_or_create(
        user=user,
        agency=agencies[code],
        role=role,
        defaults={"effective_from": date(2025, 11, 3), "basis": BASIS},
    )
    if made:
        audit.record(
            office,
            "office.appoint",
            by=clock_account(),
            after={"user": user.email, "agency": code, "role": role},
            note="One of the first two program officers of the demonstration; they appoint the others.",
        )
    return User.objects.get(pk=user.pk)


@cache
def _official_key(key: str) -> Official:
    return next(one for one in OFFICIALS if one.key == key)


def official(key: str) -> User:
    """The person behind ``key``, such as ``lead-STATE``; read anew, because offices are cached on each."""
    return User.objects.get(email=_official_key(key).email)
