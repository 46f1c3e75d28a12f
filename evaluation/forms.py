"""What people type at the desk and in answer to it; the services decide what is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4, uuid5

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from evaluation.discussing import say_gone
from evaluation.enums import (
    LONGEST_COMMENT,
    LONGEST_PAUSE_NOTE,
    LONGEST_PLACE,
    LONGEST_SUMMARY,
    LONGEST_TEXT,
    RECUSING,
    ConflictAbout,
    ConflictBasis,
    EscalationLevel,
    EscalationOutcome,
    InterestKind,
    Outcome,
    PauseReason,
    Recommendation,
    Stance,
)
from evaluation.models import (
    AnswerDraft,
    CatalogRelease,
    Condition,
    ConditionChange,
    DesignationAmendment,
    Determination,
    Finding,
    InformationRequest,
    Interest,
    Referral,
    Review,
    ReviewerProfile,
    Score,
)
from evaluation.models.reviewers import EXPERTISE, MOST_AT_ONCE, MOST_NEEDED
from program.days import DayField
from program.deadlines import Period, Unit
from program.enums import StackLayer
from program.forms import ShownFirst
from program.models import Agency, User
from program.texts import LongText
from proposals.enums import Part, Sector
from proposals.models.fields import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from evaluation.discussing import Room, Subject
    from program.models import Criterion


def text(rows: int = 4, limit: int = LONGEST_TEXT) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": limit})


class ReasonForm(forms.Form):
    """An act that needs its reason in words."""

    reason = LongText(widget=text(3), required=False, label="Reason")

    def __init__(self, *args: Any, label: str = "Reason", hint: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = label
        self.fields["reason"].help_text = hint


class ExtensionForm(ShownFirst):
    """A later last day for one proposal alone, s.3(c); ``coming`` is the bound that would stand."""

    coming: datetime | None = None

    due_on = DayField(label="New last day", help_text="Ends at 11:59:59 p.m. Washington time.")
    reason = LongText(
        label="Why",
        max_length=2000,
        widget=text(3, 2000),
        help_text="The consortium reads it.",
        validators=[plain_text],
    )
    legal_basis = forms.CharField(
        max_length=200,
        help_text="The order knows no extension (s.3(c)). Name what this one rests on.",
        validators=[plain_text],
    )
    understood = forms.BooleanField(
        label="I have read that the order requires proposals no later than 90 days after issue, s.3(c)"
    )


class DeclineTimeForm(forms.Form):
    answer = LongText(
        label="Why no more time is given", max_length=2000, widget=text(3, 2000),
        help_text="The consortium reads it.", validators=[plain_text],
    )  # fmt: skip


class ScreeningListForm(forms.Form):
    file = forms.FileField(
        label="Consolidated Screening List, CSV or JSON file",
        help_text="The file as published. Nothing changes if an entry cannot be read.",
    )
    name = forms.CharField(max_length=200, initial="Consolidated Screening List")
    file_date = DayField(label="Date of the file")
    accept_smaller = forms.BooleanField(
        required=False,
        label="The file is complete, although it is much shorter than the one before",
    )
    reason = forms.CharField(
        required=False,
        label="Why the day is corrected",
        help_text="Only if you import the list in force once more because it was given a wrong day.",
        max_length=LONGEST_TEXT,
    )


class OfficialField(forms.ModelChoiceField):
    """A person of the Government, with the agency for which they work."""

    def label_from_instance(self, person: Any) -> str:
        return f"{person}, {', '.join(person.agency_names)}"


class HintedField(OfficialField):
    """As ``OfficialField``, with what is hinted about a conflict of interest of the person."""

    hints: Mapping[Any, str] = {}

    def label_from_instance(self, person: Any) -> str:
        label = super().label_from_instance(person)
        return f"{label}. Hint: {self.hints[person.pk]}" if person.pk in self.hints else label


class AssignForm(forms.Form):
    agency = forms.ModelChoiceField(Agency.objects.none(), empty_label="Choose an agency")
    reviewer = OfficialField(
        User.objects.none(),
        empty_label="Choose a reviewer",
        widget=forms.Select(attrs={"data-combo-box": True}),
    )
    anyway = forms.BooleanField(required=False)

    def __init__(self, *args: Any, agencies: Any, reviewers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = agencies  # type: ignore[attr-defined]
        self.fields["reviewer"].queryset = reviewers  # type: ignore[attr-defined]
        if not self.is_bound:
            del self.fields["anyway"]

    @property
    def is_confirmed(self) -> bool:
        """Whether it was confirmed of this reviewer, and of no other, that they get one more."""
        return self.data.get(self.add_prefix("anyway")) == str(self.cleaned_data["reviewer"].pk)

    def ask_to_confirm(self, *, is_full: bool) -> None:
        """Offer to assign the chosen reviewer all the same, or offer nothing of the kind."""
        self.data = {name: said for name, said in self.data.items() if name != self.add_prefix("anyway")}
        if not is_full:
            del self.fields["anyway"]
            return
        reviewer, box = self.cleaned_data["reviewer"], self["anyway"]
        box.label = f"Assign {reviewer} all the same"
        box.field.widget.attrs["value"] = str(reviewer.pk)


class RecuseForm(forms.Form):
    person = OfficialField(User.objects.none(), label="Who is recused", empty_label="Choose a person")
    reason = LongText(
        widget=text(2), required=False,
        help_text="You, the person and the ethics official of their agency read it. Describe no holding.",
    )  # fmt: skip
    replacement = OfficialField(
        User.objects.none(), required=False, label="Replaced by", empty_label="Nobody yet",
        help_text="A reviewer of the same agency.",
    )  # fmt: skip

    def __init__(self, *args: Any, people: Any, replacements: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]
        self.fields["replacement"].queryset = replacements  # type: ignore[attr-defined]


class InterestForm(forms.ModelForm):
    """One thing that a person in government declares about themself."""

    class Meta:
        model = Interest
        fields = ("kind", "whose", "name", "sector", "until")
        widgets = {"kind": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = InterestKind.choices  # type: ignore[attr-defined]
        self.fields["sector"].choices = [("", "No category"), *Sector.choices]  # type: ignore[attr-defined]


class ReviewerForm(forms.Form):
    """What an agency says of one of its reviewers; for what they go first says the Program office."""

    capacity = forms.IntegerField(
        required=False, min_value=0, max_value=MOST_AT_ONCE, label="Open reviews at once, at most",
        widget=forms.NumberInput(attrs={"data-size": "small"}),
    )  # fmt: skip
    layers = forms.MultipleChoiceField(
        choices=StackLayer, required=False, widget=forms.CheckboxSelectMultiple, label="Layers they know"
    )
    sectors = forms.MultipleChoiceField(
        choices=Sector, required=False, widget=forms.CheckboxSelectMultiple, label="Sectors they know"
    )
    named_for = forms.MultipleChoiceField(
        choices=list(EXPERTISE.items()), required=False, widget=forms.CheckboxSelectMultiple,
        label="They go first for",
        help_text="A standing rule: they are assigned when a proposal that has one of these is accepted, "
        "as far as the agency needs reviewers and nothing stands against it. A suggestion prefers them, too.",
    )  # fmt: skip
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, profile: ReviewerProfile, may_name: bool, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "capacity": profile.capacity,
            "layers": [code for code in profile.expertise if code in StackLayer],
            "sectors": [code for code in profile.expertise if code in Sector],
            "named_for": profile.named_for,
            "revision": profile.revision,
        }
        super().__init__(*args, **kwargs)
        everybody = settings.REVIEWER_CAPACITY
        self.fields["capacity"].help_text = f"Left empty, it is {everybody}, as for everybody."
        if not may_name:
            del self.fields["named_for"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["expertise"] = [*cleaned.pop("layers", []), *cleaned.pop("sectors", [])]
        return cleaned


class NeedForm(forms.Form):
    number = forms.IntegerField(min_value=0, max_value=MOST_NEEDED, label="Reviewers for each proposal")


class ConflictForm(forms.Form):
    """What a reviewer declares before the first reading; ``details`` are those that the service takes."""

    has_conflict = forms.ChoiceField(
        label="Does a conflict of interest stand against your review?",
        choices=[
            ("no", "No. I have none that I know of."),
            ("ask", "There may be one. The ethics official of my agency decides."),
            ("yes", "Yes. I recuse myself."),
        ],
        widget=forms.RadioSelect,
    )
    about = forms.ChoiceField(
        label="What it is about",
        choices=[("", "Choose, where the ethics official decides"), *ConflictAbout.choices[:2]],
        required=False,
    )
    text = LongText(
        widget=text(3), required=False, label="The conflict",
        help_text="Employment, holdings, family, earlier work for a member or its owners. Where the ethics "
        "official decides, only they read it.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("has_conflict") == "ask" and not values.get("about"):
            self.add_error("about", "Say what it is about.")
        return values

    def __init__(self, *args: Any, is_cleared: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_cleared:
            no, *others = self.fields["has_conflict"].choices  # type: ignore[attr-defined]
            cleared = ("cleared", "There is nothing but what the ethics official cleared me of.")
            self.fields["has_conflict"].choices = [no, cleared, *others]  # type: ignore[attr-defined]

    @property
    def details(self) -> dict[str, Any]:
        answer = self.cleaned_data["has_conflict"]
        return {
            "has_conflict": answer != "no",
            "is_cleared": answer == "cleared",
            "about": self.cleaned_data["about"] if answer == "ask" else "",
            "text": self.cleaned_data["text"],
        }


class OfficialConflictForm(ConflictForm):
    """The same of who acts on the proposal by office, for whom something may be hinted."""

    def __init__(self, *args: Any, is_hinted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_hinted = is_hinted
        answer, text = self.fields["has_conflict"], self.fields["text"]
        answer.label = "Does a conflict of interest stand against what you do on this proposal?"
        none = "No. What is shown above is none." if is_hinted else "No. I have none that I know of."
        answer.choices = [("no", none), *answer.choices[1:]]  # type: ignore[attr-defined]
        text.label = "In your words"
        text.help_text = (
            "Why what is shown above is no conflict, such as that it is another company; what the conflict "
            "may be; or why you recuse yourself. You and the ethics official of your agency read it. A "
            "reason to recuse yourself is kept with the recusal: describe no holding there."
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if self.is_hinted and values.get("has_conflict") == "no" and not values.get("text", "").strip():
            self.add_error("text", "Say why what is shown to you is no conflict of interest.")
        return values

    @property
    def details(self) -> dict[str, Any]:
        details = super().details
        del details["is_cleared"]
        return details


class AskEthicsForm(forms.Form):
    """Whom the ethics official of their agency is asked about."""

    person = OfficialField(User.objects.none(), label="About whom", empty_label="Choose a person")
    text = LongText(
        widget=text(2), required=False, label="Why",
        help_text="The person and the ethics official read it.",
    )  # fmt: skip

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]


class ClearForm(forms.Form):
    basis = forms.ChoiceField(
        label="Under which clause",
        choices=[
            ("", "Choose a clause"),
            *((one.value, one.label) for one in ConflictBasis if one not in RECUSING),
        ],
        help_text="5 CFR 2635.502(d) authorizes in spite of a relationship. What 18 U.S.C. 208 forbids "
        "cannot be authorized that way: it takes a waiver or an exemption under 208(b).",
    )  # fmt: skip
    reason = LongText(
        widget=text(3), required=False, label="Reason",
        help_text="The person and auditors read it. Name the waiver, if any; describe no holding.",
    )  # fmt: skip


class RecuseCaseForm(forms.Form):
    basis = forms.ChoiceField(
        label="Under which clause",
        choices=[("", "Choose a clause"), *((one.value, one.label) for one in RECUSING)],
    )
    reason = LongText(
        widget=text(3), required=False, label="Reason",
        help_text="The person and auditors read it. Describe no holding.",
    )  # fmt: skip
    replacement = HintedField(
        User.objects.none(), required=False, label="Replaced by", empty_label="Nobody yet",
        help_text="A reviewer of the same agency, where the person was assigned.",
    )  # fmt: skip

    def __init__(self, *args: Any, replacements: Any, hints: Mapping[Any, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["replacement"].hints = hints  # type: ignore[attr-defined]
        self.fields["replacement"].queryset = replacements  # type: ignore[attr-defined]


class ReviewForm(forms.ModelForm):
    """The overall part of a sheet; ``revision`` is the one that was read."""

    recommendation = forms.ChoiceField(
        choices=Recommendation, widget=forms.RadioSelect, required=False, label="Overall recommendation"
    )

    class Meta:
        model = Review
        fields = ("recommendation", "rationale", "private_notes")
        widgets = {"rationale": text(5), "private_notes": text(3)}


def words_at(value: int, anchors: Mapping[str, str]) -> str:
    """What a value of a scale means: its anchor, or between which two anchored values it lies."""
    if words := anchors.get(str(value)):
        return words
    lower = max((int(one) for one in anchors if int(one) < value), default=None)
    upper = min((int(one) for one in anchors if int(one) > value), default=None)
    return "" if lower is None or upper is None else f"between {lower} and {upper}"


class ScoreForm(forms.ModelForm):
    """One line of a sheet: a value on the criterion's scale or "not applicable"."""

    #: The value that was given beside "not applicable"
    taken_back: int | None = None

    value = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, widget=forms.RadioSelect, label="Score"
    )

    class Meta:
        model = Score
        fields = ("value", "not_applicable", "strengths", "weaknesses")
        widgets = {"strengths": text(2), "weaknesses": text(2)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        criterion: Criterion = self.instance.criterion
        self.fields["value"].choices = [  # type: ignore[attr-defined]
            (value, f"{value}: {words}" if (words := words_at(value, criterion.anchors)) else str(value))
            for value in range(criterion.lowest, criterion.highest + 1)
        ]
        self.fields["not_applicable"].label = "Not applicable to this package"

    def clean(self) -> dict[str, Any]:
        """Not applicable takes back a value that was chosen before; a radio button cannot be unticked."""
        cleaned = super().clean() or {}
        if cleaned.get("not_applicable"):
            self.taken_back, cleaned["value"] = cleaned.get("value"), None
        return cleaned

    @property
    def kept_in_words(self) -> str:
        """Which of two answers was kept, where a value and "not applicable" were given together."""
        if self.taken_back is None:
            return ""
        return (
            f"“{self.instance.criterion.title}” is kept as not applicable; the score {self.taken_back} is "
            "not. To give a score, take the tick from “Not applicable to this package”."
        )


#: What evaluation.carry does, in words
CARRIED = (
    "When a later version changes one of these, the position is asked for again. None ticked means all of "
    "them. A change to who takes part, the target markets or compliance is put to every agency, to confirm "
    "its position. An objection is asked for again after any change."
)


class PositionForm(forms.Form):
    stance = forms.ChoiceField(choices=Stance, widget=forms.RadioSelect, required=False, label="Position")
    rationale = LongText(widget=text(6), required=False, label="Reasons")
    conditions = LongText(
        widget=text(4), required=False, help_text="For support with conditions: each condition in words."
    )
    parts_commented = forms.MultipleChoiceField(
        choices=Part, required=False, widget=forms.CheckboxSelectMultiple,
        label="Parts that this position speaks of",
        help_text=CARRIED,
    )  # fmt: skip


class SentKey(forms.UUIDField):
    """The key of a form as it was shown; what is no key is a new one, so nobody is refused for it."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> UUID:  # type: ignore[override]
        try:
            return super().to_python(value) or uuid4()
        except ValidationError:
            return uuid4()


class SentOnce(forms.Form):
    """A form that does once what it says: ``sent_as`` is the same where the same words are sent again.

    Who goes back and sends other words does something else, and it is done.
    """

    sent_as = SentKey(required=False, initial=uuid4)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        said = [(name, self[name].data) for name in self.fields if name != "sent_as"]
        data["sent_as"] = uuid5(data["sent_as"], repr(said))
        return data


class DueForm(forms.Form):
    """A last day, named or counted from today; ``period`` of what was typed is None where a day is named."""

    may_name_no_day = False
    due_on = DayField(label="Last day", required=False, help_text="Or count the days below.")
    days = forms.IntegerField(
        label="Days from today", required=False, min_value=1, max_value=1000,
        widget=forms.NumberInput(attrs={"data-size": "small"}),
    )  # fmt: skip
    unit = forms.ChoiceField(
        label="Counted in",
        choices=[(Unit.CALENDAR, "Calendar days"), (Unit.BUSINESS, "Federal business days")],
        required=False,
        help_text="Federal holidays, and closures that count as holidays, are no business days. A last day "
        "on one of them moves to the next business day.",
    )
    include_start_day = forms.BooleanField(
        label="Today is day 1", required=False, help_text="Else today is day 0, as in 1 CFR 18.17(b)."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.has_error("due_on") or self.has_error("days"):
            return data
        named = bool(data.get("due_on")), bool(data.get("days"))
        if named == (False, False) and self.may_name_no_day:
            return data
        if named[0] == named[1]:
            message = "Name the last day or a number of days, not both." if data.get("days") else NO_DAY
            self.add_error("due_on", message)
        return data

    @property
    def period(self) -> Period | None:
        """The time limit that was typed as a number of days."""
        typed = self.cleaned_data
        if not typed.get("days"):
            return None
        unit = Unit(typed["unit"] or Unit.CALENDAR)
        return Period(typed["days"], unit=unit, include_start_day=typed["include_start_day"])

    @property
    def rest(self) -> dict[str, Any]:
        """What was typed beside the days that are counted."""
        counted = ("days", "unit", "include_start_day")
        return {name: value for name, value in self.cleaned_data.items() if name not in counted}


NO_DAY = "Name the last day, or say how many days from today."


class ReopenReferralForm(DueForm):
    reason = LongText(widget=text(2), required=False)


class EscalationForm(SentOnce, DueForm):
    """What is added to an escalation; a last day only where another one is set."""

    level = forms.ChoiceField(choices=EscalationLevel, widget=forms.RadioSelect)
    met_on = DayField(label="Day of the meeting", required=False)
    participants = LongText(widget=text(2), required=False, label="Who took part")
    minutes = LongText(widget=text(5), required=False)
    outcome = forms.ChoiceField(
        choices=[
            ("", "None yet"),
            *(one for one in EscalationOutcome.choices if one[0] != EscalationOutcome.WITHDRAWN),
        ],
        required=False,
        help_text="An outcome ends the escalation. That the agency objects no more is said by its position.",
    )  # fmt: skip
    field_order = (
        "level", "met_on", "participants", "minutes", "outcome", "due_on", "days", "unit",
        "include_start_day",
    )  # fmt: skip
    may_name_no_day = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_on"].label = "New last day"
        self.fields["due_on"].help_text = "Only where it changes. Or count the days below."


class WhoseClock(forms.ModelMultipleChoiceField):
    """Consultations, by the name of their agency."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, referral: Any) -> str:
        return f"{referral.agency}{' (paused)' if referral.paused_at else ''}"


class WhichQuestion(forms.ModelChoiceField):
    def label_from_instance(self, question: Any) -> str:
        return f"{question}, {question.agency}"


class PauseForm(forms.Form):
    """Whose clocks stand, and why; the service says what is missing."""

    referrals = WhoseClock(Referral.objects.none(), label="Whose clocks")
    reason = forms.ChoiceField(choices=PauseReason, widget=forms.RadioSelect)
    question = WhichQuestion(
        InformationRequest.objects.none(), label="The question that is waited for", required=False,
        empty_label="None", help_text="Where information was requested. The clocks go on by themselves once "
        "it is answered, withdrawn or overdue.",
    )  # fmt: skip
    note = LongText(
        widget=text(2, LONGEST_PAUSE_NOTE), required=False, help_text="Needed for the other reasons."
    )

    def __init__(self, *args: Any, referrals: Any, questions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "pause", **kwargs})
        self.fields["referrals"].queryset = referrals  # type: ignore[attr-defined]
        self.fields["question"].queryset = questions  # type: ignore[attr-defined]


