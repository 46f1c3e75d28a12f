"""That a version is written down to be compared with other proposals, when it is submitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from evaluation.profiles import compared_text, named_in

if TYPE_CHECKING:
    from proposals.models import Proposal, Version

PROFILE: Final = """
WITH profiled AS (
    INSERT INTO evaluation_versionprofile (version_id, title, summary) VALUES (%s, %s, %s)
    RETURNING version_id
)
INSERT INTO evaluation_namedparty (version_id, party_key, name, role, is_anchor, compared)
SELECT profiled.version_id, party.party_key, party.name, party.role, party.is_anchor, party.compared
FROM profiled, jsonb_to_recordset(%s::jsonb) AS party (
    party_key text, name text, role text, is_anchor boolean, compared text
)
"""


def profile_version(version: Version, working: Proposal) -> None:
    """Write down what of a version is compared, in one statement of the transaction that submits it.

    ``working`` is its working copy as ``for_detail`` loads it.
    """
    package, members = version.value, working.consortium.present_members  # type: ignore[attr-defined]
    organizations: dict[str, Any] = {f"member-{row.pk}": row.organization_id for row in members}
    parties = json.dumps(list(named_in(package, organizations)))
    texts = (compared_text(package.title), compared_text(package.summary))
    with connection.cursor() as cursor:
        cursor.execute(PROFILE, [version.pk, *texts, parties])
