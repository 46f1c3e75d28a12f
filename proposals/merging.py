"""What taking over a package file would change in a working copy: a pure function of the two.

Rows are matched by key, else by what they are (a member's layer, a market's country, a file's hash), else by
saying the same. What others changed since the file was exported is not overwritten unless it is taken by
name, and a row that the file does not have goes only when it is named. What a name of the file stands for
here (a country, a bloc, a requirement, a file) is looked up in ``Known``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from program.enums import EvidenceType, Mark
from program.transitions import Problem
from proposals import wording
from proposals.checks import RequirementRule
from proposals.comparison import Change, change_between
from proposals.enums import MarketKind, Part
from proposals.package import (
    Answer,
    ComplianceStatement,
    Component,
    Country,
    DocumentReference,
    Marking,
    Member,
    OperatingRole,
    Package,
    Provision,
    TargetMarket,
    Value,
)
from proposals.package_file import CLAUSE, CLAUSES, PackageFile
from proposals.questionnaire import BY_CODE
from proposals.rows import FACTS, Entry, assemble, entries

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS_THERE: Final = frozenset({*FACTS, "statement", "answer"})
COLUMN_OF: Final = {
    EvidenceType.TEXT: "text",
    EvidenceType.NUMBER: "number",
    EvidenceType.CHOICE: "choice",
    EvidenceType.DATE: "day",
    EvidenceType.FILE: "document",
}
CLAUSE_OF: Final = {
    **{part.value: CLAUSES.get(part.value, CLAUSE) for part in Part},
    Part.OPERATING_MODEL.value: CLAUSES["operating_model"],
    Part.SUPPORT.value: CLAUSES["support_requests"],
}


@dataclass(frozen=True)
class Known:
    """What names of a file stand for: the portal's countries and blocs, the call's requirements, files."""

    countries: Mapping[str, str]
    blocs: Mapping[str, TargetMarket]
    requirements: Mapping[str, RequirementRule]
    documents: Mapping[str, DocumentReference]
    proposal: int = 0


@dataclass(frozen=True)
class Clash:
    """A row that the file and somebody else changed since the export; ``here`` is None once removed."""

    part: Part
    key: str
    here: Entry | None
    file: Entry

    @property
    def change(self) -> Change:
        """From what stands here to what the file says."""
        found = _change(self.here, self.file)
        if found is None:
            raise ValueError("Both say the same.")
        return found


@dataclass(frozen=True)
class Merge:
    """What would come of it: the package that the working copy becomes, or why it cannot."""

    current: Package
    target: Package
    changed: tuple[Entry, ...]
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    removable: tuple[Entry, ...]
    clashes: tuple[Clash, ...]
    errors: tuple[Problem, ...]
    left_out: tuple[str, ...]
    kept: tuple[Entry, ...]
    touched: frozenset[str]
    here: Mapping[str, Entry]

    @property
    def changes(self) -> tuple[Change, ...]:
        """What becomes of each row, with both texts, in the order of the parts."""
        rows = [*self.changed, *self.added]
        found = [_change(self.here.get(entry.key), entry) for entry in rows]
        order = list(Part)
        return tuple(sorted(filter(None, found), key=lambda change: order.index(change.part)))

    @property
    def is_nothing(self) -> bool:
        return not (self.changed or self.added or self.removed)


@dataclass
class _Merging:
    """One merge under way; ``strict`` refuses what a copy only leaves out."""

    current: Package
    file: Package
    known: Known
    strict: bool
    errors: list[Problem] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    matched: set[str] = field(default_factory=set)
    as_exported: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)

    def error(self, code: str, message: str, part: Part | str, key: str = "") -> None:
        part = str(part)
        self.errors.append(Problem(code, message, CLAUSE_OF.get(part, CLAUSE), part, key))

    def refuse(self, code: str, message: str, what_to_do: str, part: Part | str, key: str = "") -> None:
        """An error that names what to do, or for a copy a line of what was not carried."""
        if self.strict:
            self.error(code, f"{message} {what_to_do}", part, key)
        else:
            self.left_out.append(message)


def merge(
    current: Package,
    file: Package,
    known: Known,
    *,
    take: frozenset[str] = frozenset(),
    remove: frozenset[str] = frozenset(),
    strict: bool = True,
) -> Merge:
    """What ``file`` would make of ``current``; never raises.

    ``take`` names rows whose text of the file replaces what others wrote since, ``remove`` rows that go.
    """
    work = _Merging(current, file, known, strict)
    here = {entry.key: entry for entry in entries(current)}
    _match_members(work)
    _say_what_stays(work)
    arrived = _arrived(work, here)
    base = _base(file, known)

    changed: list[Entry] = []
    added: list[Entry] = []
    clashes, kept = [], []
    for entry in arrived:
        mine, was = here.get(entry.key), base.get(entry.key)
        if mine == entry:
            continue
        if was is None:
            (changed if mine else added).append(entry)
        elif mine is not None and mine.digest == was:
            changed.append(entry)
        elif work.as_exported.get(entry.key) == was:
            kept.append(mine or entry)
        else:
            clashes.append(Clash(entry.part, entry.key, mine, entry))
            if entry.key in take:
                (changed if mine else added).append(entry)

    present = {entry.key for entry in arrived}
    removable = [
        entry
        for entry in here.values()
        if entry.key not in present
        and entry.kind not in ALWAYS_THERE
        and (not base or base.get(entry.key) is not None)
    ]
    removed = [entry for entry in removable if entry.key in remove]
    gone_sites = {entry.key for entry in removed if entry.kind == "site"}
    removed += [
        entry
        for entry in here.values()
        if entry.kind == "role" and entry.site in gone_sites and entry not in removed
    ]
    _require_sites(work, added, {*here, *(entry.key for entry in added)} - gone_sites)
    said = {entry.key: entry for entry in changed}
    gone = {entry.key for entry in removed}
    rows = [said.get(key, entry) for key, entry in here.items() if key not in gone]
    rows += added
    _require_once(work, rows)
    return Merge(
        current,
        assemble(current, rows),
        tuple(changed),
        tuple(added),
        tuple(removed),
        tuple(removable),
        tuple(clashes),
        tuple(work.errors),
        tuple(work.left_out),
        tuple(kept),
        frozenset(key for key, entry in here.items() if base.get(key) not in (None, entry.digest)),
        here,
    )


def _change(before: Entry | None, after: Entry) -> Change | None:
    found = change_between((after.part, after.key), before.value if before else None, after.value)
    return replace(found, name=called(after)) if found else None


def _base(file: Package, known: Known) -> Mapping[str, str]:
    """What the rows said when the portal wrote the file; of another proposal it tells nothing here."""
    exported = file.exported if isinstance(file, PackageFile) else None
    return exported.rows if exported and exported.proposal == known.proposal else {}


# Members


def _match_members(work: _Merging) -> None:
    """Members of the file by key and name, else by UEI or name; nobody joins by a file."""
    current = work.current.consortium.members
    by_key = {member.key: member for member in current}
    for member in work.file.consortium.members:
        found = by_key.get(member.key)
        if found is None or not _is_same(found, member):
            found = next((other for other in current if _is_same(other, member)), None)
        if found is not None:
            work.members[member.key] = found.key
            continue
        work.refuse(
            "not-a-member",
            f"{member.organization.legal_name or member.key} is not a member of this consortium.",
            "Invite it on the page of the consortium and import again, or take it and what it supplies out "
            "of the file. An import never makes a member.",
            Part.CONSORTIUM,
        )
        work.members[member.key] = ""
    for key in by_key:
        work.members.setdefault(key, key)


def _is_same(one: Member, other: Member) -> bool:
    a, b = one.organization, other.organization
    return (
        bool(a.uei and a.uei == b.uei) or a.legal_name.strip().casefold() == b.legal_name.strip().casefold()
    )


def _member(work: _Merging, key: str, entry: Entry, name: str) -> str | None:
    """The member here that a row of the file names; None when there is none, which was said."""
    found = work.members.get(key)
    if found:
        return found
    if found is None or not work.strict:
        work.refuse(
            "unknown-member",
            f"{name}: “{key}” is no member of this consortium."
            if found is None
            else f"{name}: its member is not in this consortium, so none is named.",
            "Name a member by the key that it has in an export of this proposal.",
            entry.part,
            entry.key,
        )
    return None


def _say_what_stays(work: _Merging) -> None:
    """What a file cannot change, where it says something else."""
    current, file = work.current, work.file
    if current.call.number != file.call.number:
        made = f"call {file.call.number}" if file.call.number else "a call without a number"
        work.left_out.append(
            f"Answers to requirements of {made} are taken only where {current.call.number} asks the same."
        )
    if not work.strict:
        return
    ours = {member.key: member for member in current.consortium.members}
    for member in file.consortium.members:
        mine = ours.get(work.members.get(member.key, ""))
        if mine and "role" in member.model_fields_set and mine.role != member.role:
            work.left_out.append(
                f"What {mine.organization.legal_name} contributes stays as it is: it consented to it. "
                "It is changed on the page of the consortium, and its consent is asked again."
            )
        if mine and "holders" in member.organization.model_fields_set and not _same_facts(mine, member):
            work.left_out.append(
                f"The facts and owners of {mine.organization.legal_name} stay as its own people keep them."
            )
    consortium = file.consortium
    for name in ("name", "description"):
        if name in consortium.model_fields_set and getattr(consortium, name) != getattr(
            current.consortium, name
        ):
            work.left_out.append(f"The {name} of the consortium is changed on its own page.")


def _same_facts(one: Member, other: Member) -> bool:
    return one.organization == other.organization


# Rows


def _arrived(work: _Merging, here: Mapping[str, Entry]) -> list[Entry]:
    """The rows of the file as they would stand here, under the keys that they have here."""
    found = list(entries(work.file))
    counted = Counter(entry.key for entry in found)
    for key, number in counted.items():
        if number > 1:
            message = f"{number} rows of the file have the key “{key}”. Give each row a key of its own."
            work.error("key-twice", message, next(entry.part for entry in found if entry.key == key), key)
    named = {_identity(entry): entry.key for entry in here.values() if _identity(entry)}
    spoken_for = {entry.key for entry in found} & here.keys()
    same: dict[tuple[str, str], list[str]] = {}
    for entry in here.values():
        if entry.key not in spoken_for:
            same.setdefault((entry.kind, entry.content), []).append(entry.key)
    arrived = []
    for entry in found:
        digest, mine = entry.digest, here.get(entry.key)
        if mine is not None and mine.digest == digest and mine.key not in work.matched:
            work.keys[entry.key] = mine.key
            work.matched.add(mine.key)
            arrived.append(mine)
            continue
        looked_up = _looked_up(work, entry, here.get(entry.key))
        if looked_up is None:
            continue
        mine = here.get(looked_up.key)
        if mine is None or mine.kind != looked_up.kind or mine.key in work.matched:
            key = named.get(_identity(looked_up), "")
            twins = same.get((looked_up.kind, looked_up.content), [])
            key = key or (twins.pop(0) if twins else "")
            mine = here.get(key) if key and key not in work.matched else None
        key = mine.key if mine else _free_key(entry.key, here)
        work.keys[entry.key] = key
        work.matched.add(key)
        work.as_exported[key] = digest
        arrived.append(_under(looked_up, key, mine))
    return [entry for entry in arrived if _fits(work, entry, here.get(entry.key))]


def _free_key(key: str, here: Mapping[str, Entry]) -> str:
    return key if key not in here else f"new-{key}"[:60]


def _under(entry: Entry, key: str, mine: Entry | None) -> Entry:
    """The row under its key here, with what the file leaves unsaid as it stands here."""
    value = entry.value
    if mine is not None and type(mine.value) is type(value):
        value = _overlay(mine.value, value)
    if "key" in type(value).model_fields:
        value = value.model_copy(update={"key": key})
    return Entry(entry.kind, key, entry.part, value, entry.site)


def _overlay(mine: Value, said: Value) -> Value:
    """``mine`` with what the file says; a contact is laid over part by part."""
    changes: dict[str, Any] = {}
    for name in said.model_fields_set:
        now, then = getattr(mine, name), getattr(said, name)
        both = isinstance(now, Value) and isinstance(then, Value) and not isinstance(now, Country)
        changes[name] = _overlay(now, then) if both else then
    return type(said).model_construct(set(type(said).model_fields), **{**dict(said), **dict(mine), **changes})


def _fits(work: _Merging, entry: Entry, mine: Entry | None) -> bool:
    """A row keeps its layer and its site."""
    if mine is None:
        return True
    if isinstance(entry.value, Component | Provision) and entry.part != mine.part:
        message = f"{called(entry)}: the file puts it into another layer. Give it a new key there."
        work.error("layer-changed", message, entry.part, entry.key)
        return False
    if entry.site != mine.site:
        message = f"{called(entry)}: the file puts it at another site. Give it a new key there."
        work.error("site-changed", message, entry.part, entry.key)
        return False
    return True


def _identity(entry: Entry) -> tuple[str, ...]:
    """What a row is, where a package can hold it only once; empty where several may be alike."""
    value = entry.value
    if isinstance(value, Provision):
        return ("provision", value.member, str(value.layer))
    if isinstance(value, TargetMarket) and value.code:
        return ("market", str(value.kind), value.code)
    if isinstance(value, DocumentReference):
        return ("attachment", value.sha256, str(value.part), value.row)
    if isinstance(value, Marking):
        return ("marking", str(value.part), value.row, value.field)
    return ()


def _looked_up(work: _Merging, entry: Entry, mine: Entry | None) -> Entry | None:
    """The row as the portal would say it, or None when it cannot stand here, which was said."""
    value: Value = _tidied(work, entry)
    if isinstance(value, Provision):
        member = _member(work, value.member, entry, f"Supplier of {value.layer.label}")
        return entry.saying(_with(value, member=member)) if member else None
    if isinstance(value, Component):
        if value.supplier is not None:
            value = _with(value, supplier=_member(work, value.supplier, entry, called(entry)))
        return entry.saying(value)
    if isinstance(value, OperatingRole):
        return _role(work, entry, value)
    if isinstance(value, TargetMarket):
        return _market(work, entry, value, mine)
    if isinstance(value, ComplianceStatement):
        return _statement(work, entry, value)
    if isinstance(value, Answer):
        return _answer(work, entry, value)
    if isinstance(value, DocumentReference):
        return _document(work, entry, value)
    if isinstance(value, Marking):
        if value.mark == Mark.GOVERNMENT_ONLY:
            message = "Only an office of the Government marks “Government only”. Choose another mark."
            work.error("mark", message, entry.part, entry.key)
        row = work.keys.get(value.row, value.row)
        value = _with(value, row=row, **({} if work.strict else {"justification": ""}))
        return entry.saying(value)
    return entry.saying(value)


def _with(value: Value, **changes: Any) -> Value:
    """A copy with other words for what it said; what it left unsaid stays unsaid."""
    return type(value).model_construct(set(value.model_fields_set), **{**dict(value), **changes})


def _tidied(work: _Merging, entry: Entry) -> Value:
    """Line ends in one spelling, no blanks around texts, countries by the portal's names."""
    return _tidy(work, entry, entry.value)


