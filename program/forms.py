"""What people type about calls: drafts save whatever is missing, acts demand what they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils.functional import cached_property
from django.utils.text import Truncator

from program.clock import WASHINGTON
from program.closures import in_register
from program.conflicts import read_again
from program.days import DayField, MomentField, local_time, not_to_come
from program.enums import (
    LONGEST_CALL,
    CallStatus,
    Confidence,
    EvidenceType,
    MailChoice,
    OfficeRole,
    OutageSource,
    PartOfCall,
)
from program.library import REQUIREMENTS
from program.models import (
    Agency,
    Call,
    Closure,
    Criterion,
    Delegation,
    IneligibleJurisdiction,
    Organization,
    Question,
    Requirement,
    User,
)
from program.moments import comes_twice
from program.texts import LongText, lines_of, one_spelling

CODE_WORDS: Final = {"invalid": "Use letters, digits, hyphens and underscores only, such as local-training."}


def day_of(form: forms.BaseForm, name: str) -> date | None:
    """The day, if any, on which something was done; one that is still to come is refused."""
    day: date | None = form.cleaned_data[name]
    if day:
        not_to_come(day)
    return day


class EarlierCallField(forms.ModelChoiceField):
    """A call to copy from; a draft that was given up says so."""

    def label_from_instance(self, call: Any) -> str:
        return f"{call} (discarded draft)" if call.is_discarded else str(call)


class NewCallForm(forms.Form):
    title = forms.CharField(max_length=200, help_text="As it will stand at the head of the call.")
    copied_from = EarlierCallField(
        Call.objects.none(), required=False, label="Copy from", empty_label="Start from the library",
        help_text="Texts, requirements, rubric, places and files are copied, not clock and OMB number.",
    )  # fmt: skip

    def __init__(self, *args: Any, calls: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["copied_from"].queryset = calls  # type: ignore[attr-defined]


class CallForm(forms.ModelForm):
    """A draft of a call; nothing is required to save it, and ``revision`` is the one that was read."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    class Meta:
        model = Call
        fields = (
            "title", "call_type", "summary", "text", "fr_citation", "fr_published_on", "no_fr_reason",
            "rolls_forward", "set_due_on", "set_due_reason", "cure_days", "cure_unit", "consultation_days",
            "consultation_unit", "escalation_days", "question_rounds", "check_max_age_days",
            "us_content_presumption", "anchor_must_be_us", "burden_hours", "control_number",
            "control_expires_on", "no_control_reason", "certification_text", "certification_version",
            "privacy_text", "confidentiality_text",
        )  # fmt: skip
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 3}),
            "text": forms.Textarea(attrs={"rows": 18}),
            "no_fr_reason": forms.Textarea(attrs={"rows": 2}),
            "set_due_reason": forms.Textarea(attrs={"rows": 3}),
            "no_control_reason": forms.Textarea(attrs={"rows": 2}),
            "certification_text": forms.Textarea(attrs={"rows": 5}),
            "privacy_text": forms.Textarea(attrs={"rows": 5}),
            "confidentiality_text": forms.Textarea(attrs={"rows": 5}),
            "cure_days": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "days"}),
            "consultation_days": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "days"}),
            "escalation_days": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "days"}),
            "question_rounds": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "rounds"}),
            "check_max_age_days": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "days"}),
            "burden_hours": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "hours"}),
            "us_content_presumption": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "%"}),
        }

        help_texts = {
            "set_due_reason": "Public, with a warning, where the day is later than the order gives."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("title", "summary", "text"):
            self.fields[name].required = False
        self.initial.setdefault("revision", self.instance.revision)

    def clean_fr_published_on(self) -> date | None:
        return day_of(self, "fr_published_on")

    def _post_clean(self) -> None:
        """The service asks the model; here only the fields' own forms are asked, so that a draft is saved."""


class ReadForm(forms.Form):
    """A form on a record that others may save meanwhile: it says which revision of it was read.

    One that says none read none: 0, at which no saved record is.
    """

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    def clean_revision(self) -> int:
        return self.cleaned_data["revision"] or 0

    def read_again(self, revision: int) -> None:
        """Let the form go on from ``revision``, with what was typed."""
        read_again(self, revision)


class ShownFirst(forms.Form):
    """A form of which it is shown first what it does; ``seen`` says what was shown."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=80)

    def has_seen(self, shown: str) -> bool:
        """Whether the person was shown exactly this."""
        return bool(self.cleaned_data["seen"] == shown)

    def let_see(self, shown: str) -> None:
        """Let the next press do what is shown now."""
        self.data: Any = self.data.copy()
        self.data["seen"] = shown


#: The highest number that a place in a list may have
LAST_PLACE: Final = 32767
AFTER_OTHERS: Final = "Lower numbers come first. Empty: after the others."


def at_end_by_default(form: forms.ModelForm) -> None:
    """Let a row of a call be given without its place; a new one shows none."""
    form.fields["sort_order"].required = False
    if not form.instance.pk:
        form.initial["sort_order"] = None


def place_of(form: forms.ModelForm) -> int:
    """The place that was typed, or else the one after the other rows of the call."""
    place = form.cleaned_data["sort_order"]
    if place is not None:
        return int(place)
    others = type(form.instance)._default_manager.filter(call=form.instance.call).exclude(pk=form.instance.pk)
    last = others.aggregate(last=Max("sort_order"))["last"] or 0
    return min(last // 10 * 10 + 10, LAST_PLACE)


class PartForm(ReadForm, forms.ModelForm):
    """A row of a draft call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"revision": self.instance.revision, **self.initial}


