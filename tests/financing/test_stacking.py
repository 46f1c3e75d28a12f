"""Requested, referred and committed side by side; no dollar is counted twice."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from financing.enums import ReferralStatus
from financing.stacking import Amount, stack
from proposals.package import SupportRequest

LOAN = SimpleNamespace(code="direct_loan", name="Direct loan", kind="funding")
GUARANTEE = SimpleNamespace(code="loan_guarantee", name="Loan guarantee", kind="cover")
STUDY = SimpleNamespace(code="feasibility_study", name="Feasibility study", kind="assistance")
TOOLS = [LOAN, GUARANTEE, STUDY]


def request(mechanism, amount):
    return SupportRequest(key="support-1", mechanism=mechanism, amount_usd=amount)


def referral(tool, stage, amount=None, committed=None):
    commitment = None if committed is None else SimpleNamespace(amount_usd=committed)
    return SimpleNamespace(tool=tool, stage=stage, status=stage, amount_usd=amount, commitment=commitment)


def test_committed_referral_counts_by_its_commitment_alone():
    rows = [referral(LOAN, ReferralStatus.COMMITTED, Decimal(100), Decimal(90))]
    line = stack([request("direct_loan", Decimal(120))], rows, TOOLS).lines[0]
    assert (line.requested.usd, line.referred.usd, line.committed.usd) == (120, 0, 90)


def test_cover_and_funding_are_never_added():
    rows = [
        referral(LOAN, ReferralStatus.ACCEPTED, Decimal(100)),
        referral(GUARANTEE, ReferralStatus.REFERRED, Decimal(80)),
    ]
    totals = stack([], rows, TOOLS).totals
    assert {total.kind: total.referred.usd for total in totals} == {"funding": 100, "cover": 80}


def test_proposed_declined_and_suspended_referrals_add_nothing():
    stages = (ReferralStatus.PROPOSED, ReferralStatus.DECLINED, ReferralStatus.SUSPENDED)
    total = stack([], [referral(LOAN, stage, Decimal(50)) for stage in stages], TOOLS).totals[0]
    assert (total.referred, total.committed) == (Amount(Decimal(0), 0, 0), Amount(Decimal(0), 0, 0))


def test_amount_to_be_determined_is_counted_and_not_summed():
    rows = [referral(STUDY, ReferralStatus.REFERRED), referral(STUDY, ReferralStatus.REFERRED, Decimal(7))]
    assert stack([], rows, TOOLS).lines[0].referred == Amount(Decimal(7), 2, 1)


def test_request_without_a_tool_has_its_line_and_is_unmet():
    line = stack([request("advocacy", None)], [], TOOLS).lines[0]
    assert (line.label, line.tool, line.is_unmet) == ("Government advocacy", None, True)


def test_tool_that_was_not_requested_is_told_apart():
    line = stack([], [referral(LOAN, ReferralStatus.REFERRED, Decimal(5))], TOOLS).lines[0]
    assert (line.is_unrequested, line.is_unmet) == (True, False)


stages = st.sampled_from(list(ReferralStatus))
amounts = st.none() | st.integers(1, 10**12).map(Decimal)


@given(st.lists(st.tuples(st.sampled_from(TOOLS), stages, amounts, amounts), max_size=12))
def test_each_referral_counts_in_one_place_at_most(rows):
    referrals = [referral(*row) for row in rows]
    totals = stack([], referrals, TOOLS).totals
    counted = sum(total.referred.count + total.committed.count for total in totals)
    assert counted <= len(referrals)
    with_holder = [r for r in referrals if r.stage in (ReferralStatus.REFERRED, ReferralStatus.ACCEPTED)]
    assert sum(t.referred.usd for t in totals) == sum(r.amount_usd or 0 for r in with_holder)
