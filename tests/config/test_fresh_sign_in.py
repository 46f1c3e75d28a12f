"""C11: certify, sign, announce, suspend and revoke ask again who it is; the posted form then counts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.core.cache import cache
from django.urls import reverse

from program.models import AuditEvent
from proposals.composition import compose
from tests.config.test_sign_in import PASSWORD, current_code, sign_in
from tests.factories import evaluation as make
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = pytest.mark.django_db
OWN = ("program", "proposals", "evaluation", "financing")
LONGER_THAN_FRESH = timedelta(minutes=5, seconds=1)


@pytest.fixture(autouse=True)
def no_rate_limits_left_over():
    cache.clear()


def to_certify():
    proposal = ProposalFactory(complete=True)
    person = representative_of(proposal)
    form = {
        "content_sha256": compose(proposal).sha256,
        "signer_title": "CEO",
        "authority_basis": "ceo",
        "typed_signature": person.name,
    }
    return person, reverse("proposals:certify", args=[proposal.pk]), form


def to_sign():
    """The packet's digest is on the page, which is read before."""
    determination = make.ready_to_sign()
    page = reverse("evaluation:determination", args=[determination.pk])
    address = reverse("evaluation:determination-sign", args=[determination.pk])
    return make.decision_official(), address, {"packet_sha256": page}


def to_announce():
    determination = make.signed()
    return (
        determination.signed_by, reverse("evaluation:determination-announce", args=[determination.pk]), {},
    )  # fmt: skip


def to_suspend(act="suspend"):
    designation = make.designated()
    address = reverse("evaluation:designation-act", args=[designation.number, act])
    return make.decision_official(), address, {f"{act}-reason": "A member left."}


def to_revoke():
    return to_suspend("revoke")


ACTS = {
    "proposal.certify": to_certify,
    "determination.sign": to_sign,
    "determination.announce": to_announce,
    "designation.suspend": to_suspend,
    "designation.revoke": to_revoke,
}
acts = pytest.mark.parametrize(("act", "prepared"), ACTS.items(), ids=ACTS)


def signed_in(client, person):
    """Sign in on the real pages, with the second factor that the act's people need."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    sign_in(client, person)
    client.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    assert client.session["_auth_user_id"] == str(person.pk)


def everything():
    """Every row of our own tables, but for the events of the people themselves."""
    return {
        model.__name__: sorted(map(str, model._default_manager.values_list()))
        for app in OWN
        for model in apps.get_app_config(app).get_models()
        if model is not AuditEvent
    } | {"events": list(AuditEvent.objects.exclude(subject_type="program.user").values_list("pk", flat=True))}


def events_of(act):
    return AuditEvent.objects.filter(act__in=(act, act.partition(".")[2])).count()


@acts
def test_old_session_is_challenged_first_and_the_form_then_counts_once(client, act, prepared):
    person, address, form = prepared()
    signed_in(client, person)
    if page := form.get("packet_sha256"):
        form = {"packet_sha256": client.get(page).context["packet_sha256"]}
    before, acts_before = everything(), events_of(act)
    with time_machine.travel(datetime.now(UTC) + LONGER_THAN_FRESH, tick=True):
        challenge = client.post(address, form)
        assert challenge.status_code == 302
        assert challenge.url.startswith(reverse("account_reauthenticate"))
        assert everything() == before

        wrong = client.post(challenge.url, {"password": "wrong wrong wrong wrong"})
        assert wrong.status_code == 200
        assert everything() == before

        client.post(challenge.url, {"password": PASSWORD, "next": address})
        assert events_of(act) == acts_before + 1
        done = everything()
        assert done != before

        client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": address})
        assert events_of(act) == acts_before + 1
        assert everything() == done


@acts
def test_fresh_session_is_not_asked_again(client, act, prepared):
    person, address, form = prepared()
    signed_in(client, person)
    if page := form.get("packet_sha256"):
        form = {"packet_sha256": client.get(page).context["packet_sha256"]}
    acts_before = events_of(act)
    answer = client.post(address, form)
    assert not answer.url.startswith("/accounts/")
    assert events_of(act) == acts_before + 1


def test_waiting_form_is_not_carried_out_by_another_challenge(client):
    """Somebody turns away from the challenge and later proves who they are for something else."""
    person, address, form = to_suspend()
    signed_in(client, person)
    before = everything()
    with time_machine.travel(datetime.now(UTC) + LONGER_THAN_FRESH, tick=True):
        client.post(address, form)
        other = reverse("mfa_generate_recovery_codes")
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": other})
        assert everything() == before
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": address})
        assert everything() == before
