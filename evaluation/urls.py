"""Addresses of the desk, the consortium's questions and the public catalog."""

from __future__ import annotations

from django.urls import path

from evaluation.opendata import SCHEMA_VERSION
from evaluation.views import (
    assignments,
    catalog,
    catalog_review,
    compliance,
    consortium,
    designations,
    desk,
    determinations,
    discussion,
    escalations,
    insights,
    intake,
    more_time,
    papers,
    positions,
    proposals,
    record,
    reviews,
    screening,
)

app_name = "evaluation"
urlpatterns = [
    path("desk/", desk.desk, name="desk"),
    path("desk/intake/", intake.intake, name="intake"),
    path("desk/intake/<str:number>/", intake.intake_proposal, name="intake-proposal"),
    path("desk/intake/<str:number>/findings/", intake.completeness_save, name="completeness-save"),
    path("desk/intake/<str:number>/accept/", intake.intake_accept, name="intake-accept"),
    path("desk/intake/<str:number>/return/", intake.intake_return, name="intake-return"),
    path("desk/intake/<str:number>/screen/", intake.intake_screen, name="intake-screen"),
    path("desk/proposals/<str:number>/", proposals.proposal, name="proposal"),
    path("desk/more-time/", more_time.request_list, name="more-time"),
    path("desk/more-time/<int:pk>/", more_time.request_answer, name="time-request"),
    path("desk/more-time/<int:pk>/decline/", more_time.request_decline, name="time-decline"),
    path("desk/proposals/<str:number>/more-time/", more_time.proposal_extend, name="proposal-extend"),
    path("desk/proposals/<str:number>/questions/", proposals.question_ask, name="question-ask"),
    path(
        "desk/proposals/<str:number>/questions/<int:pk>/withdraw/",
        proposals.question_withdraw,
        name="question-withdraw",
    ),
    path("desk/proposals/<str:number>/clocks/pause/", proposals.clocks_pause, name="clocks-pause"),
    path(
        "desk/proposals/<str:number>/referrals/<int:pk>/resume/",
        proposals.referral_resume,
        name="referral-resume",
    ),
    path(
        "desk/proposals/<str:number>/referrals/<int:pk>/reopen/",
        proposals.referral_reopen,
        name="referral-reopen",
    ),
    path(
        "desk/proposals/<str:number>/determination/",
        determinations.determination_prepare,
        name="determination-prepare",
    ),
    path("desk/proposals/<str:number>/discussion/", discussion.discussion, name="discussion"),
    path("desk/proposals/<str:number>/discussion/write/", discussion.comment_write, name="comment-write"),
    path("desk/proposals/<str:number>/discussion/draft/", discussion.comment_draft, name="comment-draft"),
    path("desk/proposals/<str:number>/discussion/read/", discussion.discussion_read, name="discussion-read"),
    path(
        "desk/proposals/<str:number>/discussion/<int:pk>/edit/", discussion.comment_edit, name="comment-edit"
    ),
    path(
        "desk/proposals/<str:number>/discussion/<int:pk>/withdraw/",
        discussion.comment_withdraw,
        name="comment-withdraw",
    ),
    path("desk/proposals/<str:number>/compliance/", compliance.compliance, name="compliance"),
    path("desk/compliance/", compliance.compliance_list, name="compliance-list"),
    path("desk/compliance/<int:pk>/", compliance.compliance_weigh, name="compliance-weigh"),
    path("desk/screening/", screening.screening, name="screening"),
    path("desk/screening/lists/", screening.list_import, name="list-import"),
    path("desk/screening/lists/<int:pk>/", screening.list_difference, name="list-difference"),
    path("desk/screening/<int:pk>/", screening.check_adjudicate, name="check-adjudicate"),
    path("desk/screening/<int:pk>/correct/", screening.check_correct, name="check-correct"),
    path("desk/assignments/<str:number>/", assignments.assignments, name="assignments"),
    path("desk/assignments/<str:number>/assign/", assignments.reviewer_assign, name="reviewer-assign"),
    path("desk/assignments/<str:number>/recuse/", assignments.person_recuse, name="person-recuse"),
    path("desk/assignments/<str:number>/<int:pk>/end/", assignments.assignment_end, name="assignment-end"),
    path("desk/assigned/<int:pk>/", reviews.assignment, name="assignment"),
    path("desk/assigned/<int:pk>/declare/", reviews.conflict_declare, name="conflict-declare"),
    path("desk/assigned/<int:pk>/begin/", reviews.review_begin, name="review-begin"),
    path("desk/reviews/<int:pk>/", reviews.review, name="review"),
    path("desk/reviews/<int:pk>/save/", reviews.review_save, name="review-save"),
    path("desk/reviews/<int:pk>/scores/<int:score_pk>/", reviews.score_save, name="score-save"),
    path("desk/reviews/<int:pk>/submit/", reviews.review_submit, name="review-submit"),
    path("desk/reviews/<int:pk>/reopen/", reviews.review_reopen, name="review-reopen"),
    path("desk/positions/<int:pk>/", positions.position, name="position"),
    path("desk/positions/<int:pk>/acknowledge/", positions.referral_acknowledge, name="referral-acknowledge"),
    path("desk/positions/<int:pk>/draft/", positions.position_draft, name="position-draft"),
    path("desk/positions/<int:pk>/file/", positions.position_file, name="position-file"),
    path("desk/escalations/<int:pk>/", escalations.escalation, name="escalation"),
    path("desk/escalations/<int:pk>/add/", escalations.escalation_add, name="escalation-add"),
    path("desk/insights/", insights.insights, name="insights"),
    path("desk/insights/weights/", insights.weights, name="insight-weights"),
    path("desk/insights/<slug:table>.<slug:kind>", insights.insight_export, name="insight-export"),
    path("desk/determinations/", determinations.determination_list, name="determinations"),
    path("desk/determinations/<int:pk>/", determinations.determination, name="determination"),
    path("desk/determinations/<int:pk>/packet.json", determinations.packet_json, name="packet"),
    path("desk/determinations/<int:pk>/packet.pdf", determinations.packet_pdf, name="packet-pdf"),
    path("desk/determinations/<int:pk>/packet/ask/", determinations.packet_ask, name="packet-ask"),
    path("desk/determinations/<int:pk>/packet/state/", determinations.packet_state, name="packet-state"),
    path("desk/determinations/<int:pk>/save/", determinations.determination_save, name="determination-save"),
    path("desk/determinations/<int:pk>/conditions/", determinations.condition_add, name="condition-add"),
    path(
        "desk/determinations/<int:pk>/conditions/<int:condition_pk>/remove/",
        determinations.condition_remove,
        name="condition-remove",
    ),
    path(
        "desk/determinations/<int:pk>/renew/", determinations.determination_renew, name="determination-renew"
    ),
    path(
        "desk/determinations/<int:pk>/ready/", determinations.determination_ready, name="determination-ready"
    ),
    path(
        "desk/determinations/<int:pk>/clear/", determinations.determination_clear, name="determination-clear"
    ),
    path(
        "desk/determinations/<int:pk>/send-back/",
        determinations.determination_send_back,
        name="determination-send-back",
    ),
    path("desk/determinations/<int:pk>/sign/", determinations.determination_sign, name="determination-sign"),
    path(
        "desk/determinations/<int:pk>/recall/",
        determinations.determination_recall,
        name="determination-recall",
    ),
    path("desk/determinations/<int:pk>/announcement/", determinations.announcement, name="announcement"),
    path(
        "desk/determinations/<int:pk>/announce/",
        determinations.determination_announce,
        name="determination-announce",
    ),
    path("desk/announcements/", determinations.announcements, name="announcements"),
    path("desk/announcements/announce/", determinations.announce_chosen, name="announce-together"),
    path("desk/designations/", desk.designation_list, name="designations"),
    path("desk/designations/<str:number>/", designations.designation, name="designation"),
    path("desk/designations/<str:number>/catalog/", catalog_review.catalog_review, name="catalog-review"),
    path(
        "desk/designations/<str:number>/catalog/publish/",
        catalog_review.catalog_publish,
        name="catalog-publish",
    ),
    path(
        "desk/designations/<str:number>/catalog/return/", catalog_review.catalog_return, name="catalog-return"
    ),
    path(
        "desk/designations/<str:number>/conditions/<int:pk>/met/",
        designations.condition_meet,
        name="condition-meet",
    ),
    path("desk/designations/<str:number>/<slug:act>/", designations.designation_act, name="designation-act"),
    path("desk/papers/", papers.paper_list, name="papers"),
    path("desk/papers/<slug:kind>/<int:pk>/again/", papers.paper_again, name="paper-again"),
    path("desk/record/", record.record, name="record"),
    path("desk/record/verify/", record.record_verify, name="record-verify"),
    path("letters/<int:pk>/", designations.letter, name="letter"),
    path("proposals/<int:pk>/questions/", consortium.questions, name="questions"),
    path(
        "proposals/<int:pk>/questions/<int:question_pk>/draft/",
        consortium.question_draft,
        name="question-draft",
    ),
    path(
        "proposals/<int:pk>/questions/<int:question_pk>/", consortium.question_answer, name="question-answer"
    ),
    path("proposals/<int:pk>/answers/<int:file>/", consortium.answer_file, name="answer-file"),
    path("proposals/<int:pk>/catalog-release/", consortium.catalog_release, name="catalog-release"),
    path(
        "proposals/<int:pk>/catalog-release/withdraw/", consortium.catalog_withdraw, name="catalog-withdraw"
    ),
    path("catalog/", catalog.catalog, name="catalog"),
    path("catalog/latest/", catalog.latest_designations, name="latest-designations"),
    path("catalog/map/", catalog.catalog_map, name="catalog-map"),
    path("catalog/feed.atom", catalog.catalog_feed, name="catalog-feed"),
    path(f"catalog/schema/{SCHEMA_VERSION}.json", catalog.catalog_schema, name="catalog-schema"),
    path("catalog/<str:number>/", catalog.catalog_entry, name="catalog-entry"),
]
