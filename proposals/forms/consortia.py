"""What people type to form a consortium: who proposes, who is invited, who is on the team, who owns whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms

from program.models import Call, Country, Organization, User
from proposals.enums import TeamRole
from proposals.forms.fields import NOT_CHOSEN, TextField
from proposals.forms.rows import RowForm
from proposals.models import Consortium, Holding, Proposal

if TYPE_CHECKING:
    from django.db.models import QuerySet

ANCHOR_ROLE = "Leads the consortium, integrates the package and submits the proposal."
ROLE_HINT = (
    "What the organization contributes, in its own words: it consents to exactly this text, and a "
    "change asks "
    "for its consent again."
)


def words(
    label: str, hint: str = "", *, required: bool = True, rows: int = 4, longest: int | None = None
) -> TextField:
    return TextField(
        label=label,
        help_text=hint,
        required=required,
        max_length=longest,
        widget=forms.Textarea({"rows": rows}),
    )


class NewProposalForm(forms.Form):
    """A new draft: under which call, by which consortium, with which anchor."""

    call = forms.ModelChoiceField(
        Call.objects.none(),
        label="Call for proposals",
        to_field_name="number",
        empty_label=None,
        widget=forms.RadioSelect,
        help_text="Only calls that are open now.",
    )
    title = TextField(
        label="Title of the proposal",
        max_length=200,
        required=False,
        help_text="One line by which the package is known. You can change it until you submit.",
    )
    source = forms.ModelChoiceField(
        Proposal.objects.none(),
        label="Begin with the rows of an earlier proposal",
        required=False,
        empty_label="No, begin empty",
        help_text="Of the same anchor. Its consortium proposes again, unless you name a new one below. You "
        "see what could not be carried.",
    )
    consortium = forms.ModelChoiceField(
        Consortium.objects.none(),
        label="Consortium",
        required=False,
        empty_label="A new consortium",
        widget=forms.RadioSelect,
    )
    consortium_name = TextField(
        label="Name of the new consortium",
        max_length=200,
        required=False,
        help_text="Leave empty if you chose one above.",
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(),
        label="Anchor member",
        required=False,
        empty_label=NOT_CHOSEN,
        help_text="The organization that leads and submits. You must be its administrator.",
    )
    role_text = words("What the anchor contributes", ROLE_HINT, required=False)

    def __init__(
        self,
        *args: Any,
        calls: QuerySet[Call],
        consortia: QuerySet[Consortium],
        organizations: QuerySet[Organization],
        sources: QuerySet[Proposal],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["call"].queryset = calls  # type: ignore[attr-defined]
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["role_text"].initial = ANCHOR_ROLE
        if sources.exists():
            self.fields["source"].queryset = sources  # type: ignore[attr-defined]
        else:
            del self.fields["source"]
        if not self.initial.get("call") and len(opened := list(calls[:2])) == 1:
            self.initial["call"] = opened[0].number
        only = list(organizations[:2])
        if len(only) == 1:
            self.fields["organization"].initial = only[0]
        if consortia.exists():
            self.fields["consortium"].queryset = consortia  # type: ignore[attr-defined]
        else:
            del self.fields["consortium"]
            self.fields["consortium_name"].help_text = "You can change it later."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        source = data.get("source")
        if source and not data.get("consortium") and not data.get("consortium_name"):
            data["consortium"], data["organization"] = source.consortium, None
        anchor = source.consortium.anchor if source else None
        chosen = data.get("consortium").anchor if data.get("consortium") else None  # type: ignore[union-attr]
        named = chosen.organization if chosen else data.get("organization")
        if anchor and named and anchor.organization != named:
            self.add_error("source", f"That proposal’s anchor is {anchor.organization}; choose the same one.")
        if not data.get("consortium"):
            demanded = {
                "consortium_name": "Name the new consortium.",
                "organization": "Choose the anchor member.",
                "role_text": "Say what the anchor contributes.",
            }
            for name, message in demanded.items():
                if name not in self.errors and not data.get(name):
                    self.add_error(name, message)
        return data


class ConsortiumForm(RowForm):
    hints: ClassVar[dict[str, str]] = {"description": "Who you are together and why, in a few sentences."}

    class Meta(RowForm.Meta):
        model = Consortium
        fields = ("name", "description")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.strip():
            raise forms.ValidationError("A consortium keeps a name.")
        return name


class InviteMemberForm(forms.Form):
    """Invite an organization that the portal knows, or enter a new one by its name and countries."""

    legal_name = TextField(label="Legal name of the organization", max_length=300)
    incorporated_in = forms.ModelChoiceField(
        Country.objects.none(),
        label="Country of incorporation",
        widget=forms.Select({"data-combo-box": True}),
        empty_label=NOT_CHOSEN,
    )
    headquartered_in = forms.ModelChoiceField(
        Country.objects.none(),
        label="Country of headquarters",
        widget=forms.Select({"data-combo-box": True}),
        empty_label=NOT_CHOSEN,
    )
    role_text = words("What it will contribute", ROLE_HINT)
    email = forms.EmailField(
        label="E-mail address of the person to invite",
        help_text="This person gets a link, signs in with this address, reads the role and declaration "
        "and consents.",
        widget=forms.EmailInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, countries: QuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("incorporated_in", "headquartered_in"):
            self.fields[name].queryset = countries  # type: ignore[attr-defined]


class InvitePersonForm(forms.Form):
    """Invite one more person of a member organization."""

    email = forms.EmailField(label="E-mail address", widget=forms.EmailInput({"autocomplete": "off"}))
    role = forms.ChoiceField(label="Role on the team", choices=TeamRole, initial=TeamRole.CONTRIBUTOR)

    def __init__(self, *args: Any, first: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if first:
            administrator = TeamRole.ADMINISTRATOR
            self.fields["role"].choices = [(administrator.value, administrator.label)]  # type: ignore[attr-defined]
            self.initial["role"] = administrator.value


class TeamMemberForm(forms.Form):
    """Give a person of the member organization a role."""

    user = forms.ModelChoiceField(User.objects.none(), label="Person", empty_label=NOT_CHOSEN)
    role = forms.ChoiceField(label="Role on the team", choices=TeamRole, initial=TeamRole.CONTRIBUTOR)

    def __init__(self, *args: Any, people: QuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = people  # type: ignore[attr-defined]


class MemberRoleForm(forms.Form):
    role_text = words("What it contributes", ROLE_HINT)


class ConsentForm(forms.Form):
    """The member's word for its role, part and declaration, by the hash of what it was shown."""

    terms_sha256 = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    accepts_role = forms.BooleanField(label="Our organization accepts this role and supplies these parts.")
    accepts_declaration = forms.BooleanField(label="Our organization makes this declaration.")


