"""The consortium, s.3(b), and the Call's rules of eligibility: entity, owners, layers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from program.enums import StackLayer
from program.transitions import Problem
from proposals.checks.terms import LISTED_CLAUSE, Rules, is_blank
from proposals.enums import MembershipStatus, Part
from proposals.holdings import Tree
from proposals.package import Member, Package

HARD_STOP_SHARE: Final = Decimal("0.5")


def identifies_consortium(package: Package, rules: Rules) -> Iterator[Problem]:
    """An industry-led consortium with one anchor and consenting, eligible members, s.3(b)."""
    clause, part = "E.O. 14320 s.3(b)", Part.CONSORTIUM
    for name, words in (("title", "title"), ("summary", "summary")):
        if is_blank(getattr(package, name)):
            yield Problem(f"missing-{name}", f"Give the proposal a {words}.", clause, Part.OVERVIEW, name)
    for name, words in (("name", "name"), ("email", "e-mail address")):
        if is_blank(getattr(package.contact, name)):
            yield Problem(
                f"contact-{name}",
                f"Give the {words} of the contact person.",
                clause,
                Part.OVERVIEW,
                f"contact_{name}",
            )
    if is_blank(package.consortium.name):
        yield Problem("consortium-name", "Name the consortium.", clause, part, "name")
    anchors = [member for member in package.consortium.members if member.is_anchor]
    if len(anchors) != 1:
        yield Problem("anchor", "The consortium needs exactly one anchor member.", clause, part)
    tree = Tree.of(package)
    listed = _listed_holders(package, tree, rules)
    for member in package.consortium.members:
        yield from _stands(member, clause)
        yield from _is_eligible(member, package, rules, tree.reach(listed).share(tree.rows[member.key]))
    for anchor in anchors:
        place = anchor.organization.incorporated_in
        if rules.anchor_must_be_us and (place is None or place.code != "US"):
            yield Problem(
                "anchor-us",
                "This call asks for an anchor that is a U.S. company.",
                "Call, anchor member",
                part,
                f"{anchor.key}-incorporated_in",
            )


def _stands(member: Member, clause: str) -> Iterator[Problem]:
    facts, part = member.organization, Part.CONSORTIUM
    called = facts.legal_name.strip() or "A member without a name"
    if is_blank(facts.legal_name):
        yield Problem("member-name", "A member has no legal name.", clause, part, f"{member.key}-legal_name")
    if is_blank(member.role):
        yield Problem(
            "member-role", f"{called}: say what it contributes.", clause, part, f"{member.key}-role_text"
        )
    if member.consent.status != MembershipStatus.CONSENTED or not member.consent.is_current:
        yield Problem(
            "member-consent",
            f"{called} has not consented to its present role, part and declaration.",
            clause,
            part,
            f"{member.key}-consent",
        )
    for name, words in (("incorporated_in", "incorporation"), ("headquartered_in", "headquarters")):
        if getattr(facts, name) is None:
            yield Problem(
                f"member-{words}",
                f"{called}: name its country of {words}.",
                clause,
                part,
                f"{member.key}-{name}",
            )
    if facts.ultimate_parent and facts.parent_country is None:
        yield Problem(
            "member-parent-country",
            f"{called}: name the country of its ultimate parent.",
            clause,
            part,
            f"{member.key}-parent_country",
        )
    for key, owned in ((None, called), *((holder.key, holder.name) for holder in facts.holders)):
        held = (row.share or Decimal(0) for row in facts.holders if row.owns == key and not row.is_ultimate)
        if sum(held, Decimal(0)) > 1:
            yield Problem(
                "holdings-above-whole",
                f"{owned}: its direct owners hold more than 100 percent.",
                clause,
                part,
                f"{member.key}-holders",
            )


def _is_eligible(member: Member, package: Package, rules: Rules, listed_share: Decimal) -> Iterator[Problem]:
    """The entity test, the 50 percent aggregate of owners, and the layer test of the call."""
    facts, part, called = member.organization, Part.CONSORTIUM, member.organization.legal_name
    if rule := rules.reason(facts.countries):
        yield Problem(
            "entity-listed",
            f"{called} is in a jurisdiction listed for this call: {rule.country}. {rule.reason}",
            LISTED_CLAUSE,
            part,
            f"{member.key}-incorporated_in",
        )
    if listed_share >= HARD_STOP_SHARE or _listed_control(member, rules):
        yield Problem(
            "entity-owned",
            f"{called} is owned (50 percent or more together) or controlled by holders from "
            "jurisdictions listed for this call.",
            LISTED_CLAUSE,
            part,
            f"{member.key}-holders",
        )
    for layer in StackLayer:
        supplies = any(member.key == supplier.key for supplier in package.suppliers(layer))
        if supplies and (rule := rules.reason(facts.countries, layer.value)):
            yield Problem(
                "layer-listed",
                f"{called} may not supply the layer “{layer.label}”: {rule.country} is listed "
                f"for it. {rule.reason}",
                LISTED_CLAUSE,
                Part(layer.value),
                f"{member.key}-layers",
            )


def _listed_holders(package: Package, tree: Tree, rules: Rules) -> set[str]:
    """Who owns something and is from a listed jurisdiction; what is owned through them counts as theirs."""
    return {
        tree.rows[holder.key]
        for member in package.consortium.members
        for holder in member.organization.holders
        if holder.country and rules.reason([holder.country.code])
    }


def _listed_control(member: Member, rules: Rules) -> bool:
    return any(
        holder.owns is None
        and holder.has_control
        and holder.country is not None
        and rules.reason([holder.country.code]) is not None
        for holder in member.organization.holders
    )
