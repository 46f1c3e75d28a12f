"""What people are told: a notice stands in the portal, a delivery carries it by mail."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models
from django.db.models.functions import Lower, Now

from program.enums import Channel, DeliveryState, MailChoice
from program.models.base import TimeStamped
from program.models.calls import Subscription
from program.models.people import User
from program.models.record import AuditEvent
from program.models.words import kind_in_words
from program.prepared import Given, Prepared
from program.querysets import DeliveryQuerySet, NoticeQuerySet


class Notice(models.Model):
    """One thing one person, or an address without an account, is told about one event.

    Confidential matter stays behind ``url``. ``closed_at`` is when a recusal took it away again: it is
    listed no more, and not sent. ``subscription`` is by which it is told, if by any: the key stays when
    the subscription has ended, and what is still owed by it is then not sent. ``is_for_draft``: it is told
    for no other reason than a draft that was never submitted, of which no office is told.
    """

    event = models.ForeignKey(AuditEvent, models.PROTECT, related_name="notices")
    recipient = models.ForeignKey(User, models.PROTECT, null=True, related_name="notices")
    email = models.EmailField("e-mail address", max_length=254, blank=True, default="", db_default="")
    subscription = models.ForeignKey(
        Subscription, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    is_for_draft = models.BooleanField(default=False, db_default=False, editable=False)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    text = models.TextField()
    url = models.CharField(max_length=300)
    clause = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="told_once_per_event", fields=["event", "recipient", "kind"]),
            models.UniqueConstraint(
                name="address_told_once_per_event",
                fields=["event", "email", "kind"],
                condition=models.Q(recipient=None),
                violation_error_message="This address was told of it already.",
            ),
            models.CheckConstraint(
                name="notice_to_person_or_address",
                violation_error_message="A notice goes to a person or to an address.",
                condition=models.Q(recipient=None) ^ models.Q(email=""),
            ),
        ]
        indexes = [models.Index(name="notice_unread", fields=["recipient"], condition=models.Q(read_at=None))]

    @property
    def kind_in_words(self) -> str:
        return kind_in_words(self.kind)

    def __str__(self) -> str:
        return self.title

    @property
    def address(self) -> str:
        """Where its mail goes."""
        return self.recipient.email if self.recipient else self.email


@Prepared
def unread() -> models.QuerySet[Notice, tuple[Any, ...]]:
    """How many notices a person has not read, of those that the list shows: every page says it."""
    person = Given("person", models.BigIntegerField())
    count = models.Func(models.F("pk"), function="COUNT", output_field=models.IntegerField())
    return Notice.objects.listed().filter(recipient=person).unread().order_by().values_list(count)


class MailPreference(TimeStamped):
    """How a person wants to be mailed; who has said nothing is mailed at once."""

    user = models.OneToOneField(User, models.CASCADE, related_name="mail_preference")
    choice = models.CharField(max_length=10, choices=MailChoice, default=MailChoice.AT_ONCE)

    def __str__(self) -> str:
        return f"{self.user}: {self.get_choice_display()}"


def new_nonce() -> str:
    return secrets.token_hex(16)


class CalendarFeed(TimeStamped):
    """That a person's days can be read without sign-in, at an address that only they know.

    The address is a signature over this row and its ``nonce``: it is kept nowhere, and a new nonce ends it.
    """

    user = models.OneToOneField(User, models.CASCADE, related_name="calendar_feed")
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)

    def __str__(self) -> str:
        return f"Calendar of {self.user}"


class Digest(models.Model):
    """The daily digests of one day in Washington: one event, by which each person gets one."""

    day = models.DateField(unique=True)
    event = models.OneToOneField(AuditEvent, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"Digests of {self.day}"


class Mailing(models.Model):
    """An event of which so many people are told that its mail goes in slices, behind everything else."""

    event = models.OneToOneField(AuditEvent, models.PROTECT, related_name="mailing")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Mailing of event {self.event_id}"


class Spread(models.Model):
    """One notice to so many that the act writes this row alone; a worker writes theirs, in slices.

    ``recipients`` are told in their order, each a person or an address and the subscription by which they
    are told; ``told`` is how many of them have their notice. Once all have, the list is emptied.
    """

    mailing = models.ForeignKey(Mailing, models.PROTECT, related_name="spreads")
    is_for_draft = models.BooleanField(default=False, db_default=False, editable=False)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    text = models.TextField()
    url = models.CharField(max_length=300)
    clause = models.CharField(max_length=60, blank=True)
    recipients = models.JSONField()
    total = models.PositiveIntegerField()
    told = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="spread_tells_no_more_than_all",
                violation_error_message="No more can be told than are to be told.",
                condition=models.Q(told__lte=models.F("total")),
            )
        ]
        indexes = [
            models.Index(
                name="spread_unfinished", fields=["id"], condition=models.Q(told__lt=models.F("total"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.told} of {self.total}"


UNDER_WAY = (DeliveryState.OWED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.WAITING)


class Delivery(models.Model):
    """A notice on its way through one channel; the row is what is owed, a message only speeds it up."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="deliveries")
    digest = models.ForeignKey(
        Notice,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="gathered",
        help_text="The digest that holds it.",
    )
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.MAIL)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.OWED)
    mailing = models.ForeignKey(Mailing, models.PROTECT, null=True, related_name="deliveries")
    attempts = models.PositiveSmallIntegerField(default=0)
    faults = models.PositiveSmallIntegerField(default=0, help_text="Attempts that waiting does not mend.")
    stops = models.PositiveSmallIntegerField(default=0, help_text="Attempts that stopped their worker.")
    claimed_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="Earliest next attempt after a failure.")
    sent_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(name="one_delivery_per_channel", fields=["notice", "channel"]),
            models.CheckConstraint(
                name="gathered_in_a_digest",
                violation_error_message="What is gathered stands in a digest, and nothing else does.",
                condition=models.Q(state="gathered", digest__isnull=False)
                | models.Q(~models.Q(state="gathered"), digest=None),
            ),
        ]
        indexes = [
            models.Index(
                name="delivery_unfinished",
                fields=["state", "id"],
                condition=models.Q(state__in=["owed", "claimed", "sending"]),
            ),
            models.Index(name="delivery_waiting", fields=["notice"], condition=models.Q(state="waiting")),
            models.Index(name="delivery_gathered", fields=["digest"], condition=~models.Q(digest=None)),
            models.Index(name="delivery_by_state", fields=["state", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_state_display()}"

    @property
    def is_finished(self) -> bool:
        """Whether the portal does nothing more about it by itself."""
        return self.state not in UNDER_WAY


class Suppression(TimeStamped):
    """An address that mail does not reach: nothing is mailed to it until it is taken off the list."""

    class Cause(models.TextChoices):
        BOUNCED = "bounced", "Refused by its mail server"
        ADDED = "added", "Added by an officer"
        IMPORTED = "imported", "Imported from a file"

    email = models.EmailField(
        "e-mail address",
        max_length=254,
        unique=True,
        error_messages={"unique": "This address is on the list already."},
    )
    cause = models.CharField(max_length=10, choices=Cause, editable=False)
    note = models.CharField("why", max_length=300, blank=True)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="suppression_email_folded",
                violation_error_message="Write the e-mail address in small letters.",
                condition=models.Q(email=Lower("email")),
            )
        ]

    def __str__(self) -> str:
        return self.email


class Reminder(models.Model):
    """That a record has reached a step before ``due_at``; ``event`` is empty where nobody had to be told."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    due_at = models.DateTimeField(help_text="Exclusive; another moment arms every step anew.")
    step = models.CharField(max_length=20)
    event = models.ForeignKey(AuditEvent, models.PROTECT, null=True, related_name="+")
    reached_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="reminded_once_per_step", fields=["subject_type", "subject_id", "due_at", "step"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} before {self.due_at}"
