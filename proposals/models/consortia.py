"""Who proposes: consortia, the organizations in them by consent, and the people on their team."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from program.enums import DeliveryState
from program.models import Organization, Revised, TimeStamped, User
from program.models.base import Sourced
from program.models.words import NOT_KEPT
from proposals import declaration
from proposals.enums import OUT_OF_CONSORTIUM, AnchorOfferStatus, MembershipStatus, TeamRole
from proposals.models.fields import PlainTextField, plain_text
from proposals.querysets import (
    AnchorOfferQuerySet,
    ConsortiumQuerySet,
    MembershipQuerySet,
    TeamMemberQuerySet,
)


class Consortium(Revised):
    """Organizations that propose together; no legal form is needed, E.O. 14320 s.3(b)."""

    is_household: ClassVar[bool] = True

    name = models.CharField(max_length=200, validators=[plain_text])
    description = PlainTextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    objects = ConsortiumQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "consortia"
        ordering = ["name", "pk"]
        permissions = [("invite_consortium", "invite")]

    def __str__(self) -> str:
        return self.name

    @property
    def anchor(self) -> Membership | None:
        """The member that leads and submits."""
        return self.memberships.select_related("organization").filter(is_anchor=True).first()


class Membership(Revised):
    """An organization's place in a consortium, by consent; one of them is the anchor.

    ``consented_role`` is the role as it stood when the member consented: a changed role asks again, and so
    does a changed part (``is_part_accepted``) or a new wording of the declaration. The anchor's part needs no
    consent of its own: its representative certifies the whole package.
    """

    is_household: ClassVar[bool] = True

    consortium = models.ForeignKey(Consortium, models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="memberships")
    is_anchor = models.BooleanField(default=False, editable=False)
    status = models.CharField(
        max_length=12, choices=MembershipStatus, default=MembershipStatus.INVITED, editable=False
    )
    role_text = PlainTextField("what it contributes", blank=True)
    declaration_version = models.CharField(max_length=20, blank=True, editable=False)
    consented_role = PlainTextField(blank=True, editable=False)
    is_part_accepted = models.BooleanField(default=True, db_default=True, editable=False)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    invited_email = models.EmailField(blank=True, editable=False)
    consented_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    consented_at = models.DateTimeField(null=True, editable=False)
    part_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its part first became another than it accepted."
    )
    consent_asked_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was asked to renew its consent; empty until then."
    )
    left_at = models.DateTimeField(null=True, editable=False)
    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["-is_anchor", "pk"]
        permissions = [
            (f"{verb}_membership", verb)
            for verb in ("consent", "decline", "leave", "remove", "ask", "staff", "open")
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_anchor_per_consortium",
                violation_error_message="This consortium has an anchor already.",
                fields=["consortium"],
                condition=Q(is_anchor=True),
            ),
            models.UniqueConstraint(
                name="member_once_while_in",
                violation_error_message="This organization is a member already, or invited.",
                fields=["consortium", "organization"],
                condition=~Q(status__in=OUT_OF_CONSORTIUM),
            ),
            models.CheckConstraint(
                name="consent_is_stamped",
                violation_error_message=NOT_KEPT,
                condition=~Q(status="consented") | Q(consented_at__isnull=False),
            ),
            models.CheckConstraint(
                name="anchor_has_consented",
                violation_error_message="The anchor must have consented to take part.",
                condition=Q(is_anchor=False) | Q(status="consented"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} in {self.consortium}"

    @property
    def is_consent_current(self) -> bool:
        """Whether the member consented to the role, the part and the declaration as they now stand."""
        return (
            self.status == MembershipStatus.CONSENTED
            and self.consented_role == self.role_text
            and self.is_part_accepted
            and self.declaration_version == declaration.VERSION
        )


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


class Invitation(TimeStamped):
    """A link by e-mail that makes a person a team member; POST confirms it.

    The link is a signature over this row and its ``nonce``: it is kept nowhere, and a new nonce ends it.
    Its mail goes the way of a ``Delivery``: claimed for a time, put off after a failure, never sent twice.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=30, choices=TeamRole, default=TeamRole.ADMINISTRATOR)
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    expires_at = models.DateTimeField()
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    mail_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    mail_state = models.CharField(
        max_length=10, choices=DeliveryState, default=DeliveryState.OWED, editable=False
    )
    mail_claimed_at = models.DateTimeField(null=True, editable=False)
    mail_not_before = models.DateTimeField(null=True, editable=False)
    mailed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                name="invitation_owed",
                fields=["id"],
                condition=Q(mail_state__in=["owed", "claimed", "sending"]),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="invitation_ends_once",
                violation_error_message="This invitation has ended already.",
                condition=Q(accepted_at=None) | Q(revoked_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"Invitation of {self.email}"

    @property
    def is_undelivered(self) -> bool:
        """Whether the mail was given up: the inviter sends it again or asks for another address."""
        return self.mail_state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)


