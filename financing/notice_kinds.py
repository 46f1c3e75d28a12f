"""The notices that the EDAG, the agencies that hold tools and the anchor's team get."""

from __future__ import annotations

from typing import Final

from program.enums import Mailed
from program.notice_kinds import NoticeKind

S4D: Final = "s.4(d)"
DESIGNATED: Final = NoticeKind(
    "financing.designated",
    "A package was designated: {designation}",
    "Package {designation} was designated a priority AI export package. The EDAG now matches federal tools "
    "with what it asks for and proposes referrals.",
    "s.4(a)",
    when="A package is designated",
    who="Chairs and officers of the EDAG",
    sample={"designation": "AIX-D-2026-0001"},
)
DESIGNATION_CHANGED: Final = NoticeKind(
    "financing.designation_changed",
    "Designation {designation}: {status}",
    "The status of designation {designation} is now: {status}. Commitments already made are not undone by "
    "this; while the designation is not active none is made or raised.",
    "s.3(d)",
    is_internal=True,
    when="A designation is suspended, reinstated, revoked or expires",
    who="Chairs of the EDAG, and agencies that have committed support",
    mailed=Mailed.ALWAYS,
    sample={"designation": "AIX-D-2026-0001", "status": "suspended"},
)
DESIGNATION_AMENDED: Final = NoticeKind(
    "financing.designation_amended",
    "Designation {designation}: amendment {amendment}",
    "Amendment {amendment} of designation {designation} is announced, in force from {day}. No tool is "
    "referred, accepted or committed for a market that it removes; commitments already made are not undone "
    "by it.",
    "s.3(d)",
    is_internal=True,
    when="An amendment of a designation is announced",
    who="Chairs of the EDAG, and agencies that hold a referral or have committed support",
    mailed=Mailed.ALWAYS,
    sample={"amendment": 1, "day": "December 18, 2026", "designation": "AIX-D-2026-0001"},
)
MARKET_REMOVED: Final = NoticeKind(
    "financing.market_removed",
    "A market was removed: {numbers}",
    "Amendment {amendment} of designation {designation}, in force from {day}, removes {markets}. You lead "
    "{numbers}: from that day on nothing is referred, accepted or committed there.",
    "s.3(d)",
    is_internal=True,
    when="An amendment that removes the market of an open referral is announced",
    who="The lead officer of the referral",
    mailed=Mailed.ALWAYS,
    sample={
        "amendment": 1, "day": "December 18, 2026", "designation": "AIX-D-2026-0001", "markets": "Ghana",
        "numbers": "AIX-D-2026-0001-R1",
    },
)  # fmt: skip
PROPOSED: Final = NoticeKind(
    "financing.proposed",
    "A tool referral is proposed: {number}",
    "Referral {number} of a federal financing tool to {agency} waits for the decision of the EDAG.",
    S4D,
    is_internal=True,
    when="A referral of a financing tool is proposed",
    who="Chairs of the EDAG",
    mailed=Mailed.AT_ONCE,
    sample={"agency": "Department of Energy", "number": "AIX-R-2026-0003"},
)
REFERRED: Final = NoticeKind(
    "financing.referred",
    "A tool was referred to {agency}: {number}",
    "The EDAG referred a federal financing tool for designated package {designation} to {agency}. "
    "Accept it, or decline it with the reason.",
    S4D,
    is_internal=True,
    when="The EDAG refers a financing tool",
    who="EDAG officers of the agency that holds it",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "designation": "AIX-D-2026-0001", "number": "AIX-R-2026-0003"},
)
STAGE_REACHED: Final = NoticeKind(
    "financing.stage_reached",
    "Federal financing for package {designation}: {stage}",
    "A federal financing tool for your designated package {designation} now stands at: {stage}. "
    "{meaning} Each agency applies its own law.",
    S4D,
    when="A referred tool reaches another stage",
    who="The team of the anchor",
    mailed=Mailed.ALWAYS,
    sample={"designation": "AIX-D-2026-0001", "meaning": "This is no commitment.", "stage": "accepted"},
)
ANSWERED: Final = NoticeKind(
    "financing.answered",
    "{agency} answered referral {number}: {stage}",
    "{agency} has brought referral {number} for package {designation} to: {stage}.",
    S4D,
    when="An agency answers a referral",
    who="Chairs of the EDAG",
    sample={
        "agency": "Department of Energy",
        "designation": "AIX-D-2026-0001",
        "number": "AIX-R-2026-0003",
        "stage": "accepted",
    },
)
RECORDED_ANEW: Final = NoticeKind(
    "financing.recorded_anew",
    "A commitment for package {designation} was recorded anew",
    "{agency} recorded a new commitment for package {designation} in place of the one before. "
    "The page shows what stands now.",
    S4D,
    when="A commitment is recorded anew",
    who="Chairs of the EDAG, and the team of the anchor",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "designation": "AIX-D-2026-0001"},
)
FOLLOW_UP: Final = NoticeKind(
    "financing.follow_up",
    "Referral {number} is yours to follow",
    "{agency} accepted referral {number} for package {designation}. You are its lead officer: record what "
    "your agency commits, or decline with the reason.",
    S4D,
    is_internal=True,
    when="An agency accepts a referral",
    who="Its lead officer for the case",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "designation": "AIX-D-2026-0001", "number": "AIX-R-2026-0003"},
)
SUSPENDED: Final = NoticeKind(
    "financing.suspended",
    "Referral {number} is suspended with its designation",
    "Designation {designation} is not active. Referral {number} rests; commitments made are not touched.",
    "s.3(d)",
    is_internal=True,
    when="A designation is not active any more while a referral is open",
    who="Chairs of the EDAG, and officers of the agency that holds the tool",
    mailed=Mailed.ALWAYS,
    sample={"designation": "AIX-D-2026-0001", "number": "AIX-R-2026-0003"},
)
RESUMED: Final = NoticeKind(
    "financing.resumed",
    "Referral {number} goes on",
    "Designation {designation} is active again. Referral {number} stands where it stood: {stage}.",
    "s.3(d)",
    is_internal=True,
    when="A designation is active again",
    who="Chairs of the EDAG, and officers of the agency that holds the tool",
    mailed=Mailed.ALWAYS,
    sample={"designation": "AIX-D-2026-0001", "number": "AIX-R-2026-0003", "stage": "accepted"},
)
ACTION_GIVEN: Final = NoticeKind(
    "financing.action_given",
    "An action of the EDAG is yours, due {due}",
    "The meeting “{meeting}” gave you an action, due {due}.",
    "s.4(a)",
    is_internal=True,
    when="A meeting of the EDAG gives an action",
    who="Who owns the action",
    mailed=Mailed.AT_ONCE,
    sample={"due": "Friday, December 18, 2026", "meeting": "Second meeting of the EDAG"},
)
ACTION_DONE: Final = NoticeKind(
    "financing.action_done",
    "An action of the EDAG is done",
    "An action of the meeting “{meeting}” was reported done.",
    "s.4(a)",
    when="An action of the EDAG is reported done",
    who="The chair of its meeting",
    sample={"meeting": "Second meeting of the EDAG"},
)
MEETING_PLANNED: Final = NoticeKind(
    "financing.meeting_planned",
    "A meeting of the EDAG is planned for {day}",
    "The meeting “{meeting}” is planned for {day}.",
    "s.4(a)",
    is_internal=True,
    when="A meeting of the EDAG is planned",
    who="Chairs and officers of the EDAG",
    mailed=Mailed.AT_ONCE,
    sample={"day": "Tuesday, December 15, 2026", "meeting": "Second meeting of the EDAG"},
)
