"""What is written of a position or a determination is kept while it is typed, and nobody's text is lost."""

from __future__ import annotations

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import Determination, ObjectionAnswer, Position, PositionDraft, Referral
from program.models import Delegation
from program.revisions import StaleRevision
from program.transitions import WrongStatus
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db
TEXTS = {"stance": "object", "rationale": "It needs work.", "conditions": "", "parts_commented": ["hardware"]}


def typing(client, person, name, pk, *, script=True, **fields):
    """What the page's script, or the button beside it, sends."""
    sign_in(client, person)
    headers = {"X-Autosave": "1"} if script else {}
    return client.post(reverse(f"evaluation:{name}", args=[pk]), fields, headers=headers)


@pytest.fixture
def referral():
    return make.referral_of(make.accepted())


def drafts():
    return list(PositionDraft.objects.values_list("stance", "rationale", "parts_commented", "revision"))


class TestPosition:
    def test_it_is_kept_while_one_types_and_comes_back(self, client, referral):
        lead = make.lead()
        first = typing(client, lead, "position-draft", referral.pk, rationale="It", revision=0)
        second = typing(
            client, lead, "position-draft", referral.pk, revision=first.json()["revision"], **TEXTS
        )
        assert (first.status_code, second.status_code) == (200, 200)
        assert drafts() == [("object", "It needs work.", ["hardware"], second.json()["revision"])]
        shown = page(client, make.lead(), "position", referral.pk)
        assert shown.context["form"]["rationale"].value() == "It needs work."
        assert shown.context["form"]["parts_commented"].value() == ["hardware"]
        assert not Position.objects.exists() and Referral.objects.get(pk=referral.pk).status == "open"

    def test_saved_by_hand_it_says_that_nothing_is_filed(self, client, referral):
        answer = typing(client, make.lead(), "position-draft", referral.pk, script=False, **TEXTS)
        assert answer.url == reverse("evaluation:position", args=[referral.pk])
        assert "It is not filed." in client.get(answer.url).text

    def test_of_two_texts_neither_is_lost(self, client, referral):
        lead, other = make.lead(), make.lead()
        typing(client, lead, "position-draft", referral.pk, rationale="Mine.", revision=0)
        refused = typing(client, other, "position-draft", referral.pk, rationale="Yours.", revision=0)
        told = refused.json()
        assert refused.status_code == 409 and told["theirs"]["rationale"] == "Mine."
        assert (told["yours"]["rationale"], told["by"]) == ("Yours.", str(lead))
        assert drafts()[0][1] == "Mine."
        both = typing(
            client, other, "position-draft", referral.pk, script=False, rationale="Yours.", revision=0
        )
        assert both.status_code == 409 and "Mine." in both.text and "Yours." in both.text

    def test_the_same_text_again_is_no_conflict(self, referral):
        lead = make.lead()
        for _ in range(2):
            draft = services.save_position_draft(referral, by=lead, values=TEXTS, revision=0)
        assert draft.revision == 1

    def test_filing_takes_it_away_and_an_older_text_is_not_filed(self, referral):
        lead, other = make.lead(), make.lead()
        services.save_position_draft(referral, by=lead, values=TEXTS, revision=0)
        filed = {"stance": "support", "rationale": "Another text."}
        with pytest.raises(StaleRevision):
            services.file_position(referral, by=other, draft_revision=0, **filed)
        assert not Position.objects.exists() and len(drafts()) == 1
        services.file_position(referral, by=other, draft_revision=1, **filed)
        assert not drafts() and Position.objects.get().rationale == "Another text."

    def test_who_files_an_older_text_sees_both(self, client, referral, freshly_signed_in):
        services.save_position_draft(referral, by=make.lead(), values=TEXTS, revision=0)
        other = make.lead()
        refused = press(
            client, other, "position-file", referral.pk, stance="support", rationale="Mine.", revision="0"
        )
        assert refused.status_code == 409 and "Mine." in refused.text and "It needs work." in refused.text
        assert not Position.objects.exists()

    def test_only_who_may_sign_reads_and_writes_it(self, client, referral):
        services.save_position_draft(referral, by=make.lead(), values=TEXTS, revision=0)
        reviewer = make.assigned(referral.proposal, "STATE").reviewer
        for person in (make.lead("DOE"), officer(), reviewer, make.decision_official()):
            shown = page(client, person, "position", referral.pk)
            assert "It needs work." not in shown.text and shown.context["draft"] is None
            refused = typing(client, person, "position-draft", referral.pk, rationale="No.", revision=1)
            assert refused.status_code in (403, 404)
        stranger = referral.proposal.created_by
        assert typing(client, stranger, "position-draft", referral.pk, rationale="No.").status_code == 404
        assert drafts()[0][1] == "It needs work."

    def test_a_delegate_writes_it_with_the_lead(self, client, referral):
        lead, delegate = make.lead(), make.reviewer()
        make.delegated(lead, delegate, Delegation.SIGN_POSITION)
        saved = typing(client, delegate, "position-draft", referral.pk, revision=0, **TEXTS)
        assert saved.status_code == 200
        assert "It needs work." in page(client, lead, "position", referral.pk).text

    @pytest.mark.parametrize("status", ["lapsed", "ended"])
    def test_what_takes_no_position_keeps_no_draft_and_loses_no_text(self, client, referral, status):
        Referral.objects.filter(pk=referral.pk).update(status=status)
        lead = make.lead()
        with pytest.raises(WrongStatus):
            services.save_position_draft(referral, by=lead, values=TEXTS, revision=0)
        refused = typing(client, lead, "position-draft", referral.pk, revision=0, **TEXTS)
        assert refused.status_code == 422 and refused.json()["errors"]["__all__"]
        assert not drafts()

    @pytest.mark.parametrize("status", ["lapsed", "ended"])
    @pytest.mark.parametrize("name", ["position-draft", "position-file"])
    def test_without_script_a_late_text_is_shown_back(self, client, monkeypatch, referral, status, name):
        monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
        Referral.objects.filter(pk=referral.pk).update(status=status)
        fields = {**TEXTS, "revision": 0, "seen": 0}
        refused = typing(client, make.lead(), name, referral.pk, script=False, **fields)
        assert refused.status_code in (409, 422) and not drafts() and not Position.objects.exists()
        shown = refused.text[refused.text.index('id="not-kept"') :]
        assert all(words in shown for words in ("It needs work.", "Object", "Hardware"))
        assert 'id="not-kept"' not in page(client, make.lead(), "position", referral.pk).text

    def test_too_long_is_refused_at_its_field(self, client, referral):
        refused = typing(client, make.lead(), "position-draft", referral.pk, rationale="a" * 20_001)
        assert refused.status_code == 422 and "rationale" in refused.json()["errors"]


