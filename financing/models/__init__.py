"""The records of federal financing: tools and their holders, referrals, meetings, workstreams."""

from __future__ import annotations

from financing.models.meetings import Action, AgendaItem, Meeting
from financing.models.referrals import Commitment, Match, ToolReferral
from financing.models.tools import CountryClass, EdagMember, Tool, ToolCondition
from financing.models.workstreams import MarketBarrier, Partnership, Workstream

__all__ = [
    "Action",
    "AgendaItem",
    "Commitment",
    "CountryClass",
    "EdagMember",
    "MarketBarrier",
    "Match",
    "Meeting",
    "Partnership",
    "Tool",
    "ToolCondition",
    "ToolReferral",
    "Workstream",
]
