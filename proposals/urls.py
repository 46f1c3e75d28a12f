"""The consortium's pages, and the public check of receipts."""

from __future__ import annotations

from django.urls import path, register_converter

from proposals.enums import Part
from proposals.views import (
    anchoring,
    consortia,
    documents,
    marks,
    more_time,
    package_files,
    parts,
    proposals,
    receipts,
    rows,
    submissions,
    tables,
    together,
    uploads,
)


class PartConverter:
    """A part of the package as an address names it."""

    regex = "|".join(sorted(Part.values, key=len, reverse=True))

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(PartConverter, "part")

app_name = "proposals"
urlpatterns = [
    path("proposals/", proposals.proposal_list, name="list"),
    path("proposals/new/", proposals.proposal_new, name="new"),
    path("tasks/", proposals.tasks, name="tasks"),
    path("receipts/", receipts.receipts, name="receipts"),
    path("package-schema/", package_files.schema, name="schema"),
    path("package-schema/1.0.json", package_files.schema_json, name="schema-json"),
    path("receipts/offline/", receipts.receipts_offline, name="receipts-offline"),
    path("proposals/<int:pk>/", proposals.proposal_detail, name="detail"),
    path("proposals/<int:pk>/totals/", proposals.totals, name="totals"),
    path("proposals/<int:pk>/review-and-submit/", submissions.review, name="review"),
    path("proposals/<int:pk>/certify/", submissions.certify, name="certify"),
    path("proposals/<int:pk>/submit/", submissions.submit, name="submit"),
    path("proposals/<int:pk>/resubmit/", submissions.resubmit, name="resubmit"),
    path("proposals/<int:pk>/withdraw/", submissions.withdraw, name="withdraw"),
    path("proposals/<int:pk>/report-change/", submissions.report_change, name="report-change"),
    path("proposals/<int:pk>/more-time/", more_time.more_time, name="more-time"),
    path("proposals/<int:pk>/deadline.ics", more_time.deadline_calendar, name="calendar"),
    path("proposals/<int:pk>/access/", consortia.access, name="access"),
    path("proposals/<int:pk>/access/<int:user>/revoke/", consortia.access_revoke, name="access-revoke"),
    path("proposals/<int:pk>/versions/", submissions.version_list, name="versions"),
    path("proposals/<int:pk>/versions/<int:number>/", submissions.version, name="version"),
    path(
        "proposals/<int:pk>/versions/<int:number>/compare/<int:other>/",
        submissions.version_compare,
        name="compare",
    ),
    path("proposals/<int:pk>/versions/<int:number>/receipt/", submissions.receipt, name="receipt-of"),
    path("proposals/<int:pk>/versions/<int:number>/receipt.pdf", submissions.receipt_pdf, name="receipt-pdf"),
    path("proposals/<int:pk>/versions/<int:number>/pdf/", submissions.package_ask, name="package-ask"),
    path(
        "proposals/<int:pk>/versions/<int:number>/pdf/<slug:what>/",
        submissions.paper_state,
        name="paper-state",
    ),
    path("proposals/<int:pk>/versions/<int:number>/package.pdf", submissions.package_pdf, name="package-pdf"),
    path(
        "proposals/<int:pk>/versions/<int:number>/<slug:what>.json",
        submissions.receipt_json,
        name="receipt-json",
    ),
    path(
        "proposals/<int:pk>/versions/<int:number>/files/<slug:sha256>/",
        documents.version_document,
        name="version-document",
    ),
    path(
        "proposals/<int:pk>/versions/<int:number>/files/<slug:sha256>/page/",
        documents.version_document_page,
        name="version-document-page",
    ),
    path(
        "proposals/<int:pk>/versions/<int:number>/files/<slug:sha256>/shown/",
        documents.version_document_shown,
        name="version-document-shown",
    ),
    path("proposals/<int:pk>/receipt/", submissions.receipt, name="receipt"),
    path("proposals/<int:pk>/copied/", proposals.proposal_copied, name="copied"),
    path("proposals/<int:pk>/package/", package_files.package, name="package"),
    path("proposals/<int:pk>/package/import/", package_files.package_import, name="package-import"),
    path("proposals/<int:pk>/package.xlsx", package_files.package_workbook, name="package-workbook"),
    path("proposals/<int:pk>/package.json", package_files.package_json, name="package-json"),
    path("proposals/<int:pk>/documents/add/", documents.document_add, name="document-add"),
    path("proposals/<int:pk>/documents/<int:attachment>/file/", documents.document_download, name="document"),
    path(
        "proposals/<int:pk>/documents/<int:attachment>/replace/",
        documents.document_replace,
        name="document-replace",
    ),
    path(
        "proposals/<int:pk>/documents/<int:attachment>/again/",
        documents.document_again,
        name="document-again",
    ),
    path(
        "proposals/<int:pk>/documents/<int:attachment>/release/",
        documents.document_release,
        name="document-release",
    ),
    path(
        "proposals/<int:pk>/documents/<int:attachment>/earlier/<int:replaced>/",
        documents.document_earlier,
        name="document-earlier",
    ),
    path("proposals/<int:pk>/uploads/", uploads.upload_begin, name="upload-begin"),
    path("proposals/<int:pk>/uploads/<int:upload>/", uploads.upload, name="upload"),
    path("proposals/<int:pk>/uploads/<int:upload>/discard/", uploads.upload_discard, name="upload-discard"),
    path("proposals/<int:pk>/comments/", together.comments, name="comments"),
    path("proposals/<int:pk>/comments/<int:comment>/", together.comment, name="comment"),
    *[
        path(
            f"proposals/<int:pk>/comments/<int:comment>/{act}/",
            together.comment_act,
            {"act": act},
            name=f"comment-{act}",
        )
        for act in ("assign", "resolve", "reopen")
    ],
    path("proposals/<int:pk>/marks/", marks.mark_add, name="marks"),
    path("proposals/<int:pk>/marks/<int:mark>/", marks.mark_change, name="mark"),
    path("proposals/<int:pk>/marks/<int:mark>/remove/", marks.mark_remove, name="mark-remove"),
    path("proposals/<int:pk>/removed/<int:removed>/restore/", together.row_restore, name="row-restore"),
    path("proposals/<int:pk>/presence/<part:part>/", together.presence_beat, name="presence"),
    path("proposals/<int:pk>/<part:part>/", parts.part_view, name="part"),
    path("proposals/<int:pk>/<part:part>/add/<slug:kind>/", rows.row_add, name="row-add"),
    path("proposals/<int:pk>/<part:part>/table/", tables.table_view, name="table"),
    path("proposals/<int:pk>/<part:part>/table.<slug:kind>", tables.table_export, name="table-export"),
    path("proposals/<int:pk>/<part:part>/table/import/", tables.table_import, name="table-import"),
    path(
        "proposals/<int:pk>/<part:part>/table/import/<int:number>/",
        tables.table_preview,
        name="table-preview",
    ),
    path("proposals/<int:pk>/<part:part>/table/<slug:key>/", tables.table_row, name="table-row"),
    path("proposals/<int:pk>/<part:part>/<slug:key>/", rows.row_edit, name="row-edit"),
    path("proposals/<int:pk>/<part:part>/<slug:key>/evidence/", rows.evidence_add, name="evidence-add"),
    path("proposals/<int:pk>/<part:part>/<slug:key>/remove/", rows.row_remove, name="row-remove"),
    path("consortia/<int:pk>/", consortia.consortium, name="consortium"),
    path("consortia/<int:pk>/anchor/", anchoring.offer, name="anchor-offer"),
    path("anchor-offers/<int:pk>/", anchoring.answer, name="anchor-answer"),
    path("anchor-offers/<int:pk>/decline/", anchoring.decline, name="anchor-decline"),
    path("anchor-offers/<int:pk>/withdraw/", anchoring.withdraw, name="anchor-withdraw"),
    path("consortia/<int:pk>/invite/", consortia.invite, name="invite"),
    path("members/<int:pk>/", consortia.member, name="member"),
    path("members/<int:pk>/role/", consortia.member_role, name="member-role"),
    path("members/<int:pk>/consent/", consortia.consent, name="consent"),
    path("members/<int:pk>/ask/", consortia.member_ask, name="member-ask"),
    path("members/<int:pk>/decline/", consortia.decline, name="decline"),
    path("members/<int:pk>/leave/", consortia.leave, name="leave"),
    path("members/<int:pk>/remove/", consortia.remove, name="member-remove"),
    path("members/<int:pk>/invite/", consortia.person_invite, name="person-invite"),
    path("members/<int:pk>/team/", consortia.team_add, name="team-add"),
    path("team/<int:pk>/remove/", consortia.team_remove, name="team-remove"),
    path(
        "invitations/<int:pk>/resend/", consortia.invitation_end, {"act": "resend"}, name="invitation-resend"
    ),
    path(
        "invitations/<int:pk>/revoke/", consortia.invitation_end, {"act": "revoke"}, name="invitation-revoke"
    ),
    path("invitations/<str:token>/", consortia.invitation, name="invitation"),
    path("organizations/<int:pk>/owners/", consortia.owners, name="owners"),
    path("organizations/<int:pk>/owners/<int:holding>/", consortia.owner, name="owner"),
]
