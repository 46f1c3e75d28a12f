"""The addresses of federal financing: the EDAG's desk, countries, the consortium's view of its support."""

from __future__ import annotations

from django.urls import path

from financing.views import board, countries, designations, meetings, referrals, support, workstreams

app_name = "financing"
urlpatterns = [
    path("edag/", board.board, name="edag"),
    path("edag/tools/", board.tools, name="tools"),
    path("edag/designations/", designations.designation_list, name="designations"),
    path("edag/designations/<slug:number>/", designations.designation, name="designation"),
    path("edag/designations/<slug:number>/match/", designations.designation_match, name="match"),
    path("edag/designations/<slug:number>/propose/", designations.referral_propose, name="propose"),
    path("edag/referrals/<slug:number>/", referrals.referral, name="referral"),
    path("edag/referrals/<slug:number>/refer/", referrals.referral_refer, name="refer"),
    path("edag/referrals/<slug:number>/set-aside/", referrals.referral_set_aside, name="set_aside"),
    path("edag/referrals/<slug:number>/accept/", referrals.referral_accept, name="accept"),
    path("edag/referrals/<slug:number>/decline/", referrals.referral_decline, name="decline"),
    path("edag/referrals/<slug:number>/commit/", referrals.referral_commit, name="commit"),
    path("edag/referrals/<slug:number>/supersede/", referrals.referral_supersede, name="supersede"),
    path("edag/referrals/<slug:number>/close/", referrals.referral_close, name="close"),
    path("edag/meetings/", meetings.meeting_list, name="meetings"),
    path("edag/meetings/new/", meetings.meeting_plan, name="plan"),
    path("edag/meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("edag/meetings/<int:pk>/agenda/", meetings.item_add, name="item_add"),
    path("edag/meetings/<int:pk>/hold/", meetings.meeting_hold, name="hold"),
    path("edag/items/<int:pk>/decide/", meetings.item_decide, name="decide"),
    path("edag/items/<int:pk>/actions/", meetings.action_give, name="action_give"),
    path("edag/actions/", meetings.action_list, name="actions"),
    path("edag/actions/<int:pk>/finish/", meetings.action_finish, name="action_finish"),
    path("edag/workstreams/", workstreams.workstream_list, name="workstreams"),
    path("edag/workstreams/<slug:code>/", workstreams.workstream_edit, name="workstream"),
    path("edag/partnerships/", workstreams.partnership_list, name="partnerships"),
    path("edag/partnerships/new/", workstreams.partnership_new, name="partnership_new"),
    path("edag/partnerships/<int:pk>/", workstreams.partnership_edit, name="partnership"),
    path("edag/barriers/", workstreams.barrier_list, name="barriers"),
    path("edag/barriers/new/", workstreams.barrier_new, name="barrier_new"),
    path("edag/barriers/<int:pk>/", workstreams.barrier_edit, name="barrier"),
    path("countries/<slug:code>/", countries.country, name="country"),
    path("countries/<slug:code>/class/", countries.country_class, name="country_class"),
    path("proposals/<int:pk>/financing/", support.support, name="support"),
]