class TestDetermination:
    @pytest.fixture
    def draft(self):
        proposal = make.accepted()
        make.consulted(proposal, STATE="object")
        return services.prepare_determination(proposal, by=officer())

    def fields(self, draft, **more):
        finding = draft.findings.first()
        objection = Position.objects.get(stance="object")
        return {
            "revision": draft.revision,
            "rationale": "It serves.",
            f"finding-{finding.requirement_id}-text": "Seen.",
            f"finding-{finding.requirement_id}-is_met": "yes",
            f"objection-{objection.pk}-answer": "Answered.",
            **more,
        }

    def test_whole_page_is_kept_while_one_types(self, client, draft):
        saved = typing(client, draft.prepared_by, "determination-save", draft.pk, **self.fields(draft))
        fresh = Determination.objects.get(pk=draft.pk)
        assert (saved.status_code, saved.json()["revision"]) == (200, fresh.revision)
        assert fresh.rationale == "It serves." and fresh.findings.first().is_met is True
        assert ObjectionAnswer.objects.get(determination=draft).answer == "Answered."
        again = typing(
            client, draft.prepared_by, "determination-save", draft.pk,
            **self.fields(draft, revision=fresh.revision, rationale="It serves well."),
        )  # fmt: skip
        assert again.status_code == 200
        assert Determination.objects.get(pk=draft.pk).rationale == "It serves well."

    def test_of_two_texts_the_script_gets_both_by_field(self, client, draft):
        typing(client, officer(), "determination-save", draft.pk, **self.fields(draft, rationale="Theirs."))
        refused = typing(
            client, draft.prepared_by, "determination-save", draft.pk,
            **self.fields(draft, rationale="Mine."),
        )  # fmt: skip
        told = refused.json()
        assert refused.status_code == 409 and told["theirs"]["rationale"] == "Theirs."
        assert told["words"]["rationale"] == {"yours": "Mine.", "theirs": "Theirs."}
        objection = Position.objects.get(stance="object")
        assert told["theirs"][f"objection-{objection.pk}-answer"] == "Answered."
        assert told["revision"] == Determination.objects.get(pk=draft.pk).revision

    @pytest.mark.parametrize("script", [True, False])
    def test_refused_finding_keeps_the_whole_page_from_being_called_saved(self, client, draft, script):
        finding = draft.findings.select_related("requirement").first()
        name = f"finding-{finding.requirement_id}-text"
        typed = self.fields(draft, **{name: "Long. " * 4_000})
        refused = typing(client, draft.prepared_by, "determination-save", draft.pk, script=script, **typed)
        assert refused.status_code == 422
        said = refused.json()["errors"]["__all__"] if script else refused.context["problems"]
        assert len(said) == 1 and finding.requirement.title in str(said[0])
        assert Determination.objects.get(pk=draft.pk).rationale == ""
        if not script:
            assert said[0].field == name and "Long. Long." in refused.text and "It serves." in refused.text

    def test_what_was_signed_meanwhile_is_refused_in_words(self, client):
        signed = make.signed()
        writer = signed.prepared_by
        refused = typing(
            client, writer, "determination-save", signed.pk, rationale="More.", revision=signed.revision
        )
        assert refused.status_code == 422 and refused.json()["errors"]["__all__"]
        assert Determination.objects.get(pk=signed.pk).rationale != "More."
