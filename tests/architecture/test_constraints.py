"""What the database refuses is said in words: the name of a constraint never reaches a page."""

from __future__ import annotations

from django.apps import apps
from django.db.models import UniqueConstraint

OWN = ("program", "proposals", "evaluation", "financing")
CONSTRAINTS = [
    constraint
    for app in OWN
    for model in apps.get_app_config(app).get_models()
    for constraint in model._meta.constraints
]


def is_said_in_words(constraint):
    if isinstance(constraint, UniqueConstraint) and constraint.condition is None:
        return True  # Django names the fields that are there already
    message = constraint.get_violation_error_message()
    return (
        message != constraint.default_violation_error_message % {"name": constraint.name}
        and constraint.name not in message
        and message.endswith(".")
    )


def test_every_constraint_says_what_it_refuses():
    assert len(CONSTRAINTS) > 100
    assert [constraint.name for constraint in CONSTRAINTS if not is_said_in_words(constraint)] == []
