"""Take over a package file: look at it, then do all of it or nothing, in one transaction with one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from program import audit, clock
from program.canonical import canonical_json, sha256_hex
from program.demanded import demanded
from program.models import Bloc, Country, Document
from program.revisions import hold
from program.transitions import NotReady, Problem, require
from proposals.answering import standing_answers
from proposals.composition import compose, market_facts, requirement_rule
from proposals.decomposition import MODELS, Keys, columns, differing, problems_of
from proposals.merging import Known, Merge, merge
from proposals.models import OperatingRole, PackageUpload, Proposal, TableImport
from proposals.package import DocumentReference, TargetMarket
from proposals.package_file import CLAUSE, PackageFile, read_file
from proposals.rows import FACTS, Entry
from proposals.services.consents import renew_consents, shares_in
from proposals.services.purging import tell_of_purge
from proposals.services.removal import can_come_back, keep_removed

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import AuditEvent, User
    from proposals.package import Package

ORDER = ("provision", "component", "market", "site", "role", "support", "statement", "party", "attachment")
KINDS = (*ORDER, "answer", "marking")
MANY = {"market": "countries", "compliance": "cloud_access_countries"}
WAITS: Final = timedelta(days=7)
NONE: frozenset[str] = frozenset()


class ChangedMeanwhile(Exception):
    """Somebody saved something after the changes were shown; nothing was taken over."""


@transaction.atomic
def keep_upload(proposal: Proposal, file: PackageFile, *, by: User, name: str) -> PackageUpload:
    """Keep a file that was read without fault until its person takes it over; an earlier one goes."""
    require("proposals.change_proposal", by, proposal)
    PackageUpload.objects.filter(proposal=proposal, uploaded_by=by).delete()
    content = canonical_json(file.model_dump(mode="json", exclude_unset=True))
    return PackageUpload.objects.create(proposal=proposal, uploaded_by=by, name=name[:200], content=content)


def purge_untaken() -> int:
    """Forget package files and tables that nobody took over within a week: they hold what is confidential.

    Each leaves an event.
    """
    limit = clock.instant() - WAITS
    files = PackageUpload.objects.filter(taken_at=None, created_at__lt=limit)
    tables = TableImport.objects.filter(event=None, created_at__lt=limit)
    return _purge(files, "Package file", "uploaded_by") + _purge(tables, "Table", "read_by")


def _purge(rows: QuerySet[Any], what: str, owner: str) -> int:
    """Remove each by itself; one that somebody takes over at this moment is passed over."""
    purged = 0
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            locked = rows.select_for_update(of=("self",), skip_locked=True).select_related("proposal", owner)
            if held := locked.filter(pk=pk).first():
                tell_of_purge(held, what, getattr(held, owner))
                held.delete()
                purged += 1
    return purged


def what_would_change(
    proposal: Proposal,
    file: Package,
    *,
    by: User,
    current: Package,
    take: frozenset[str] = NONE,
    remove: frozenset[str] = NONE,
) -> Merge:
    """What taking over ``file`` would change in the working copy that ``current`` says."""
    known, keys = lookups(proposal, by=by)
    found = merge(current, file, known, take=take, remove=remove)
    return with_problems(found, keys)


def with_problems(found: Merge, keys: Keys) -> Merge:
    """The merge with what its rows may not hold among its errors: all that is wrong, at once."""
    return replace(found, errors=(*found.errors, *problems_of(found, keys)))


def lookups(proposal: Proposal, *, by: User, sources: Iterable[int] = ()) -> tuple[Known, Keys]:
    """What a file may name here: countries, blocs, the call's requirements, files.

    Files are those of the proposal, those that the person uploaded, and those of the proposals ``sources``.
    """
    blocs = {row.code: row for row in Bloc.objects.prefetch_related("countries")}
    demanded = proposal.call.requirements.demanded()
    requirements = {row.code: row for row in demanded.exclude(evidence_type="package")}
    files = Document.objects.filter(
        Q(attachments__proposal__in=[proposal.pk, *sources], attachments__removed_at=None)
        | Q(uploaded_by=by, is_generated=False)
    )
    documents = {row.sha256: row for row in files.order_by("-pk")}
    known = Known(
        countries=dict(Country.objects.values_list("code", "name")),
        blocs={code: TargetMarket(key="bloc", **market_facts(bloc)) for code, bloc in blocs.items()},
        requirements={code: requirement_rule(row) for code, row in requirements.items()},
        documents={
            sha256: DocumentReference(
                key="document", name=row.name, sha256=sha256, size=row.size, content_type=row.content_type
            )
            for sha256, row in documents.items()
        },
        proposal=proposal.pk,
    )
    keys = Keys(
        blocs={code: row.pk for code, row in blocs.items()},
        requirements={code: row.pk for code, row in requirements.items()},
        documents={sha256: row.pk for sha256, row in documents.items()},
    )
    return known, keys


@transaction.atomic
def import_package(
    upload: PackageUpload,
    *,
    by: User,
    shown_sha256: str,
    take: frozenset[str] = NONE,
    remove: frozenset[str] = NONE,
) -> AuditEvent | None:
    """Take over an uploaded file into the working copy that was shown; None when it changes nothing.

    All or nothing: raises NotReady with every error, or ChangedMeanwhile when the working copy is not what
    the person was shown. Members, their consents and certifications are touched by no import.
    """
    kept = PackageUpload.objects.select_for_update().filter(pk=upload.pk).first()
    if kept is None or kept.taken_at:
        raise ChangedMeanwhile
    upload = kept
    proposal = Proposal.objects.select_related("call").get(pk=upload.proposal_id)
    hold(proposal)
    require("proposals.change_proposal", by, proposal)
    rows = locked_rows(proposal)
    current = compose(proposal)
    if current.sha256 != shown_sha256:
        raise ChangedMeanwhile
    known, keys = lookups(proposal, by=by)
    found = with_problems(
        merge(current, read_file(upload.content.encode()), known, take=take, remove=remove), keys
    )
    if found.errors:
        raise NotReady(list(found.errors))
    file_sha256, upload.taken_at, upload.content = sha256_hex(upload.content), clock.instant(), ""
    upload.save(update_fields=["taken_at", "content", "updated_at"])
    if found.is_nothing:
        return None
    shares = shares_in(proposal)
    write(proposal, found, keys, rows, by=by)
    renew_consents(shares ^ shares_in(proposal), by=by)
    return audit.record(
        proposal,
        "proposal.import",
        by=by,
        before={"content": current.sha256},
        after={**counts(found), "file": file_sha256},
        note=told(found),
        clause=CLAUSE,
    )


def counts(found: Merge) -> dict[str, int]:
    return {name: len(getattr(found, name)) for name in ("added", "changed", "removed")}


def told(found: Merge) -> str:
    """How many rows were added, changed and removed, in words."""
    words = [f"{number} {name}" for name, number in counts(found).items() if number]
    return f"Rows of the package: {', '.join(words)}."


def locked_rows(proposal: Proposal) -> dict[str, dict[str, Any]]:
    """Every row of the working copy by kind and key, locked until the transaction ends."""
    found: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        rows = MODELS[kind]._default_manager.select_for_update(of=("self",))
        rows = rows.filter(site__proposal=proposal) if kind == "role" else rows.filter(proposal=proposal)
        if kind == "attachment":
            rows = rows.filter(removed_at=None)
        if kind == "answer":
            rows = rows.select_related("requirement")
            asked = demanded(proposal.call.requirements.all())
            rows = [row for _, row in standing_answers(asked, rows)]
        found[kind] = {key_of(kind, row): row for row in rows}
    return found


def key_of(kind: str, row: Any) -> str:
    """The key of a row in the package."""
    return f"marking-{row.pk}" if kind == "marking" else str(row.key)


def write(
    proposal: Proposal, found: Merge, keys: Keys, rows: Mapping[str, Mapping[str, Any]], *, by: User
) -> dict[str, str]:
    """Carry out a merge on the locked ``rows`` of a proposal; returns the keys that added rows have got.

    Raises NotReady for what cannot stand twice.
    """
    try:
        with transaction.atomic():
            return _write(proposal, found, keys, rows, by=by)
    except IntegrityError as error:
        message = (
            "Two rows would say what the package can hold only once: a member's layer, a market or a mark. "
            "Nothing was taken over. Say it once in the file."
        )
        raise NotReady([Problem("twice", message, CLAUSE)]) from error


def _write(
    proposal: Proposal, found: Merge, keys: Keys, rows: Mapping[str, Mapping[str, Any]], *, by: User
) -> dict[str, str]:
    new_keys: dict[str, str] = {}
    _remove(found.removed, rows, by=by)
    for kind in KINDS:
        changed = [entry for entry in found.changed if entry.kind == kind]
        added = [entry for entry in found.added if entry.kind == kind]
        _change(kind, changed, found, keys, rows, by=by)
        _add(proposal, kind, added, keys, new_keys, by=by)
    _save_facts(proposal, [entry for entry in found.changed if entry.kind in FACTS], found, keys)
    return new_keys


def _remove(removed: Iterable[Entry], rows: Mapping[str, Mapping[str, Any]], *, by: User) -> None:
    """Take rows out so that each can come back, as when it is removed by hand."""
    for entry in sorted(removed, key=lambda entry: entry.kind != "role"):
        row = rows[entry.kind][entry.key]
        if can_come_back(row):
            keep_removed(row, by=by)
        if entry.kind == "attachment":
            row.removed_at, row.revision = timezone.now(), row.revision + 1
            row.save(update_fields=["removed_at", "revision", "updated_at"])
        else:
            row.delete()


def _stamped(row: Any, by: User) -> list[str]:
    """Raise the revision of a row by one, under the name of who saved it; the columns that this touches."""
    row.revision += 1
    row.updated_at = timezone.now()
    if hasattr(row, "saved_by_id"):
        row.saved_by = by
        return ["revision", "updated_at", "saved_by"]
    return ["revision", "updated_at"]


def _change(
    kind: str,
    changed: Iterable[Entry],
    found: Merge,
    keys: Keys,
    rows: Mapping[str, Mapping[str, Any]],
    *,
    by: User,
) -> None:
    touched: dict[str, None] = {}
    saved = []
    for entry in changed:
        row = rows[kind][entry.key]
        values = differing(entry, found.here[entry.key], keys)
        if (codes := values.pop(MANY.get(kind, ""), None)) is not None:
            row.countries.set(codes)
        for name, value in values.items():
            setattr(row, name, value)
        names = [MODELS[kind]._meta.get_field(name.removesuffix("_id")).name for name in values]
        touched.update(dict.fromkeys([*names, *_stamped(row, by)]))
        saved.append(row)
    if saved:
        MODELS[kind]._default_manager.bulk_update(saved, list(touched), batch_size=200)


def _add(
    proposal: Proposal, kind: str, added: Iterable[Entry], keys: Keys, new_keys: dict[str, str], *, by: User
) -> None:
    """Add rows; ``new_keys`` says which key each has got, for the rows that name it."""
    model, made, places = MODELS[kind], [], {}
    for entry in added:
        values = columns(entry, keys)
        many = values.pop(MANY.get(kind, ""), None)
        if kind == "role":
            row: Any = OperatingRole(site_id=_pk(new_keys.get(entry.site, entry.site)), **values)
        else:
            row = model(proposal=proposal, **values)
        if kind in ("marking", "attachment"):
            row.row_key = new_keys.get(row.row_key, row.row_key)
        if hasattr(row, "saved_by_id"):
            row.saved_by = by
        made.append((entry, row))
        if many:
            places[entry.key] = many
    model._default_manager.bulk_create([row for _, row in made], batch_size=200)
    for entry, row in made:
        new_keys[entry.key] = key_of(kind, row)
        if entry.key in places:
            row.countries.set(places[entry.key])


def _pk(key: str) -> int:
    return int(key.rpartition("-")[2])


def _save_facts(proposal: Proposal, changed: Iterable[Entry], found: Merge, keys: Keys) -> None:
    names: list[str] = []
    for entry in changed:
        values = differing(entry, found.here[entry.key], keys)
        if (codes := values.pop("cloud_access_countries", None)) is not None:
            proposal.cloud_access_countries.set(codes)
        for name, value in values.items():
            setattr(proposal, name, value)
        names += values
    if changed:
        proposal.revision += 1
        proposal.save(update_fields=[*names, "revision", "updated_at"])
