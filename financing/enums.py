"""The words of federal financing that are stored: stages, kinds of support, classes of countries."""

from __future__ import annotations

from django.db.models import TextChoices

#: How many characters a text of the EDAG may have
LONGEST_TEXT = 5000


class MemberRole(TextChoices):
    """An agency's standing in the Economic Diplomacy Action Group (EDAG)."""

    CHAIR = "chair", "Chair"
    MEMBER = "member", "Member"
    PARTICIPATING = "participating", "Participating (holds a tool)"
    OBSERVER = "observer", "Observer"


class SupportKind(TextChoices):
    """What a tool gives. Sums of different kinds are never added: cover may stand behind the same dollars."""

    FUNDING = "funding", "Money provided"
    COVER = "cover", "Risk covered"
    ASSISTANCE = "assistance", "Technical assistance and studies"


class CountryStanding(TextChoices):
    """Classes of 22 U.S.C. 9612 as amended in 2025; what is not on file is unknown, never favorable."""

    LESS_DEVELOPED = "less_developed", "Less developed country"
    ADVANCING_INCOME = "advancing_income", "Advancing income country"
    HIGH_INCOME = "high_income", "High-income country"


class Assessment(TextChoices):
    """Advice of the match, never a decision."""

    LIKELY = "likely", "Likely applicable"
    WARNING = "warning", "Look closer"


class ReferralStatus(TextChoices):
    """The life of a referral to the agency that holds a tool; ``lifecycle.py`` has the ways between them."""

    PROPOSED = "proposed", "Proposed"
    REFERRED = "referred", "Referred"
    ACCEPTED = "accepted", "Accepted"
    COMMITTED = "committed", "Committed"
    CLOSED = "closed", "Closed"
    DECLINED = "declined", "Declined"
    SUSPENDED = "suspended", "Suspended"


OPEN_STATUSES = (ReferralStatus.PROPOSED, ReferralStatus.REFERRED, ReferralStatus.ACCEPTED)
DONE_STATUSES = (ReferralStatus.COMMITTED, ReferralStatus.CLOSED, ReferralStatus.DECLINED)


class MeetingStatus(TextChoices):
    PLANNED = "planned", "Planned"
    HELD = "held", "Held"


class AgendaDecision(TextChoices):
    """What a meeting made of an item."""

    REFER = "refer", "Refer the tool"
    SET_ASIDE = "set_aside", "Set the proposed referral aside"
    DEFER = "defer", "Defer to a later meeting"
    NOTE = "note", "Take note"


class WorkstreamCode(TextChoices):
    """The six responsibilities of the Secretary of State, E.O. 14320 s.4(c)(i)-(vi)."""

    STRATEGY = "i", "Unified strategy"
    ALIGNMENT = "ii", "Alignment of resources"
    MULTILATERAL = "iii", "Initiatives and partnerships"
    PARTNER_SUPPORT = "iv", "Partner countries"
    MARKET_ACCESS = "v", "Market access"
    SMALL_BUSINESS = "vi", "Small businesses"


class PartnershipStatus(TextChoices):
    EXPLORED = "explored", "Explored"
    NEGOTIATED = "negotiated", "Under negotiation"
    SIGNED = "signed", "Signed"
    ENDED = "ended", "Ended"


class BarrierEffect(TextChoices):
    """How far a barrier keeps U.S. offerings out."""

    BLOCKS = "blocks", "Keeps U.S. offerings out"
    BURDENS = "burdens", "Raises cost or delay"
    WATCHED = "watched", "Not yet in force; watched"


class BarrierStatus(TextChoices):
    IDENTIFIED = "identified", "Identified"
    RAISED = "raised", "Raised with the partner"
    EASED = "eased", "Eased"
    REMOVED = "removed", "Removed"
