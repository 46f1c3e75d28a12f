"""What people type to talk about the working copy, and to hand the anchor role over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from proposals.forms.consortia import words
from proposals.forms.fields import NOT_CHOSEN
from proposals.models import Membership
from proposals.models.together import LONGEST_COMMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import QuerySet

    from program.models import User

NOBODY = "Nobody"
NOT_A_READER = "Choose somebody who can read this proposal today: a person of the team or counsel."


class PersonField(forms.ChoiceField):
    """One of the people who read the working copy, who were read once for the whole page."""

    people: Mapping[str, User] = {}

    def know(self, people: Iterable[User]) -> None:
        self.people = {str(person.pk): person for person in people}
        self.choices = [("", NOBODY), *((key, person.name) for key, person in self.people.items())]

    def clean(self, value: Any) -> Any:
        return self.people.get(super().clean(value))


class PeopleField(forms.MultipleChoiceField):
    """Several of these people."""

    people: Mapping[str, User] = {}

    def know(self, people: Iterable[User]) -> None:
        self.people = {str(person.pk): person for person in people}
        self.choices = [(key, person.name) for key, person in self.people.items()]

    def clean(self, value: Any) -> Any:
        return [self.people[key] for key in super().clean(value)]


def _know(form: forms.Form, people: Iterable[User]) -> None:
    people = list(people)
    for field in form.fields.values():
        if isinstance(field, PersonField | PeopleField):
            field.know(people)
            field.error_messages["invalid_choice"] = NOT_A_READER


class AnswerCommentForm(forms.Form):
    """A reply: its text, and who is to be told of it."""

    text = words("Reply", rows=3, longest=LONGEST_COMMENT)
    mentions = PeopleField(
        label="Mention",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="They get a notice. Writing @ and the full name in the text does the same.",
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _know(self, people)


class CommentForm(AnswerCommentForm):
    """A comment: what it is about, its text, whose task it is."""

    field = forms.ChoiceField(label="About", required=False)
    assigned_to = PersonField(
        label="Assign to",
        required=False,
        help_text="It stands among the tasks of this person until it is resolved.",
    )
    field_order = ("field", "text", "assigned_to", "mentions")

    def __init__(self, *args: Any, whole: str, fields: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = "Comment"
        choices = [("", whole), *fields]
        self.fields["field"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["field"].widget = forms.HiddenInput()


class AssignForm(forms.Form):
    assigned_to = PersonField(label="Assign to", required=False)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _know(self, people)


class NewAnchor(forms.ModelChoiceField):
    def label_from_instance(self, obj: Membership) -> str:
        return obj.organization.legal_name


class OfferAnchorForm(forms.Form):
    """Which member is to lead, and why."""

    to_member = NewAnchor(Membership.objects.none(), label="New anchor", empty_label=NOT_CHOSEN)
    note = words("Why", "Optional. The members read it.", required=False, rows=3, longest=2000)

    def __init__(self, *args: Any, members: QuerySet[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_member"].queryset = members  # type: ignore[attr-defined]
