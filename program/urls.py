"""The Program's own pages: public ones, the person's notices, calls at the desk."""

from __future__ import annotations

from django.urls import path

from program.views import calls, desk_calls, notices, offices, organizations, public, sessions

app_name = "program"
urlpatterns = [
    path("", public.home, name="home"),
    path("start/", public.start, name="start"),
    path("session/", sessions.session, name="session"),
    path("session/<int:pk>/end/", sessions.session_end, name="session-end"),
    path("session/signed-in/", sessions.signed_in, name="signed-in"),
    path("accessibility/", public.accessibility, name="accessibility"),
    path("privacy/", public.privacy, name="privacy"),
    path("status/", public.status, name="status"),
    path("directives/", public.directives, name="directives"),
    path(".well-known/security.txt", public.security_txt, name="security-txt"),
    path("calls/", calls.call_list, name="calls"),
    path("calls/follow/", calls.follow_program, name="follow"),
    path("calls/<slug:number>/", calls.call_detail, name="call-detail"),
    path("calls/<slug:number>/deadline.ics", calls.call_calendar, name="call-calendar"),
    path("calls/<slug:number>/ask/", calls.call_ask, name="call-ask"),
    path("calls/<slug:number>/follow/", calls.call_follow, name="call-follow"),
    path("questions/<int:pk>/withdraw/", calls.question_withdraw, name="question-withdraw"),
    path("organizations/", organizations.organization_list, name="organizations"),
    path("organizations/new/", organizations.organization_new, name="organization-new"),
    path("organizations/<int:pk>/", organizations.organization, name="organization"),
    path("notices/", notices.notice_list, name="notices"),
    path("notices/read/", notices.read_all, name="notices-read"),
    path("notices/<int:pk>/read/", notices.read_one, name="notice-read"),
    path("desk/calls/", desk_calls.call_list, name="desk-calls"),
    path("desk/calls/new/", desk_calls.call_new, name="desk-call-new"),
    path("desk/calls/<slug:number>/", desk_calls.call_overview, name="desk-call"),
    path("desk/calls/<slug:number>/edit/", desk_calls.call_edit, name="desk-call-edit"),
    path("desk/calls/<slug:number>/preview/", desk_calls.call_preview, name="desk-call-preview"),
    path("desk/calls/<slug:number>/ask-approval/", desk_calls.call_ask_approval, name="desk-call-ask"),
    path("desk/calls/<slug:number>/approve/", desk_calls.call_approve, name="desk-call-approve"),
    path("desk/calls/<slug:number>/reopen/", desk_calls.call_reopen, name="desk-call-reopen"),
    path("desk/calls/<slug:number>/issue/", desk_calls.call_issue, name="desk-call-issue"),
    path("desk/calls/<slug:number>/amend/", desk_calls.call_amend, name="desk-call-amend"),
    path("desk/calls/<slug:number>/extend/", desk_calls.call_extend, name="desk-call-extend"),
    path("desk/calls/<slug:number>/cancel/", desk_calls.call_cancel, name="desk-call-cancel"),
    path("desk/calls/<slug:number>/requirements/new/", desk_calls.requirement_new, name="requirement-new"),
    path("desk/calls/<slug:number>/requirements/<int:pk>/", desk_calls.requirement, name="requirement"),
    path(
        "desk/calls/<slug:number>/requirements/<int:pk>/remove/",
        desk_calls.requirement_remove,
        name="requirement-remove",
    ),
    path("desk/calls/<slug:number>/criteria/new/", desk_calls.criterion_new, name="criterion-new"),
    path("desk/calls/<slug:number>/criteria/<int:pk>/", desk_calls.criterion, name="criterion"),
    path(
        "desk/calls/<slug:number>/criteria/<int:pk>/remove/",
        desk_calls.criterion_remove,
        name="criterion-remove",
    ),
    path("desk/offices/", offices.office_list, name="offices"),
    path("desk/offices/appoint/", offices.office_appoint, name="office-appoint"),
    path("desk/offices/delegate/", offices.delegation_new, name="office-delegate"),
    path("desk/offices/<int:pk>/end/", offices.office_end, name="office-end"),
    path("desk/offices/delegations/<int:pk>/end/", offices.delegation_end, name="delegation-end"),
    path("desk/questions/", desk_calls.question_list, name="desk-questions"),
    path("desk/questions/<int:pk>/", desk_calls.question, name="desk-question"),
]