class RequirementForm(PartForm):
    class Meta:
        model = Requirement
        fields = (
            "code", "title", "clause", "guidance", "is_mandatory", "evidence_type", "choices",
            "max_characters", "sort_order", "source",
        )  # fmt: skip
        widgets = {
            "guidance": forms.Textarea(attrs={"rows": 3}),
            "choices": forms.Textarea(attrs={"rows": 3}),
            "source": forms.Textarea(attrs={"rows": 2}),
            "max_characters": forms.NumberInput(attrs={"data-size": "small"}),
            "sort_order": forms.NumberInput(attrs={"data-size": "small"}),
        }
        labels = {
            "is_mandatory": "Mandatory", "evidence_type": "How it is answered",
            "max_characters": "Characters of a text, at most", "sort_order": "Place in the list",
        }  # fmt: skip
        error_messages = {"code": CODE_WORDS}
        help_texts = {
            "code": "Short and without blanks. The codes of the library name the check that decides them.",
            "clause": "Such as E.O. 14320 s.3(b)(i)(A), or “Program policy”.",
            "choices": "For a choice only: one a line.",
            "max_characters": "For a text only. Empty: as many as a page takes.",
            "sort_order": AFTER_OTHERS,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        at_end_by_default(self)

    def clean_sort_order(self) -> int:
        return place_of(self)


class CriterionForm(PartForm):
    anchors_text = forms.CharField(
        label="What the values mean", required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One a line, the value first, such as “5: Outstanding”.",
    )  # fmt: skip

    class Meta:
        model = Criterion
        fields = (
            "code", "title", "clause", "guidance", "weight", "is_independent", "lowest", "highest",
            "sort_order", "agencies",
        )  # fmt: skip
        widgets = {
            "agencies": forms.CheckboxSelectMultiple,
            "guidance": forms.Textarea(attrs={"rows": 3}),
            "weight": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "%"}),
            "lowest": forms.NumberInput(attrs={"data-size": "small"}),
            "highest": forms.NumberInput(attrs={"data-size": "small"}),
            "sort_order": forms.NumberInput(attrs={"data-size": "small"}),
        }
        labels = {
            "is_independent": "Independent: scored, but outside the total", "weight": "Weight",
            "agencies": "Scored by", "lowest": "Lowest value", "highest": "Highest value",
            "sort_order": "Place in the list",
        }  # fmt: skip
        error_messages = {"code": CODE_WORDS}
        help_texts = {
            "code": "Letters, digits and hyphens, such as local-training; once in a call.",
            "sort_order": AFTER_OTHERS,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        at_end_by_default(self)
        evaluating = Agency.objects.filter(is_evaluating=True)
        self.fields["agencies"].queryset = evaluating  # type: ignore[attr-defined]
        anchors = sorted(self.instance.anchors.items())
        shown = "\n".join(f"{value}: {words}" for value, words in anchors)
        self.initial = {**self.initial, "anchors_text": shown}

    def clean_sort_order(self) -> int:
        return place_of(self)

    def clean_anchors_text(self) -> dict[str, str]:
        anchors: dict[str, str] = {}
        for line in lines_of(self.cleaned_data["anchors_text"]):
            value, colon, words = (part.strip() for part in line.partition(":"))
            if not colon or not re.fullmatch(r"-?\d{1,5}", value) or not words:
                message = f"Write “{line[:40]}” as a value, a colon and words, such as “5: Outstanding”."
                raise ValidationError(message)
            value = str(int(value))
            if value in anchors:
                message = f"Two lines say what {value} means: “{anchors[value][:40]}” and “{words[:40]}”."
                raise ValidationError(f"{message} Keep one of them.")
            anchors[value] = words
        return anchors

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        anchors = cleaned.get("anchors_text") or {}
        scale = Criterion(lowest=cleaned.get("lowest") or 0, highest=cleaned.get("highest") or 0)
        if outside := scale.outside_scale(anchors):
            self.add_error("anchors_text", scale.words_of_outside(outside))
            anchors = {}
        self.instance.anchors = anchors
        return cleaned


class JurisdictionForm(PartForm):
    """A place whose entities may not take part in the call, altogether or as provider of one layer."""

    class Meta:
        model = IneligibleJurisdiction
        fields = (
            "country", "layer", "reason", "effective_from", "effective_to", "source", "checked_on",
            "confidence",
        )  # fmt: skip
        widgets = {
            "country": forms.Select({"data-combo-box": True}),
            "reason": forms.Textarea({"rows": 2}),
            "source": forms.Textarea({"rows": 2}),
        }
        labels = {
            "country": "Entities of", "layer": "Barred from", "effective_from": "In force from",
            "effective_to": "Until, not included", "checked_on": "Source read on",
            "confidence": "How sure it is",
        }  # fmt: skip
        help_texts = {
            "layer": "Empty: the whole entity may not take part.",
            "reason": "Public.",
            "source": "Public. Where the rule stands.",
            "effective_to": "Empty: it has no end.",
        }

    confidence = forms.ChoiceField(label="How sure it is", choices=Confidence.choices)

    def clean_checked_on(self) -> date | None:
        return day_of(self, "checked_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].empty_label = "Choose a country"  # type: ignore[attr-defined]


class CallFileForm(forms.Form):
    file = forms.FileField(help_text="PDF, DOCX, XLSX, CSV, PNG or JPEG. Public once the call is issued.")
    title = forms.CharField(max_length=200, required=False, help_text="Empty: the name of the file.")


class LibraryForm(forms.Form):
    """Which entry of the library comes back into a draft that has lost it."""

    code = forms.ChoiceField(label="From the library")

    def __init__(self, *args: Any, absent: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].choices = absent  # type: ignore[attr-defined]


class TakenBackField(forms.BooleanField):
    """Whether a change that was announced for a later day does not come."""

    def __init__(self, **options: Any) -> None:
        label = "Take back what was announced: the requirement stays as it is today"
        super().__init__(**{"label": label, "required": False, **options})


class DemandForm(forms.ModelForm):
    """One requirement of an open call, as it shall stand after an amendment."""

    class Meta(RequirementForm.Meta):
        fields = RequirementForm.Meta.fields[1:]  # type: ignore[assignment]

    is_withdrawn = forms.BooleanField(label="Withdraw this requirement", required=False)
    is_taken_back = TakenBackField()

    def __init__(self, *args: Any, first_on: date | None = None, **kwargs: Any) -> None:
        """``first_on`` is the day on which it comes, of one that an earlier amendment announced."""
        super().__init__(*args, **kwargs)
        self.first_on = first_on
        if first_on is None:
            del self.fields["is_taken_back"]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        others = [name for name in self.changed_data if name != "is_taken_back"]
        if found.get("is_taken_back") and others:
            raise ValidationError(
                "What was announced is taken back alone: leave the other fields as they are, or leave out "
                "“Take back”."
            )
        return found

    @cached_property
    def changed_data(self) -> list[str]:
        """A text whose lines end in another spelling, as browsers send them, has not changed."""
        return [name for name in super().changed_data if not self._is_respelled(name)]

    def _is_respelled(self, name: str) -> bool:
        said = self[name]
        before, after = said.initial, said.data
        is_text = isinstance(before, str) and isinstance(after, str)
        return is_text and one_spelling(before).strip() == one_spelling(after).strip()


class TakeBackForm(forms.Form):
    """A requirement that an earlier amendment withdraws from a later day on."""

    is_taken_back = TakenBackField()


class NewDemandForm(forms.ModelForm):
    """A requirement that an amendment adds; left empty, it adds none."""

    class Meta(RequirementForm.Meta):
        pass

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        at_end_by_default(self)

    def clean_sort_order(self) -> int:
        return place_of(self)

    @cached_property
    def changed_data(self) -> list[str]:
        """A place alone makes no requirement."""
        changed = super().changed_data
        return [] if changed == ["sort_order"] else changed

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        known = {entry.code for entry in REQUIREMENTS}
        if found.get("evidence_type") == EvidenceType.PACKAGE and found.get("code", "") not in known:
            self.add_error(
                "evidence_type",
                "No part of the package answers a requirement that is not in the library: nobody could give "
                "it. Choose how it is answered.",
            )
        return found


class AmendPartsForm(ReadForm):
    """The words of an amendment of a call's requirements or documents."""

    summary = LongText(
        label="What changes", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two plain sentences; subscribers are sent them.",
    )  # fmt: skip
    reason = LongText(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Public."
    )
    legal_basis = forms.CharField(
        max_length=200, help_text="Public. The clause, statute or policy that this amendment rests on."
    )


class AmendDemandsForm(AmendPartsForm):
    effective_on = DayField(
        label="In force from",
        required=False,
        help_text="The day begins at midnight in Washington. Empty: at once.",
    )


class AddFileForm(AmendPartsForm):
    """A file that an amendment brings; one without ``takes_file`` asks for all but the file."""

    file = forms.FileField(help_text="PDF, DOCX, XLSX, CSV, PNG or JPEG.")
    title = forms.CharField(max_length=200, required=False, help_text="Empty: the name of the file.")
    field_order = ("file", "title", "is_withdrawn", "summary", "reason", "legal_basis")

    def __init__(self, *args: Any, takes_file: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not takes_file:
            del self.fields["file"]


class ReplaceFileForm(AddFileForm):
    """A file that takes the place of another, or none."""

    is_withdrawn = forms.BooleanField(label="Withdraw it: nothing takes its place", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "file" in self.fields:
            self.fields["file"].required = False
            self.fields["file"].label = "New file"

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if "file" not in self.fields:
            return said
        if bool(said.get("file")) == said["is_withdrawn"] and "file" not in self.errors:
            self.add_error("file", "Give the new file, or say that the old one is withdrawn.")
        return said


class AmendForm(ReadForm):
    text = LongText(
        label="The text of the call after the amendment", max_length=LONGEST_CALL,
        widget=forms.Textarea(attrs={"rows": 18}),
    )  # fmt: skip
    summary = LongText(
        label="What changes", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two plain sentences; subscribers are sent them.",
    )  # fmt: skip
    reason = LongText(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Public."
    )
    legal_basis = forms.CharField(
        max_length=200, help_text="Public. The clause, statute or policy that this amendment rests on."
    )
    effective_on = DayField(
        label="In force from", required=False, help_text="Today at the earliest. Empty: today."
    )


class ExtendForm(ReadForm):
    due_on = DayField(label="New last day", help_text="Ends at 11:59:59 p.m. Washington time.")
    summary = LongText(
        label="What changes", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    reason = LongText(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Public."
    )
    legal_basis = forms.CharField(
        max_length=200, help_text="The order knows no extension (s.3(c)). Name what this one rests on."
    )
    understood = forms.BooleanField(
        label="I have read that the order requires proposals no later than 90 days after issue, s.3(c)"
    )


class OutageForm(forms.Form):
    """What the Program office enters into the public outage log."""

    began_at = MomentField(label="When it began", help_text="Washington time.")
    ended_at = MomentField(
        label="When it ended", required=False, help_text="Washington time. Leave empty while it goes on."
    )
    affected = LongText(
        label="What was affected", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Public. For example: nobody could sign in; files could not be uploaded.",
    )  # fmt: skip
    source = forms.ChoiceField(label="How it is known", choices=OutageSource)
    evidence = LongText(
        label="Where it is recorded", max_length=1000, required=False,
        widget=forms.Textarea(attrs={"rows": 2}), help_text="Such as a ticket number. Not public.",
    )  # fmt: skip

    field_order = ("began_at", "began_at_hour", "ended_at", "ended_at_hour")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Of the hour that comes twice it is asked which is meant, but not of a time that was taken over."""
        super().__init__(*args, **kwargs)
        for name in ("began_at", "ended_at"):
            field: Any = self.fields[name]
            known = self.initial.get(name)
            taken = known.astimezone(WASHINGTON) if known else None
            if taken and comes_twice(taken):
                field.help_text = f"{field.help_text} It came twice. Taken over: {WHICH[taken.fold]}."
            local = local_time(self.data.get(name, ""))
            if local is None or local.tzinfo or not comes_twice(local):
                continue
            said = self.data.get(f"{name}_hour", "")
            if not said and taken and to_the_minute(taken) == to_the_minute(local):
                field.fold = taken.fold
                continue
            field.fold = int(said) if said in HOURS else None
            label = f"Which of the two: {str(field.label).lower()}"
            choices = [("", "Choose one"), *HOURS.items()]
            self.fields[f"{name}_hour"] = forms.ChoiceField(label=label, choices=choices)
        self.order_fields(self.field_order)


def to_the_minute(moment: datetime) -> datetime:
    """A time as clocks on a wall show it."""
    return moment.replace(second=0, microsecond=0, tzinfo=None, fold=0)


WHICH: Final = ("the first, before clocks went back (UTC-04)", "the second, after clocks went back (UTC-05)")
HOURS: Final = {str(fold): words[0].upper() + words[1:] for fold, words in enumerate(WHICH)}


class CorrectOutageForm(OutageForm):
    why_corrected = LongText(
        label="Why the entry is corrected", max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    is_withdrawn = forms.BooleanField(
        label="There was no such outage: take the entry off the public pages", required=False
    )


class DismissSilenceForm(forms.Form):
    reason = LongText(
        label="Why it was no outage", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the record. The span can be logged after all.",
    )  # fmt: skip


class ClosureForm(ShownFirst):
    """A day on which federal offices are closed; its effect is shown first."""

    day = DayField(label="Day")
    authority = forms.CharField(
        max_length=300, help_text="What closed the offices, such as an executive order or a lapse in funds."
    )
    source = LongText(
        label="Source", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Where the authority can be read.",
    )  # fmt: skip
    counts_as_holiday = forms.BooleanField(
        label="Count it as a holiday: it is no federal business day, and deadlines move off it",
        required=False,
        help_text="A closure is not a holiday by statute; you decide.",
    )
    standing: Closure | None = None
    field_order = ("day", "authority", "source", "counts_as_holiday", "why_corrected", "is_withdrawn", "seen")

    def clean_day(self) -> date:
        """Refuse a day of which the register has an entry, ``standing``, before anything is shown for it."""
        day: date = self.cleaned_data["day"]
        self.standing = Closure.objects.filter(day=day, replaced_by=None).first()
        if self.standing:
            raise ValidationError(in_register(day))
        return day

    @property
    def counts(self) -> bool:
        """Whether the day counts as a holiday once this is saved."""
        return self.cleaned_data["counts_as_holiday"] and not self.cleaned_data.get("is_withdrawn", False)

    def entry(self, day: date) -> str:
        """What would be entered for ``day``."""
        return f"{day.isoformat()} {'counted' if self.counts else 'not counted'}"


class CorrectClosureForm(ClosureForm):
    why_corrected = LongText(
        label="Why the entry is corrected", max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    is_withdrawn = forms.BooleanField(label="Offices were not closed on this day", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["day"]


class CancelForm(forms.Form):
    reason = LongText(
        label="Why the call is cancelled", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Public, and sent to all who follow the call.",
    )  # fmt: skip


class ReopenForm(forms.Form):
    note = LongText(
        label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Sent to those who wrote the draft.",
    )  # fmt: skip


class SendBackForm(ReopenForm):
    """The same from a second officer who does not approve."""


class DiscardForm(ReadForm):
    reason = LongText(
        label="Why the draft is given up", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept on the record, and sent to the others who wrote it.",
    )  # fmt: skip


class QuestionForm(forms.ModelForm):
    class Meta:
        model = Question
        fields = ("text", "is_confidential")

    text = LongText(
        label="Your question", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The Program office may reword it before it is published. Your name is not published.",
    )  # fmt: skip


class PlaceForm(forms.Form):
    """Under which heading a question stands, and which part of its call it is about."""

    topic = forms.CharField(
        label="Heading", required=False, max_length=80, widget=forms.TextInput(attrs={"list": "topics"}),
        help_text="Answers with one heading stand together. Empty: among the general ones.",
    )  # fmt: skip
    about = forms.ChoiceField(label="About", required=False)

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        place = question.requirement_code and f"{ONE_REQUIREMENT}{question.requirement_code}"
        initial = {"topic": question.topic, "about": place or question.about}
        super().__init__(*args, **{**kwargs, "initial": initial | kwargs.get("initial", {})})
        codes = dict(question.call.requirements.order_by("pk").values_list("code", "title"))
        self.fields["about"].choices = [  # type: ignore[attr-defined]
            ("", "No part of it alone"),
            ("Parts of the call", PartOfCall.choices),
            ("Requirements", [(f"{ONE_REQUIREMENT}{code}", title) for code, title in codes.items()]),
        ]

    @property
    def place(self) -> dict[str, str]:
        """What was chosen, as the service takes it."""
        about = self.cleaned_data["about"]
        is_requirement = about.startswith(ONE_REQUIREMENT)
        return {
            "topic": self.cleaned_data["topic"],
            "about": "" if is_requirement else about,
            "requirement_code": about.removeprefix(ONE_REQUIREMENT) if is_requirement else "",
        }


ONE_REQUIREMENT: Final = "requirement:"


class GroupForm(PlaceForm, ReadForm):
    """The place of a question that was asked or answered."""


class AnswerForm(PlaceForm):
    published_text = LongText(
        label="Question as published", required=False, max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Take out what could tell who asked. Empty: as it was asked.",
    )  # fmt: skip
    answer = LongText(max_length=10_000, widget=forms.Textarea(attrs={"rows": 6}))
    is_confidential = forms.BooleanField(
        label="Answer privately: publish nothing", required=False,
    )  # fmt: skip
    texts = ("answer", "published_text", "is_confidential")


class AnswerUnderForm(forms.Form):
    """Names the published answer that answers another question, too."""

    number = forms.TypedChoiceField(label="Published answer", coerce=int)

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        published = question.call.questions.public().order_by("number")
        self.fields["number"].choices = [("", "Choose an answer")] + [  # type: ignore[attr-defined]
            (number, f"No. {number}: {Truncator(text).chars(90)}")
            for number, text in published.values_list("number", "published_text")
        ]


class CorrectionForm(ReadForm):
    published_text = LongText(
        label="Question as published", required=False, max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    answer = LongText(max_length=10_000, widget=forms.Textarea(attrs={"rows": 8}))
    reason = LongText(
        label="Why it is corrected", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stands beside the answer.",
    )  # fmt: skip


class PersonForm(forms.Form):
    """Names a person by the address they sign in with."""

    person: User

    def clean_email(self) -> str:
        address = str(self.cleaned_data["email"]).strip().lower()
        found = User.objects.filter(email=address, is_active=True, is_service=False).first()
        if found is None:
            raise ValidationError("Nobody signs in with this address. Ask the person to sign up first.")
        self.person = found
        return address


class AppointForm(PersonForm):
    """Give a person an office; who it is, is told by the address they sign in with."""

    email = forms.EmailField(
        label="E-mail address", help_text="The person signs up first; the office follows."
    )
    agency = forms.ModelChoiceField(Agency.objects.all(), empty_label="Choose an agency")
    role = forms.ChoiceField(
        choices=[choice for choice in OfficeRole.choices if choice[0] != OfficeRole.CLOCK]
    )
    basis = forms.CharField(
        max_length=300, label="Act of appointment", help_text="Such as a memorandum with its date."
    )


class DeclineForm(forms.Form):
    """Why an appointment is declined, or taken back."""

    reason = LongText(
        label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Sent to the other program officers.",
    )  # fmt: skip


class EndOfficeForm(forms.Form):
    """Why an office ends."""

    reason = LongText(
        label="Why it ends", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as a memorandum with its date. It stands on the record and is sent to the other "
        "program officers.",
    )  # fmt: skip


class DelegateForm(PersonForm):
    """Let another person sign in one's stead, for a time."""

    email = forms.EmailField(label="E-mail address of the delegate")
    agency = forms.ModelChoiceField(Agency.objects.none(), empty_label="Choose an agency")
    act = forms.ChoiceField(choices=Delegation._meta.get_field("act").flatchoices)
    authority = forms.CharField(max_length=300, help_text="The instrument that delegates, with its date.")
    effective_from = DayField(label="From")
    effective_to = DayField(label="Until, not included")

    def __init__(self, *args: Any, agencies: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = agencies  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        first, last = values.get("effective_from"), values.get("effective_to")
        if first and last and last <= first:
            self.add_error("effective_to", "The delegation must end after it begins.")
        return values


class OrganizationForm(forms.ModelForm):
    """The facts of a legal entity, as every package with it shows them."""

    class Meta:
        model = Organization
        fields = (
            "legal_name", "aliases", "uei", "cage", "incorporated_in", "headquartered_in", "ultimate_parent",
            "parent_country", "is_small_business",
        )  # fmt: skip
        widgets = {
            "aliases": forms.Textarea({"rows": 3}),
            "uei": forms.TextInput({"data-size": "small", "autocomplete": "off", "spellcheck": "false"}),
            "cage": forms.TextInput({"data-size": "small", "autocomplete": "off", "spellcheck": "false"}),
            "incorporated_in": forms.Select({"data-combo-box": True}),
            "headquartered_in": forms.Select({"data-combo-box": True}),
            "parent_country": forms.Select({"data-combo-box": True}),
        }
        help_texts = {
            "uei": "From SAM.gov, 12 letters and digits. Leave empty if it has none.",
            "cage": "Five letters and digits. Leave empty if it has none.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("incorporated_in", "headquartered_in", "parent_country"):
            self.fields[name].empty_label = "Choose a country"  # type: ignore[attr-defined]

    def clean_uei(self) -> str:
        return str(self.cleaned_data["uei"]).strip().upper()

    def clean_cage(self) -> str:
        return str(self.cleaned_data["cage"]).strip().upper()

    def clean_legal_name(self) -> str:
        return refuse_unprintable(self.cleaned_data["legal_name"])

    def clean_aliases(self) -> str:
        return refuse_unprintable(self.cleaned_data["aliases"])

    def clean_ultimate_parent(self) -> str:
        return refuse_unprintable(self.cleaned_data["ultimate_parent"])


def refuse_unprintable(text: str) -> str:
    """``text`` with one spelling of line ends; raises ValidationError for control characters."""
    if any((ord(sign) < 32 and sign not in "\t\r\n") or 127 <= ord(sign) < 160 for sign in text):
        raise ValidationError("Remove the control characters from this text.", code="unprintable")
    return text.replace("\r\n", "\n")


class MailPreferenceForm(forms.Form):
    choice = forms.ChoiceField(
        label="How are you mailed?", choices=MailChoice.choices, widget=forms.RadioSelect
    )


class SubscribeForm(forms.Form):
    """An address that wants to hear of one call, or of every call."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput({"autocomplete": "email"})
    )
    call = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    @property
    def call_asked(self) -> Call | None:
        """The public call that is meant, None for every call."""
        if self.is_bound:
            return self.cleaned_data.get("call")
        return self.call_numbered(self.initial.get("call", ""))

    @staticmethod
    def call_numbered(number: str) -> Call | None:
        calls = Call.objects.public().exclude(status=CallStatus.CANCELLED)
        return calls.filter(number=number[:20]).first() if number else None

    def clean_call(self) -> Call | None:
        call = self.call_numbered(self.cleaned_data["call"])
        if self.cleaned_data["call"] and call is None:
            raise ValidationError("There is no such call to follow. Choose one on the page of calls.")
        return call


class SuppressionForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254)
    note = forms.CharField(label="Why", max_length=300, required=False, help_text="It stands on the record.")


class AddressFileForm(forms.Form):
    file = forms.FileField(
        label="File of addresses",
        help_text="Text or CSV, UTF-8: one address in each row, in a second column why. At most 2,000 rows.",
    )
