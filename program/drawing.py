"""Markup of small components, kept: a page draws the same few dozens of times (ADR 36).

``typed`` keeps text that is to be escaped apart from the same text as markup. Each cache is bounded; what
a record has of its own, as the label of its button, pushes nothing out that every page has.
"""

from __future__ import annotations

from functools import lru_cache

from django.template import Context, Engine
from django.utils.safestring import SafeString


def drawn_anew(component: str, **values: str | bool) -> SafeString:
    """The markup of a component of ``templates/components/`` that sees ``values`` and nothing else."""
    return Engine.get_default().get_template(f"components/{component}.html").render(Context(values))


@lru_cache(maxsize=1024, typed=True)
def drawn(component: str, **values: str | bool) -> SafeString:
    """As ``drawn_anew``: what is alike on every page, as pictures and tags."""
    return drawn_anew(component, **values)


@lru_cache(maxsize=2048, typed=True)
def drawn_of_record(component: str, **values: str | bool) -> SafeString:
    """As ``drawn_anew``: what each row and each record may have of its own, as buttons and fields."""
    return drawn_anew(component, **values)
