"""The words of the Program that are stored: roles, statuses, layers, marks, confidence."""

from __future__ import annotations

from django.db.models import TextChoices

#: How many characters the text of a call may have
LONGEST_CALL = 200_000
LONGEST_NOTICE = 10_000


class StackLayer(TextChoices):
    """The five layers of a full-stack package, E.O. 14320 s.3(b)(i)(A)-(E)."""

    HARDWARE = "hardware", "Hardware and infrastructure"
    DATA = "data", "Data pipelines and labeling"
    MODELS = "models", "AI models and systems"
    SECURITY = "security", "Security and cybersecurity"
    APPLICATIONS = "applications", "Applications"


class OfficeRole(TextChoices):
    """What a person does in an agency; each role is a record with dates (``Office``)."""

    REVIEWER = "reviewer", "Reviewer"
    LEAD = "lead", "Agency lead"
    PROGRAM_OFFICER = "program_officer", "Program officer"
    DECISION_OFFICIAL = "decision_official", "Decision official"
    EDAG_CHAIR = "edag_chair", "EDAG chair"
    EDAG_OFFICER = "edag_officer", "EDAG officer"
    AUDITOR = "auditor", "Auditor"
    ETHICS_OFFICIAL = "ethics_official", "Ethics official"
    CLOCK = "clock", "Program clock (machine)"


DELEGATORS = (OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL)  # who may let another sign in their stead

#: Whose holder acts for the Government alone: a second officer confirms who is appointed to them
CONFIRMED_OFFICES = (
    OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.ETHICS_OFFICIAL, OfficeRole.LEAD,
)  # fmt: skip


class AppointmentStatus(TextChoices):
    """A second officer confirms an appointment or declines it; who proposed it may take it back."""

    PROPOSED = "proposed", "Waits for a second officer"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"


class CallType(TextChoices):
    PRE_SET = "pre_set", "Pre-set consortia"
    ON_DEMAND = "on_demand", "On-demand consortia"


class CallStatus(TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"
    ISSUED = "issued", "Open"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


class AmendmentKind(TextChoices):
    AMENDMENT = "amendment", "Amendment"
    EXTENSION = "extension", "Extension of the deadline"
    DEMANDS = "demands", "Amendment of the requirements"
    FILES = "files", "Amendment of the documents"


class QuestionStatus(TextChoices):
    ASKED = "asked", "Asked"
    ANSWERED = "answered", "Answered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class PartOfCall(TextChoices):
    """What of a call a question is about; the value is where that part stands on the call's page."""

    TEXT = "text", "The text of the call"
    REQUIREMENTS = "requirements", "What a proposal must give"
    CRITERIA = "criteria", "How it is evaluated"
    PLACES = "places", "Who may not take part"
    SCHEDULE = "timeline", "Days and deadlines"
    FILES = "files", "Documents"
    NOTICES = "notices", "Notices and certification"


class PartOfPortal(TextChoices):
    """What the portal misses by itself, in the words of the outage log."""

    CLOCK = "clock", "The portal's own clock did not work"
    BROKER = "broker", "Redis did not answer: background work stood still"
    RECORD = "record", "The portal could have rewritten its record, and said that it was not ready"
    STORAGE = "storage", "The store of files did not answer"
    SCANNER = "scanner", "The malware scanner did not answer: new files waited"


class DayUnit(TextChoices):
    """The days in which a call counts a time limit; the values are those of ``deadlines.Unit``."""

    CALENDAR = "calendar", "Calendar days"
    BUSINESS = "business", "Federal business days"


class EvidenceType(TextChoices):
    """How a proposal answers a requirement; PACKAGE means the parts of the package answer it."""

    PACKAGE = "package", "Parts of the package"
    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    CHOICE = "choice", "Choice"
    DATE = "date", "Date"
    FILE = "file", "File"


class Confidence(TextChoices):
    """How far a fact copied from a source can be relied on."""

    STATED = "S", "Stated in a source that was read"
    SECONDARY = "S2", "Stated in a secondary source"
    INFERRED = "I", "Inferred"
    UNVERIFIED = "U", "Unverified"


class Mark(TextChoices):
    """Who may read a field or document beyond those who work on it."""

    PUBLIC = "public", "Public"
    BUSINESS_CONFIDENTIAL = "business_confidential", "Business confidential"
    GOVERNMENT_ONLY = "government_only", "Government only"


class ScanState(TextChoices):
    PENDING = "pending", "Waiting for the malware scan"
    CLEAN = "clean", "Scanned, clean"
    INFECTED = "infected", "Infected, withheld"
    NOT_SCANNED = "not_scanned", "Not scanned"


class PaperState(TextChoices):
    """Where the making of a PDF stands."""

    OWED = "owed", "Being prepared"
    MADE = "made", "Ready"
    QUARANTINED = "quarantined", "Could not be made"


class Channel(TextChoices):
    MAIL = "mail", "E-mail"


class Mailed(TextChoices):
    """How a kind of notice is mailed, whatever its reader prefers; the portal shows every kind at once."""

    ALWAYS = "always", "Always, at once"
    AT_ONCE = "at_once", "At once, or not at all"
    AS_PREFERRED = "as_preferred", "At once, in the daily digest, or not at all"


class MailChoice(TextChoices):
    """How a person wants to be mailed; what is always mailed is not theirs to choose."""

    AT_ONCE = "at_once", "At once"
    DAILY = "daily", "Once a day, together"
    OFF = "off", "Not at all"


class DeliveryState(TextChoices):
    """``claimed`` may be taken again when its lease ends; ``sending`` never is, its outcome is unknown."""

    OWED = "owed", "Owed"
    CLAIMED = "claimed", "Being prepared"
    SENDING = "sending", "Being handed over"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Outcome unknown"
    DROPPED = "dropped", "Withheld"
    WAITING = "waiting", "Waits for the daily digest"
    GATHERED = "gathered", "In a daily digest"


class DestinationResult(TextChoices):
    """A screening result, not a legal determination; unknown is REVIEW, never CLEAR."""

    BLOCKED = "blocked", "Blocked destination"
    DENIAL_LIKELY = "denial_likely", "License denial likely"
    LICENSE_LIKELY = "license_likely", "License likely needed"
    REVIEW = "review", "Review needed"
    CLEAR = "clear_by_destination", "No destination flag"


class DutyState(TextChoices):
    OPEN = "open", "Open"
    FULFILLED = "fulfilled", "Fulfilled"
    CONTINUING = "continuing", "Continuing duty"


class ActionStatus(TextChoices):
    """How far an agency action under the revoked E.O. 14110 is reviewed, E.O. 14179 s.5(a)."""

    IDENTIFIED = "identified", "Under review"
    CONSISTENT = "consistent", "Found not inconsistent"
    INCONSISTENT = "inconsistent", "Found inconsistent"
    PROPOSED = "proposed", "Change proposed"
    DONE = "done", "Change made"
    FINAL = "final", "Final"
    DROPPED = "dropped", "Dropped from the register"


class Measure(TextChoices):
    """What becomes of an action that was found inconsistent, E.O. 14179 s.5(a)."""

    SUSPEND = "suspend", "Suspend"
    REVISE = "revise", "Revise"
    RESCIND = "rescind", "Rescind"


class OutageSource(TextChoices):
    """How the Program office knows of an outage."""

    OFFICER = "officer", "An officer saw it"
    REPORTED = "reported", "People reported it"
    MONITOR = "monitor", "A monitor or the portal's own log shows it"