class TeamMember(TimeStamped):
    """A person on the team of a consortium, for one member organization; a person may hold several roles."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="team")
    user = models.ForeignKey(User, models.PROTECT, related_name="team_places")
    role = models.CharField(max_length=30, choices=TeamRole)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    objects = TeamMemberQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="on_team_once",
                violation_error_message="This person is on the team with this role already.",
                fields=["membership", "user", "role"],
                condition=Q(removed_at=None),
            )
        ]
        indexes = [models.Index(name="team_of_person", fields=["user"], condition=Q(removed_at=None))]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


class Consent(TimeStamped):
    """What a member accepted, word for word: role, layers and declaration; one row for each time."""

    append_only: ClassVar[bool] = True

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="consents")
    terms = models.TextField(help_text="Canonical JSON of what was accepted.")
    sha256 = models.CharField(max_length=64)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Consent of {self.membership}"


class AnchorOffer(TimeStamped):
    """That the anchor offers its place to another member, which accepts or declines; one open at a time.

    Until it is accepted nothing else changes.
    """

    is_household: ClassVar[bool] = True

    consortium = models.ForeignKey(Consortium, models.PROTECT, related_name="anchor_offers", editable=False)
    from_member = models.ForeignKey(Membership, models.PROTECT, related_name="+", editable=False)
    to_member = models.ForeignKey(
        Membership, models.PROTECT, related_name="anchor_offers", verbose_name="new anchor"
    )
    note = PlainTextField("why", blank=True)
    status = models.CharField(
        max_length=12, choices=AnchorOfferStatus, default=AnchorOfferStatus.OFFERED, editable=False
    )
    offered_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    objects = AnchorOfferQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [(f"{verb}_anchoroffer", verb) for verb in ("accept", "decline", "withdraw")]
        constraints = [
            models.UniqueConstraint(
                name="one_open_anchor_offer",
                violation_error_message="The anchor's place is offered to a member already.",
                fields=["consortium"],
                condition=Q(status="offered"),
            ),
            models.CheckConstraint(
                name="anchor_offer_answered_once",
                violation_error_message=NOT_KEPT,
                condition=Q(status="offered") ^ Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Anchor role of {self.consortium}"


class Holding(Revised, Sourced):
    """An owner of an organization; any share of a listed holder is flagged, 50 percent together stops.

    ``owned`` is another owner of the organization where the share is one of that owner's: so a chain is told.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="holdings")
    owned = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="owners",
        verbose_name="owns a share of",
    )
    holder_name = models.CharField(max_length=300, blank=True, validators=[plain_text])
    holder_country = models.ForeignKey(
        "program.Country", models.PROTECT, null=True, blank=True, related_name="+"
    )
    share = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True, help_text="From 0 to 1; empty when not known."
    )
    has_control = models.BooleanField("has rights of control", default=False)
    is_ultimate = models.BooleanField("is an ultimate owner", default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="share_from_0_to_1",
                violation_error_message="Give a share from 0 to 100 percent.",
                condition=Q(share=None) | Q(share__gte=0, share__lte=1),
            )
        ]

    def __str__(self) -> str:
        return self.holder_name or "Holder without a name"

    def clean(self) -> None:
        """An owner owns a share of its organization, or of another owner in the same list."""
        if self.owned and (self.owned_id == self.pk or self.owned.organization_id != self.organization_id):
            raise ValidationError({"owned": "Choose another owner of the same organization."})
