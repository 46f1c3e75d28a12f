"""Whatever a complete package is robbed of, either a problem says so under its clause, or it is optional."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
from pydantic import ValidationError

from proposals.checks import all_problems
from proposals.package import Package
from tests.factories.packages import complete_package

ORDER = "E.O. 14320 s.3(b)"
# Where something stands in a package, and the clauses under which its absence may be reported
CLAUSES = [
    (r"title|summary|contact|consortium", {ORDER}),
    (r"components\.0", {f"{ORDER}(i)(A)", f"{ORDER}(v)"}),
    (r"components\.1", {f"{ORDER}(i)(B)", f"{ORDER}(v)"}),
    (r"components\.2", {f"{ORDER}(i)(C)", f"{ORDER}(v)"}),
    (r"components\.3", {f"{ORDER}(i)(D)", f"{ORDER}(v)"}),
    (r"components\.4", {f"{ORDER}(i)(E)", f"{ORDER}(v)"}),
    (r"markets", {f"{ORDER}(ii)", "Call, national interest"}),
    (r"operating_model", {f"{ORDER}(iii)"}),
    (r"support_requests", {f"{ORDER}(iv)"}),
    (r"compliance", {f"{ORDER}(v)"}),
]
# What no clause demands: names beside codes, owners (a flag), who supplies a layer where its rows say so
OPTIONAL = re.compile(
    r"call\.|.*(country|incorporated_in|headquartered_in|country_of_origin|countries\.0)\.name$"
    r"|.*\.holders.*|.*\.consent\.|provisions|components\.\d\.supplier|markets\.0\.(code|name)$"
)
WORDS_OF_THE_PORTAL = ("key", "schema_version", "layer", "text", "citation", "subject", "group", "act")


def places(value, way=()):
    """The way to everything in the package that says something, and that can be left out."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in pairs:
        if step in WORDS_OF_THE_PORTAL or inner in (None, "", [], {}):
            continue
        yield (*way, step)
        if isinstance(inner, dict | list):
            yield from places(inner, (*way, step))


def without(way):
    """The complete package without what stands there; None where a package cannot even be written so."""
    data = deepcopy(complete_package().to_data())
    *before, last = way
    target = data
    for step in before:
        target = target[step]
    if isinstance(last, int):
        target.pop(last)
    else:
        target[last] = {str: "", list: []}.get(type(target[last]))
    try:
        return Package.model_validate(data)
    except ValidationError:
        return None


ROBBED = {
    ".".join(map(str, way)): package
    for way in places(complete_package().to_data())
    if (package := without(way))
}


def test_the_complete_package_has_much_to_lose():
    assert len(ROBBED) > 100


@pytest.mark.parametrize("part", [pattern for pattern, _ in CLAUSES])
def test_removing_what_is_demanded_is_reported_under_its_clause(part):
    clauses = dict(CLAUSES)[part]
    mine = {place: package for place, package in ROBBED.items() if re.match(part, place)}
    assert mine
    for place, package in mine.items():
        problems = all_problems(package)
        if OPTIONAL.match(place):
            assert problems == [], place
        else:
            assert problems and problems[0].message, place
            # Without its only member the consortium supplies and operates nothing: every part says so
            whole = re.fullmatch(r"consortium\.members(\.0)?", place)
            assert whole or {problem.clause for problem in problems} <= clauses, place
