"""What a person sends to take over a package file."""

from __future__ import annotations

from django import forms

from proposals.package_file import LARGEST, SCHEMA_VERSION


class PackageUploadForm(forms.Form):
    file = forms.FileField(
        label="Package file",
        help_text=f"JSON of schema version {SCHEMA_VERSION}, or the workbook (XLSX), up to "
        f"{LARGEST // 1048576} MB. You see every change before anything is taken over.",
    )


class TakeOverForm(forms.Form):
    """What was shown, and the rows that were ticked."""

    upload = forms.IntegerField(widget=forms.HiddenInput)
    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    remove_all = forms.BooleanField(required=False)
