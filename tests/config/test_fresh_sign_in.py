"""C11: acts that bind ask again who it is, and change nothing until then; the posted form then counts once.

Which views ask is read from the URLconf, which acts bind is written down here: each must be on both lists.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.urls import resolve, reverse

from evaluation.models import Designation
from evaluation.services import ask_to_clear_amendment, suspend_designation
from program.acts import fresh_sign_in_required
from program.models import AuditEvent, Delegation
from program.services.appointments import propose_appointment
from proposals.composition import compose
from tests.architecture.routes import OURS
from tests.config.test_sign_in import PASSWORD, current_code, sign_in
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of

pytestmark = pytest.mark.django_db
OWN = ("program", "proposals", "evaluation", "financing")
ROOT = Path(settings.BASE_DIR)
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


def to_submit():
    proposal = ProposalFactory(complete=True)
    certified(proposal)
    return representative_of(proposal), reverse("proposals:submit", args=[proposal.pk]), {"note": "Ours."}


def to_resubmit():
    proposal = ProposalFactory(status="submitted")
    type(proposal).objects.filter(pk=proposal.pk).update(title="A new title")
    proposal.refresh_from_db()
    certified(proposal)
    return representative_of(proposal), reverse("proposals:resubmit", args=[proposal.pk]), {}


def to_file():
    referral = make.referral_of(make.accepted())
    form = {"stance": "support", "rationale": "It serves the hospitals."}
    return make.lead(), reverse("evaluation:position-file", args=[referral.pk]), form


def to_appoint():
    agency = make.lead().offices.get().agency_id
    form = {"email": UserFactory().email, "role": "reviewer", "basis": "Memo", "agency": agency}
    return officer(), reverse("program:office-appoint"), form


def to_confirm_appointment():
    officer()
    appointment = propose_appointment(
        UserFactory(), agency=make.lead().offices.get().agency, role="lead", by=officer(), basis="Memo"
    )
    return officer(), reverse("program:appointment-confirm", args=[appointment.pk]), {}


def to_end_office():
    office = make.lead().offices.get()
    return officer(), reverse("program:office-end", args=[office.pk]), {"reason": "She left."}


def to_delegate():
    lead = make.lead()
    form = {
        "email": make.reviewer().email, "agency": lead.offices.get().agency_id,
        "act": Delegation.SIGN_POSITION, "authority": "Order 7",
        "effective_from": "2026-01-01", "effective_to": "2090-01-01",
    }  # fmt: skip
    return lead, reverse("program:office-delegate"), form


def to_clear():
    determination = make.put_up()
    page = reverse("evaluation:determination", args=[determination.pk])
    address = reverse("evaluation:determination-clear", args=[determination.pk])
    return officer(), address, {"packet_sha256": page}


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


def to_announce_together():
    determination = make.signed()
    address = reverse("evaluation:announce-together")
    return determination.signed_by, address, {"determination": [determination.pk]}


def to_suspend(act="suspend"):
    designation = make.designated()
    address = reverse("evaluation:designation-act", args=[designation.number, act])
    return make.decision_official(), address, {f"{act}-reason": "A member left."}


def to_revoke():
    return to_suspend("revoke")


def to_reinstate():
    person, address, form = to_suspend("reinstate")
    designation = Designation.objects.latest("pk")
    suspend_designation(designation, by=make.decision_official(), reason="A member left.")
    return person, address, form


def to_clear_amendment():
    draft = make.drafted_amendment()
    ask_to_clear_amendment(draft, by=draft.prepared_by)
    page = reverse("evaluation:amendment", args=[draft.pk])
    return officer(), reverse("evaluation:amendment-clear", args=[draft.pk]), {"body_sha256": page}


def to_sign_amendment():
    ready = make.cleared_amendment()
    page = reverse("evaluation:amendment", args=[ready.pk])
    address = reverse("evaluation:amendment-sign", args=[ready.pk])
    return make.decision_official(), address, {"body_sha256": page}


def to_announce_amendment():
    signed = make.signed_amendment()
    return signed.signed_by, reverse("evaluation:amendment-announce", args=[signed.pk]), {}


ACTS = {
    "proposal.certify": to_certify,
    "proposal.submit": to_submit,
    "proposal.resubmit": to_resubmit,
    "referral.answer": to_file,
    "office.appoint": to_appoint,
    "appointment.confirm": to_confirm_appointment,
    "office.end": to_end_office,
    "delegation.give": to_delegate,
    "determination.clear": to_clear,
    "determination.sign": to_sign,
    "determination.announce": to_announce,
    "announcement.begin": to_announce_together,
    "designationamendment.clear": to_clear_amendment,
    "designationamendment.sign": to_sign_amendment,
    "designationamendment.announce": to_announce_amendment,
    "designation.suspend": to_suspend,
    "designation.revoke": to_revoke,
    "designation.reinstate": to_reinstate,
}
# The services that bind the Program, a consortium or an agency, or give somebody power to
BINDING = {
    "certify_proposal", "submit_proposal", "resubmit_proposal", "file_position", "sign_determination",
    "clear_determination", "announce_determination", "announce_together",
    "clear_amendment", "sign_amendment", "announce_amendment",
    "suspend_designation", "reinstate_designation",
    "revoke_designation",
    "appoint", "propose_appointment", "confirm_appointment", "end_office", "end_with_reason",
    "delegate",
}  # fmt: skip
VERBS = {
    "certify", "submit", "resubmit", "clear", "sign", "announce", "file", "appoint", "delegate", "end",
    "suspend",
    "reinstate", "revoke", "act", "confirm",
}  # fmt: skip
# Routes with such a verb in the name that bind nobody
BIND_NOBODY = {
    "evaluation:review-submit": "advice within an agency, which the reviewer may reopen",
    "evaluation:assignment-end": "takes a reading right away",
    "evaluation:conflict-clear": "lets a reviewer of the agency read, until it is asked about again",
    "proposals:access-revoke": "takes a reading right away",
    "program:delegation-end": "takes a power away",
    "program:subscription-confirm": "that an address is its owner's",
    "evaluation:suggestion-confirm": "who reads what, undone by ending an assignment",
    "evaluation:interests-confirm": "a person's own statement",
    "proposals:invitation-revoke": "takes an invitation back",
    "program:session-end": "signs a browser out",
    "evaluation:answer-file": "a file of an answer, to be read",
    "program:call-file": "a file of a call, to be read",
    "program:file-new": "a file of a draft, which a second officer approves with it",
    "program:file-remove": "a file of a draft, which a second officer approves with it",
    "program:desk-call-add-file": "a file of an open call, public and undone by another amendment",
    "program:desk-call-amend-file": "a file of an open call, public and undone by another amendment",
    "program:file-release": "lets a file that no scanner saw be read",
    "program:exemption-end": "a note of the review of agency actions",
}
acts = pytest.mark.parametrize(("act", "prepared"), ACTS.items(), ids=ACTS)


def signed_in(client, person):
    """Sign in on the real pages, with the second factor that the act's people need."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    sign_in(client, person)
    client.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    if "_auth_user_id" not in client.session:  # the half minute of the code was over on its way
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


