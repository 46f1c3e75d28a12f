"""The words of the evaluation that are stored: findings, stances, statuses, outcomes."""

from __future__ import annotations

from django.db.models import TextChoices

#: How many characters a text of the Government or of an answer to it may have, and the public summary
LONGEST_TEXT = 20_000
LONGEST_SUMMARY = 3000
#: Stands in the record beside the reason of a pause
LONGEST_PAUSE_NOTE = 2000
#: A comment in the discussion of a proposal, and the place that it names
LONGEST_COMMENT = 6000
LONGEST_PLACE = 120


class CompletenessFinding(TextChoices):
    ACCEPTED = "accepted", "Accepted"
    DEFICIENT = "deficient", "Deficient"


class CheckResult(TextChoices):
    """What a screening run found for one name; a flag for people, not a determination."""

    NO_HIT = "no_hit", "No match"
    POTENTIAL = "potential_match", "Potential match"
    UNREADABLE = "needs_review", "Cannot be compared, check by hand"


class Adjudicated(TextChoices):
    FALSE_POSITIVE = "false_positive", "False positive"
    CONFIRMED = "confirmed", "Confirmed"
    REOPENED = "reopened", "To be decided anew"


class InterestKind(TextChoices):
    """What a person in government declares about themself."""

    EMPLOYER = "employer", "Employer or client, earlier or outside the Government"
    HOLDING = "holding", "Holding in a named company"
    CATEGORY = "category", "Category of holdings, such as a sector fund"


class Whose(TextChoices):
    """Whose interest it is: those of spouse and minor child count as one's own, 18 U.S.C. 208(a)."""

    OWN = "own", "My own"
    SPOUSE = "spouse", "My spouse's"
    CHILD = "child", "My minor child's"


class HintKind(TextChoices):
    """Why a person and a package may touch; a hint warns and decides nothing."""

    EMPLOYER = "employer", "Employer or client"
    EARLIER_EMPLOYER = "earlier_employer", "Earlier employer or client"
    HOLDING = "holding", "Holding"
    CATEGORY = "category", "Category of holdings"


class ConflictAbout(TextChoices):
    """What is put before the ethics official; the law differs."""

    FINANCIAL = "financial", "A financial interest: holdings, employment, a prospective employer"
    RELATIONSHIP = "relationship", "A relationship: an earlier employer or client, family, an organization"
    HINT = "hint", "A possible conflict that a lead or the Program office noticed"


class ConflictCaseStatus(TextChoices):
    OPEN = "open", "Waits for the ethics official"
    RECUSED = "recused", "Recused"
    CLEARED = "cleared", "May review"


class ConflictBasis(TextChoices):
    """The clause under which an ethics official decides, the first two that the person is recused."""

    DISQUALIFYING = (
        "5 CFR 2635.402(c)",
        "18 U.S.C. 208(a), 5 CFR 2635.402(c): disqualifying interest",
    )
    QUESTIONED = "5 CFR 2635.502(e)", "5 CFR 2635.502(e): impartiality likely to be questioned"
    UNQUESTIONED = "5 CFR 2635.502(c)(2)", "5 CFR 2635.502(c)(2): impartiality not likely to be questioned"
    AUTHORIZED = "5 CFR 2635.502(d)", "5 CFR 2635.502(d): authorized, the Government's interest outweighs"
    WAIVED = "18 U.S.C. 208(b)(1)", "18 U.S.C. 208(b)(1): waived in writing, in advance, by who appointed"
    EXEMPT = "18 U.S.C. 208(b)(2)", "18 U.S.C. 208(b)(2), 5 CFR part 2640: exempt by regulation"
    NO_INTEREST = "5 CFR 2635.402(b)", "5 CFR 2635.402(b): no financial interest in this matter"


RECUSING = (ConflictBasis.DISQUALIFYING, ConflictBasis.QUESTIONED)
#: What opens a proposal in spite of a financial interest; an authorization by the agency does not
OF_FINANCIAL = (ConflictBasis.WAIVED, ConflictBasis.EXEMPT, ConflictBasis.NO_INTEREST)


class ComplianceKind(TextChoices):
    """What of a version the compliance checks look at."""

    DESTINATION = "destination", "Destinations"
    HEADQUARTERS = "headquarters", "Headquarters"
    PARENTS = "parents", "Parents and owners by country"
    OWNERSHIP = "ownership", "Ownership by listed parties"
    OUTBOUND = "outbound", "Outbound investment"
    END_USE = "end_use", "End use"
    CLASSIFICATION = "classification", "Classification of components"
    EXCEPTION = "exception", "Exceptions for named parties"
    VALIDATED = "validated", "Validated end users"


class ComplianceResult(TextChoices):
    """What a compliance check came to; a flag for people. Unknown is REVIEW, never CLEAR."""

    BLOCKED = "blocked", "Blocked"
    PROHIBITED = "prohibited", "Likely prohibited"
    DENIAL_LIKELY = "denial_likely", "License denial likely"
    LICENSE_LIKELY = "license_likely", "License likely needed"
    NOTIFIABLE = "notifiable", "Likely notifiable"
    INCONSISTENT = "inconsistent", "Holdings do not fit together"
    RED_FLAG = "red_flag", "Red flag"
    NOT_ENOUGH = "not_enough", "Not enough said"
    REVIEW = "review", "Review needed"
    NEITHER = "neither", "Neither prohibited nor notifiable"
    CLEAR = "clear", "No flag"


