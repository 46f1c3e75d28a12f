"""What the database refuses is said in words: the name of a constraint never reaches a page."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import UniqueConstraint

OWN = ("program", "proposals", "evaluation", "financing")
CONSTRAINTS = [
    pytest.param(constraint, id=constraint.name)
    for app in OWN
    for model in apps.get_app_config(app).get_models()
    for constraint in model._meta.constraints
]


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_every_constraint_says_what_it_refuses(constraint):
    if isinstance(constraint, UniqueConstraint) and constraint.condition is None:
        return  # Django names the fields that are there already
    message = constraint.get_violation_error_message()
    assert message != constraint.default_violation_error_message % {"name": constraint.name}
    assert constraint.name not in message and message.endswith(".")