def _tidy(work: _Merging, entry: Entry, value: Any) -> Any:
    if isinstance(value, Country):
        name = work.known.countries.get(value.code)
        if name is None:
            work.error(
                "unknown-country",
                f"{called(entry)}: “{value.code}” is no country that the portal knows. Use the two letters "
                "of ISO 3166-1, such as KE.",
                entry.part,
                entry.key,
            )
            return value
        return Country(code=value.code, name=name)
    if isinstance(value, Value):
        said = {name: _tidy(work, entry, getattr(value, name)) for name in value.model_fields_set}
        return type(value).model_construct(set(value.model_fields_set), **{**dict(value), **said})
    if isinstance(value, tuple) and value and isinstance(value[0], Country):
        places = {place.code: place for place in (_tidy(work, entry, each) for each in value)}
        return tuple(places[code] for code in sorted(places))
    if isinstance(value, tuple):
        lines = "\n".join(map(str, value)).splitlines()
        return tuple(filter(None, map(str.strip, lines)))
    if type(value) is str:
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    return value


def _role(work: _Merging, entry: Entry, value: OperatingRole) -> Entry | None:
    if value.member is not None:
        name = f"{value.act.label} a site"
        member = _member(work, value.member, entry, name)
        if member is None:
            return None
        value = _with(value, member=member)  # type: ignore[assignment]
    site = work.keys.get(entry.site, entry.site)
    return Entry(entry.kind, entry.key, entry.part, value, site)


