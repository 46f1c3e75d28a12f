"""What the EDAG and the agencies type; saving an act asks its service, which has the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from financing.checks import Terms
from financing.enums import LONGEST_TEXT, AgendaDecision, CountryStanding, MemberRole, ReferralStatus
from financing.models import (
    Action,
    AgendaItem,
    Commitment,
    EdagMember,
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
from program.texts import LongText
from proposals.models.fields import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from django.db.models import QuerySet

    from proposals.package import TargetMarket


def text_input(rows: int = 4) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": LONGEST_TEXT})


def working_agencies() -> QuerySet:
    """Keys of the agencies whose place in the EDAG is in force, but for observers."""
    places = EdagMember.objects.in_force(clock.today()).exclude(role=MemberRole.OBSERVER)
    return places.values("agency")


def people_in(*roles: str) -> QuerySet[User]:
    """People who hold one of these offices today, for an agency that works in the EDAG."""
    offices = Office.objects.in_force(on=clock.today()).filter(role__in=roles, agency__in=working_agencies())
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


def officers_in_office(today: date | None = None) -> QuerySet[Office]:
    """Offices of the EDAG's officers today: who leads a referral for the agency that holds the tool."""
    return Office.objects.in_force(on=today or clock.today()).filter(role=OfficeRole.EDAG_OFFICER)


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
        officers = officers_in_office().select_related("user", "agency")
        rows = officers.order_by("agency__sort_order", "user__name")
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

    note = LongText(
        required=False,
        widget=text_input(2),
        max_length=LONGEST_TEXT,
        validators=[plain_text],
        help_text="Kept in the record.",
    )


class ReasonForm(forms.Form):
    reason = LongText(
        widget=text_input(3),
        max_length=LONGEST_TEXT,
        validators=[plain_text],
        help_text="Two or three sentences that the record keeps.",
    )


class DeclineForm(ReasonForm):
    """The reason is also told to the anchor's team."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Two or three sentences. The consortium reads them."


class CommitmentForm(forms.ModelForm):
    """What the agency committed, with the instrument that shows it.

    The last two fields stand on the page only once something unusual was found in what was sent.
    """

    asked_when_unusual: ClassVar[tuple[str, ...]] = ("is_confirmed", "reason")
    is_confirmed = forms.BooleanField(
        label="This is unusual, and it is right", required=False, help_text="The record will say so."
    )
    reason = LongText(
        label="Why it is right",
        required=False,
        widget=text_input(2),
        max_length=LONGEST_TEXT,
        validators=[plain_text],
        help_text="One or two sentences that the record keeps. The consortium does not read them.",
    )

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
            "conditions": text_input(3),
            "term_months": forms.NumberInput(attrs={"data-size": "small", "data-suffix": "months"}),
        }
        help_texts = {
            "amount_usd": "What the instrument commits, in U.S. dollars.",
            "term_months": "Leave empty when the instrument has none.",
            "committed_on": "The day of the instrument, not before the tool was referred.",
            "conditions": "Conditions of the instrument. The consortium reads them.",
        }

    def __init__(self, *args: Any, referral: ToolReferral, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.referral = referral
        if not self.is_bound:
            self.leave_out_confirmation()

    def clean(self) -> dict[str, Any]:
        """Say at once what cannot be and what is unusual, beside its field; the service asks the same."""
        values = super().clean() or {}
        terms = Terms(
            amount_usd=values.get("amount_usd"),
            committed_on=values.get("committed_on"),
            instrument_reference=values.get("instrument_reference", ""),
            term_months=values.get("term_months"),
        )
        unusual = list(terms.unusual_for(self.referral))
        if not unusual:
            self.leave_out_confirmation()
        confirmed = values.get("is_confirmed")
        for problem in [*terms.impossible_for(self.referral), *([] if confirmed else unusual)]:
            if problem.field not in self.errors:
                self.add_error(problem.field, problem.message)
        if unusual and not confirmed:
            self.add_error("is_confirmed", "If this is right, confirm that it is unusual and say why.")
        if unusual and "reason" not in self.errors and not values.get("reason", "").strip():
            self.add_error("reason", "Say why this is right.")
        return values

    def leave_out_confirmation(self) -> None:
        for name in self.asked_when_unusual:
            self.fields.pop(name, None)


class SupersedeForm(CommitmentForm):
    """Another commitment in the place of the one that is read; the reason is always asked for."""

    asked_when_unusual = ("is_confirmed",)
    replaces = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = "Why another takes its place"
        self.fields["reason"].required = True


class ClassForm(forms.Form):
    """The class of a country from today on, with its source."""

    standing = forms.ChoiceField(label="Class", choices=CountryStanding.choices)
    source = forms.CharField(max_length=500, validators=[plain_text], help_text="The document that says so.")


class MeetingForm(forms.ModelForm):
    class Meta:
        model = Meeting
        fields = ("title", "starts_at", "place", "chair")
        help_texts = {"starts_at": "Washington time.", "chair": "Chairs the EDAG for State, s.4(a)."}

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
        self.fields["referral"].empty_label = "No referral"  # type: ignore[attr-defined]


class HoldForm(forms.Form):
    attendance = LongText(
        label="Who was there",
        required=False,
        widget=text_input(3),
        max_length=LONGEST_TEXT,
        validators=[plain_text],
        help_text="Agencies and people, one a line.",
    )


class DecisionForm(forms.Form):
    """What the meeting decided on an item."""

    decision = forms.ChoiceField(choices=[("", "Choose a decision"), *AgendaDecision.choices])
    text = LongText(
        label="The decision in words", widget=text_input(3), max_length=LONGEST_TEXT, validators=[plain_text]
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
        widgets = {"text": text_input(2)}

    def __init__(self, *args: Any, owners: Iterable[User], **kwargs: Any) -> None:
        """``owners`` may get the action; read once for all forms of a page."""
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a person"), *((person.pk, str(person)) for person in owners)]
        self.fields["owner"].queryset = User.objects.filter(pk__in=[key for key, _ in choices[1:]])  # type: ignore[attr-defined]
        self.fields["owner"].choices = choices  # type: ignore[attr-defined]


class OutcomeForm(forms.Form):
    outcome = LongText(
        label="What came of it", widget=text_input(2), max_length=LONGEST_TEXT, validators=[plain_text]
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
        help_texts = {
            "status": "How far it has come.",
            "summary": "What it is about and with whom, in two or three sentences.",
            "countries": "Hold Ctrl or Command to choose several. It shows on the page of each.",
        }


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
        help_texts = {
            "title": "What it is, in a few words.",
            "description": "What it asks, whom it touches, since when.",
            "source": "The document or the person that says so, with its date.",
        }
