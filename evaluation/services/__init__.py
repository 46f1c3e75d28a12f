"""Everything that writes in the evaluation; one function per act, one transaction each."""

from __future__ import annotations

from evaluation.services.assignments import (
    assign_reviewer,
    declare_and_begin,
    declare_conflict,
    end_assignment,
    recuse,
)
from evaluation.services.catalog import (
    publish_catalog_entry,
    release_catalog_entry,
    return_catalog_entry,
    sectors_of,
    text_of,
    withdraw_catalog_entry,
)
from evaluation.services.compliance import weigh
from evaluation.services.consultation import (
    acknowledge_referral,
    end_referral,
    file_position,
    lapse_referral,
    reopen_referral,
    save_position_draft,
)
from evaluation.services.designations import (
    expire_designation,
    mark_condition_met,
    reinstate_designation,
    revoke_designation,
    suspend_designation,
)
from evaluation.services.determinations import (
    announce_determination,
    answer_objection,
    ask_to_clear,
    clear_determination,
    prepare_determination,
    recall_determination,
    remove_condition,
    renew_determination,
    save_condition,
    save_determination,
    save_finding,
    send_back_determination,
    sign_determination,
    tell_overtaken,
    undo_overtaken_clearance,
)
from evaluation.services.escalations import add_to_escalation
from evaluation.services.intake import accept_proposal, return_proposal, review_completeness
from evaluation.services.lists import (
    ask_for_import,
    import_screening_list,
    waiting_imports,
    work_off_import,
)
from evaluation.services.papers import ask_packet_pdf, make_paper_again
from evaluation.services.pauses import pause_clocks, release_overdue, resume_referral
from evaluation.services.questions import (
    MOST_FILES,
    answer_question,
    ask_consortium,
    save_answer_draft,
    withdraw_question,
)
from evaluation.services.reminders import (
    remind_of_condition,
    remind_of_deferral,
    remind_of_expiry,
    remind_of_position,
    remind_of_question,
)
from evaluation.services.reviews import (
    open_review,
    reopen_review,
    save_review,
    save_score,
    submit_review,
)
from evaluation.services.screening import adjudicate, correct_adjudication, screen_version
from evaluation.services.screening_jobs import (
    ask_again,
    ask_for_screening,
    to_screen_again,
    work_off,
    work_off_each,
)

__all__ = [
    "MOST_FILES",
    "accept_proposal",
    "acknowledge_referral",
    "add_to_escalation",
    "adjudicate",
    "announce_determination",
    "answer_objection",
    "answer_question",
    "ask_again",
    "ask_consortium",
    "ask_for_import",
    "ask_for_screening",
    "ask_packet_pdf",
    "ask_to_clear",
    "assign_reviewer",
    "clear_determination",
    "correct_adjudication",
    "declare_and_begin",
    "declare_conflict",
    "end_assignment",
    "end_referral",
    "expire_designation",
    "file_position",
    "import_screening_list",
    "lapse_referral",
    "make_paper_again",
    "mark_condition_met",
    "open_review",
    "pause_clocks",
    "prepare_determination",
    "publish_catalog_entry",
    "recall_determination",
    "recuse",
    "reinstate_designation",
    "release_catalog_entry",
    "release_overdue",
    "remind_of_condition",
    "remind_of_deferral",
    "remind_of_expiry",
    "remind_of_position",
    "remind_of_question",
    "remove_condition",
    "renew_determination",
    "reopen_referral",
    "reopen_review",
    "resume_referral",
    "return_catalog_entry",
    "return_proposal",
    "review_completeness",
    "revoke_designation",
    "save_answer_draft",
    "save_condition",
    "save_determination",
    "save_finding",
    "save_position_draft",
    "save_review",
    "save_score",
    "screen_version",
    "sectors_of",
    "send_back_determination",
    "sign_determination",
    "submit_review",
    "suspend_designation",
    "tell_overtaken",
    "text_of",
    "to_screen_again",
    "undo_overtaken_clearance",
    "waiting_imports",
    "weigh",
    "withdraw_catalog_entry",
    "withdraw_question",
    "work_off",
    "work_off_each",
    "work_off_import",
]
