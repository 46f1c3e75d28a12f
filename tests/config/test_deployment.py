"""The files of production say what docs/operations.md promises; they are read here, as there is no engine."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture
def made(tmp_path):
    """The deployment folder of a stranger who followed the first step."""
    for name in ("make_secrets.py", "portal.env.example"):
        shutil.copy(ROOT / "deploy" / name, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "make_secrets.py")], check=True, capture_output=True)
    return tmp_path


def variables(*files):
    lines = [line for file in files for line in file.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_every_service_that_production_needs_is_there():
    assert set(SERVICES) == {"prepare", "web", "worker", "clock", "beat", "proxy", "database", "broker"}
    assert [name for name in SERVICES if SERVICES[name].get("ports")] == ["proxy"]
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    assert all("inner" in SERVICES[name]["networks"] for name in ("database", "broker"))


def test_clock_has_a_worker_of_its_own_that_alone_keeps_the_roots():
    queues = {name: SERVICES[name]["command"][5] for name in ("worker", "clock")}
    assert queues == {"worker": "notices,documents", "clock": "clock"}
    keeping = [name for name in SERVICES if "record:/srv/record" in SERVICES[name].get("volumes", [])]
    assert keeping == ["clock"]


def test_only_preparation_knows_the_owner_of_the_tables():
    knowing = [name for name in SERVICES if "deploy/secrets/owner.env" in SERVICES[name].get("env_file", [])]
    assert knowing == ["prepare"]


def test_image_runs_as_an_ordinary_user_and_has_a_health_check():
    stage = DOCKERFILE.split(" AS portal\n")[1]
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE) == ["portal"]
    assert "HEALTHCHECK" in stage
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"^(ENV|ARG) .*(SECRET|PASSWORD|DATABASE_URL)", DOCKERFILE, re.MULTILINE)


def test_everything_that_the_image_copies_is_let_through_and_nothing_secret_is():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    through = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == through
    assert not {path for path in through if "secret" in path or path.endswith(".env")}
    assert all((ROOT / path).exists() for path in copied)


def test_every_file_that_compose_mounts_or_reads_exists_or_is_made(made):
    wanted = {
        path.removeprefix("./").split(":")[0]
        for service in SERVICES.values()
        for path in [*service.get("env_file", []), *service.get("volumes", [])]
        if path.removeprefix("./").startswith("deploy/")
    }
    there = {
        path for path in wanted if (ROOT / path).exists() or (made.parent / made.name / path[7:]).exists()
    }
    assert there == wanted


def test_secrets_are_private_and_never_made_twice(made):
    files = sorted((made / "secrets").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if file.is_file()} == {0o600}
    assert stat.S_IMODE((made / "secrets").stat().st_mode) == 0o700
    before = [file.read_text() for file in files if file.is_file()]
    again = subprocess.run([sys.executable, str(made / "make_secrets.py")], capture_output=True, text=True)
    assert again.returncode == 1
    assert [file.read_text() for file in files if file.is_file()] == before


def test_portal_with_these_settings_passes_the_deployment_checks(made):
    given = variables(made / "portal.env", made / "secrets" / "portal.env")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=kept | given,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("System check identified no issues")


def test_proxy_sets_what_the_portal_believes():
    proxy = (ROOT / "deploy" / "nginx.conf").read_text()
    for header in (
        "X-Forwarded-For $remote_addr",
        "X-Forwarded-Proto https",
        'X-Forwarded-Host ""',
        'Forwarded ""',
    ):
        assert f"proxy_set_header {header};" in proxy
    assert "$proxy_add_x_forwarded_for" not in proxy
