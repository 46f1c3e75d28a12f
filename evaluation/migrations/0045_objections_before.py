from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import migrations
from django.utils import timezone

from program.deadlines import Period, long_date

WASHINGTON = ZoneInfo("America/New_York")
CLOCK = "clock@service.invalid"
EVALUATED = ("submitted", "returned", "under_evaluation")


def open_for_standing_objections(apps, schema_editor):
    """An objection that was filed before objections had a record gets one, which says so.

    It is the newest position of an agency on a proposal that is still evaluated. Its time is counted from
    today: nobody was told of another day.
    """
    Referral, Escalation = (apps.get_model("evaluation", name) for name in ("Referral", "Escalation"))
    known = set(Escalation.objects.values_list("proposal", "agency"))
    newest = {}
    rows = Referral.objects.filter(position__isnull=False, version__proposal__status__in=EVALUATED)
    for referral in rows.select_related("position", "version__proposal__call").order_by("version__number"):
        newest[referral.version.proposal_id, referral.agency_id] = referral
    now = timezone.now()
    for key, referral in newest.items():
        if referral.position.stance != "object" or key in known:
            continue
        period = Period(
            referral.version.proposal.call.escalation_days, citation="program policy, stated in the call"
        )
        due = period.due_after(now)
        filed = long_date(referral.position.signed_at.astimezone(WASHINGTON).date())
        why = (
            f"Opened afterwards: the objection was filed on {filed}, before objections had a record. Its time "
            "is counted from the day on which this record was opened."
        )
        escalation = Escalation.objects.create(
            proposal_id=key[0], agency_id=key[1], position=referral.position, level="staff", opened_at=now,
            due_at=due.bound, due_rule=f"{why} {period.rule_text}",
        )
        apps.get_model("evaluation", "EscalationEntry").objects.create(
            escalation=escalation, level="staff", minutes=why, due_at=due.bound, by=_clock(apps), at=now,
        )


def _clock(apps):
    User = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    account = {"name": "Program clock", "is_service": True, "password": "!"}
    return User.objects.get_or_create(email=CLOCK, defaults=account)[0]


class Migration(migrations.Migration):

    dependencies = [
        ("evaluation", "0044_put_to_review"),
        ('program', '0040_ethics_official'),
        ('proposals', '0019_recusals_lifted'),
    ]

    operations = [migrations.RunPython(open_for_standing_objections, migrations.RunPython.noop)]
