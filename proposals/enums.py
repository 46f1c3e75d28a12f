"""The words of a proposal that are stored: statuses, roles, sub-types, answers."""

from __future__ import annotations

from django.db.models import TextChoices


class ProposalStatus(TextChoices):
    """The life of a proposal; ``lifecycle.py`` holds the ways between them."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    RETURNED = "returned", "Returned for correction"
    UNDER_EVALUATION = "under_evaluation", "Under evaluation"
    DESIGNATED = "designated", "Designated"
    NOT_SELECTED = "not_selected", "Not selected"
    LAPSED = "lapsed", "Lapsed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class TimeRequestStatus(TextChoices):
    """What became of a request for more time."""

    ASKED = "asked", "Waits for an answer"
    GRANTED = "granted", "More time given"
    DECLINED = "declined", "Declined"


class MembershipStatus(TextChoices):
    """An organization's place in a consortium is by consent."""

    INVITED = "invited", "Invited"
    CONSENTED = "consented", "Consented"
    DECLINED = "declined", "Declined"
    LEFT = "left", "Left"
    REMOVED = "removed", "Removed by the anchor"


#: No longer in a consortium, or never: it can be invited again.
OUT_OF_CONSORTIUM = (MembershipStatus.DECLINED, MembershipStatus.LEFT, MembershipStatus.REMOVED)


class AnchorOfferStatus(TextChoices):
    """The anchor's place changes hands by the consent of both."""

    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class TeamRole(TextChoices):
    """What a person does on the team, for one member organization."""

    ADMINISTRATOR = "administrator", "Administrator"
    AUTHORIZED_REPRESENTATIVE = "authorized_representative", "Authorized representative"
    CONTRIBUTOR = "contributor", "Contributor"


class Part(TextChoices):
    """The parts of a package, as its pages and its table of contents name them."""

    OVERVIEW = "overview", "Overview"
    CONSORTIUM = "consortium", "Consortium"
    HARDWARE = "hardware", "Hardware and infrastructure"
    DATA = "data", "Data pipelines and labeling"
    MODELS = "models", "AI models and systems"
    SECURITY = "security", "Security and cybersecurity"
    APPLICATIONS = "applications", "Applications"
    MARKETS = "markets", "Target markets"
    OPERATING_MODEL = "operating-model", "Operating model"
    SUPPORT = "support", "Federal support requested"
    COMPLIANCE = "compliance", "Compliance"
    REQUIREMENTS = "requirements", "Requirements of this call"
    DOCUMENTS = "documents", "Documents"


class HardwareType(TextChoices):
    """Sub-types by which hardware value is recorded, so that both readings of s.3(b)(i)(A) compute."""

    CHIP = "chip", "Chip"
    SERVER = "server", "Server"
    ACCELERATOR = "accelerator", "Accelerator"
    STORAGE = "storage", "Data center storage"
    NETWORK = "network", "Networking"
    CLOUD = "cloud", "Cloud service"
    POWER_COOLING = "power_cooling", "Power and cooling"
    OTHER = "other", "Other"


class Jurisdiction(TextChoices):
    """Which export control regime an item falls under."""

    EAR = "ear", "EAR, 15 CFR parts 730-774"
    ITAR = "itar", "ITAR, 22 CFR parts 120-130"
    OTHER = "other", "Other"


class EccnBasis(TextChoices):
    SELF = "self", "Self-classified"
    CCATS = "ccats", "Commodity classification by BIS (CCATS)"
    MANUFACTURER = "manufacturer", "Stated by the manufacturer"


class Weights(TextChoices):
    OPEN = "open", "Open weight"
    CLOSED = "closed", "Closed weight"


class ComputeBand(TextChoices):
    """Training compute in operations; the limits are those of 31 CFR part 850 and of ECCN 4E091."""

    BELOW_23 = "below_1e23", "Below 10^23 operations"
    FROM_23 = "1e23_1e24", "10^23 to 10^24 operations"
    FROM_24 = "1e24_1e25", "10^24 to 10^25 operations"
    FROM_25 = "1e25_1e26", "10^25 to 10^26 operations"
    ABOVE_26 = "above_1e26", "Above 10^26 operations"


