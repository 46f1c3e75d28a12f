"""C29: no secret stands in the tree, nor in what the history remembers of it."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.architecture.secrets_in_text import secrets_in

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
NAMES_OF_SECRETS = (".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".env", "id_rsa", "id_ed25519", ".netrc")

# What looks like a secret and is none: the text, and why it may stand there
ALLOWED = {
    "only-for-the-test-run-0123456789-abcdefghijklmnopqrstuvwxyz": "the key of test runs, which serve nobody",
}


def git(*arguments):
    """The lines that git says, for at most two minutes."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("This copy has no .git: what was released holds no history to search.")
    end = time.monotonic() + SECONDS
    with subprocess.Popen(
        ["git", "-C", str(ROOT), *arguments], stdout=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stdout:
            assert time.monotonic() < end, "The search takes longer than two minutes."
            yield line.rstrip("\n")
    assert process.returncode == 0


def tracked():
    return list(git("ls-files"))


def told(kind, text, where):
    """A finding in words that do not repeat the secret."""
    return f"{where}: {kind}, {len(text)} characters, begins with {text[:4]!r}"


def test_no_secret_stands_in_the_tree():
    found = []
    for name in tracked():
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        lines = path.read_text(errors="replace").splitlines()
        found += [
            told(kind, text, f"{name}:{number}")
            for number, line in enumerate(lines, start=1)
            for kind, text in secrets_in(line)
            if text not in ALLOWED
        ]
    assert found == []


def test_no_secret_stands_in_the_history():
    commit = file = ""
    found = []
    history = (
        "log",
        "--all",
        "-p",
        "-U0",
        "--no-color",
        "--no-textconv",
        "--no-ext-diff",
        "--format=commit %h",
    )
    for line in git(*history):
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif line.startswith("+"):
            found += [
                told(kind, text, f"{commit} {file}")
                for kind, text in secrets_in(line[1:])
                if text not in ALLOWED
            ]
    assert found == []


def test_no_file_is_named_as_secrets_are():
    assert [name for name in tracked() if name.endswith(NAMES_OF_SECRETS)] == []


def test_every_exception_is_still_needed():
    text = "\n".join(
        (ROOT / name).read_text(errors="replace")
        for name in tracked()
        if name.endswith((".py", ".md", ".yml"))
    )
    written = text.replace((ROOT / "tests/architecture/test_secrets.py").read_text(), "")
    assert {allowed for allowed in ALLOWED if allowed not in written} == set()


def random_text(length):
    """Random letters and digits, the same each time, which stand nowhere in this file."""
    return base64.b64encode(hashlib.sha512(b"a secret").digest()).decode()[:length]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private key"),
        ("key = 'AKIA" + "Q3EGRTU7VHXY2ZKL'", "AWS key"),
        ("AIza" + "x" * 35, "Google key"),
        ("ghp_" + "a1B2" * 9, "GitHub token"),
        ("xoxb-" + "1234567890-abcdefghij", "Slack token"),
        ("sk_live_" + "a1B2c3D4" * 3, "Stripe key"),
        ("postgres://portal:" + "x7Kq9wPz@database/portal", "password in an address"),
        ('SECRET_KEY = "' + random_text(50) + '"', "value of SECRET_KEY"),
        ("OWNER_PASSWORD=" + random_text(32), "value of OWNER_PASSWORD"),
        ('{"api_token": "' + random_text(40) + '"}', "value of api_token"),
        ('os.environ.setdefault("SECRET_KEY", "' + random_text(50) + '")', "value of SECRET_KEY"),
    ],
)
def test_secret_is_recognized(line, kind):
    assert [found for found, _ in secrets_in(line)] == [kind]


@pytest.mark.parametrize(
    "line",
    [
        'SECRET_KEY = strong_secret("SECRET_KEY")',
        "password = forms.CharField(widget=forms.PasswordInput)",
        "token = secrets.token_urlsafe(64)",
        "DATABASE_URL=postgres://portal@localhost/portal",
        'PASSWORD = "correct horse battery staple"',
        "DATABASE_URL=postgres://portal:{application}@database/portal",
        "password_reset_from_key_done.html",
    ],
)
def test_ordinary_line_is_no_secret(line):
    assert secrets_in(line) == []


def test_search_of_a_history_names_the_commit_and_the_file(tmp_path, monkeypatch):
    """A secret that was committed and taken out again is found all the same."""
    for command in (["init", "-q"], ["config", "user.email", "a@b.example"], ["config", "user.name", "A"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    leak = tmp_path / "leak.py"
    for text in (f'API_TOKEN = "{random_text(40)}"\n', "nothing\n"):
        leak.write_text(text)
        subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
        subprocess.run(["git", "-C", str(tmp_path), "commit", "-q", "-m", "x"], check=True)
    monkeypatch.setattr("tests.architecture.test_secrets.ROOT", tmp_path)
    test_no_secret_stands_in_the_tree()
    with pytest.raises(AssertionError, match=r"leak\.py: value of API_TOKEN"):
        test_no_secret_stands_in_the_history()
