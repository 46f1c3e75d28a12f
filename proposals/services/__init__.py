"""Everything that writes on the consortium's side; one function per act, one transaction each."""

from __future__ import annotations

from proposals.invitations import InvitationRefused, find_invitation, token_of
from proposals.services.beginning import (
    begin_proposal,
    invite_organization,
    remove_holding,
    save_holding,
    update_consortium,
)
from proposals.services.consortia import (
    accept_invitation,
    add_team_member,
    change_role,
    consent,
    create_consortium,
    decline_membership,
    invite_member,
    invite_person,
    leave_consortium,
    remove_team_member,
    resend_invitation,
    revoke_invitation,
)
from proposals.services.copying import copy_proposal
from proposals.services.drafts import (
    add_row,
    attach_document,
    create_proposal,
    grant_access,
    provide_layer,
    remove_attachment,
    remove_row,
    revoke_access,
    save_row,
    set_operating_role,
)
from proposals.services.files import add_file, attach_again, files_of, release_file, replace_file
from proposals.services.imports import ChangedMeanwhile, import_package, keep_upload, what_would_change
from proposals.services.reading import record_reading
from proposals.services.submissions import (
    certify_proposal,
    lapse_proposal,
    report_material_change,
    resubmit_proposal,
    submit_proposal,
    withdraw_proposal,
)
from proposals.services.tables import TableChanged, import_components, keep_table, planned
from proposals.services.uploads import (
    WrongOffset,
    add_piece,
    begin_upload,
    drop_upload,
    finish_upload,
    purge_uploads,
)

__all__ = [
    "ChangedMeanwhile",
    "InvitationRefused",
    "TableChanged",
    "WrongOffset",
    "accept_invitation",
    "add_file",
    "add_piece",
    "add_row",
    "add_team_member",
    "attach_again",
    "attach_document",
    "begin_proposal",
    "begin_upload",
    "certify_proposal",
    "change_role",
    "consent",
    "copy_proposal",
    "create_consortium",
    "create_proposal",
    "decline_membership",
    "drop_upload",
    "files_of",
    "find_invitation",
    "finish_upload",
    "grant_access",
    "import_components",
    "import_package",
    "invite_member",
    "invite_organization",
    "invite_person",
    "keep_table",
    "keep_upload",
    "lapse_proposal",
    "leave_consortium",
    "planned",
    "provide_layer",
    "purge_uploads",
    "record_reading",
    "release_file",
    "remove_attachment",
    "remove_holding",
    "remove_row",
    "remove_team_member",
    "replace_file",
    "report_material_change",
    "resend_invitation",
    "resubmit_proposal",
    "revoke_access",
    "revoke_invitation",
    "save_holding",
    "save_row",
    "set_operating_role",
    "submit_proposal",
    "token_of",
    "update_consortium",
    "what_would_change",
    "withdraw_proposal",
]
