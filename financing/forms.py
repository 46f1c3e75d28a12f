"""What the EDAG and the agencies type; saving an act asks its service, which has the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from financing.enums import AgendaDecision, CountryStanding, ReferralStatus
from financing.models import (
    Action,
    AgendaItem,
    Commitment,
    MarketBarrier,
    Meeting,
    Partnership,
    Tool,
    ToolReferral,
    Workstream,
)
from program import clock
from program.enums import OfficeRole
from program.models import Agency, Office, User
from proposals.models.fields import plain_text

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from proposals.package import TargetMarket

TEXT_LIMIT = 5000


def text_input(rows: int = 4) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": TEXT_LIMIT})


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def people_in(*roles: str) -> QuerySet[User]:
    """People who hold one of these offices today."""
    offices = Office.objects.in_force(on=clock.today()).filter(role__in=roles)
    return User.objects.filter(pk__in=offices.values("user")).order_by("name")


class StageForm(forms.Form):
    """Which referrals the board shows."""

    stage = forms.ChoiceField(choices=[("", "All stages"), *ReferralStatus.choices], required=False)
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        required=False,
        to_field_name="code",
        empty_label="All agencies",
        label="Tool holder",
    )
    after = forms.IntegerField(min_value=0, max_value=2**63 - 1, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holders = Agency.objects.filter(pk__in=Tool.objects.values("agency"))
        self.fields["agency"].queryset = holders  # type: ignore[attr-defined]


class ReferralForm(forms.ModelForm):
    """A tool for one target market of the designated version; the agency follows from the tool."""

    market = forms.ChoiceField(
        label="Target market", help_text="As the designated package names it, s.3(b)(ii)."
    )

    class Meta:
        model = ToolReferral
        fields = ("tool", "market", "purpose", "amount_usd", "amount_is_tbd", "lead_officer")
        widgets = {"purpose": text_input()}
        help_texts = {
            "tool": "It goes to the agency that holds its authority.",
            "purpose": "What the support is for, in two or three sentences.",
            "amount_usd": "Leave empty when it is to be determined, and say so below.",
            "lead_officer": "An EDAG officer of the agency that holds the tool.",
        }

    def __init__(self, *args: Any, markets: tuple[TargetMarket, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [market.name for market in markets if market.name]
        self.fields["market"].choices = [("", "Choose a market"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.fields["tool"].queryset = Tool.objects.select_related("agency")  # type: ignore[attr-defined]
        self.fields["tool"].empty_label = "Choose a tool"  # type: ignore[attr-defined]
        officers = Office.objects.in_force(on=clock.today()).filter(role=OfficeRole.EDAG_OFFICER)
        rows = officers.select_related("user", "agency").order_by("agency__sort_order", "user__name")
        choices = [(row.user_id, f"{row.agency}: {row.user}") for row in rows]
        self.fields["lead_officer"].queryset = User.objects.filter(pk__in=[pk for pk, _ in choices])  # type: ignore[attr-defined]
        self.fields["lead_officer"].choices = [("", "Choose an officer"), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if (values.get("amount_usd") is None) != bool(values.get("amount_is_tbd")) and "amount_usd" in values:
            self.add_error("amount_usd", "Give an amount, or say that it is to be determined; not both.")
        return values


class NoteForm(forms.Form):
    """A note that goes into the record."""

    note = forms.CharField(
        required=False,
        widget=text_input(2),
        max_length=TEXT_LIMIT,
        validators=[plain_text],
        help_text="Kept in the record.",
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        widget=text_input(3),
        max_length=TEXT_LIMIT,
        validators=[plain_text],
        help_text="Two or three sentences that the record keeps.",
    )


class DeclineForm(ReasonForm):
    """The reason is also told to the anchor's team."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Two or three sentences. The consortium reads them."


class CommitmentForm(forms.ModelForm):
    """What the agency committed, with the instrument that shows it."""

    class Meta:
        model = Commitment
        fields = (
            "amount_usd",
            "term_months",
            "committed_on",
            "instrument_reference",
            "conditions",
            "is_subject_to_appropriations",
        )
        widgets = {
            "committed_on": day_input(),
            "conditions": text_input(3),
            "term_months": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "months"}),
        }


class ClassForm(forms.Form):
    """The class of a country from today on, with its source."""

    standing = forms.ChoiceField(label="Class", choices=CountryStanding.choices)
    source = forms.CharField(max_length=500, validators=[plain_text], help_text="The document that says so.")


class MeetingForm(forms.ModelForm):
    class Meta:
        model = Meeting
        fields = ("title", "starts_at", "place", "chair")
        widgets = {
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        }
        help_texts = {"starts_at": "Eastern Time.", "chair": "Chairs the EDAG for State, s.4(a)."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chair"].queryset = people_in(OfficeRole.EDAG_CHAIR)  # type: ignore[attr-defined]


class AgendaForm(forms.ModelForm):
    class Meta:
        model = AgendaItem
        fields = ("title", "referral")
        labels = {"referral": "Proposed referral to decide"}
        help_texts = {"referral": "Leave empty for an item that decides no referral."}

    def __init__(self, *args: Any, referrals: QuerySet[ToolReferral], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["referral"].queryset = referrals.select_related("tool")  # type: ignore[attr-defined]
        self.fields["referral"].empty_label = "None"  # type: ignore[attr-defined]


class HoldForm(forms.Form):
    attendance = forms.CharField(
        label="Who was there",
        required=False,
        widget=text_input(3),
        max_length=TEXT_LIMIT,
        validators=[plain_text],
        help_text="Agencies and people, one a line.",
    )


class DecisionForm(forms.Form):
    """What the meeting decided on an item."""

    decision = forms.ChoiceField(choices=[("", "Choose a decision"), *AgendaDecision.choices])
    text = forms.CharField(
        label="The decision in words", widget=text_input(3), max_length=TEXT_LIMIT, validators=[plain_text]
    )

    def __init__(self, *args: Any, is_about_referral: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_about_referral:
            kept = (AgendaDecision.DEFER, AgendaDecision.NOTE)
            self.fields["decision"].choices = [  # type: ignore[attr-defined]
                ("", "Choose a decision"),
                *((value, value.label) for value in kept),
            ]


class ActionForm(forms.ModelForm):
    class Meta:
        model = Action
        fields = ("text", "owner", "due_on")
        widgets = {"due_on": day_input(), "text": text_input(2)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people_in(OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)  # type: ignore[attr-defined]


class OutcomeForm(forms.Form):
    outcome = forms.CharField(
        label="What came of it", widget=text_input(2), max_length=TEXT_LIMIT, validators=[plain_text]
    )


class WorkstreamForm(forms.ModelForm):
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    class Meta:
        model = Workstream
        fields = ("lead", "lead_officer", "status_text")
        widgets = {"status_text": text_input(6)}
        help_texts = {
            "status_text": "Plain sentences; say what was done since the last text and what comes next."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lead_officer"].queryset = people_in(OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)  # type: ignore[attr-defined]


class PartnershipForm(forms.ModelForm):
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, required=False)

    class Meta:
        model = Partnership
        fields = ("name", "workstream", "status", "summary", "countries")
        widgets = {"summary": text_input()}
        help_texts = {"countries": "Hold Ctrl or Command to choose several."}


class BarrierForm(forms.ModelForm):
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, required=False)

    class Meta:
        model = MarketBarrier
        fields = ("country", "title", "description", "effect", "status", "source")
        widgets = {
            "description": text_input(),
            "source": text_input(2),
            "country": forms.Select(attrs={"data-combo-box": True}),
        }