def as_read(client, form):
    """The form with the digest that its page shows, where it is of what was read."""
    return {
        name: client.get(said).context[name] if str(said).startswith("/") else said
        for name, said in form.items()
    }


def events_of(act):
    return AuditEvent.objects.filter(act__in=(act, act.partition(".")[2])).count()


def asking():
    """The routes whose view asks for a fresh sign-in, by the decorator that stands around it."""
    asks = fresh_sign_in_required(len).__code__
    return {route.name for route in OURS if any(layer.__code__ is asks for layer in layers(route.view))}


def layers(view):
    """The view with all its decorators, from the outside in."""
    while view is not None and hasattr(view, "__code__"):
        yield view
        view = getattr(view, "__wrapped__", None)


def test_exactly_the_acts_of_this_file_ask_for_a_fresh_sign_in():
    assert asking() == {resolve(prepared()[1]).view_name for prepared in ACTS.values()}


def test_every_route_that_sounds_binding_asks():
    sounding = {
        route.name
        for route in OURS
        if VERBS & set(re.split("[-_]", route.name.rpartition(":")[2])) and route.name not in BIND_NOBODY
    }
    assert sounding == asking()


def test_binding_services_are_called_by_views_that_ask_alone():
    """A second door to such a service would be named here: another page, the API, an administrator."""
    doors = [path for app in OWN for path in (ROOT / app).rglob("*.py") if "services" not in path.parts]
    services = [path for app in OWN for path in (ROOT / app / "services").rglob("*.py")]
    assert {node.name for path in services for node in functions_in(path)} >= BINDING
    callers = {name for path in doors for name in callers_in(path)}
    assert callers == {route.view.__name__ for route in OURS if route.name in asking()}


def functions_in(path):
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def callers_in(path):
    """The functions and classes that use such a service, straight or out of a table of their module."""
    tables = set()
    for statement in ast.parse(path.read_text()).body:
        nodes = list(ast.walk(statement))
        used = {getattr(node, "attr", getattr(node, "id", "")) for node in nodes}
        looked_up = {getattr(node.value, "id", "") for node in nodes if isinstance(node, ast.Subscript)}
        if isinstance(statement, ast.Assign) and used & BINDING:
            tables |= {target.id for target in statement.targets}
        elif used & BINDING or looked_up & tables:
            yield statement.name


@acts
def test_old_session_is_challenged_first_and_the_form_then_counts_once(client, act, prepared):
    person, address, form = prepared()
    signed_in(client, person)
    form = as_read(client, form)
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
    form = as_read(client, form)
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
