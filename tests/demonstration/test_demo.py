"""The demonstration is loaded once with every state in it, and a second time nothing happens."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib

import pytest

from tests.demonstration.conftest import CHECKOUT

DATA = CHECKOUT / "demonstration" / "data"
BOOK = json.loads((DATA / "consortia.json").read_text())
KESTREL = tomllib.loads((DATA / "kestrel.toml").read_text())["name"]
STAGES = {
    "consulted": "under_evaluation",
    "assigned": "under_evaluation",
    "draft_full": "draft",
}
ROLES = (
    "Program officer",
    "Second program officer",
    "Decision official",
    "EDAG chair",
    "Auditor",
    *(f"Ethics official ({agency})" for agency in ("Commerce", "State")),
    *(f"Reviewer ({agency})" for agency in ("Commerce", "State", "Department of War", "Energy", "OSTP")),
    *(f"Agency lead ({agency})" for agency in ("Commerce", "State", "Department of War", "Energy", "OSTP")),
    *(f"EDAG officer ({agency})" for agency in ("State", "Commerce", "EXIM", "DFC", "USTDA", "SBA")),
    "Anchor",
    "Authorized representative",
    "Contributor",
    "Outside counsel",
)


@pytest.fixture(scope="module")
def loaded(portal):
    """The facts after the first load."""
    portal.manage("demo")
    return portal.facts()


def test_each_consortium_ends_in_its_state(loaded):
    expected = {one["name"]: STAGES.get(one["state"], one["state"]) for one in BOOK["consortia"]}
    assert loaded["stages"] == {**expected, KESTREL: "draft"}
    assert len(expected) == 14


def test_one_draft_is_as_full_as_a_real_one_and_lacks_what_the_checklist_shows(loaded):
    assert loaded["kestrel"] == {
        "hardware": 30,
        "data": 6,
        "models": 5,
        "security": 8,
        "applications": 8,
        "members": 7,
        "people": 11,
        "markets": 4,
        "sites": 5,
        "support": 6,
        "statements": 0,
        "answers": 4,
        "documents": {"business_confidential": 1, "public": 9},
        "evidence": 6,
        "open_comments": 3,
        "invitations": 1,
        "missing": [
            "compute-band",
            "hardware-maker",
            "hardware-model",
            "member-consent",
            "site-operate",
            "us-manufacture",
        ],
        "us_content": "presumed_met",
    }


def test_record_of_the_story_is_sound(loaded):
    assert loaded["misfits"] == []
    assert loaded["is_sound"]
    assert loaded["events"] > 500


def test_consultation_in_progress_shows_every_kind_of_answer(loaded):
    assert loaded["orchard"] == [
        "COMMERCE: support_with_conditions",
        "DOD: object",
        "DOE: open",
        "OSTP: lapsed",
        "STATE: support",
    ]
    assert loaded["orchard_recusals"] == 1
    assert loaded["orchard_discussion"] == [["all_agencies", 2], ["own_agency", 1], ["program_office", 1]]
    assert loaded["beacon_sheets"] == {"submitted": 2, "draft": 1}


def test_first_call_has_its_real_dates(loaded):
    assert loaded["calls"] == [["FR Doc. 2026-06952", "closed", "2026-04-01", "2026-06-30"]]
    assert loaded["open_calls"] == 1


def test_everybody_is_plainly_fictional(loaded):
    assert [address for address in loaded["addresses"] if not address.endswith(".example")] == []
    assert [name for name in loaded["organizations"] if not name.endswith("(fictional)")] == []


def test_mail_of_past_days_is_not_sent(loaded):
    assert loaded["mail_owed"] == 0


def test_second_load_changes_nothing_and_is_quick(portal, loaded):
    portal.manage("demo", "--who")
    started = time.monotonic()
    portal.manage("demo")
    took = time.monotonic() - started
    assert portal.facts() == loaded
    assert took < 15, "a start of Python with it, on a busy machine"


def test_who_names_a_person_for_each_role(portal, loaded):
    printed = portal.manage("demo", "--who").stdout
    assert [role for role in ROLES if role not in printed] == []
    addresses = [word for word in printed.split() if word.endswith(".example")]
    assert set(addresses) - set(loaded["addresses"]) == set()
    assert len(addresses) == len(set(addresses)) == 31


def test_people_can_sign_in_with_the_printed_password(portal, loaded):
    script = (
        "import django; django.setup()\nfrom demonstration.people import PASSWORD, sign_ins\nfrom "
        "program.models import User\nprint([one.email for one in sign_ins() if not "
        "User.objects.get(email=one.email).check_password(PASSWORD)])\n"
    )
    assert portal.run("-c", script).stdout.strip() == "[]"


def test_bulk_data_for_measuring_is_added_once_and_keeps_the_record_sound(portal, loaded):
    portal.manage("scale_data", "--proposals", "20")
    rows = portal.facts()
    assert rows["rows"]["proposals.proposal"] == loaded["rows"]["proposals.proposal"] + 20
    assert rows["rows"]["proposals.component"] == loaded["rows"]["proposals.component"] + 20 * 15
    assert rows["rows"]["evaluation.review"] == loaded["rows"]["evaluation.review"] + 9 * 5
    assert rows["is_sound"]
    refused = portal.manage("scale_data", "--proposals", "5", check=False)
    assert refused.returncode != 0
    assert "--append" in refused.stderr


def test_production_has_no_demonstration(portal):
    production = {
        "DEMONSTRATION": "0",
        "INSECURE_HTTP": "0",
        "SITE_URL": "https://portal.example",
        "RECORD_ROOTS_FILE": "/srv/record/roots.jsonl",
        "EMAIL_URL": "smtp+tls://mail.example:587",
    }
    environment = portal.environment | production
    script = (
        "import django; django.setup()\nfrom django.apps import apps; from django.core.management import "
        "get_commands; from django.urls import resolve\nprint(apps.is_installed('demonstration'), 'demo' "
        "in get_commands(), 'scale_data' in get_commands())\ntry:\n    "
        "resolve('/demonstration/mail/')\nexcept Exception as error:\n    print(type(error).__name__)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    assert printed.split() == ["False", "False", "False", "Resolver404"]


def test_mail_page_is_open_to_strangers_and_escapes_what_mails_say(portal, loaded):
    script = (
        "import django; django.setup()\n"
        "from django.core.mail import send_mail; from django.test import Client\n"
        "text = '<script>alert(1)</script> https://portal.example/x/'\n"
        "send_mail('<b>Confirm</b>', text, None, ['a@firm.example'])\n"
        "page = Client(SERVER_NAME='localhost').get('/demonstration/mail/')\n"
        "text = page.content.decode()\n"
        "found = [part in text for part in ('<script>alert', '<b>Confirm', 'href=\"https://portal')]\n"
        "print(page.status_code, *found)\n"
        "page = Client(SERVER_NAME='localhost').get('/accounts/login/')\n"
        "print(page.content.decode().count('name=\"password\" value='))\n"
    )
    portal.manage("collectstatic", "--noinput", "--verbosity=0", "--skip-checks")
    printed = portal.run("-c", script).stdout.split()
    assert printed == ["200", "False", "False", "True", "31"]