def _market(work: _Merging, entry: Entry, value: TargetMarket, mine: Entry | None) -> Entry:
    """A country or bloc is said by its code; members of a bloc and names are the portal's."""
    if not value.model_fields_set & {"kind", "code", "name", "countries"}:
        return entry.saying(value)
    kind = value.kind
    if "kind" not in value.model_fields_set and mine is not None and isinstance(mine.value, TargetMarket):
        kind = mine.value.kind
    if kind is None and value.code:
        message = f'{called(entry)}: say what it is: "kind": "country", "bloc" or "list".'
        work.error("market-kind", message, entry.part, entry.key)
    if kind == MarketKind.COUNTRY:
        places = (_tidy(work, entry, Country.model_construct(code=value.code)),)
        facts = {
            "kind": kind,
            "code": value.code,
            "name": places[0].name,
            "countries": places,
            "as_of": "",
            "source": "",
        }
        return entry.saying(_saying(value, **facts))
    if kind == MarketKind.BLOC:
        bloc = work.known.blocs.get(value.code)
        if bloc is None:
            work.error(
                "unknown-bloc",
                f"“{value.code or value.name}” is no bloc that the portal knows. Name its countries in an "
                'own list instead: "kind": "list".',
                entry.part,
                entry.key,
            )
            return entry.saying(value)
        names = ("code", "name", "countries", "as_of", "source")
        return entry.saying(_saying(value, **{name: getattr(bloc, name) for name in names}, kind=kind))
    kind = MarketKind.LIST if value.name or value.countries else None
    facts = {"kind": kind, "code": "", "as_of": "", "source": "", "name": value.name}
    return entry.saying(_saying(value, **facts, countries=value.countries))


