"""What officers type about the duties of the orders and about agency actions under review."""

from __future__ import annotations

from typing import Any

from django import forms

from program.enums import Measure
from program.intake.refusals import ALLOWED
from program.models import ActionStep, AgencyAction, Duty, InterimExemption
from program.models.directives import LONGEST_EVIDENCE
from program.texts import LongText


class WebAddress(forms.URLField):
    """An address of the web; where no scheme is typed, it is https."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"assume_scheme": "https", **options})


class ReadForm(forms.ModelForm):
    """A form that says which revision of its record it read; the service has the last word on the rest."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, revision: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("revision", revision)

    @property
    def values(self) -> dict[str, Any]:
        """What was typed into the columns of the record."""
        return {name: self.cleaned_data[name] for name in self._meta.fields or () if name in self.fields}

    def _post_clean(self) -> None:
        """The service asks the model, on the row that it has locked."""


def evidence_upload() -> forms.FileField:
    return forms.FileField(
        required=False,
        label="File of evidence",
        help_text=f"{ALLOWED}. The public can open it. It replaces the file on record.",
    )


class DutyForm(ReadForm):
    """What officers keep of a duty of an order."""

    upload = evidence_upload()
    remove_file = forms.BooleanField(required=False, label="Take the file off the register")
    reason = LongText(
        label="Why this changes", max_length=LONGEST_EVIDENCE, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two sentences that the record keeps; the public does not read them.",
    )  # fmt: skip

    class Meta:
        model = Duty
        fields = ("state", "fulfilled_on", "responsible", "consulted", "evidence", "evidence_url")
        widgets = {"evidence": forms.Textarea(attrs={"rows": 4})}
        labels = {"fulfilled_on": "Fulfilled on"}
        help_texts = {
            "state": "A duty is fulfilled once something shows it.",
            "fulfilled_on": "For a fulfilled duty; empty where the day is not known.",
            "evidence": "What shows where the duty stands. The public reads it.",
        }
        field_classes = {"evidence_url": WebAddress}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, revision=kwargs["instance"].revision, **kwargs)
        if not self.instance.evidence_file_id:
            del self.fields["remove_file"]


class ActionForm(forms.ModelForm):
    """An action taken under the revoked E.O. 14110, as it is entered for review."""

    class Meta:
        model = AgencyAction
        fields = ("agency", "title", "citation", "url", "taken_on", "effect")
        widgets = {"effect": forms.Textarea(attrs={"rows": 4})}
        labels = {"taken_on": "Taken on"}
        field_classes = {"url": WebAddress}

    def _post_clean(self) -> None:
        """The service asks the model."""


class ChangeActionForm(ReadForm):
    """Corrected facts of an action, with the reason."""

    reason = LongText(
        label="Why this changes", max_length=LONGEST_EVIDENCE, widget=forms.Textarea(attrs={"rows": 2})
    )

    class Meta(ActionForm.Meta):
        pass

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, revision=kwargs["instance"].revision, **kwargs)


class StepForm(ReadForm):
    """A decision of the review: who decided what, when, why, on which evidence."""

    upload = evidence_upload()

    class Meta:
        model = ActionStep
        fields = ("measure", "decided_by", "decided_on", "reason", "evidence", "evidence_url")
        widgets = {
            "reason": forms.Textarea(attrs={"rows": 3}),
            "evidence": forms.Textarea(attrs={"rows": 3}),
        }
        field_classes = {"evidence_url": WebAddress}

    def __init__(self, *args: Any, with_measure: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "upload"
        ].help_text = f"{ALLOWED}. The public can open it. Words, a link or a file is needed."
        if with_measure:
            choices = [("", "Choose one"), *Measure.choices]
            self.fields["measure"] = forms.ChoiceField(label="What is changed", choices=choices)
            self.order_fields(["measure"])
        else:
            del self.fields["measure"]

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if name != "measure"}


class ExemptionForm(ReadForm):
    """An exemption in the meantime."""

    class Meta:
        model = InterimExemption
        fields = ("text", "basis", "granted_by", "granted_on", "until")
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}


class EndExemptionForm(forms.Form):
    reason = LongText(
        label="Why it ends", max_length=LONGEST_EVIDENCE, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The public reads it.",
    )  # fmt: skip
