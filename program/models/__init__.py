"""The records of the Program that everything else stands on."""

from __future__ import annotations

from program.models.appointments import Appointment
from program.models.base import Dated, Revised, Sourced, TimeStamped
from program.models.calls import (
    Amendment,
    AnswerRevision,
    Call,
    CallFile,
    Criterion,
    IneligibleJurisdiction,
    Question,
    Requirement,
    Subscription,
)
from program.models.directives import (
    ActionStep,
    AgencyAction,
    Directive,
    Duty,
    InterimExemption,
)
from program.models.notices import (
    UNDER_WAY,
    CalendarFeed,
    Delivery,
    Digest,
    Mailing,
    MailPreference,
    Notice,
    Reminder,
    Spread,
    Suppression,
)
from program.models.outages import Absence, DismissedSilence, Outage, Pulse, Silence
from program.models.papers import Document, Paper
from program.models.people import Affiliation, Agency, Delegation, Office, Organization, User
from program.models.places import Bloc, Closure, Country, CountryGroup, Embargo, GroupMembership
from program.models.record import AuditEvent, Seal, Verification

__all__ = [
    "UNDER_WAY",
    "Absence",
    "ActionStep",
    "Affiliation",
    "Agency",
    "AgencyAction",
    "Amendment",
    "AnswerRevision",
    "Appointment",
    "AuditEvent",
    "Bloc",
    "CalendarFeed",
    "Call",
    "CallFile",
    "Closure",
    "Country",
    "CountryGroup",
    "Criterion",
    "Dated",
    "Delegation",
    "Delivery",
    "Digest",
    "Directive",
    "DismissedSilence",
    "Document",
    "Duty",
    "Embargo",
    "GroupMembership",
    "IneligibleJurisdiction",
    "InterimExemption",
    "MailPreference",
    "Mailing",
    "Notice",
    "Office",
    "Organization",
    "Outage",
    "Paper",
    "Pulse",
    "Question",
    "Reminder",
    "Requirement",
    "Revised",
    "Seal",
    "Silence",
    "Sourced",
    "Spread",
    "Subscription",
    "Suppression",
    "TimeStamped",
    "User",
    "Verification",
]
