"""The pages of an amendment, at the desk, for the consortium and for everybody; and what they cost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.documents import render_letter
from evaluation.models import DesignationAmendment, Letter, LetterPaper
from evaluation.schedule import amend_designations
from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import representative_of
from tests.statements import statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("freshly_signed_in")]


def again(record):
    return type(record).objects.get(pk=record.pk)


def days(number):
    return clock.today() + timedelta(days=number)


def test_from_the_designation_to_the_announcement_by_the_pages_alone(client):
    desk, third, chief = officer(), officer(), make.decision_official()
    designation = make.two_markets()
    make.published(designation, shows_markets=True)
    assert "Prepare an amendment" in page(client, desk, "designation", designation.number).text
    assert "Prepare an amendment" not in page(client, chief, "designation", designation.number).text
    for _ in range(2):
        assert press(client, desk, "amendment-prepare", designation.number).status_code == 302
    pk = DesignationAmendment.objects.get().pk
    shown = page(client, desk, "amendment", pk)
    assert shown.context["missing"]
    assert "needs a new version and a new consultation" in shown.text
    draft = {
        "revision": shown.context["amendment"].revision, "clause": "E.O. 14320 s.3(d)",
        "reason": "The buyer in Ghana withdrew.", "removed_markets": ["market-ghana"],
        "effective_on": "", "expires_on": "",
    }  # fmt: skip
    assert press(client, desk, "amendment-save", pk, **draft).status_code == 302
    said = {
        "kind": "change",
        "condition": 1,
        "condition-1-due_on": days(90).isoformat(),
        "condition-1-unit": "calendar",
    }
    said |= {f"condition-1-{name}": text for name, text in make.CONDITION.items()}
    said["condition-1-text"] = ""
    assert press(client, desk, "amendment-condition", pk, **said).status_code == 422
    said["condition-1-text"] = "Report each month."
    assert press(client, desk, "amendment-condition", pk, **said).status_code == 302
    shown = page(client, desk, "amendment", pk)
    assert not shown.context["missing"]
    assert "Report each month." in shown.text
    assert press(client, desk, "amendment-ready", pk).status_code == 302
    assert any("amendment" in task.what for task in page(client, third, "desk").context["tasks"])
    digest = page(client, third, "amendment", pk).context["body_sha256"]
    assert press(client, third, "amendment-clear", pk, body_sha256="0" * 64).status_code == 422
    assert press(client, third, "amendment-clear", pk, body_sha256=digest).status_code == 302
    assert any("Sign the amendment" in task.what for task in page(client, chief, "desk").context["tasks"])
    assert "Sign the amendment</button>" not in page(client, third, "amendment", pk).text
    shown = page(client, chief, "amendment", pk)
    assert "Sign the amendment</button>" in shown.text
    assert press(client, chief, "amendment-sign", pk, body_sha256=digest).status_code == 422
    digest = shown.context["body_sha256"]
    for _ in range(2):
        assert press(client, chief, "amendment-sign", pk, body_sha256=digest).status_code == 302
    preview = page(client, chief, "amendment-announcement", pk)
    team = representative_of(designation.proposal)
    assert team in preview.context["recipients"]
    assert "The buyer in Ghana withdrew." in preview.text
    questions = reverse("evaluation:questions", args=[designation.proposal_id])
    sign_in(client, team)
    assert "Report each month." not in client.get(questions).text
    for _ in range(2):
        assert press(client, chief, "amendment-announce", pk).status_code == 302
    assert AuditEvent.objects.filter(act="designationamendment.announce").count() == 1
    assert "Amendment 1" in page(client, desk, "designation", designation.number).text
    sign_in(client, team)
    shown = client.get(questions)
    assert "In force since" in shown.text
    assert "The buyer in Ghana withdrew." in shown.text
    assert shown.text.count("Report each month.") == 2
    client.logout()
    entry = client.get(reverse("evaluation:catalog-entry", args=[designation.number])).text
    assert "Amendment 1, in force since" in entry
    assert "Report each month." not in entry
    assert "The buyer in Ghana withdrew." not in entry


def test_autosave_keeps_what_is_typed_and_says_when_another_has_saved(client):
    desk, draft = officer(), make.drafted_amendment()
    sent = {"revision": draft.revision, "clause": draft.clause, "reason": "So far"}
    page(client, desk, "amendment", draft.pk)
    address = reverse("evaluation:amendment-save", args=[draft.pk])
    script = {
        "headers": {"X-Autosave": "1", "X-Requested-With": "XMLHttpRequest", "Accept": "application/json"}
    }
    kept = client.post(address, sent, **script)
    assert (kept.status_code, again(draft).reason) == (200, "So far")
    assert kept.json()["revision"] == again(draft).revision
    met = client.post(address, {**sent, "reason": "Other"}, **script)
    assert (met.status_code, met.json()["words"]["reason"]) == (409, {"yours": "Other", "theirs": "So far"})
    assert client.post(address, {**sent, "reason": "Other"}).status_code == 409
    assert again(draft).reason == "So far"


def typed(prefix, **facts):
    said = {**make.CONDITION, "due_on": days(90).isoformat(), "unit": "calendar", **facts}
    return {f"{prefix}-{name}": text for name, text in said.items()}


def test_two_officers_meet_over_one_condition_and_an_added_one_is_added_once(client):
    first, second = officer(), officer()
    draft = make.drafted_amendment(lifts=False)
    change = {"kind": "change", "condition": 1, "revision": 0}
    theirs = typed("condition-1", text="Report each month.")
    assert press(client, first, "amendment-condition", draft.pk, **change, **theirs).status_code == 302
    mine = typed("condition-1", text="Report each week.")
    met = press(client, second, "amendment-condition", draft.pk, **change, **mine)
    assert met.status_code == 409
    assert "Report each month." in met.text and "Report each week." in met.text
    lifted = press(client, second, "amendment-condition", draft.pk, kind="lift", condition=1, revision=0)
    assert (lifted.status_code, draft.condition_changes.get().text) == (409, "Report each month.")

    ((row, form),) = page(client, second, "amendment", draft.pk).context["changes"]
    assert (form.read, form["text"].value()) == (row.revision, "Report each month.")
    change["revision"] = form.read
    assert press(client, second, "amendment-condition", draft.pk, **change, **mine).status_code == 302
    assert draft.condition_changes.get().text == "Report each week."

    form = page(client, second, "amendment", draft.pk).context["condition_form"]
    add = {"kind": "add", "sent_as": str(form.sent_as), "revision": 0}
    said = typed(form.prefix, text="Keep logs.")
    for _ in range(2):
        assert press(client, second, "amendment-condition", draft.pk, **add, **said).status_code == 302
    added = draft.condition_changes.get(kind="add")
    other = typed(form.prefix, text="Keep all logs.")
    assert press(client, first, "amendment-condition", draft.pk, **add, **other).status_code == 409
    add["revision"] = added.revision
    assert press(client, first, "amendment-condition", draft.pk, **add, **other).status_code == 302
    assert draft.condition_changes.get(kind="add").text == "Keep all logs."

    services.remove_condition_change(again(added), by=second)
    gone = press(client, first, "amendment-condition", draft.pk, **add, **typed(form.prefix, text="Mine."))
    assert gone.status_code == 422 and "Mine.</textarea>" in gone.text
    assert gone.context["condition_form"].read == 0
    assert not draft.condition_changes.filter(kind="add").exists()


def test_a_typed_reason_stays_when_it_is_refused_or_another_was_first(client):
    desk, third, chief = officer(), officer(), make.decision_official()
    draft = make.drafted_amendment(by=desk)
    services.ask_to_clear_amendment(draft, by=desk)
    long = "Long. " * 4000
    refused = press(client, third, "amendment-send-back", draft.pk, reason=long)
    assert (refused.status_code, refused.context["send_back_form"]["reason"].value()) == (422, long)
    assert press(client, third, "amendment-send-back", draft.pk, reason=" ").status_code == 422
    services.send_amendment_back(again(draft), by=officer(), reason="Name the law.")
    late = press(client, third, "amendment-send-back", draft.pk, reason="Say which buyer.")
    assert late.status_code == 422 and "Say which buyer." in late.text
    signed = make.signed_amendment()
    services.recall_amendment(again(signed), by=chief, reason="It moved.")
    late = press(client, chief, "amendment-recall", signed.pk, reason="The buyer left.")
    assert late.status_code == 409 and "The buyer left." in late.text
    words = typed("condition-1", text="Report each week.")
    open_draft = make.drafted_amendment(lifts=False)
    services.mark_condition_met(open_draft.designation.conditions.get(), by=officer(), note="It.")
    late = press(client, desk, "amendment-condition", open_draft.pk, kind="change", condition=1, **words)
    assert late.status_code == 422 and "Report each week.</p>" in late.text
    late = press(client, desk, "amendment-condition", signed.pk, kind="change", condition=1, **words)
    assert late.status_code == 409 and "Report each week." in late.text


def test_others_find_no_page_of_a_draft_and_the_consortium_none_at_the_desk(client):
    draft = make.drafted_amendment()
    team = representative_of(draft.proposal)
    for person in (make.lead("DOE"), make.reviewer(), team, UserFactory()):
        assert page(client, person, "amendment", draft.pk).status_code == 404
        assert press(client, person, "amendment-ready", draft.pk).status_code == 404
    for name in ("save", "condition", "ready", "drop", "clear", "send-back", "sign", "recall", "announce"):
        refused = press(
            client, officer(OfficeRole.AUDITOR), f"amendment-{name}", draft.pk, reason="So.", clause="s"
        )
        assert refused.status_code in (403, 422), name
    assert again(draft).status == "draft"
    chief = make.decision_official()
    assert press(client, chief, "amendment-prepare", draft.designation.number).status_code == 403


def test_a_revoked_designation_offers_no_amendment(client):
    desk, designation = officer(), make.with_condition()
    services.revoke_designation(designation, by=make.decision_official(), reason="All left.")
    assert "Prepare an amendment" not in page(client, desk, "designation", designation.number).text
    refused = press(client, desk, "amendment-prepare", designation.number)
    assert refused.status_code == 422
    assert "cannot be amended any more" in refused.text


def test_what_is_overtaken_says_so_and_is_recalled_on_its_page(client):
    chief, signed = make.decision_official(), make.signed_amendment()
    services.mark_condition_met(signed.designation.conditions.get(), by=officer(), note="It.")
    shown = page(client, chief, "amendment", signed.pk)
    assert "Signed, and it cannot be announced" in shown.text
    assert "Preview the announcement" not in shown.text
    assert "It cannot be announced" in page(client, chief, "amendment-announcement", signed.pk).text
    assert press(client, chief, "amendment-announce", signed.pk).status_code == 422
    assert press(client, chief, "amendment-recall", signed.pk, reason="Overtaken.").status_code == 302
    assert page(client, chief, "amendment-announcement", signed.pk).status_code == 302


def test_the_signed_text_is_read_as_it_was_signed(client):
    signed = make.signed_amendment()
    found = page(client, officer(), "amendment-json", signed.pk)
    assert found.content.decode() == signed.body
    assert json.loads(found.content)["after"]["conditions"] == []


def test_its_letter_is_made_and_reads_without_its_paper(client):
    amendment = make.amended(designation=make.two_markets(), removed_markets=["market-ghana"])
    letter = Letter.objects.get(kind="amendment")
    team = representative_of(amendment.proposal)
    shown = page(client, team, "letter", letter.pk)
    assert "Target market" in shown.text
    assert "Ghana" in shown.text
    assert render_letter(LetterPaper.objects.get(letter=letter).pk)


def test_catalog_open_data_feed_and_api_follow_on_the_day(client):
    designation = make.two_markets()
    entry = make.published(designation, shows_markets=True)
    make.amended(
        designation=designation, effective_on=days(10), removed_markets=["market-ghana"],
        changes_last_day=True, expires_on=days(100),
    )  # fmt: skip
    address = reverse("evaluation:catalog-entry", args=[designation.number])
    api = f"/api/v1/designations/{designation.number}/"

    def found():
        client.logout()
        facts = client.get(f"{address}?format=json").json()
        table = client.get("/catalog/?format=csv")
        line = b"".join(table.streaming_content).decode().splitlines()[1]
        return facts, "Ghana" in line, client.get(api).json(), client.get("/catalog/feed.atom").text

    facts, in_csv, data, before = found()
    assert ([m["code"] for m in facts["markets"]], facts["amendments"], facts["last_day"]) == (
        ["KE", "GH"],
        [],
        "",
    )
    assert (in_csv, data["amendments"], data["expires_on"]) == (True, [], None)
    sign_in(client, representative_of(designation.proposal))
    assert [row["status"] for row in client.get(api).json()["amendments"]] == ["announced"]
    with clock.moved_to(clock.now() + timedelta(days=10)):
        assert amend_designations() == 1
    facts, in_csv, data, after = found()
    assert ([m["code"] for m in facts["markets"]], facts["last_day"]) == (["KE"], days(100).isoformat())
    (amendment,) = facts["amendments"]
    assert (amendment["number"], amendment["in_force_from"]) == (1, days(10).isoformat())
    assert [change["what"] for change in amendment["changes"]] == ["Last day", "Target market"]
    assert (amendment["changes"][0]["before"], data["amendments"][0]["changes"][0]["before"]) == ("", "")
    assert not in_csv
    assert [change["kind"] for change in data["amendments"][0]["changes"]] == ["last_day", "market"]
    assert data["expires_on"] == days(100).isoformat()
    assert entry.released_at.isoformat()[:19] in before
    assert before != after
    sign_in(client, representative_of(designation.proposal))
    inside = client.get(api).json()["amendments"][0]
    assert {change["kind"] for change in inside["changes"]} == {"last_day", "condition", "market"}


def test_a_market_that_was_never_shown_is_not_told(client):
    designation = make.two_markets()
    make.published(designation)
    make.amended(designation=designation, removed_markets=["market-ghana"])
    make.published(again(designation), shows_markets=True)
    client.logout()
    shown = client.get(reverse("evaluation:catalog-entry", args=[designation.number]))
    assert "Ghana" not in shown.text
    assert "Nothing that is shown here changed with it." in shown.text


def test_pages_cost_the_same_for_one_amendment_and_three(client, warm):
    designation, desk = make.with_condition(), officer()
    make.published(designation)
    team = representative_of(designation.proposal)
    costs = []
    for rounds in (1, 2):
        for _ in range(rounds):
            last = days(200 + designation.amendments.count())
            make.amended(designation=again(designation), lifts=False, changes_last_day=True, expires_on=last)
        counted = []
        for person, name, args in (
            (desk, "designation", [designation.number]),
            (team, "questions", [designation.proposal_id]),
            (team, "catalog-entry", [designation.number]),
        ):
            page(client, person, name, *args)
            with statements() as sent:
                assert client.get(reverse(f"evaluation:{name}", args=args)).status_code == 200
            counted.append(len(sent))
        costs.append(counted)
    assert costs[0] == costs[1]
