"""The pages of ``docs/`` that are made from the code: the order, access, life of each thing."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import rules.permissions
from django.apps import apps
from django.conf import settings
from django.db.models import Model

from config.coverage import APPS, coverage, transitions
from program.transitions import Transition

MADE: Final = "<!-- Made by `manage.py write_docs` from the code; a test says when it is out of date. -->\n"
COVERAGE_FILE: Final = "config/data/order.json"


def documents() -> dict[str, str]:
    """Path below the project's folder -> text, for every document that is made from the code."""
    return {
        "docs/order.md": order_document(),
        "docs/access.md": access_document(),
        "docs/lifecycle.md": lifecycle_document(),
        COVERAGE_FILE: json.dumps(coverage(), indent=1, ensure_ascii=False) + "\n",
    }


def stored_coverage() -> list[dict[str, object]]:
    """What the last run of ``write_docs`` stored; pages show this, because a server has no tests at hand."""
    stored: list[dict[str, object]] = json.loads((Path(settings.BASE_DIR) / COVERAGE_FILE).read_text())
    return stored


def order_document() -> str:
    lines = [
        MADE,
        "# How the order is implemented",
        "",
        "E.O. 14320, in our own words: clause -> screen -> rule -> test.",
    ]
    for clause in coverage():
        lines += ["", f"## {clause['reference']}", "", clause["words"], ""]
        lines += [f"- Screen: `{screen}`" for screen in clause["screens"]]
        lines += [f"- Rule ({rule['kind']}): {rule['words']}: `{rule['name']}`" for rule in clause["rules"]]
        lines += [f"- Notice: `{notice}`" for notice in clause["notices"]]
        lines += [f"- Test: `{test}`" for test in clause["tests"]]
    return "\n".join(lines) + "\n"


def access_document() -> str:
    """Every right, who has it, and from which status the act starts."""
    lines = [
        MADE,
        "# Who may do what",
        "",
        "Each right is one line in an app's `rules.py`. Signed-in, active people only (`is_active`); a",
        "recusal stands above every other ground. An act also needs its status.",
    ]
    starts = {
        (f"{model._meta.app_label}.{transition.name}_{model._meta.model_name}"): transition
        for model, transition in moving()
    }
    for app in APPS:
        lines += ["", f"## {app}", "", "| Right | Starts from | Who |", "| --- | --- | --- |"]
        for name in sorted(rules.permissions.permissions):
            if not name.startswith(f"{app}."):
                continue
            transition = starts.get(name)
            sources = ", ".join(sorted(transition.sources)) if transition else ""
            who = str(rules.permissions.permissions[name].name).replace("|", "\\|")
            lines.append(f"| `{name}` | {sources} | `{who}` |")
    return "\n".join(lines) + "\n"


def lifecycle_document() -> str:
    """A state diagram of each thing, and what each act needs."""
    lines = [MADE, "# The life of each thing"]
    grouped: dict[type[Model], list[Transition]] = {}
    for model, transition in moving():
        grouped.setdefault(model, []).append(transition)
    for model, acts in grouped.items():
        lines += ["", f"## {str(model._meta.verbose_name).capitalize()}", "", "```mermaid", "stateDiagram-v2"]
        lines += [
            f"    {source} --> {act.target}: {act.name}" for act in acts for source in sorted(act.sources)
        ]
        lines += ["```", "", "| Act | From | To | Under |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {act.label} (`{act.name}`) | {', '.join(sorted(act.sources))} | {act.target} | {act.clause} |"
            for act in acts
        ]
    return "\n".join(lines) + "\n"


def moving() -> Iterator[tuple[type[Model], Transition]]:
    """Every model with a status and the transitions that move it, told by the right each needs."""
    permitted = set(rules.permissions.permissions)
    acts = [transition for _, _, transition in transitions()]
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            column = next((field for field in model._meta.fields if field.name == "status"), None)
            if column is None:
                continue
            statuses = {value for value, _ in column.flatchoices}
            module = importlib.import_module(f"{app}.lifecycle")
            own = [act for act in acts if act in vars(module).values()]
            for act in own:
                if act.permission(model) in permitted and act.sources | {act.target} <= statuses:
                    yield model, act
