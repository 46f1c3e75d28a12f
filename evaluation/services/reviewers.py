"""What each agency says of its reviewers, and how many of them it gives each proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from evaluation.models import ReviewerProfile, ReviewersNeeded
from evaluation.models.reviewers import in_words
from program import audit
from program.enums import OfficeRole
from program.revisions import StaleRevision, one_at_a_time
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from typing import Any

    from program.models import Agency, Call, User

ORDER = "E.O. 14320 s.3(d)"


@transaction.atomic
def describe_reviewer(
    reviewer: User,
    *,
    agency: Agency,
    by: User,
    capacity: int | None,
    expertise: list[str],
    named_for: list[str] | None = None,
    revision: int | None = None,
) -> ReviewerProfile:
    """Say how many reviews may be open with a reviewer at once, and what they know.

    For what they go first says the Program office alone; None leaves it as it is. ``revision`` is 0 where
    nothing was said before.
    """
    one_at_a_time("describe-reviewer", agency.pk, reviewer.pk)
    profile = ReviewerProfile.objects.filter(agency=agency, reviewer=reviewer).first()
    known = profile.revision if profile else 0
    profile = profile or ReviewerProfile(agency=agency, reviewer=reviewer, revision=0)
    require("evaluation.change_reviewerprofile", by, profile)
    if revision is not None and revision != known:
        raise StaleRevision(profile, revision)
    if not reviewer.is_active or not reviewer.holds(OfficeRole.REVIEWER, agency=agency.code):
        raise NotReady([Problem("not-reviewer", f"{reviewer} is not a reviewer of {agency}.", ORDER)])
    before = _said(profile)
    profile.capacity, profile.expertise = capacity, sorted(expertise)
    if named_for is not None and sorted(named_for) != profile.named_for:
        require("evaluation.name_reviewerprofile", by, profile)
        profile.named_for = sorted(named_for)
    if known and _said(profile) == before:
        return profile
    profile.revision = known + 1
    profile.full_clean()
    profile.save()
    audit.record(profile, "reviewerprofile.change", by=by, before=before, after=_said(profile), clause=ORDER)
    return profile


def _said(profile: ReviewerProfile) -> dict[str, Any]:
    return {
        "reviewer": profile.reviewer.email,
        "agency": profile.agency.code,
        "capacity": profile.capacity,
        "expertise": in_words(profile.expertise),
        "goes_first_for": in_words(profile.named_for),
    }


@transaction.atomic
def set_reviewers_needed(call: Call, *, agency: Agency, number: int, by: User) -> ReviewersNeeded:
    """Say how many reviewers the agency gives each proposal of the call; nobody is assigned by it."""
    one_at_a_time("reviewers-needed", call.pk, agency.pk)
    found = ReviewersNeeded.objects.filter(call=call, agency=agency).first()
    needed = found or ReviewersNeeded(call=call, agency=agency, revision=0)
    require("evaluation.change_reviewersneeded", by, needed)
    before = found.number if found else settings.REVIEWERS_NEEDED
    if found and before == number:
        return found
    needed.number, needed.revision = number, needed.revision + 1
    needed.full_clean()
    needed.save()
    audit.record(
        needed,
        "reviewersneeded.change",
        by=by,
        before={"call": call.number, "agency": agency.code, "number": before},
        after={"call": call.number, "agency": agency.code, "number": number},
        clause=ORDER,
    )
    return needed