def _saying(value: Value, **said: Any) -> Value:
    """A copy that says more than the file did: what follows from it."""
    fields = set(value.model_fields_set | said.keys())
    return type(value).model_construct(fields, **{**dict(value), **said})


def _statement(work: _Merging, entry: Entry, value: ComplianceStatement) -> Entry | None:
    """One answer of the questionnaire that is asked here, among the answers that it offers."""
    subject = BY_CODE.get(value.subject)
    if subject is None:
        work.left_out.append(f"The statement “{value.subject}” is not asked here.")
        return None
    if value.answer is not None and value.answer not in subject.answers:
        offered = ", ".join(f"“{answer}”" for answer in map(str, subject.answers))
        work.error(
            "not-offered",
            f"Statement “{value.subject}”: “{value.answer}” is not offered. Choose one of {offered}.",
            entry.part,
            f"statement-{value.subject}",
        )
    facts = {"group": subject.group.value, "text": subject.text, "citation": subject.citation}
    key = f"statement-{value.subject}"
    return Entry(entry.kind, key, entry.part, _saying(value, key=key, **facts))


def _answer(work: _Merging, entry: Entry, value: Answer) -> Entry | None:
    """An answer to a requirement that this call has too, in the column of its evidence."""
    rule, called = work.known.requirements.get(value.requirement), value.title or value.requirement
    if rule is None or str(rule.evidence_type) != str(value.evidence_type):
        work.left_out.append(f"The answer to “{called}”: this call does not ask that.")
        return None
    if not work.strict and value.title and value.title != rule.title:
        work.left_out.append(f"The answer to “{called}”: this call asks “{rule.title}” instead.")
        return None
    column = COLUMN_OF[EvidenceType(rule.evidence_type)]
    given = getattr(value, column)
    if column == "choice" and given and given not in rule.choices:
        work.refuse(
            "not-offered", f"The answer to “{called}”: “{given[:60]}” is not offered.",
            f"Choose one of {', '.join(rule.choices)}.", entry.part, entry.key,
        )  # fmt: skip
        return None
    if column == "document" and given and given not in work.known.documents:
        work.left_out.append(
            f"The file that answers “{called}” (SHA-256 {given[:12]}…) is not in the portal."
        )
        return None
    empty = {name: _NOTHING[name] for name in COLUMN_OF.values() if name != column}
    key = f"answer-{rule.code}"
    said = {"key": key, "requirement": rule.code, "title": rule.title, **empty}
    return Entry(entry.kind, key, entry.part, _saying(value, **said))


