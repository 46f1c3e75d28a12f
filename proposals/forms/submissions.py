"""What people type to certify, withdraw, report a change, add a file or check a receipt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings

from program import scanner
from program.days import DayField
from program.enums import Mark
from proposals.enums import AuthorityBasis, Part
from proposals.forms.consortia import words
from proposals.forms.fields import NOT_CHOSEN, TextField
from proposals.forms.rows import RowForm
from proposals.models import Attachment


class CertificationForm(forms.Form):
    """The signature of the anchor's authorized representative on exactly one content, 18 U.S.C. 1001."""

    content_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    shown_at = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    signer_title = TextField(label="Your title", max_length=200)
    authority_basis = forms.ChoiceField(
        label="Why you may sign for the anchor",
        choices=[("", NOT_CHOSEN), *AuthorityBasis.choices],
        help_text="You need actual authority; the pattern is 31 CFR 850.203.",
    )
    authority_note = TextField(
        label="Instrument of authority",
        max_length=300,
        required=False,
        help_text="For example a board resolution with its date, if your authority comes from one.",
    )
    typed_signature = TextField(label="Sign by typing your full name", max_length=200)

    def clean_shown_at(self) -> datetime | None:
        """When the page was made, for saying what has changed since; nothing where it says no moment."""
        try:
            moment = datetime.fromisoformat(self.cleaned_data["shown_at"])
        except ValueError:
            return None
        return moment if moment.tzinfo else None


class SubmissionForm(forms.Form):
    note = words(
        "Note to the Program office", "Optional; kept with the version.", required=False, rows=3, longest=2000
    )


class WithdrawalForm(forms.Form):
    note = words(
        "Why you withdraw",
        "Kept in the record. The Program office reads it if you had submitted.",
        longest=2000,
    )


class TimeForm(forms.Form):
    reason = words(
        "Why you need more time",
        "What kept you from submitting in time, and until when you need. The Program office reads it.",
        longest=2000,
    )


class MaterialChangeForm(forms.Form):
    """A change within 30 calendar days of learning of it."""

    text = words(
        "What has changed",
        "For example a new owner, a member that left, another supplier, a new license decision.",
        rows=6,
        longest=10000,
    )
    learned_on = DayField(label="When you learned of it", required=False)


MARK_HINT = (
    "Mark what is business confidential and say why. Marked information is protected as the law allows, "
    "including 5 U.S.C. 552(b)(4) and 18 U.S.C. 1905; the mark alone does not decide a request."
)
MARKS = [(value, label) for value, label in Mark.choices if value != Mark.GOVERNMENT_ONLY]


CHOOSE_FILE = "Choose a file."
FILE_HINT = "PDF, DOCX, XLSX, CSV, PNG or JPEG, up to {limit:g} MB. Files with macros or scripts are refused."


class IncomingFile(forms.Form):
    """A file that comes with the form, or one that has come before it in pieces (``upload``)."""

    file = forms.FileField(label="File", error_messages={"required": CHOOSE_FILE})
    upload = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    is_released = forms.BooleanField(
        label="Let people who may read the proposal download it although it was not scanned",
        required=False,
        help_text="This portal has no malware scanner. Without this the file is kept, and nobody can open it "
        "until you allow it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = FILE_HINT.format(limit=settings.DOCUMENT_MAX_BYTES / 1048576)
        if scanner.is_set():
            del self.fields["is_released"]

    def clean(self) -> dict[str, Any]:
        """The file may have come before the form, in pieces."""
        data = super().clean() or {}
        if data.get("upload") and self.has_error("file", "required"):
            del self.errors["file"]
        return data


class UploadForm(IncomingFile):
    """A file for a part of the package."""

    part = forms.ChoiceField(label="Part of the package", choices=Part, initial=Part.DOCUMENTS)
    caption = TextField(label="What it shows", max_length=300, required=False)
    mark = forms.ChoiceField(
        label="Confidentiality",
        choices=MARKS,
        initial=Mark.BUSINESS_CONFIDENTIAL,
        widget=forms.RadioSelect,
        help_text=MARK_HINT,
    )
    justification = words(
        "Why it is business confidential",
        "What harm its release would do. A blanket mark is weak.",
        required=False,
        rows=3,
    )
    field_order = ("file", "part", "caption", "mark", "justification", "is_released", "upload")


class AgainForm(forms.Form):
    """A part that is to point to a file of the package, too."""

    part = forms.ChoiceField(label="Part of the package", choices=Part)
    caption = TextField(label="What it shows there", max_length=300, required=False)


class EvidenceForm(forms.Form):
    """A file of the package that proves a component, too; ``files`` are those that do not yet."""

    attachment = forms.TypedChoiceField(label="File of the package", coerce=int)
    caption = TextField(label="What it shows here", max_length=300, required=False)

    def __init__(self, *args: Any, files: Iterable[Attachment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(file.pk, f"{file.document.name} ({file.get_part_display()})") for file in files]
        self.fields["attachment"].choices = [("", "Choose a file"), *named]  # type: ignore[attr-defined]


class AttachmentForm(RowForm):
    """Caption, part and mark of a file; the file itself never changes."""

    class Meta(RowForm.Meta):
        model = Attachment
        fields = ("caption", "part", "mark", "justification")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["part"].choices = Part.choices  # type: ignore[attr-defined]
        self.fields["mark"].widget = forms.RadioSelect()
        self.fields["mark"].choices = MARKS  # type: ignore[attr-defined]
        self.fields["mark"].help_text = MARK_HINT
        self.fields["caption"].label = "What it shows"
        self.fields["justification"].label = "Why it is business confidential"
        self.fields["justification"].help_text = "What harm its release would do. A blanket mark is weak."


class VerificationForm(forms.Form):
    """A hash or a file, to be compared with what the portal issued."""

    code = TextField(
        label="SHA-256",
        max_length=100,
        required=False,
        help_text="The 64 letters and digits that the receipt prints as its own, or as those of the package.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        help_text="A receipt as PDF or JSON, or a package as JSON, up to 5 MB. It is compared, not kept.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("code") and not data.get("file"):
            self.add_error("code", "Give a hash or a file.")
        return data

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split()).lower()
        if code and not re.fullmatch("[0-9a-f]{64}", code):
            message = (
                "A hash has 64 digits and letters from a to f. A receipt's number alone is not checked, as "
                "that would tell strangers which proposals there are: give the hash that the receipt prints."
            )
            raise forms.ValidationError(message)
        return code