class Weighed(TextChoices):
    """What a person made of a compliance finding."""

    SET_ASIDE = "set_aside", "Looked into, not in the way"
    STANDS = "stands", "Stands"


class AssignmentStatus(TextChoices):
    ACTIVE = "active", "Assigned"
    ENDED = "ended", "Ended"


class ReviewStatus(TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"


class Recommendation(TextChoices):
    """A reviewer's advice; no threshold decides, and neither does a count of these."""

    SUPPORT = "support", "Recommend designation"
    SUPPORT_WITH_CONDITIONS = "support_with_conditions", "Recommend with conditions"
    OPPOSE = "oppose", "Do not recommend"


class ReferralStatus(TextChoices):
    """``lapsed`` is shown as "no response", never as consent; ``ended`` says nothing of the agency.

    What ended it, the withdrawal or a newer version, ``Referral.get_status_display`` says.
    """

    OPEN = "open", "Awaiting the agency"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    ANSWERED = "answered", "Answered"
    LAPSED = "lapsed", "No response"
    ENDED = "ended", "Ended"


class ClockAct(TextChoices):
    PAUSED = "paused", "Paused"
    RESUMED = "resumed", "Goes on"


class PauseReason(TextChoices):
    """For what the clock of a consultation may stand, and for nothing else; program policy."""

    INFORMATION = "information_requested", "Information requested from the consortium"
    ELSEWHERE = "before_another", "Matter before another agency or escalated"
    CLOSED = "offices_closed", "Federal offices closed"


class Carry(TextChoices):
    """What becomes of a consultation when a new version is accepted."""

    KEEP = "keep", "Kept"
    RECONFIRM = "reconfirm", "To be confirmed again"
    REOPEN = "reopen", "Opened again"


class Stance(TextChoices):
    SUPPORT = "support", "Support"
    SUPPORT_WITH_CONDITIONS = "support_with_conditions", "Support with conditions"
    OBJECT = "object", "Object"
    NO_POSITION = "no_position", "No position"


class EscalationLevel(TextChoices):
    """How far an objection was taken, the lowest first; it never goes back."""

    STAFF = "staff", "Staff"
    PRINCIPALS = "principals", "Principals"
    INTERAGENCY = "interagency", "EDAG or interagency"


class EscalationOutcome(TextChoices):
    SETTLED = "settled", "Settled"
    MAINTAINED = "objection_stands", "The objection stands"
    WITHDRAWN = "no_longer_objects", "The agency objects no more"


class InformationRequestStatus(TextChoices):
    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ChangeKind(TextChoices):
    ADDED = "added", "Added"
    REMOVED = "removed", "Removed"
    CHANGED = "changed", "Changed"


class ScreeningReason(TextChoices):
    ASKED = "asked", "asked for by hand"
    OVERTAKEN = "overtaken", "a newer list or ruleset is in force, or the last screening is too old"
    NEW_VERSION = "new_version", "a new version came in"
    DETERMINATION = "determination", "a determination is prepared"


class DeterminationStatus(TextChoices):
    DRAFT = "draft", "Draft"
    SIGNED = "signed", "Signed, not announced"
    ANNOUNCED = "announced", "Announced"
    RECALLED = "recalled", "Recalled"


class Outcome(TextChoices):
    DESIGNATE = "designate", "Designate"
    NOT_SELECT = "not_select", "Do not select"
    DEFER = "defer", "Defer"


class DesignationStatus(TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    REVOKED = "revoked", "Revoked"
    EXPIRED = "expired", "Expired"


class AmendmentStatus(TextChoices):
    """``lapsed``: announced, and the designation ended before its day came."""

    DRAFT = "draft", "Draft"
    DROPPED = "dropped", "Given up"
    SIGNED = "signed", "Signed, not announced"
    RECALLED = "recalled", "Recalled"
    ANNOUNCED = "announced", "Announced, not yet in force"
    IN_FORCE = "in_force", "In force"
    LAPSED = "lapsed", "Never in force"


class TermChange(TextChoices):
    """What an amendment does to a condition."""

    CHANGE = "change", "Change"
    ADD = "add", "Add"
    LIFT = "lift", "Lift"


class CatalogReleaseStatus(TextChoices):
    PROPOSED = "proposed", "Waits for the Program office"
    PUBLISHED = "published", "Published"
    RETURNED = "returned", "Returned"
    WITHDRAWN = "withdrawn", "Taken back or replaced by the anchor"


class LetterKind(TextChoices):
    DESIGNATION = "designation", "Designation"
    NOT_SELECTED = "not_selected", "Not selected"
    DEFERRAL = "deferral", "Deferral"
    SUSPENSION = "suspension", "Suspension"
    REINSTATEMENT = "reinstatement", "Reinstatement"
    REVOCATION = "revocation", "Revocation"
    EXPIRY = "expiry", "Expiry"
    AMENDMENT = "amendment", "Amendment"


class Grade(TextChoices):
    """Who reads a comment in the discussion of a proposal; ``docs/decisions/0023`` says each one exactly."""

    OWN_AGENCY = "own_agency", "Own agency"
    ALL_AGENCIES = "all_agencies", "All five agencies"
    PROGRAM_OFFICE = "program_office", "Program office"