_NOTHING: Final[dict[str, Any]] = {"text": "", "number": None, "choice": "", "day": None, "document": None}


def _document(work: _Merging, entry: Entry, value: DocumentReference) -> Entry | None:
    """A file that the proposal has, or that the person has uploaded, by its hash."""
    stored = work.known.documents.get(value.sha256)
    if stored is None:
        work.left_out.append(
            f"The file “{value.name}” (SHA-256 {value.sha256[:12]}…) is not in the portal. Add it under "
            "Documents; its mark can be taken over by importing again."
        )
        return None
    if value.mark == Mark.GOVERNMENT_ONLY:
        work.error("mark", f"{value.name}: only an office of the Government marks “Government only”. Choose "
                   "another mark.", entry.part, entry.key)  # fmt: skip
    facts = {name: getattr(stored, name) for name in ("name", "size", "content_type")}
    facts |= {"part": value.part or Part.DOCUMENTS, "row": work.keys.get(value.row, value.row)}
    if not work.strict:
        facts["justification"] = ""
    return entry.saying(_saying(value, **facts))


def _require_sites(work: _Merging, added: list[Entry], present: set[str]) -> None:
    for entry in added:
        if entry.kind == "role" and entry.site not in present:
            work.error("no-site", f"{called(entry)}: its site is not here.", entry.part, entry.key)


def _require_once(work: _Merging, rows: list[Entry]) -> None:
    """What a package can hold only once is named once."""
    counted = Counter(
        identity for entry in rows if (identity := _identity(entry)) and entry.kind != "attachment"
    )
    for entry in rows:
        number = counted.pop(_identity(entry), 0)
        if number > 1:
            message = f"{called(entry)} would stand {number} times in the package. Say it once."
            work.error("twice", message, entry.part, entry.key)


def called(entry: Entry) -> str:
    """What people call a row, or the part whose facts it is."""
    return entry.part.label if entry.kind in FACTS else wording.called(entry.value) or entry.key
