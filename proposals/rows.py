"""The rows of a package, one by one: each with its kind, its part and its place, and the package again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from program.canonical import canonical_json, sha256_hex
from proposals.enums import Part
from proposals.package import Contact, Country, Package, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class OverviewFacts(Value):
    title: str = ""
    summary: str = ""
    contact: Contact = Contact()


class OperatingFacts(Value):
    overview: str = ""


class ComplianceFacts(Value):
    officer: Contact = Contact()
    program_summary: str = ""
    end_uses: str = ""
    remote_access_policy: str = ""
    cloud_access_countries: tuple[Country, ...] = ()


FACTS: Final = frozenset({"overview", "operating-model", "compliance"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, or what stands in no row of a part; ``site`` is the key of the site that a role stands at."""

    kind: str
    key: str
    part: Part
    value: Value
    site: str = ""

    def saying(self, value: Value) -> Entry:
        return replace(self, value=value)

    @property
    def digest(self) -> str:
        return sha256_hex(canonical_json([self.site, self.value.model_dump(mode="json")]))

    @property
    def content(self) -> str:
        """The digest of what the row says, whatever its key."""
        return sha256_hex(canonical_json([self.site, self.value.model_dump(mode="json", exclude={"key"})]))


def entries(package: Package) -> Iterator[Entry]:
    """Every row that people edit, in the order of the package; members are the consortium's own."""
    model, compliance = package.operating_model, package.compliance
    yield Entry("overview", "overview", Part.OVERVIEW, facts_of(OverviewFacts, package))
    for provision in package.provisions:
        yield Entry("provision", provision.key, Part(provision.layer), provision)
    for component in package.components:
        yield Entry("component", component.key, Part(component.layer), component)
    for market in package.markets:
        yield Entry("market", market.key, Part.MARKETS, market)
    yield Entry("operating-model", "operating-model", Part.OPERATING_MODEL, facts_of(OperatingFacts, model))
    for site in model.sites:
        yield Entry("site", site.key, Part.OPERATING_MODEL, _but(site, roles=()))
        for role in site.roles:
            yield Entry("role", role.key, Part.OPERATING_MODEL, role, site.key)
    for request in package.support_requests:
        yield Entry("support", request.key, Part.SUPPORT, request)
    yield Entry("compliance", "compliance", Part.COMPLIANCE, facts_of(ComplianceFacts, compliance))
    for statement in compliance.statements:
        yield Entry("statement", statement.key, Part.COMPLIANCE, statement)
    for party in compliance.parties:
        yield Entry("party", party.key, Part.COMPLIANCE, party)
    for answer in package.answers:
        yield Entry("answer", answer.key, Part.REQUIREMENTS, answer)
    for document in package.documents:
        yield Entry("attachment", document.key, Part.DOCUMENTS, document)
    for marking in package.markings:
        yield Entry("marking", marking.key, marking.part, marking)


def facts_of(kind: type[Value], source: Value) -> Value:
    """The facts of a part; what the source does not say stays unsaid."""
    said = {name: getattr(source, name) for name in kind.model_fields if name in source.model_fields_set}
    return kind.model_construct(set(said), **{**_defaults(kind), **said})


def _defaults(kind: type[Value]) -> dict[str, Any]:
    return {name: field.default for name, field in kind.model_fields.items()}


def _but(value: Value, **changes: Any) -> Value:
    """A copy with changes that counts as having said no more than it did."""
    return type(value).model_construct(
        set(value.model_fields_set - changes.keys()), **{**dict(value), **changes}
    )


def digests(package: Package) -> dict[str, str]:
    """What each row says, as one hash by its key."""
    return {entry.key: entry.digest for entry in entries(package)}


def assemble(package: Package, rows: Iterable[Entry]) -> Package:
    """``package`` with ``rows`` in the place of its own; members and call stay."""
    by_kind: dict[str, list[Entry]] = {}
    for entry in rows:
        by_kind.setdefault(entry.kind, []).append(entry)

    def values(kind: str) -> tuple[Any, ...]:
        return tuple(entry.value for entry in by_kind.get(kind, ()))

    def facts(kind: str) -> Mapping[str, Any]:
        value = values(kind)[0]
        return {name: getattr(value, name) for name in type(value).model_fields}

    roles = by_kind.get("role", [])
    sites = tuple(
        site.model_copy(update={"roles": tuple(r.value for r in roles if r.site == site.key)})
        for site in values("site")
    )
    model = {**facts("operating-model"), "sites": sites}
    compliance = {**facts("compliance"), "statements": values("statement"), "parties": values("party")}
    return package.model_copy(
        update={
            **facts("overview"),
            "provisions": values("provision"),
            "components": values("component"),
            "markets": values("market"),
            "operating_model": package.operating_model.model_copy(update=model),
            "support_requests": values("support"),
            "compliance": package.compliance.model_copy(update=compliance),
            "answers": values("answer"),
            "documents": values("attachment"),
            "markings": values("marking"),
        }
    )
