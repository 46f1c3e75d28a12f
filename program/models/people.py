"""Who takes part: people, agencies and the offices they hold, organizations and who works for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, Q
from django.db.models.functions import JSONArray, Lower

from program import clock
from program.enums import OfficeRole
from program.models.base import Dated, Revised, TimeStamped
from program.prepared import Given, Prepared
from program.querysets import OrganizationQuerySet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from django.db.models import Expression


class UserManager(BaseUserManager["User"]):
    """People are found by e-mail address, whatever its letter case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person who signs in with ``email``; without a password only by other means."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email=(email or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin, TimeStamped):
    """A person, or a machine that acts under its own name; the e-mail address is the name.

    There is no superuser: a constraint says so, because nobody stands above the rules of access.
    """

    email = models.EmailField("e-mail address", max_length=254, unique=True)
    name = models.CharField("full name", max_length=200)
    title = models.CharField("job title", max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField("is a machine", default=False, editable=False)
    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_email_folded",
                violation_error_message="Write the e-mail address in small letters.",
                condition=Q(email=Lower("email")),
            ),
            models.CheckConstraint(
                name="nobody_is_superuser",
                violation_error_message="Nobody holds every right in this portal.",
                condition=Q(is_superuser=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @cached_property
    def offices_held(self) -> frozenset[tuple[str, str]]:
        """``{(role, agency code)}`` in force today; read once per request."""
        return frozenset((role, code) for role, code, _ in self._capacities[0])

    @cached_property
    def _capacities(self) -> tuple[frozenset[tuple[str, str, str]], list[str], bool]:
        """Offices in force, organizations worked for, and whether the person keeps one; one statement."""
        if not self.is_active:
            return frozenset(), [], False
        found = capacities.ask(person=self.pk, **clock.given())
        if found is None:
            raise User.DoesNotExist
        held, names, keeps_one = found
        return frozenset((role, code, agency) for role, code, agency in held), sorted(names), keeps_one

    def holds(self, *roles: str, agency: str | None = None) -> bool:
        """Whether the person holds one of ``roles`` (in ``agency``, when given)."""
        return any(role in roles and agency in (None, code) for role, code in self.offices_held)

    def agencies_as(self, *roles: str) -> set[str]:
        """Codes of the agencies in which the person holds one of ``roles``."""
        return {code for role, code in self.offices_held if role in roles}

    @property
    def is_government(self) -> bool:
        return bool(self.offices_held)

    @property
    def keeps_an_organization(self) -> bool:
        """Whether the person administers the facts of an organization, which may then anchor a consortium."""
        return self._capacities[2]

    @property
    def may_begin_proposals(self) -> bool:
        """Whether pages offer to begin a proposal: to who keeps an organization's facts or has none yet.

        Who works for an organization that others keep asks them; government offices do not propose.
        """
        return not self.is_government and (self.keeps_an_organization or not self._capacities[1])

    @property
    def standing(self) -> str:
        """In which capacities the person acts, in words, as the record keeps it."""
        held = sorted(self._capacities[0])
        offices = [f"{OfficeRole(role).label}, {agency}" for role, _, agency in held]
        return "; ".join(offices or self._capacities[1])


class Agency(models.Model):
    """A department or agency of the Program, its EDAG members and tool holders included."""

    code = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=200)
    display_name = models.CharField(max_length=80, help_text="As pages show it; configurable.")
    is_evaluating = models.BooleanField(
        default=False, help_text="Consulted on every proposal, E.O. 14320 s.3(d)."
    )
    sort_order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["sort_order", "code"]
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.display_name


class DatedQuerySet(models.QuerySet):
    def in_force(self, *, on: date | Expression | None = None) -> Self:
        """Rows that hold on the day ``on`` (today in Washington when not given)."""
        day = on or clock.today_in_query()
        return self.filter(Q(effective_to=None) | Q(effective_to__gt=day), effective_from__lte=day)


class OfficeQuerySet(DatedQuerySet):
    def in_force(self, *, on: date | Expression | None = None) -> Self:
        """Offices that hold on the day ``on`` and whose holder's account is open."""
        return super().in_force(on=on).filter(user__is_active=True)


class Office(Dated, TimeStamped):
    """A role that a person holds in an agency for a time; the source of all government rights."""

    user = models.ForeignKey(User, models.PROTECT, related_name="offices")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="offices")
    role = models.CharField(max_length=20, choices=OfficeRole)
    appointed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    basis = models.CharField(max_length=300, blank=True, help_text="The act of appointment.")
    objects = OfficeQuerySet.as_manager()

    class Meta(Dated.Meta):
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="office_held_once",
                violation_error_message="This person holds this office already.",
                fields=["user", "agency", "role"],
                condition=Q(effective_to=None),
            ),
            models.CheckConstraint(
                name="office_confirmed_by_another",
                violation_error_message="A second officer confirms it, who is not the person appointed.",
                condition=Q(confirmed_by=None)
                | (~Q(confirmed_by=models.F("appointed_by")) & ~Q(confirmed_by=models.F("user"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}, {self.agency}"


class Delegation(Dated, TimeStamped):
    """Authority that a head or lead gives another person for one kind of act, for a time."""

    SIGN_POSITION = "sign_position"
    SIGN_DETERMINATION = "sign_determination"

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="delegations")
    given_by = models.ForeignKey(User, models.PROTECT, related_name="delegations_given")
    given_to = models.ForeignKey(User, models.PROTECT, related_name="delegations_held")
    act = models.CharField(
        max_length=30,
        choices=[(SIGN_POSITION, "Sign the agency's position"), (SIGN_DETERMINATION, "Sign determinations")],
    )
    authority = models.CharField(max_length=300, help_text="The instrument that delegates.")
    objects = DatedQuerySet.as_manager()

    class Meta(Dated.Meta):
        constraints = [
            *Dated.Meta.constraints,
            models.CheckConstraint(
                name="delegation_to_another",
                violation_error_message="Nobody delegates to themselves. Name another person.",
                condition=~Q(given_by=models.F("given_to")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.given_by} to {self.given_to} ({self.authority})"


UEI = RegexValidator(
    r"^[A-HJ-NP-Z1-9][A-HJ-NP-Z0-9]{11}$",
    "A UEI has 12 letters and digits; the letters O and I never occur and the first is not zero.",
)
CAGE = RegexValidator(r"^[A-Z0-9]{5}$", "A CAGE or NCAGE code has five letters and digits.")


class CodeField(models.CharField):
    """A code as registers write it: capital letters, no blanks around it."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.strip().upper() if isinstance(value, str) else value


class Organization(Revised):
    """A company or other body that can be a member of consortia; it may be in many."""

    legal_name = models.CharField(max_length=300)
    aliases = models.TextField(blank=True, help_text="Other names, one a line.")
    uei = CodeField("UEI", max_length=12, blank=True, validators=[UEI])
    cage = CodeField("CAGE or NCAGE", max_length=5, blank=True, validators=[CAGE])
    incorporated_in = models.ForeignKey(
        "program.Country", models.PROTECT, related_name="+", verbose_name="country of incorporation"
    )
    headquartered_in = models.ForeignKey(
        "program.Country", models.PROTECT, related_name="+", verbose_name="country of headquarters"
    )
    ultimate_parent = models.CharField(max_length=300, blank=True, help_text="Empty when it has none.")
    parent_country = models.ForeignKey(
        "program.Country",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="country of the ultimate parent",
    )
    is_small_business = models.BooleanField(
        "is a U.S. small business", default=False, help_text="Self-certified against its NAICS size standard."
    )
    people = models.ManyToManyField(
        User, through="Affiliation", through_fields=("organization", "user"), related_name="organizations"
    )
    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["legal_name"]

    def __str__(self) -> str:
        return self.legal_name

    @property
    def names(self) -> Iterable[str]:
        """The legal name and every alias, as screening reads them."""
        return [self.legal_name, *filter(None, map(str.strip, self.aliases.splitlines()))]


class Affiliation(TimeStamped):
    """A person who works for an organization; its administrators keep the organization's facts."""

    user = models.ForeignKey(User, models.PROTECT, related_name="affiliations")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="affiliations")
    is_administrator = models.BooleanField(default=False)
    added_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="affiliated_once", fields=["user", "organization"])]

    def __str__(self) -> str:
        return f"{self.user} at {self.organization}"


@Prepared
def capacities() -> models.QuerySet[User, tuple[Any, ...]]:
    """``(role, agency code, agency)`` of each office, names of organizations, whether one is kept."""
    person = Given("person", models.BigIntegerField())
    offices = Office.objects.in_force(on=clock.today_in_prepared()).filter(user=person)
    organizations = Organization.objects.filter(people=person)
    kept = Affiliation.objects.filter(user=person, is_administrator=True)
    return User.objects.filter(pk=person).values_list(
        ArraySubquery(offices.values_list(JSONArray("role", "agency__code", "agency__display_name"))),
        ArraySubquery(organizations.values_list("legal_name")),
        Exists(kept),
    )
