from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from proposals.comparison import Kind, changed_parts, compare
from proposals.enums import Part
from tests.factories.packages import complete_package, hardware, packages

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(packages())
def test_package_is_the_same_as_itself(package):
    assert compare(package, package) == ()


@quick
@given(packages())
def test_what_is_added_one_way_is_removed_the_other(package):
    there, back = compare(complete_package(), package), compare(package, complete_package())
    swapped = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED, Kind.CHANGED: Kind.CHANGED}
    assert {(c.part, c.key, c.kind) for c in there} == {(c.part, c.key, swapped[c.kind]) for c in back}


def test_changed_field_is_named_with_both_values():
    before = complete_package()
    after = complete_package(components=(hardware(total="200.00"), *before.components[1:]))
    (change,) = compare(before, after)
    assert (change.part, change.kind, change.key) == (Part.HARDWARE, Kind.CHANGED, "component-1")
    assert change.name == "Accelerator board"
    assert [(f.field, f.before, f.after) for f in change.fields] == [("total_value_usd", "100.00", "200.00")]


def test_added_and_removed_rows_stand_in_their_part():
    before = complete_package()
    after = complete_package(components=before.components[:-1], title="Other", markets=())
    assert [(change.part, change.kind) for change in compare(before, after)] == [
        (Part.OVERVIEW, Kind.CHANGED), (Part.APPLICATIONS, Kind.REMOVED), (Part.MARKETS, Kind.REMOVED),
    ]  # fmt: skip
    assert changed_parts(before, after) == {Part.OVERVIEW, Part.APPLICATIONS, Part.MARKETS}
