"""The five layers of a full-stack package, s.3(b)(i)(A)-(E), and where the hardware is made."""

from __future__ import annotations

from collections.abc import Iterator

from program.enums import StackLayer
from program.transitions import Problem
from proposals.checks.terms import Rules, called, is_blank, layer_of
from proposals.enums import Part
from proposals.package import (
    ApplicationComponent,
    Component,
    DataComponent,
    ModelComponent,
    Package,
    SecurityComponent,
)


def describes_hardware(package: Package, rules: Rules) -> Iterator[Problem]:
    """AI-optimized hardware, data center storage, cloud services and networking, s.3(b)(i)(A)."""
    clause = "E.O. 14320 s.3(b)(i)(A)"
    yield from _has_layer(package, StackLayer.HARDWARE, clause)
    members, part = members_of(package), Part.HARDWARE
    for line in package.hardware:
        yield from names_component(line, members, clause)
        if line.subtype is None:
            yield Problem(
                "hardware-subtype",
                f"{called(line)}: choose its sub-type.",
                clause,
                part,
                f"{line.key}-subtype",
            )
        for name, words in (("maker", "its maker"), ("model", "its model")):
            if is_blank(getattr(line, name)):
                yield Problem(
                    f"hardware-{name}", f"{called(line)}: give {words}.", clause, part, f"{line.key}-{name}"
                )
        if not line.quantity:
            yield Problem(
                "hardware-quantity",
                f"{called(line)}: give the quantity.",
                clause,
                part,
                f"{line.key}-quantity",
            )
        if line.total_value_usd is None:
            yield Problem(
                "hardware-value",
                f"{called(line)}: give the total value in USD.",
                clause,
                part,
                f"{line.key}-total_value_usd",
            )
        if line.country_of_origin is None:
            yield Problem(
                "hardware-origin",
                f"{called(line)}: name the country of origin.",
                clause,
                part,
                f"{line.key}-country_of_origin",
            )


def describes_data(package: Package, rules: Rules) -> Iterator[Problem]:
    """Data pipelines and labeling systems, s.3(b)(i)(B)."""
    clause = "E.O. 14320 s.3(b)(i)(B)"
    yield from _has_layer(package, StackLayer.DATA, clause)
    demanded = {"data_location": "where the data is kept", "provenance": "where the data comes from"}
    yield from _demands(package, DataComponent, demanded, clause)


def describes_models(package: Package, rules: Rules) -> Iterator[Problem]:
    """AI models and systems, s.3(b)(i)(C)."""
    clause = "E.O. 14320 s.3(b)(i)(C)"
    yield from _has_layer(package, StackLayer.MODELS, clause)
    demanded = {
        "developer": "the developer",
        "hosting": "how it is hosted",
        "weight_custody": "who keeps the weights",
    }
    yield from _demands(package, ModelComponent, demanded, clause)


def describes_security(package: Package, rules: Rules) -> Iterator[Problem]:
    """Measures to ensure the security and cybersecurity of AI models and systems, s.3(b)(i)(D)."""
    clause = "E.O. 14320 s.3(b)(i)(D)"
    yield from _has_layer(package, StackLayer.SECURITY, clause)
    demanded = {
        "controls": "the controls in place",
        "incident_response": "the response to incidents",
        "weight_protection": "how model weights are protected",
    }
    yield from _demands(package, SecurityComponent, demanded, clause)


def describes_applications(package: Package, rules: Rules) -> Iterator[Problem]:
    """Applications for specific use cases, s.3(b)(i)(E)."""
    clause = "E.O. 14320 s.3(b)(i)(E)"
    yield from _has_layer(package, StackLayer.APPLICATIONS, clause)
    yield from _demands(
        package, ApplicationComponent, {"use_case": "the use case", "users": "its users"}, clause
    )
    for component in package.layer(StackLayer.APPLICATIONS):
        if isinstance(component, ApplicationComponent) and component.sector is None:
            yield Problem(
                "applications-sector",
                f"{called(component)}: choose its sector.",
                clause,
                Part.APPLICATIONS,
                f"{component.key}-sector",
            )


def _has_layer(package: Package, layer: StackLayer, clause: str) -> Iterator[Problem]:
    if not package.layer(layer):
        yield Problem(f"missing-{layer}", f"Describe the layer: {layer.label}.", clause, Part(layer.value))
    elif not package.suppliers(layer):
        yield Problem(
            f"unsupplied-{layer}",
            f"Say which member supplies the layer: {layer.label}.",
            clause,
            Part(layer.value),
        )
    members = members_of(package)
    for provision in package.provisions:
        if provision.layer == layer and provision.member not in members:
            yield Problem(
                f"{layer}-provision",
                f"A supplier named for the layer “{layer.label}” is no longer a member. Choose another, or "
                "remove the line.",
                clause,
                Part(layer.value),
                f"{provision.key}-membership",
            )


def members_of(package: Package) -> frozenset[str]:
    """The keys of its members, for a check that asks them of two thousand lines."""
    return frozenset(member.key for member in package.consortium.members)


def names_component(component: Component, members: frozenset[str], clause: str) -> Iterator[Problem]:
    part = Part(layer_of(component))
    if is_blank(component.name):
        yield Problem(
            f"{part}-name",
            f"A component of the layer “{part.label}” has no name.",
            clause,
            part,
            f"{component.key}-name",
        )
    if component.supplier and component.supplier not in members:
        yield Problem(
            f"{part}-supplier",
            f"{called(component)}: its supplier is no longer a member.",
            clause,
            part,
            f"{component.key}-supplier",
        )


def _demands(
    package: Package, kind: type[Component], demanded: dict[str, str], clause: str
) -> Iterator[Problem]:
    members = members_of(package)
    for component in package.components:
        if not isinstance(component, kind):
            continue
        yield from names_component(component, members, clause)
        part = Part(layer_of(component))
        for name, words in demanded.items():
            if is_blank(getattr(component, name)):
                yield Problem(
                    f"{part}-{name.replace('_', '-')}",
                    f"{called(component)}: say {words}.",
                    clause,
                    part,
                    f"{component.key}-{name}",
                )


def says_us_manufacture(package: Package, rules: Rules) -> Iterator[Problem]:
    """Whether and to what extent the hardware is manufactured in the United States, s.3(b)(i)(A)."""
    clause = "E.O. 14320 s.3(b)(i)(A)"
    for line in package.hardware:
        if is_blank(line.us_manufacture):
            yield Problem(
                "us-manufacture",
                f"{called(line)}: say whether and to what extent it is made in the United States.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_manufacture",
            )
        total, us = line.total_value_usd, line.us_content_value_usd
        if us is None:
            yield Problem(
                "us-content",
                f"{called(line)}: give the value of its U.S. content in USD; 0 if none.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_content_value_usd",
            )
        elif total is not None and us > total:
            yield Problem(
                "us-content-above-total",
                f"{called(line)}: its U.S. content is worth more than the whole.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_content_value_usd",
            )
