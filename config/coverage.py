"""How the order is implemented: clause -> screen -> rule -> test, read from the code itself."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from program.notice_kinds import NoticeKind
from program.order import CLAUSES, clauses_in
from program.transitions import Transition
from proposals.checks import REQUIREMENTS

APPS: Final = ("program", "proposals", "evaluation", "financing")


@dataclass
class Clause:
    """One clause of the order and everything in the code that cites it."""

    reference: str
    words: str
    screens: list[str] = field(default_factory=list)
    rules: list[dict[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


def coverage() -> list[dict[str, Any]]:
    """Every clause of the order with its screens, rules, notices and tests, in the order's order."""
    found = {reference: Clause(reference, words) for reference, words in CLAUSES.items()}
    for module, name, transition in transitions():
        for clause in clauses_in(transition.clause):
            found[clause].rules.append({"kind": "act", "name": f"{module}.{name}", "words": transition.label})
    for code, (title, citation, check) in sorted(REQUIREMENTS.items()):
        for clause in clauses_in(citation):
            path = f"{check.__module__}.{check.__name__}"
            found[clause].rules.append({"kind": "check", "name": path, "words": f"{title} ({code})"})
            found[clause].tests += tests_naming(code) | tests_naming("REQUIREMENTS")
    for module, kind in notice_kinds():
        for clause in clauses_in(kind.clause):
            found[clause].notices.append(f"{module}: {kind.code}")
    for route, view in routes():
        for clause in clauses_of(view):
            found[clause].screens.append(route)
    for entry in found.values():
        names = {rule["name"].rpartition(".")[2] for rule in entry.rules}
        entry.tests = sorted({*entry.tests, *(test for name in names for test in tests_naming(name))})
        entry.screens = sorted(set(entry.screens))
        entry.rules.sort(key=lambda rule: (rule["kind"], rule["name"]))
        entry.notices.sort()
    return [asdict(entry) for entry in found.values()]


def transitions() -> Iterator[tuple[str, str, Transition]]:
    """Every transition of every app: module, name, transition."""
    for app in APPS:
        module = importlib.import_module(f"{app}.lifecycle")
        for name, value in vars(module).items():
            if isinstance(value, Transition):
                yield module.__name__, name, value


def clauses_of(view: Any) -> set[str]:
    """The clauses that a view says it implements, whichever of its decorators says so."""
    layers = [view]
    while layer := getattr(layers[-1], "__wrapped__", None):
        layers.append(layer)
    return {clause for layer in layers for clause in getattr(layer, "clauses", ())}


def notice_kinds() -> Iterator[tuple[str, NoticeKind]]:
    """Every kind of notice of every app."""
    for app in APPS:
        module = importlib.import_module(f"{app}.notice_kinds")
        for value in vars(module).values():
            if isinstance(value, NoticeKind):
                yield module.__name__, value


def routes() -> Iterator[tuple[str, Any]]:
    """Every route of the portal and its view."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                yield "/" + route, pattern.callback

    yield from walk(get_resolver().url_patterns, "")


@cache
def test_words() -> dict[str, set[str]]:
    """Which test files use a name: ``{name: {file, ...}}``."""
    found: dict[str, set[str]] = defaultdict(set)
    root = Path(settings.BASE_DIR)
    for file in sorted((root / "tests").rglob("test_*.py")):
        text = file.read_text()
        for word in {*re.findall(r"\w+", text), *re.findall(r"[a-z]+(?:-[a-z]+)+", text)}:
            found[word].add(str(file.relative_to(root)))
    return found


def tests_naming(name: str) -> set[str]:
    """Test files that use the rule called ``name``, or the service that is named after the act."""
    return test_words().get(name, set())
