"""The public check of a receipt: match or no match, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from program.canonical import canonical_json, sha256_hex
from program.enums import PaperState
from program.limits import limited
from proposals.forms.submissions import VerificationForm
from proposals.models import Receipt, ReceiptPaper, Version
from proposals.package_file import FileRefused, hash_of_package, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 5 * 1024 * 1024


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("check", method="POST")
def receipts(request: HttpRequest) -> HttpResponse:
    """Compare a hash or a file with what the portal issued; reveals only whether it fits.

    A number alone is not compared: numbers follow each other, and the answers would count the proposals.
    """
    code = request.GET.get("code", "")[:100]
    form = (
        VerificationForm(request.POST, request.FILES)
        if request.method == "POST"
        else VerificationForm(initial={"code": code})
    )
    answer: Answer | None = None
    if request.method == "POST" and form.is_valid():
        upload, typed = form.cleaned_data.get("file"), form.cleaned_data.get("code", "")
        if upload is not None and upload.size > LARGEST:
            form.add_error("file", "The file is larger than 5 MB. Give its SHA-256 instead.")
        elif upload is not None:
            answer = answer_to_file(upload.read(), typed)
        else:
            found = issued(typed)
            answer = Answer("hash", found.what if found else "")
    return render(request, "proposals/receipts.html", {"form": form, "answer": answer})


@login_not_required
@require_safe
def receipts_offline(request: HttpRequest) -> HttpResponse:
    """The published algorithm, with the program that checks a receipt on anybody's computer."""
    text = (settings.BASE_DIR / "docs" / "receipts.md").read_text(encoding="utf-8")
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


class Found(NamedTuple):
    """What the portal issued or received under a hash, in words, and of which versions it is."""

    what: str
    versions: frozenset[int]


class Answer(NamedTuple):
    """What was given and what it is, "" for no match; ``how`` says what of a file was the same."""

    given: Literal["hash", "file"]
    what: str
    how: Literal["", "bytes", "spelling", "package"] = ""
    sha256: str = ""


def issued(sha256: str) -> Found | None:
    """What has exactly this hash: a receipt, a submitted package, or the PDF of a receipt."""
    papers = ReceiptPaper.objects.filter(state=PaperState.MADE, document__sha256=sha256)
    kinds = (
        ("a receipt that this portal issued", Receipt.objects.filter(sha256=sha256), "version"),
        ("a package that this portal received", Version.objects.filter(sha256=sha256), "pk"),
        ("the PDF of a receipt, as this portal made it", papers, "receipt__version"),
    )
    for what, rows, version in kinds:
        if found := frozenset(rows.values_list(version, flat=True)):
            return Found(what, found)
    return None


def answer_to_file(content: bytes, typed: str) -> Answer:
    """What the file is; with a hash beside it, it fits only when both are of one version."""
    own = sha256_hex(content)
    beside = issued(typed) if typed else None
    for how, sha256 in readings_of(content, own):
        found = issued(sha256)
        if found and (not typed or (beside and found.versions & beside.versions)):
            return Answer("file", found.what, how, own)
    return Answer("file", "", "", own)


def readings_of(content: bytes, own: str) -> Iterator[tuple[Literal["bytes", "spelling", "package"], str]]:
    """Hashes of a file: of its bytes, of its JSON in canonical spelling, of the package in an export."""
    yield "bytes", own
    try:
        yield "spelling", sha256_hex(canonical_json(read_json(content)))
        yield "package", hash_of_package(content)
    except (FileRefused, ValueError):
        return