class QuestionForm(SentOnce, DueForm):
    agency = forms.ModelChoiceField(
        Agency.objects.none(), label="In the name of", empty_label="Choose an agency"
    )
    question = LongText(widget=text(4), required=False)
    pauses = WhoseClock(
        Referral.objects.none(), label="Pause the clocks of", required=False,
        help_text="None unless ticked. They go on by themselves once it is answered, withdrawn or overdue.",
    )  # fmt: skip
    field_order = ("agency", "question", "due_on", "days", "unit", "include_start_day", "pauses")

    def __init__(self, *args: Any, agencies: Any, pausable: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = agencies  # type: ignore[attr-defined]
        if pausable is None:
            del self.fields["pauses"]
        else:
            self.fields["pauses"].queryset = pausable  # type: ignore[attr-defined]


class DeterminationForm(forms.ModelForm):
    outcome = forms.ChoiceField(choices=Outcome, widget=forms.RadioSelect, required=False)

    class Meta:
        model = Determination
        fields = ("outcome", "rationale", "letter_text", "expires_on", "defer_until")
        widgets = {"rationale": text(6), "letter_text": text(5)}


class FindingForm(forms.ModelForm):
    is_met = forms.TypedChoiceField(
        choices=[("", "No finding yet"), ("yes", "Met"), ("no", "Not met")],
        coerce=lambda word: word == "yes",
        empty_value=None,
        required=False,
        label="Finding",
    )

    class Meta:
        model = Finding
        fields = ("is_met", "text")
        widgets = {"text": text(2)}
        labels = {"text": "In words"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_met"] = {True: "yes", False: "no", None: ""}[self.instance.is_met]


class ConditionForm(DueForm, forms.ModelForm):
    field_order = ("text", "owner", "due_on", "days", "unit", "include_start_day", "evidence", "effect")

    class Meta:
        model = Condition
        fields = ("text", "owner", "due_on", "evidence", "effect")
        widgets = {"text": text(2), "evidence": text(2), "effect": text(2)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("text", "owner", "evidence", "effect"):
            self.fields[name].required = True  # what the signature demands is asked for when it is written


class AmendmentForm(forms.ModelForm):
    """What the amendment says beside its conditions; what can be removed is what is still designated."""

    removed_markets = forms.MultipleChoiceField(
        label="Target markets to remove", required=False, widget=forms.CheckboxSelectMultiple
    )
    removed_components = forms.MultipleChoiceField(
        label="Components to remove", required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = DesignationAmendment
        fields = ("effective_on", "clause", "reason", "changes_last_day", "expires_on")
        widgets = {"reason": text(5)}

    def __init__(self, *args: Any, terms: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        layers = {str(layer): layer.label for layer in StackLayer}
        choices = {
            "removed_markets": [(row["key"], row["name"] or row["key"]) for row in terms["markets"]],
            "removed_components": [
                (row["key"], f"{layers[row['layer']]}: {row['name'] or row['key']}")
                for row in sorted(terms["components"], key=lambda row: list(layers).index(row["layer"]))
            ],
        }
        for name, known in choices.items():
            self.fields[name].choices = known  # type: ignore[attr-defined]
            self.initial[name] = getattr(self.instance, name)


class ConditionChangeForm(DueForm, forms.ModelForm):
    """A condition as it will stand, whole; ``read`` is the revision that its page showed, 0 of none."""

    field_order = ConditionForm.field_order

    class Meta:
        model = ConditionChange
        fields = ConditionForm.Meta.fields
        widgets = ConditionForm.Meta.widgets

    def __init__(self, *args: Any, read: int = 0, sent_as: UUID | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read, self.sent_as = read, sent_as
        for name in ("text", "owner", "evidence", "effect"):
            self.fields[name].required = True


class CatalogEntryForm(forms.ModelForm):
    """What the anchor releases to the public; a text for each layer, blank where nothing is released."""

    contact_url = forms.URLField(label="Public web address", required=False, assume_scheme="https")

    class Meta:
        model = CatalogRelease
        fields = (
            "title",
            "summary",
            "shows_markets",
            "shows_sectors",
            "shows_consortium",
            "shows_members",
            "contact_name",
            "contact_email",
            "contact_url",
        )
        widgets = {"summary": text(5, LONGEST_SUMMARY)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        released = self.instance.layers
        for layer in StackLayer:
            self.fields[f"layer_{layer}"] = LongText(
                label=layer.label, required=False, widget=text(3, 2000), initial=released.get(layer, "")
            )
        order = ["title", "summary", *(f"layer_{layer}" for layer in StackLayer)]
        self.order_fields(order)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not (cleaned.get("contact_email") or cleaned.get("contact_url")):
            raise ValidationError("Give foreign buyers an e-mail address or a web address.")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the entry as the service takes them."""
        plain = {name: self.cleaned_data[name] for name in self.Meta.fields}
        layers = {
            str(layer): words
            for layer in StackLayer
            if (words := self.cleaned_data[f"layer_{layer}"].strip())
        }
        return {**plain, "layers": layers}


class AnswerDraftForm(forms.ModelForm):
    """The answer that the consortium's people write together."""

    class Meta:
        model = AnswerDraft
        fields = ("answer",)
        labels = {"answer": "The answer"}


class WeightsForm(forms.Form):
    """Weights to try, in percent; together they make 100."""

    def __init__(self, *args: Any, criteria: Iterable[Criterion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for criterion in criteria:
            self.fields[f"weight-{criterion.pk}"] = forms.IntegerField(
                label=criterion.title,
                help_text=f"Now {criterion.weight} percent.",
                initial=criterion.weight,
                min_value=0,
                max_value=100,
                error_messages={"required": f"Give a weight for {criterion.title}; 0 takes it out."},
            )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        whole = sum(value for value in found.values() if value is not None)
        if not self.errors and whole != 100:
            raise forms.ValidationError(f"The weights make {whole} percent together. Make them 100.")
        return found

    @property
    def weights(self) -> dict[int, int]:
        """Percent by the key of the criterion."""
        return {int(name.removeprefix("weight-")): value for name, value in self.cleaned_data.items()}


class EditCommentForm(forms.Form):
    """Another text for a comment; who reads it and what it is about stay."""

    text = LongText(label="Comment", required=False, widget=text(6, LONGEST_COMMENT))


class AddressedField(forms.MultipleChoiceField):
    """People to whom a comment is addressed; who takes part no more is refused by name, not by a key.

    A draft drops them without a word: what is typed is kept, and the page offers who can be named.
    """

    is_draft = False
    names_of: Callable[[list[str]], list[str]] = staticmethod(lambda keys: [])

    def to_python(self, value: Any) -> list[str]:
        chosen = super().to_python(value)
        return [key for key in chosen if self.valid_value(key)] if self.is_draft else chosen

    def validate(self, value: list[str]) -> None:
        if gone := [key for key in value if not self.valid_value(key)]:
            taken_out = "Who takes no part is not offered below: send it as it is now, or address it anew."
            raise ValidationError(f"{say_gone(self.names_of(gone))} {taken_out}", code="gone")
        super().validate(value)


class AnswerCommentForm(EditCommentForm):
    """What is said in the discussion, to whom, and who is asked to read it."""

    room = forms.ChoiceField(label="Who reads it", widget=forms.RadioSelect, required=False)
    mentions = AddressedField(
        label="Address it to", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Optional. They get a notice, which says nothing of the text; of the others only who took "
        "part in the thread gets one. Their names stand with the comment. Only people who read it, as you "
        "chose above, can be named.",
    )  # fmt: skip
    field_order = ("room", "about", "place", "text", "mentions")

    def __init__(self, *args: Any, rooms: Iterable[Room], people: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["room"].choices = [  # type: ignore[attr-defined]
            (room.code, f"{room.label}: {room.meaning}") for room in rooms
        ]
        self.fields["mentions"].choices = [  # type: ignore[attr-defined]
            (str(person.pk), f"{person}, {', '.join(person.agency_names)}") for person in people
        ]


class CommentForm(AnswerCommentForm):
    """A comment that begins a thread: also what it is about."""

    about = forms.ChoiceField(
        label="About", required=False,
        help_text="What is about a criterion or about reviews is hidden from reviewers whose own review of "
        "this version is not in.",
    )  # fmt: skip
    place = forms.CharField(
        label="Where in it", required=False, max_length=LONGEST_PLACE, validators=[plain_text],
        help_text="Optional, such as the name of a row or “4.2”.",
    )  # fmt: skip

    def __init__(self, *args: Any, subjects: dict[str, Subject], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: dict[str, list[tuple[str, str]]] = {}
        for code, subject in subjects.items():
            if code:
                groups.setdefault(subject.kind, []).append((code, subject.label))
        choices = [("", "The proposal as a whole"), *groups.items()]
        self.fields["about"].choices = choices  # type: ignore[attr-defined]
