"""Every route of the portal with an address that fits it; and which of them anybody may open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

SAMPLES = {
    "int": "999999",
    "str": "none",
    "slug": "none",
    "path": "none",
    "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
}
PARTICULAR = {"part": "hardware"}

PUBLIC = {
    "",
    "healthz",
    "readyz",
    "order/",
    "accessibility/",
    "privacy/",
    "status/",
    "directives/",
    "directives.json",
    "directives/evidence/<slug:sha256>/",
    ".well-known/security.txt",
    "calls/",
    "calls/<slug:number>/",
    "calls/<slug:number>/deadline.ics",
    "calls/<slug:number>/files/<int:pk>/",
    "subscriptions/",
    "subscriptions/asked/",
    "subscriptions/confirm/<str:token>/",
    "subscriptions/stop/<str:token>/",
    "notices/mail/stop/<str:token>/",
    "calendar/<str:token>/due-dates.ics",
    "catalog/",
    "catalog/latest/",
    "catalog/map/",
    "catalog/feed.atom",
    "catalog/schema/1.1.json",
    "catalog/<str:number>/",
    "receipts/",
    "package-schema/",
    "package-schema/1.0.json",
    "receipts/offline/",
    "api/v1/",
    r"api/v1/^[\s\S]*/$",
    "api/v1/schema/",
    "api/v1/docs/",
    "api/v1/^calls/$",
    "api/v1/^calls/(?P<number>[A-Za-z0-9-]{1,20})/$",
    "api/v1/^designations/$",
    "api/v1/^designations/(?P<number>[A-Za-z0-9-]{1,20})/$",
}


@dataclass(frozen=True)
class Route:
    """``pattern`` as the URLconf writes it, ``address`` with sample values, ``name`` with its namespace."""

    pattern: str
    address: str
    name: str
    view: Callable = field(compare=False, repr=False)

    def __str__(self):
        return self.pattern or "(home)"

    @property
    def is_ours(self):
        """Whether the portal wrote the view; sign-in pages are the library's, tested by their own."""
        return not self.pattern.startswith("accounts/")


def routes():
    """Every route, once."""

    def walk(patterns, prefix, namespace, converters):
        for pattern in patterns:
            text = prefix + str(pattern.pattern)
            known = converters | dict(pattern.pattern.converters)
            if isinstance(pattern, URLResolver):
                inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
                yield from walk(pattern.url_patterns, text, inner, known)
            elif isinstance(pattern, URLPattern):
                yield Route(text, address(text, known), f"{namespace}{pattern.name}", pattern.callback)

    yield from walk(get_resolver().url_patterns, "", "", {})


def address(text, converters):
    """An address that fits the pattern ``text``: a sample value for every argument."""
    kinds = {type(converter): name for name, converter in get_converters().items()}
    for name, converter in converters.items():
        kind = kinds.get(type(converter), "str")
        text = re.sub(rf"<(\w+:)?{name}>", SAMPLES.get(kind) or PARTICULAR.get(kind, "none"), text)
    text = re.sub(r"\(\?P<(pk|\w*_pk)>[^)]*\)", SAMPLES["int"], text)
    text = re.sub(r"\(\?P<\w+>(\([^)]*\)|[^()])*\)", "none", text)
    return "/" + text.replace("^.*", "absent").replace("^", "").replace("$", "").replace("\\Z", "")


ROUTES = sorted({route.pattern: route for route in routes()}.values(), key=lambda route: route.pattern)
OURS = [route for route in ROUTES if route.is_ours]