class ReasonForm(forms.Form):
    note = words("Reason", "Kept in the record; the other members can read it.", required=False, longest=2000)


class AccessForm(forms.Form):
    """Outside counsel, by the address of their account."""

    email = forms.EmailField(
        label="E-mail address of counsel",
        help_text="The person needs an account in this portal.",
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    right = forms.ChoiceField(
        label="What they may do",
        choices=[("proposals.view_proposal", "Read"), ("proposals.change_proposal", "Read and edit")],
        initial="proposals.view_proposal",
        widget=forms.RadioSelect,
    )


class HoldingForm(RowForm):
    """An owner of an organization, with share and control."""

    percent = forms.DecimalField(
        label="Share, percent",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=7,
        decimal_places=4,
        help_text="Leave empty when it is not known.",
        widget=forms.TextInput({"inputmode": "decimal", "data-suffix": "%", "data-size": "small"}),
    )

    class Meta(RowForm.Meta):
        model = Holding
        fields = ("holder_name", "holder_country", "owned", "has_control", "is_ultimate")
        help_texts: ClassVar = {
            "owned": "Who owns an owner is told by a line of its own: chains of owners are followed upwards."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owned = cast("forms.ModelChoiceField", self.fields["owned"])
        owned.queryset = Holding.objects.filter(organization=self.instance.organization_id).exclude(
            pk=self.instance.pk
        )
        owned.empty_label = self.instance.organization.legal_name
        if self.instance.share is not None:
            self.fields["percent"].initial = f"{(self.instance.share * 100).normalize():f}"
        self.order_fields(["holder_name", "holder_country", "percent", "owned", "has_control", "is_ultimate"])

    @property
    def values(self) -> dict[str, Any]:
        changed = {name: value for name, value in super().values.items() if name != "percent"}
        if "percent" in self.changed_data:
            percent = self.cleaned_data["percent"]
            changed["share"] = None if percent is None else percent / 100
        return changed
