"""The notices that the consortium and the Program office get; the matter stays behind the link."""

from __future__ import annotations

from typing import Final

from program.enums import Mailed, OfficeRole
from program.notice_kinds import NoticeKind

INVITED: Final = NoticeKind(
    "proposals.invited",
    "You are invited to a consortium",
    "Your organization is invited to join a consortium of the American AI Exports Program. Read what it is "
    "asked to contribute and answer before {until}.",
    "E.O. 14320 s.3(b)",
    tells_outsiders=True,
    when="An organization is invited to a consortium",
    who="Who is invited, when they have an account",
    mailed=Mailed.ALWAYS,
    sample={"until": "the end of Friday, December 18, 2026, Washington time"},
)
CONSENTED: Final = NoticeKind(
    "proposals.consented",
    "A member has consented",
    "{organization} has accepted its role in your consortium and its declaration.",
    "E.O. 14320 s.3(b)",
    when="A member consents",
    who="The team of the consortium",
    sample={"organization": "Fictional Compute, Inc."},
)
DECLINED: Final = NoticeKind(
    "proposals.declined",
    "An organization has declined",
    "An organization that you invited does not join your consortium.",
    "E.O. 14320 s.3(b)",
    when="An invited organization declines",
    who="The team of the consortium",
)
LEFT: Final = NoticeKind(
    "proposals.left",
    "A member has left",
    "A member has left your consortium. Check which layers still have a supplier.",
    "E.O. 14320 s.3(b)",
    when="A member leaves",
    who="The team of the consortium",
)
REMOVED: Final = NoticeKind(
    "proposals.removed",
    "Your organization is no longer in a consortium",
    "The anchor has taken {organization} out of {consortium}. {reason}",
    "E.O. 14320 s.3(b)",
    when="The anchor takes a member out",
    who="People of that member",
    mailed=Mailed.ALWAYS,
    sample={
        "consortium": "Harbor Stack",
        "organization": "Fictional Compute, Inc.",
        "reason": "It was sold.",
    },
)
MEMBER_REMOVED: Final = NoticeKind(
    "proposals.member_removed",
    "A member was removed",
    "The anchor has taken {organization} out of {consortium}. Check which layers still have a supplier.",
    "E.O. 14320 s.3(b)",
    when="The anchor takes a member out",
    who="The team of the consortium",
    sample={"consortium": "Harbor Stack", "organization": "Fictional Compute, Inc."},
)
ROLE_CHANGED: Final = NoticeKind(
    "proposals.role_changed",
    "Your consent is asked again",
    "The role of your organization in a consortium has changed. Read it and consent again.",
    "E.O. 14320 s.3(b)",
    when="The role of a member changes",
    who="People of that member",
    mailed=Mailed.ALWAYS,
)
PART_CHANGED: Final = NoticeKind(
    "proposals.part_changed",
    "Your consent is asked again",
    "What {organization} supplies or operates in a package of {consortium} has changed since it consented. "
    "Read what has changed, and consent again.",
    "E.O. 14320 s.3(b)",
    when="What a member supplies or operates changes",
    who="People of that member",
    mailed=Mailed.ALWAYS,
    sample={"consortium": "Harbor Stack", "organization": "Fictional Compute, Inc."},
)
ADDED_TO_TEAM: Final = NoticeKind(
    "proposals.added_to_team",
    "You are on the team of a consortium",
    "You were added to the team of a consortium as {role}.",
    "E.O. 14320 s.3(b)",
    when="A person is added to a team",
    who="That person",
    sample={"role": "contributor"},
)
SHARED: Final = NoticeKind(
    "proposals.shared",
    "A proposal was shared with you",
    "You may now {right} a proposal of a consortium.",
    "E.O. 14320 s.3(b)",
    is_household=True,
    when="A proposal is shared with counsel",
    who="That person",
    sample={"right": "read"},
)
NO_LONGER_SHARED: Final = NoticeKind(
    "proposals.no_longer_shared",
    "Your access to a proposal has ended",
    "A consortium no longer shares its proposal with you; its working copy is closed to you.",
    "E.O. 14320 s.3(b)",
    tells_outsiders=True,
    is_household=True,
    when="A proposal is no longer shared",
    who="That person",
    mailed=Mailed.AT_ONCE,
)
ANCHOR_OFFERED: Final = NoticeKind(
    "proposals.anchor_offered",
    "You are offered the anchor role",
    "The anchor of a consortium offers its place to your organization: to lead, certify and submit. Read "
    "what it means, and accept or decline.",
    "E.O. 14320 s.3(b)",
    when="The anchor offers its place",
    who="Administrators and representatives of the member",
    mailed=Mailed.AT_ONCE,
)
ANCHOR_CHANGED: Final = NoticeKind(
    "proposals.anchor_changed",
    "Your consortium has a new anchor",
    "Another member now leads your consortium, certifies and submits. A certification given before no "
    "longer counts.",
    "E.O. 14320 s.3(b)",
    when="Another member takes the anchor's place",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
)
ANCHOR_DECLINED: Final = NoticeKind(
    "proposals.anchor_declined",
    "The anchor role was declined",
    "The member that you offered the anchor role has declined. Your organization stays the anchor.",
    "E.O. 14320 s.3(b)",
    when="The offer of the anchor's place is declined",
    who="Administrators and representatives of the anchor",
)
ANCHOR_WITHDRAWN: Final = NoticeKind(
    "proposals.anchor_withdrawn",
    "The offer of the anchor role was withdrawn",
    "The anchor of your consortium has taken its offer back. Nothing has changed.",
    "E.O. 14320 s.3(b)",
    when="The offer of the anchor's place is taken back",
    who="Administrators and representatives of the member",
)
COMMENT_ASSIGNED: Final = NoticeKind(
    "proposals.comment_assigned",
    "A comment waits for you",
    "A colleague asks you to settle a comment on the working copy of a proposal. It is among your tasks "
    "until it is resolved.",
    "E.O. 14320 s.3(b)",
    when="A comment is assigned",
    who="Who is to settle it",
)
MENTIONED: Final = NoticeKind(
    "proposals.mentioned",
    "You are mentioned in a comment",
    "A colleague mentions you in a comment on the working copy of a proposal.",
    "E.O. 14320 s.3(b)",
    when="A comment mentions a person",
    who="That person",
)
COMMENT_ANSWERED: Final = NoticeKind(
    "proposals.comment_answered",
    "A comment of yours was answered",
    "A colleague has replied to a comment that you wrote or that is assigned to you.",
    "E.O. 14320 s.3(b)",
    when="A comment is answered",
    who="Who wrote it or is to settle it",
)
CERTIFICATION_LOST: Final = NoticeKind(
    "proposals.certification_lost",
    "Your certification no longer counts",
    "The package that you certified on {signed_at} has changed since: {changes}. Read it and certify again "
    "before it can be submitted.",
    "18 U.S.C. 1001",
    is_household=True,
    when="A certified package changes",
    who="Who certified it",
    mailed=Mailed.ALWAYS,
    sample={"changes": "Hardware, Models", "signed_at": "November 20, 2026, 9:30 a.m. Washington time"},
)
SUBMITTED: Final = NoticeKind(
    "proposals.submitted",
    "Proposal {number} was received",
    "Version {version} of proposal {number} was received on {received_at}. Its receipt is {receipt}.",
    "E.O. 14320 s.3(c)",
    when="A version is received",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={
        "number": "AIX-2026-00014",
        "receipt": "AIX-2026-00014-2",
        "received_at": "November 27, 2026, 2:05 p.m. Washington time",
        "version": 2,
    },
)
ARRIVED: Final = NoticeKind(
    "proposals.arrived",
    "Proposal {number} has arrived",
    "Version {version} of proposal {number} was received on {received_at} and waits for intake.",
    "E.O. 14320 s.3(c)",
    when="A version is received",
    who="Program officers",
    sample={
        "number": "AIX-2026-00014",
        "received_at": "November 27, 2026, 2:05 p.m. Washington time",
        "version": 2,
    },
)
RETURNED: Final = NoticeKind(
    "proposals.returned",
    "Proposal {number} was returned for correction",
    "The Program office asks for corrections to proposal {number}. Submit it again before {due}. {rule}",
    "E.O. 14320 s.3(b)",
    when="A proposal is returned for correction",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "rule": "Counted in calendar days. The day it starts is day 0. Day 10 is the last day.",
    },
)
ACCEPTED: Final = NoticeKind(
    "proposals.accepted",
    "Proposal {number} is under evaluation",
    "Version {version} of proposal {number} was accepted. {consultation}",
    "E.O. 14320 s.3(d)",
    when="A version is accepted for evaluation",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={
        "consultation": "The agencies' consultation goes on with this version.",
        "number": "AIX-2026-00014",
        "version": 2,
    },
)
WITHDRAWN: Final = NoticeKind(
    "proposals.withdrawn",
    "{what} was withdrawn",
    "{what} was withdrawn by the consortium.",
    "E.O. 14320 s.3(b)",
    when="A proposal or draft is withdrawn",
    who="The team of the consortium, and program officers where it was submitted",
    mailed=Mailed.ALWAYS,
    sample={"what": "Proposal AIX-2026-00014"},
)
REMINDED: Final = NoticeKind(
    "proposals.reminded",
    "{left} left to submit under call {call}",
    "{unsubmitted} Submit before {due}.\n\n{missing}",
    "E.O. 14320 s.3(c)",
    is_household=True,
    when="An open call reaches a step of its reminders while work is not submitted",
    who="Who may edit the working copy",
    mailed=Mailed.AT_ONCE,
    sample={
        "call": "AIX-C-2026-0002",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "missing": "Newly missing in your draft: Where models are operated.",
        "unsubmitted": "Your draft has not been submitted.",
    },
)
REQUIREMENTS_CHANGED: Final = NoticeKind(
    "proposals.requirements_changed",
    "What call {call} asks for has changed",
    "Amendment {amendment} changed the requirements. {missing}",
    "E.O. 14320 s.3(b)",
    when="An amendment changes what a call asks for",
    who="Teams with a draft under the call",
    mailed=Mailed.ALWAYS,
    sample={
        "amendment": 1,
        "call": "AIX-C-2026-0002",
        "missing": "Newly missing in your draft: Where models are operated.",
    },
)
REQUIREMENTS_COMING: Final = NoticeKind(
    "proposals.requirements_coming",
    "From {day} on call {call} asks for something else",
    "Amendment {amendment} changes the requirements from {day} on; until then nothing changes. {missing}",
    "E.O. 14320 s.3(b)",
    when="An amendment that changes what a call asks for from a later day on is published",
    who="Teams with a draft under the call",
    mailed=Mailed.ALWAYS,
    sample={
        "amendment": 1,
        "call": "AIX-C-2026-0002",
        "day": "Monday, April 20, 2026",
        "missing": "From then on your draft will also lack: Where models are operated.",
    },
)
DEMANDS_NEAR: Final = NoticeKind(
    "proposals.demands_near",
    "{left} until call {call} asks for something else",
    "From {day} on the call asks for something else. This your draft does not answer yet:\n\n{missing}\n\n"
    "What you answer now waits for that day. What you submit before it is judged by what is asked for today.",
    "E.O. 14320 s.3(b)",
    is_household=True,
    when="A day comes near on which a call asks for something else, and a draft does not answer it",
    who="Who may edit the working copy",
    mailed=Mailed.AT_ONCE,
    sample={
        "call": "AIX-C-2026-0002",
        "day": "Monday, April 20, 2026",
        "left": "3 days",
        "missing": "- Where models are operated (s.3(b)(iii))",
    },
)
LAPSED: Final = NoticeKind(
    "proposals.lapsed",
    "Your draft has lapsed",
    "{over} You can still read it and copy from it. {moves}",
    "E.O. 14320 s.3(c)",
    when="A call closes and a draft was not submitted",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={
        "moves": "If something kept you from submitting in time, the anchor can ask for more time from its "
        "page.",
        "over": "The time to submit under call AIX-C-2026-0002 has ended and your draft was not submitted.",
    },
)
TIME_ASKED: Final = NoticeKind(
    "proposals.time_asked",
    "A consortium asks for more time under call {call}",
    "A consortium asks the Program office for more time for its proposal under call {call}. Read why, then "
    "give it or decline.",
    "E.O. 14320 s.3(c)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    tells_outsiders=True,
    when="A consortium asks for more time for its proposal",
    who="Program officers",
    sample={"call": "AIX-C-2026-0002"},
    mailed=Mailed.ALWAYS,
)
TIME_GIVEN: Final = NoticeKind(
    "proposals.time_given",
    "Your proposal under call {call} has more time",
    "The Program office takes your proposal until {due}. This holds for your proposal alone. The reason "
    "given: {reason}",
    "E.O. 14320 s.3(c)",
    when="One proposal is given more time",
    who="Its team",
    sample={
        "call": "AIX-C-2026-0002",
        "due": "February 8, 2027, 11:59 p.m. Washington time",
        "reason": "The portal was away on the last day.",
    },
    mailed=Mailed.ALWAYS,
)
TIME_DECLINED: Final = NoticeKind(
    "proposals.time_declined",
    "Your proposal under call {call} is given no more time",
    "The Program office has declined your request for more time. The last day stays as it was. The reason "
    "given: {reason}",
    "E.O. 14320 s.3(c)",
    when="A request for more time is declined",
    who="Its team",
    sample={"call": "AIX-C-2026-0002", "reason": "The reasons given fit every consortium."},
    mailed=Mailed.ALWAYS,
)
CHANGE_REPORTED: Final = NoticeKind(
    "proposals.change_reported",
    "A material change was reported for {number}",
    "The consortium of proposal {number} has reported a material change.",
    "E.O. 14320 s.3(b)(v)",
    is_internal=True,
    when="A consortium reports a material change",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-2026-00014"},
)
