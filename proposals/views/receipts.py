"""The public check of a receipt: match or no match, and nothing else."""

from __future__ import annotations

import json
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from program.canonical import sha256_hex
from program.enums import PaperState
from proposals.forms.submissions import VerificationForm
from proposals.models import Receipt, ReceiptPaper, Version
from proposals.package_file import hash_of_package

LARGEST: Final = 5 * 1024 * 1024


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
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
    answer: dict[str, object] = {}
    if request.method == "POST" and form.is_valid():
        upload, typed = form.cleaned_data.get("file"), form.cleaned_data.get("code", "")
        if upload is not None and upload.size > LARGEST:
            form.add_error("file", "The file is larger than 5 MB. Give its SHA-256 instead.")
        elif upload is not None:
            tried = hashes_of(upload.read())
            fits = matches(tried) and (not typed or matches([typed]))
            answer = {"tried": "the file", "fits": fits, "sha256": tried[0]}
        else:
            answer = {"tried": "the hash", "fits": matches([typed]), "sha256": ""}
    return render(request, "proposals/receipts.html", {"form": form, "answer": answer})


@login_not_required
@require_safe
def receipts_offline(request: HttpRequest) -> HttpResponse:
    """The published algorithm, with the program that checks a receipt on anybody's computer."""
    text = (settings.BASE_DIR / "docs" / "receipts.md").read_text(encoding="utf-8")
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def matches(hashes: list[str]) -> bool:
    """Whether one is of a receipt, of a submitted package, or of a receipt's PDF as the portal made it."""
    return (
        Receipt.objects.filter(sha256__in=hashes).exists()
        or Version.objects.filter(sha256__in=hashes).exists()
        or ReceiptPaper.objects.filter(state=PaperState.MADE, document__sha256__in=hashes).exists()
    )


def hashes_of(content: bytes) -> list[str]:
    """The hash of the bytes, and of the same JSON in canonical spelling, if it is JSON.

    What the portal noted in an exported package file beside the package is no part of the content.
    """
    found = [sha256_hex(content)]
    try:
        found.append(hash_of_package(json.loads(content)))
    except (ValueError, RecursionError):
        return found
    return found
