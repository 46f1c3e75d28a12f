"""The program in docs/receipts.md, as a stranger runs it: nothing of the portal but what was downloaded."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse

from config.second_factor import VERIFIED
from program.documents import store_document
from proposals import services
from proposals.models import Proposal
from tests.factories.proposals import ProposalFactory, certified, representative_of, submitted

pytestmark = pytest.mark.django_db
PAGE = (settings.BASE_DIR / "docs" / "receipts.md").read_text(encoding="utf-8")


@pytest.fixture
def script(tmp_path):
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
    path = tmp_path / "check_receipt.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def held(client, tmp_path):
    """What a member downloads: receipt, package and a file of a submission, and the fingerprint."""
    proposal = ProposalFactory(complete=True, title="Ein Stapel für “Krankenhäuser” \U0001f3e5\t\u2028")
    by = representative_of(proposal)
    document = store_document(
        ContentFile(b"quarter,value\n1,100\n", name="demand.csv"), by=by, mark="business_confidential",
        justification="Prices.",
    )  # fmt: skip
    services.release_file(services.attach_document(proposal, document, by=by, part="markets"), by=by)
    version = submitted(proposal, by)
    client.force_login(by)
    session = client.session
    session[VERIFIED] = by.pk
    session.save()
    paths = {}
    for what in ("receipt", "package"):
        answer = client.get(reverse("proposals:receipt-json", args=[proposal.pk, 1, what]))
        paths[what] = tmp_path / f"{what}.json"
        paths[what].write_bytes(answer.content)
    address = reverse("proposals:version-document", args=[proposal.pk, 1, document.sha256])
    paths["file"] = tmp_path / "demand.csv"
    paths["file"].write_bytes(b"".join(client.get(address).streaming_content))
    return paths, version.receipt.sha256


def check(script, *arguments):
    """Run it apart from the portal's libraries."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *map(str, arguments)], capture_output=True, text=True
    )
    return done.returncode, done.stdout


def test_receipt_package_and_file_fit(script, held):
    paths, fingerprint = held
    code, said = check(script, paths["receipt"], fingerprint, paths["package"], paths["file"])
    assert (code, said.count("fits "), "DOES NOT" in said) == (0, 4, False)


def test_json_that_was_only_spelled_otherwise_fits(script, held):
    paths, fingerprint = held
    for what in ("receipt", "package"):
        value = json.loads(paths[what].read_text(encoding="utf-8"))
        paths[what].write_text(json.dumps(dict(reversed(value.items())), indent=2), encoding="utf-8")
    assert check(script, paths["receipt"], fingerprint, paths["package"])[0] == 0


@pytest.mark.parametrize("what", ["receipt", "package", "file"])
def test_one_altered_byte_is_found(script, held, what):
    paths, fingerprint = held
    content = paths[what].read_bytes()
    paths[what].write_bytes(content.replace(b"0", b"9", 1))
    code, said = check(script, paths["receipt"], fingerprint, paths["package"], paths["file"])
    found = [line.split()[-1] for line in said.splitlines() if line.startswith("DOES NOT FIT")]
    assert code == 1 and str(paths[what]) in found


def test_wrong_file_and_wrong_fingerprint_are_found(script, held, tmp_path):
    paths, fingerprint = held
    other = tmp_path / "other.csv"
    other.write_text("quarter,value\n1,200\n")
    assert check(script, paths["receipt"], fingerprint, other)[0] == 1
    assert check(script, paths["receipt"], "0" * 64)[0] == 1


@pytest.mark.parametrize("what", ["receipt", "package"])
def test_key_that_is_said_twice_is_found(script, held, what):
    paths, fingerprint = held
    text = paths[what].read_text(encoding="utf-8")
    paths[what].write_text(text.replace("{", '{"title":"Weapons package",', 1), encoding="utf-8")
    assert json.loads(paths[what].read_text(encoding="utf-8")) == json.loads(text)
    code, said = check(script, paths["receipt"], fingerprint, paths["package"])
    assert code == 1 and f"DOES NOT FIT {paths[what]}" in said and said.count("DOES NOT FIT") == 1


def test_receipt_before_fits_the_next_one(script, held, tmp_path):
    paths, first = held
    proposal = Proposal.objects.get()
    by = representative_of(proposal)
    services.save_row(proposal, by=by, values={"title": "Second"}, revision=proposal.revision)
    certified(proposal, by)
    version = services.resubmit_proposal(proposal, by=by)
    second = tmp_path / "second.json"
    second.write_text(version.receipt.body, encoding="utf-8")
    assert check(script, second, version.receipt.sha256, paths["receipt"])[0] == 0
    assert check(script, paths["receipt"], first, second)[0] == 1


def test_public_page_serves_the_algorithm(client):
    page = client.get(reverse("proposals:receipts"))
    assert reverse("proposals:receipts-offline") in page.content.decode()
    answer = client.get(reverse("proposals:receipts-offline"))
    assert answer.content.decode() == PAGE and answer["Content-Type"] == "text/plain; charset=utf-8"
