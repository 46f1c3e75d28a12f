from django.db import migrations

#: An answer that replaced another had taken the moment of the first
FIRST_ANSWERS = """
UPDATE evaluation_referral AS referral SET answered_at = first.at
FROM (SELECT referral_id, MIN(signed_at) AS at FROM evaluation_position GROUP BY referral_id) AS first
WHERE first.referral_id = referral.id AND referral.carry <> 'keep' AND first.at < referral.answered_at
"""
#: A version that was accepted after another had taken the moment of the first acceptance
FIRST_ACCEPTANCES = """
UPDATE proposals_proposal AS proposal SET accepted_at = first.at
FROM (
    SELECT version.proposal_id, MIN(referral.opened_at) AS at FROM evaluation_referral AS referral
    JOIN proposals_version AS version ON version.id = referral.version_id GROUP BY version.proposal_id
) AS first
WHERE first.proposal_id = proposal.id AND first.at < proposal.accepted_at
"""


class Migration(migrations.Migration):

    dependencies = [
        ("evaluation", "0046_sent_once"),
        ("proposals", "0019_recusals_lifted"),
    ]

    operations = [
        migrations.RenameField("referral", "carried_from", "previous"),
        migrations.RunSQL(FIRST_ANSWERS, migrations.RunSQL.noop),
        migrations.RunSQL(FIRST_ACCEPTANCES, migrations.RunSQL.noop),
    ]
