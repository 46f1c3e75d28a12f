"""Where the package goes, who runs it and what it asks for: s.3(b)(ii)-(iv)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from program.transitions import Problem
from proposals.checks.terms import Rules, is_blank
from proposals.enums import MarketKind, OperatingAct, Part, SupportMechanism
from proposals.package import Package


def names_target_markets(package: Package, rules: Rules) -> Iterator[Problem]:
    """At least one specific target country or regional bloc, s.3(b)(ii)."""
    clause = "E.O. 14320 s.3(b)(ii)"
    if not package.markets:
        yield Problem(
            "missing-market", "Name at least one target country or regional bloc.", clause, Part.MARKETS
        )
    for market in package.markets:
        called = market.name.strip() or "A market"
        if market.kind is None or (market.kind == MarketKind.LIST and is_blank(market.name)):
            yield Problem(
                "market-unnamed",
                f"{called}: choose a country, a bloc, or name an own list.",
                clause,
                Part.MARKETS,
                f"{market.key}-kind",
            )
        elif not market.countries:
            yield Problem(
                "market-without-country",
                f"{called}: it holds no country.",
                clause,
                Part.MARKETS,
                f"{market.key}-countries",
            )
        if is_blank(market.end_users):
            yield Problem(
                "market-end-users",
                f"{called}: say who the expected end users are.",
                clause,
                Part.MARKETS,
                f"{market.key}-end_users",
            )
    places = Counter((market.kind, market.code) for market in package.markets if market.code)
    for market in package.markets:
        if market.code and places[market.kind, market.code] > 1:
            yield Problem(
                "market-twice",
                f"{market.name or market.code} is named more than once.",
                clause,
                Part.MARKETS,
                f"{market.key}-kind",
            )


def explains_national_interest(package: Package, rules: Rules) -> Iterator[Problem]:
    """How U.S. national interests are advanced in each chosen market, as the Call asks."""
    for market in package.markets:
        if is_blank(market.national_interest):
            yield Problem(
                "national-interest",
                f"{market.name.strip() or 'A market'}: explain how the national interest "
                "of the United States is advanced there.",
                "Call, national interest",
                Part.MARKETS,
                f"{market.key}-national_interest",
            )


def says_who_builds_owns_operates(package: Package, rules: Rules) -> Iterator[Problem]:
    """Who will build, own and operate data centers and associated infrastructure, s.3(b)(iii)."""
    clause, part = "E.O. 14320 s.3(b)(iii)", Part.OPERATING_MODEL
    model = package.operating_model
    if is_blank(model.overview):
        yield Problem(
            "missing-operating-model",
            "Describe the business and operational model.",
            clause,
            part,
            "operating_model",
        )
    if not model.sites:
        yield Problem("missing-site", "Name at least one data center or other infrastructure.", clause, part)
    for site in model.sites:
        called = site.name.strip() or "A site without a name"
        if is_blank(site.name):
            yield Problem("site-name", "A site has no name.", clause, part, f"{site.key}-name")
        if site.country is None:
            yield Problem("site-country", f"{called}: name its country.", clause, part, f"{site.key}-country")
        for act in OperatingAct:
            if not any(
                role.act == act and (role.member or not is_blank(role.third_party_name))
                for role in site.roles
            ):
                yield Problem(
                    f"site-{act}",
                    f"{called}: say who {act.label.lower()} it.",
                    clause,
                    part,
                    f"{site.key}-{act}",
                )
        for role in site.roles:
            if role.member and package.member(role.member) is None:
                yield Problem(
                    "site-member",
                    f"{called}: who {role.act.label.lower()} it is no longer a member.",
                    clause,
                    part,
                    f"{role.key}-member",
                )
            if role.third_party_name and role.third_party_country is None:
                yield Problem(
                    "site-third-party-country",
                    f"{called}: name the country of {role.third_party_name}.",
                    clause,
                    part,
                    f"{role.key}-third_party_country",
                )


def details_support_requested(package: Package, rules: Rules) -> Iterator[Problem]:
    """Requested Federal incentives and support mechanisms, in detail, s.3(b)(iv)."""
    clause, part = "E.O. 14320 s.3(b)(iv)", Part.SUPPORT
    if not package.support_requests:
        yield Problem("missing-support", "Detail the Federal support you ask for.", clause, part)
    for request in package.support_requests:
        called = request.mechanism.label if request.mechanism else "A request"
        if request.mechanism is None:
            yield Problem(
                "support-mechanism",
                "A request names no support mechanism.",
                clause,
                part,
                f"{request.key}-mechanism",
            )
        if request.mechanism == SupportMechanism.OTHER and is_blank(request.other_text):
            yield Problem(
                "support-other",
                "Name the other mechanism you ask for.",
                clause,
                part,
                f"{request.key}-other_text",
            )
        if is_blank(request.purpose):
            yield Problem(
                "support-purpose", f"{called}: say for what purpose.", clause, part, f"{request.key}-purpose"
            )
