"""Whether a proposal may be submitted now: its package, its certification and the clock, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from program import clock, moments
from program.canonical import sha256_hex
from program.deadlines import local_day, long_date
from program.models import Call
from program.transitions import Problem
from proposals.checks import all_problems
from proposals.composition import composed, rules_of, working_copy
from proposals.enums import Part
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from program.models import User
    from proposals.checks import Rules
    from proposals.models import Certification, Extension, Version
    from proposals.package import Package

WINDOW = "E.O. 14320 s.3(c)"


@dataclass
class Candidate:
    """A proposal as it would be submitted in the running transaction; each fact is read once.

    ``received_at`` is the start of the transaction on the database's clock, so waiting for a lock makes
    nobody late. The call's row is held against the closer; its status is not asked.
    """

    proposal: Proposal
    by: User | None = None

    @classmethod
    def shown(cls, working: Proposal, package: Package) -> Candidate:
        """What a page can say of a working copy that it has loaded: nothing is read again or locked."""
        candidate = cls(working)
        facts = {"working": working, "package": package, "call": working.call, "received_at": clock.now()}
        candidate.__dict__.update(facts)
        return candidate

    @cached_property
    def received_at(self) -> datetime:
        return clock.moved() or self.call.began_at  # type: ignore[attr-defined]

    @cached_property
    def call(self) -> Call:
        """The call, locked so that it cannot be closed, extended or cancelled before this commits."""
        query = "SELECT *, transaction_timestamp() AS began_at FROM program_call WHERE id = %s FOR SHARE"
        return Call.objects.raw(query, [self.proposal.call_id])[0]

    @cached_property
    def working(self) -> Proposal:
        """The working copy with all its rows, and with what its call demands."""
        return working_copy(self.proposal.pk)

    @cached_property
    def package(self) -> Package:
        return composed(self.working, at=self.received_at)

    @cached_property
    def previous(self) -> Version | None:
        """The last version, with its receipt."""
        if self.proposal.version_count == 0:
            return None
        versions = self.proposal.versions.select_related("receipt").defer("package")
        return versions.get(number=self.proposal.version_count)

    @cached_property
    def text(self) -> str:
        """The package as it would be frozen."""
        return self.package.to_json()

    @cached_property
    def sha256(self) -> str:
        return sha256_hex(self.text)

    @cached_property
    def limit(self) -> datetime | None:
        """The exclusive limit: the close of the call, or more time given for this proposal, or its cure."""
        return self.proposal.closes_under(self.call)

    @cached_property
    def on_time(self) -> bool:
        return self.limit is not None and self.received_at < self.limit

    @cached_property
    def certification(self) -> Certification | None:
        """The newest unused certification of exactly this content, by somebody who may still give it."""
        for certification in self.working.unused_certifications:  # type: ignore[attr-defined]
            if certification.content_sha256 != self.sha256:
                continue
            # Who submits was asked for this right a moment ago; anybody else is asked again.
            if certification.signer == self.by or certification.signer.has_perm(
                "proposals.certify_proposal", self.proposal
            ):
                return certification
        return None

    @property
    def rules(self) -> Rules:
        """What the call demands at the moment of receipt."""
        day = self.received_at.astimezone(clock.WASHINGTON).date()
        return rules_of(self.working.call, on=day, at=self.received_at)

    @property
    def rule_text(self) -> str:
        """The rule by which the deadline was judged, in words."""
        return rule_in_words(self.proposal, self.call)

    def problems(self) -> Iterator[Problem]:
        """Everything that keeps it from being submitted."""
        yield from self.late()
        yield from self.unchanged()
        yield from all_problems(self.package, self.rules)
        if self.certification is None:
            yield Problem(
                "certification",
                "The anchor's authorized representative must certify exactly this content.",
                "18 U.S.C. 1001",
                Part.OVERVIEW,
                "certification",
            )

    def late(self) -> Iterator[Problem]:
        """Received before the call closes, or within the stated cure period, s.3(c)."""
        if self.call.cancelled_at:
            yield Problem("call-cancelled", "The call was cancelled.", WINDOW, Part.OVERVIEW)
        elif self.limit is None:
            yield Problem("call-not-issued", "The call has not been issued.", WINDOW, Part.OVERVIEW)
        elif not self.on_time:
            yield Problem(
                "late",
                f"The time to submit ended: {moments.moment_to_the_second(self.limit)}. This was received: "
                f"{moments.moment_to_the_second(self.received_at)}.",
                WINDOW,
                Part.OVERVIEW,
            )

    def unchanged(self) -> Iterator[Problem]:
        """A new version must say something new."""
        if self.previous and self.previous.sha256 == self.sha256:
            yield Problem(
                "unchanged", "Nothing has changed since the last version.", "E.O. 14320 s.3(c)", Part.OVERVIEW
            )


def rule_in_words(proposal: Proposal, call: Call) -> str:
    """By which rule the time of ``proposal`` ends when it does."""
    limit = proposal.closes_under(call)
    if limit == call.closes_at:
        return f"{call.rule_text} ({call.rule_citation})".strip()
    if limit == proposal.extended_to:
        return rule_of_extension(proposal.extensions.latest("pk"))
    days = call.cure_period.words
    return f"The cure period of {days}, stated when the proposal was returned for correction."


def rule_of_extension(extension: Extension) -> str:
    """How the last day of one proposal was found, in words that stand beside it on every page."""
    return (
        f"On {long_date(local_day(extension.made_at))} the Program office gave this proposal more time, "
        f"until the end of {long_date(extension.due_on)}. It rests on: {extension.legal_basis}. The "
        f"deadline is 11:59:59 p.m. {moments.ZONE}."
    )


def is_in_time(proposal: Proposal) -> Iterator[Problem]:
    """A draft comes back only while it can still be submitted."""
    if not proposal.takes_versions(at=clock.now()):
        yield Problem("over", "The time to submit this draft is over.", WINDOW, Part.OVERVIEW)


def is_the_only_one(proposal: Proposal) -> Iterator[Problem]:
    """A draft comes back unless its consortium has another proposal under the call."""
    others = Proposal.objects.live_under([proposal.call_id]).filter(consortium=proposal.consortium_id)
    if others.exclude(pk=proposal.pk).exists():
        message = "This consortium has another proposal under this call, which is not lapsed or withdrawn."
        yield Problem("one-per-call", message, "E.O. 14320 s.3(b)", Part.OVERVIEW)


def is_ready(proposal: Proposal) -> Iterator[Problem]:
    """Package complete, certified as it stands, received in time: s.3(b)-(c)."""
    yield from Candidate(proposal).problems()


def is_past_its_close(proposal: Proposal) -> Iterator[Problem]:
    """A draft lapses once its time is over and not before, also when that was extended meanwhile."""
    closes_at = proposal.closes_at
    if closes_at is None or closes_at > clock.now():
        yield Problem("not-due", "The time to submit this draft is not over.", WINDOW, Part.OVERVIEW)
