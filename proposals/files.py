"""The files that a package names, as pages list them: where each opens, or why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, CharField, F
from django.urls import reverse

from program.documents import SHOWN_KIND, scan_words, shows_in_page
from program.prepared import AnyOf, Given, Prepared
from program.withheld import WITHHELD, withheld_for
from proposals.services.files import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from program.models import Document
    from proposals.models import Attachment, Version
    from proposals.package import DocumentReference, Package

GONE: Final = WITHHELD["missing"]
ONLY_DOWNLOADED: Final = (
    "This PDF is downloaded and not shown in the page, which shows one only once a malware scan found "
    "nothing in it."
)


class ShownFile(NamedTuple):
    """One file of a package; ``url`` is "" where it is not handed out, and ``why`` says what keeps it.

    Of a PDF that is handed out and not shown in the page ``why`` says why it is only downloaded.

    ``proves`` is the key of the component for which it is evidence, while that is in the package; ``page``
    shows a PDF of a version in the browser.
    """

    said: DocumentReference
    document: Document | None
    url: str
    why: str
    proves: str
    page: str = ""

    @property
    def state(self) -> tuple[Any, ...]:
        """What of it differs from one reading of a version to the next."""
        kept = self.document
        return (kept and (kept.pk, kept.scan_state, scan_words(kept)), self.url, self.why, self.page)


class Files(NamedTuple):
    """All files of a package, in its order."""

    all: tuple[ShownFile, ...]

    def proving(self, row: str) -> list[ShownFile]:
        """Files that are evidence for the row with this key."""
        return [file for file in self.all if file.proves == row] if row else []

    def of_hash(self, sha256: str) -> ShownFile | None:
        return next((file for file in self.all if file.said.sha256 == sha256), None)


def files_of_version(version: Version) -> Files:
    """The files of a version; who sees the version may open them, once they are scanned or let go."""
    package = version.value
    said, place = package.documents, [version.proposal_id, version.number]
    kept = kept_as(version, {file.sha256 for file in said}) if said else {}
    return Files(
        tuple(
            _shown(
                file,
                kept.get(file.sha256),
                reverse("proposals:version-document", args=[*place, file.sha256]),
                package,
                reverse("proposals:version-document-page", args=[*place, file.sha256]),
            )
            for file in said
        )
    )


def files_of_working_copy(package: Package, attachments: Iterable[Attachment]) -> Files:
    """The files of the package as it stands, for its consortium and counsel."""
    rows = {row.key: row for row in attachments}
    return Files(
        tuple(
            _shown(file, row.document, reverse("proposals:document", args=[row.proposal_id, row.pk]), package)
            for file in package.documents
            if (row := rows.get(file.key))
        )
    )


def kept_as(version: Version, digests: Iterable[str]) -> dict[str, Document]:
    """What the portal keeps under these hashes for the version's proposal; of two copies, one that opens."""
    rows = files_named.rows(proposal=version.proposal_id, digests=list(digests))
    found = sorted(rows, key=lambda document: not withheld_for(document))
    return {document.sha256: document for document in found}


@Prepared
def files_named() -> QuerySet[Document]:
    """The files of ``Given("proposal")`` with one of the hashes ``Given("digests")``."""
    named = AnyOf(F("sha256"), Given("digests", ArrayField(CharField())))
    return files_of(Given("proposal", BigIntegerField())).filter(named).order_by("pk")


def _shown(
    said: DocumentReference, document: Document | None, url: str, package: Package, page: str = ""
) -> ShownFile:
    proves = said.row if any(component.key == said.row for component in package.components) else ""
    if document is None:
        return ShownFile(said, None, "", GONE, proves)
    reason, is_shown = withheld_for(document), shows_in_page(document)
    is_downloaded = page and document.kind == SHOWN_KIND and not is_shown
    return ShownFile(
        said,
        document,
        "" if reason else url,
        WITHHELD[reason] if reason else ONLY_DOWNLOADED if is_downloaded else "",
        proves,
        page if is_shown else "",
    )
