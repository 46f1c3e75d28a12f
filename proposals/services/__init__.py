"""Everything that writes on the consortium's side; one function per act, one transaction each."""

from __future__ import annotations

from proposals.invitations import InvitationRefused, find_invitation, token_of
from proposals.services.anchoring import accept_anchor, decline_anchor, offer_anchor, withdraw_anchor_offer
from proposals.services.beginning import (
    AlreadyBegun,
    begin_proposal,
    invite_organization,
    remove_holding,
    save_holding,
    update_consortium,
)
from proposals.services.comments import (
    add_comment,
    answer_comment,
    assign_comment,
    reopen_comment,
    resolve_comment,
)
from proposals.services.consents import ask_consent, part_of, terms_of
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
    remove_member,
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
from proposals.services.extensions import ask_for_time, decline_time, extend_proposal, grant_time
from proposals.services.files import add_file, attach_again, files_of, release_file, replace_file
from proposals.services.imports import (
    ChangedMeanwhile,
    import_package,
    keep_upload,
    purge_untaken,
    what_would_change,
)
from proposals.services.marks import change_mark, remove_mark, set_mark
from proposals.services.papers import ask_package_pdf
from proposals.services.reading import record_reading
from proposals.services.reminders import remind_team
from proposals.services.removal import restore_row
from proposals.services.submissions import (
    certify_proposal,
    lapse_proposal,
    note_lost_certification,
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
    "AlreadyBegun",
    "ChangedMeanwhile",
    "InvitationRefused",
    "TableChanged",
    "WrongOffset",
    "accept_anchor",
    "accept_invitation",
    "add_comment",
    "add_file",
    "add_piece",
    "add_row",
    "add_team_member",
    "answer_comment",
    "ask_consent",
    "ask_for_time",
    "ask_package_pdf",
    "assign_comment",
    "attach_again",
    "attach_document",
    "begin_proposal",
    "begin_upload",
    "certify_proposal",
    "change_mark",
    "change_role",
    "consent",
    "copy_proposal",
    "create_consortium",
    "create_proposal",
    "decline_anchor",
    "decline_membership",
    "decline_time",
    "drop_upload",
    "extend_proposal",
    "files_of",
    "find_invitation",
    "finish_upload",
    "grant_access",
    "grant_time",
    "import_components",
    "import_package",
    "invite_member",
    "invite_organization",
    "invite_person",
    "keep_table",
    "keep_upload",
    "lapse_proposal",
    "leave_consortium",
    "note_lost_certification",
    "offer_anchor",
    "part_of",
    "planned",
    "provide_layer",
    "purge_untaken",
    "purge_uploads",
    "record_reading",
    "release_file",
    "remind_team",
    "remove_attachment",
    "remove_holding",
    "remove_mark",
    "remove_member",
    "remove_row",
    "remove_team_member",
    "reopen_comment",
    "replace_file",
    "report_material_change",
    "resend_invitation",
    "resolve_comment",
    "restore_row",
    "resubmit_proposal",
    "revoke_access",
    "revoke_invitation",
    "save_holding",
    "save_row",
    "set_mark",
    "set_operating_role",
    "submit_proposal",
    "terms_of",
    "token_of",
    "update_consortium",
    "what_would_change",
    "withdraw_anchor_offer",
    "withdraw_proposal",
]