class Sector(TextChoices):
    """Sectors of the order's examples and of those an agency official named."""

    SOFTWARE_ENGINEERING = "software_engineering", "Software engineering"
    EDUCATION = "education", "Education"
    HEALTHCARE = "healthcare", "Healthcare"
    AGRICULTURE = "agriculture", "Agriculture"
    TRANSPORTATION = "transportation", "Transportation"
    LOGISTICS = "logistics", "Autonomous logistics"
    PUBLIC_SAFETY = "public_safety", "Public safety"
    CRITICAL_MINERALS = "critical_minerals", "Critical-minerals supply chains"
    OTHER = "other", "Other"


class MarketKind(TextChoices):
    COUNTRY = "country", "Country"
    BLOC = "bloc", "Regional bloc"
    LIST = "list", "Own list of countries"


class OperatingAct(TextChoices):
    """The three questions of s.3(b)(iii)."""

    BUILD = "build", "Builds"
    OWN = "own", "Owns"
    OPERATE = "operate", "Operates"


class SiteStatus(TextChoices):
    PLANNED = "planned", "Planned"
    UNDER_CONSTRUCTION = "under_construction", "Under construction"
    OPERATING = "operating", "Operating"


class SupportMechanism(TextChoices):
    """Federal support a consortium may ask for, s.3(b)(iv); the codes are those of the financing tools."""

    DIRECT_LOAN = "direct_loan", "Direct loan"
    LOAN_GUARANTEE = "loan_guarantee", "Loan guarantee"
    EQUITY = "equity", "Equity investment"
    CO_FINANCING = "co_financing", "Co-financing"
    POLITICAL_RISK_INSURANCE = "political_risk_insurance", "Political risk insurance"
    CREDIT_GUARANTEE = "credit_guarantee", "Credit guarantee"
    TECHNICAL_ASSISTANCE = "technical_assistance", "Technical assistance"
    FEASIBILITY_STUDY = "feasibility_study", "Feasibility study"
    SBA_ITL = "sba_itl", "SBA International Trade Loan"
    SBA_EWCP = "sba_ewcp", "SBA Export Working Capital"
    EXIM_INSURANCE = "exim_insurance", "EXIM export credit insurance"
    EXIM_WORKING_CAPITAL = "exim_working_capital", "EXIM working capital guarantee"
    ADVOCACY = "advocacy", "Government advocacy"
    LICENSING_PRIORITY = "licensing_priority", "Priority in export licensing review"
    OTHER = "other", "Other mechanism"


class ComplianceAnswer(TextChoices):
    COMPLIES = "complies", "Complies"
    DOES_NOT_APPLY = "does_not_apply", "Does not apply"
    EXPLAIN = "explain", "Needs explanation"
    YES = "yes", "Yes"
    NO = "no", "No"


class PartyRole(TextChoices):
    """Parties outside the consortium whose names are screened."""

    END_USER = "end_user", "End user"
    OPERATOR = "data_center_operator", "Data center operator"
    CONSIGNEE = "intermediate_consignee", "Intermediate consignee"
    LENDER = "lender", "Lender"
    OTHER = "other", "Other party"


class AuthorityBasis(TextChoices):
    """Why a person may sign for the anchor; the pattern is 31 CFR 850.203."""

    CEO = "ceo", "Chief executive officer"
    OFFICER = "officer", "Corporate officer"
    GENERAL_PARTNER = "general_partner", "General partner"
    BOARD = "board_authorized", "Authorized by the board"
    OTHER = "other", "Other actual authority"


class Presumption(TextChoices):
    """The three states of the U.S. content presumption; below it is no disqualification."""

    PRESUMED_MET = "presumed_met", "Presumed met"
    NOT_PRESUMED = "not_presumed", "Not presumed"
    NOT_COMPUTABLE = "not_computable", "Not computable"
