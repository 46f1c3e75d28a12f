"""What beat runs for proposals; what is due or owed are rows, a tick finds them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from program import clock
from program.services.clockwork import do_each
from program.ticks import timely
from proposals.composition import compose
from proposals.models import Certification, Membership, Proposal
from proposals.services import (
    ask_consent,
    demands_to_come,
    lapse_proposal,
    note_lost_certification,
    purge_untaken,
    purge_uploads,
    remind_of_demands,
    remind_team,
)
from proposals.services.rechecking import amendments_to_recheck, drafts_to_recheck, recheck_proposal

MOST_AT_ONCE = 500
MOST_RECHECKED = 200

SCHEDULE = {
    "lapse-drafts": {"task": "proposals.schedule.lapse_drafts", "schedule": 60.0},
    "remind-teams": {"task": "proposals.schedule.remind_teams", "schedule": crontab()},
    "recheck-drafts": {"task": "proposals.schedule.recheck_drafts", "schedule": 20.0},
    "sweep-receipts": {"task": "proposals.tasks.sweep_documents", "schedule": 20.0},
    "purge-uploads": {"task": "proposals.schedule.purge_abandoned_uploads", "schedule": crontab(minute="50")},
    "note-lost-certifications": {
        "task": "proposals.schedule.note_lost_certifications",
        "schedule": 60.0,
    },
    "ask-consents": {"task": "proposals.schedule.ask_consents", "schedule": crontab(minute="20")},
    "sweep-invitations": {"task": "proposals.tasks.sweep_invitations", "schedule": 20.0},
}


@shared_task
def lapse_drafts() -> int:
    """Let the drafts of closed calls lapse, as the clock's account.

    The grace is longer than any transaction may run: a submission that began before the close has ended
    before its draft could lapse.
    """
    limit = clock.instant() - timedelta(seconds=settings.LAPSE_GRACE_SECONDS)
    drafts = Proposal.objects.due_to_lapse(limit).select_related("call").order_by("pk")
    return do_each(lapse_proposal, drafts[:MOST_AT_ONCE])


@shared_task
def remind_teams() -> int:
    """Remind the teams whose time to submit, or a change of their call, is near; each in its transaction."""
    at = clock.instant()
    done = do_each(remind_team, Proposal.objects.to_remind(at).only("pk")[:MOST_AT_ONCE])
    for call, moment in demands_to_come(at):
        rows = Proposal.objects.to_remind_of_demands(call, moment, at).only("pk", "call")
        done += do_each(partial(remind_of_demands, moment=moment), rows[:MOST_AT_ONCE])
    return done


@shared_task
def note_lost_certifications() -> int:
    """Tell the signers whose certification a change has left without effect, whichever way it came in."""
    standing = timely(Certification.objects.standing().order_by("?")[:MOST_AT_ONCE], seconds=20)
    lost = [row for row in standing if compose(row.proposal).sha256 != row.content_sha256]
    return do_each(note_lost_certification, lost)


@shared_task
def ask_consents() -> int:
    """Ask the members whose part changed a day ago or earlier to renew their consent, each once."""
    return do_each(ask_consent, Membership.objects.due_to_be_asked(clock.instant())[:MOST_AT_ONCE])


@shared_task
def recheck_drafts() -> int:
    """Check drafts anew whose call's requirements were amended; what is left is done by the next tick."""
    return sum(
        do_each(partial(recheck_proposal, amendment=amendment), drafts_to_recheck(amendment)[:MOST_RECHECKED])
        for amendment in timely(amendments_to_recheck(), seconds=20)
    )


@shared_task
def purge_abandoned_uploads() -> int:
    """Forget uploads that nobody went on with for 22 hours, so that nothing of them is left after a day.

    A package file or a table that was read waits for its person longer: a week.
    """
    return purge_uploads() + purge_untaken()
