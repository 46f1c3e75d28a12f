"""The forms of the working copy, one for each kind of row; each is saved by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.models import construct_instance

from program.enums import EvidenceType
from proposals.forms.fields import NOT_CHOSEN, KeptChoiceField, MemberField, field_for
from proposals.models import (
    Answer,
    ComplianceStatement,
    Component,
    Membership,
    OperatingRole,
    OutsideParty,
    Proposal,
    Provision,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.questionnaire import BY_CODE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.forms import BoundField

Sections = tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Section:
    """A heading of a form with its fields."""

    heading: str
    note: str
    fields: list[BoundField]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Label and value in words, for who may read and not edit."""
        return [(str(field.label), in_words(field, as_posted(field))) for field in self.fields]


class RowForm(forms.ModelForm):
    """One row of a draft. Keys of the database and constraints are the service's to check."""

    sections: ClassVar[Sections] = ()
    hints: ClassVar[dict[str, str]] = {}

    class Meta:
        formfield_callback = field_for

    def __init__(
        self,
        *args: Any,
        consortium: int | None = None,
        members: Sequence[Membership] = (),
        only: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        """``only`` names the fields that are wanted, where a page shows the beginning of a row."""
        if only:
            self.base_fields = {name: self.base_fields[name] for name in only}  # type: ignore[misc]
        super().__init__(*args, **kwargs)
        for name, hint in self.hints.items():
            if name in self.fields:
                self.fields[name].help_text = hint
        for name, field in self.fields.items():
            if isinstance(field, KeptChoiceField):
                field.kept = getattr(self.instance, f"{name}_id", None)
            if isinstance(field, MemberField):
                rows = Membership.objects.present().select_related("organization")
                field.queryset = rows.filter(consortium=consortium)
                field.members = members

    def clean(self) -> dict[str, Any]:
        """Uniqueness and constraints are left to the transaction that saves."""
        return self.cleaned_data

    def _get_validation_exclusions(self) -> set[str]:
        """A chosen record was found by its field: it is not looked for twice."""
        keys = {field.name for field in self.instance._meta.fields if field.is_relation}
        return super()._get_validation_exclusions() | keys  # type: ignore[misc]

    def _post_clean(self) -> None:
        """Put the values into the instance and ask its fields and its ``clean``, without a statement."""
        self.instance = construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)
        try:
            self.instance.full_clean(
                exclude=self._get_validation_exclusions(), validate_unique=False, validate_constraints=False
            )
        except forms.ValidationError as errors:
            self._update_errors(errors)  # type: ignore[attr-defined]

    @property
    def shown_sections(self) -> Iterator[Section]:
        """The fields under their headings; a form without headings is one section."""
        for heading, note, names in self.sections or (("", "", tuple(self.fields)),):
            yield Section(heading, note, [self[name] for name in names if name in self.fields])

    @property
    def values(self) -> dict[str, Any]:
        """What the person changed, ready for ``save_row``."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}

    def shown(self) -> dict[str, Any]:
        """The row's text by the names that the page's fields have, as the page would show it."""
        fresh = type(self)(instance=self.instance, prefix=self.prefix)
        return {self.add_prefix(name): as_posted(fresh[name]) for name in fresh.fields}


def as_posted(field: BoundField) -> Any:
    """The value of a field as a browser would send it; several in the order in which they are compared."""
    value = field.field.prepare_value(field.value())
    if isinstance(value, list | tuple):
        return sorted(str(getattr(each, "pk", each)) for each in value)
    if isinstance(field.field, forms.NullBooleanField):
        return {True: "true", False: "false"}.get(value, value if isinstance(value, str) else "unknown")
    return "" if value is None else str(value)


def in_words(field: BoundField, value: Any) -> str:
    """A posted value as a reader says it: the label of a choice rather than its code."""
    choices = getattr(field.field, "choices", None)
    if choices is None:
        if isinstance(field.field, forms.BooleanField):
            return {"true": "Yes", "false": "No", "unknown": ""}.get(str(value).lower(), str(value))
        return str(value)
    labels = {
        str(getattr(code, "value", code)): str(label) for code, label in choices if code not in ("", None)
    }
    values = value if isinstance(value, list) else [value]
    # Names of countries hold commas
    return "; ".join(sorted(labels.get(str(each), str(each)) for each in values))


EXPORT = ("jurisdiction", "eccn", "eccn_basis", "eccn_reference")
LICENSE = ("license_basis", "license_number", "license_expires_on")
EXPORT_NOTE = (
    "What you state here is screened and read by people. The portal never decides whether a license "
    "is needed."
)
ECCN_HINT = "For example 3A090.a or 4A090.a; EAR99; or “unclassified yet”."
COMPONENT_HINTS = {
    "name": "As it should appear in the package.",
    "supplier": "The member of the consortium that supplies it.",
    "standards": "Technical standards that it follows, if any.",
    "eccn": ECCN_HINT,
    "eccn_reference": "Where the classification comes from, if there is a document.",
    "license_basis": "A license, an exception such as NAC or ACA, or “none needed, because …”.",
}


class ComponentForm(RowForm):
    hints: ClassVar[dict[str, str]] = COMPONENT_HINTS


class HardwareForm(ComponentForm):
    """s.3(b)(i)(A)."""

    hints: ClassVar[dict[str, str]] = COMPONENT_HINTS | {
        "total_value_usd": "Of the whole line: quantity times price.",
        "us_content_value_usd": "The part of the total value that is U.S. content; 0 if none.",
        "us_manufacture": "Which steps of manufacture take place in the United States, where, and to "
        "what extent.",
        "tpp": "As ECCN 3A090 defines it; 0 if it does not process.",
        "performance_density": "TPP divided by the applicable die area.",
        "place_of_manufacture": "City and plant, if known.",
    }
    sections: ClassVar[Sections] = (
        ("What it is", "", ("name", "subtype", "maker", "model", "quantity", "supplier", "description")),
        (
            "Value and U.S. content",
            "The Program's U.S. content is computed from these two values over all lines of the "
            "hardware layer.",
            ("total_value_usd", "us_content_value_usd", "us_manufacture"),
        ),
        ("Where it is made", "", ("country_of_origin", "country_of_assembly", "place_of_manufacture")),
        ("Export control", EXPORT_NOTE, (*EXPORT, "tpp", "performance_density", "is_datacenter", *LICENSE)),
        ("Standards", "", ("standards",)),
    )

    class Meta(RowForm.Meta):
        model = Component
        fields = (
            "name",
            "subtype",
            "maker",
            "model",
            "quantity",
            "supplier",
            "description",
            "total_value_usd",
            "us_content_value_usd",
            "us_manufacture",
            "country_of_origin",
            "country_of_assembly",
            "place_of_manufacture",
            *EXPORT,
            "tpp",
            "performance_density",
            "is_datacenter",
            *LICENSE,
            "standards",
        )


def sections_of(heading: str, *names: str) -> Sections:
    return (
        ("What it is", "", ("name", "supplier", "description")),
        (heading, "", names),
        ("Export control", EXPORT_NOTE, (*EXPORT, *LICENSE)),
        ("Standards", "", ("standards",)),
    )


COMMON = ("name", "supplier", "description", "standards", *EXPORT, *LICENSE)


class DataForm(ComponentForm):
    """s.3(b)(i)(B)."""

    sections: ClassVar[Sections] = sections_of("The data", "data_location", "provenance", "privacy_regime")

    class Meta(RowForm.Meta):
        model = Component
        fields = (*COMMON, "data_location", "provenance", "privacy_regime")


class ModelForm(ComponentForm):
    """s.3(b)(i)(C)."""

    hints: ClassVar[dict[str, str]] = COMPONENT_HINTS | {
        "compute_band": "The bands are those of 31 CFR part 850 and ECCN 4E091.",
        "weight_custody": "Who can read or copy the weights, where they are kept, and how access is logged.",
    }
    sections: ClassVar[Sections] = sections_of(
        "The model", "developer", "weights", "compute_band", "hosting", "weight_custody"
    )

    class Meta(RowForm.Meta):
        model = Component
        fields = (*COMMON, "developer", "weights", "compute_band", "hosting", "weight_custody")


class SecurityForm(ComponentForm):
    """s.3(b)(i)(D)."""

    hints: ClassVar[dict[str, str]] = COMPONENT_HINTS | {
        "frameworks": "For example NIST AI RMF, NIST SP 800-53, ISO/IEC 27001, FedRAMP.",
    }
    sections: ClassVar[Sections] = sections_of(
        "The measures", "frameworks", "controls", "certifications", "incident_response", "weight_protection"
    )

    class Meta(RowForm.Meta):
        model = Component
        fields = (
            *COMMON,
            "frameworks",
            "controls",
            "certifications",
            "incident_response",
            "weight_protection",
        )


class ApplicationForm(ComponentForm):
    """s.3(b)(i)(E)."""

    sections: ClassVar[Sections] = sections_of(
        "The application", "sector", "use_case", "users", "languages", "localization"
    )

    class Meta(RowForm.Meta):
        model = Component
        fields = (*COMMON, "sector", "use_case", "users", "languages", "localization")


COMPONENT_FORMS: dict[str, type[ComponentForm]] = {
    "hardware": HardwareForm,
    "data": DataForm,
    "models": ModelForm,
    "security": SecurityForm,
    "applications": ApplicationForm,
}


class ProvisionForm(RowForm):
    """Which member supplies a layer."""

    class Meta(RowForm.Meta):
        model = Provision
        fields = ("membership", "description")

    def clean_membership(self) -> Membership:
        if not self.cleaned_data["membership"]:
            raise forms.ValidationError("Choose the member that supplies this layer.")
        chosen: Membership = self.cleaned_data["membership"]
        return chosen


class MarketForm(RowForm):
    """s.3(b)(ii)."""

    hints: ClassVar[dict[str, str]] = {
        "bloc": "The members of the bloc are those of the day of submission; they are frozen with "
        "the version.",
        "list_name": "Only if neither a country nor a bloc fits.",
        "countries": "Only for an own list.",
        "national_interest": "Asked for by the call in each market.",
        "demand_evidence": "Letters, tenders, statements of the host government, market studies.",
    }
    sections: ClassVar[Sections] = (
        (
            "Which market",
            "Choose one country, or one bloc, or name an own list.",
            ("country", "bloc", "list_name", "countries"),
        ),
        ("Why this market", "", ("national_interest", "demand_evidence", "end_users")),
    )

    class Meta(RowForm.Meta):
        model = TargetMarket
        fields = (
            "country",
            "bloc",
            "list_name",
            "countries",
            "national_interest",
            "demand_evidence",
            "end_users",
        )

    def clean(self) -> dict[str, Any]:
        """A market that the proposal already names is said beside the field."""
        for name in ("country", "bloc"):
            chosen = self.cleaned_data.get(name)
            if name in self.changed_data and chosen is not None:
                others = TargetMarket.objects.filter(proposal=self.instance.proposal_id, **{name: chosen})
                if others.exclude(pk=self.instance.pk).exists():
                    self.add_error(name, f"The proposal already names {chosen}.")
        return super().clean()


class SiteForm(RowForm):
    """s.3(b)(iii)."""

    hints: ClassVar[dict[str, str]] = {
        "kind": "For example data center, cloud region, network exchange, power plant.",
        "location": "City or region.",
    }

    class Meta(RowForm.Meta):
        model = Site
        fields = ("name", "kind", "country", "location", "capacity_mw", "status")


class RoleForm(RowForm):
    """Who builds, owns or operates a site: a member or a third party."""

    hints: ClassVar[dict[str, str]] = {
        "third_party_name": "Only if it is not a member; its name will be screened."
    }

    class Meta(RowForm.Meta):
        model = OperatingRole
        fields = ("membership", "third_party_name", "third_party_country")


class SupportForm(RowForm):
    """s.3(b)(iv)."""

    hints: ClassVar[dict[str, str]] = {
        "other_text": "Only if you chose “Other mechanism”.",
        "amount_usd": "Leave empty when it is to be determined.",
        "alternatives": "Private or other public sources you have tried or considered.",
    }

    class Meta(RowForm.Meta):
        model = SupportRequest
        fields = ("mechanism", "other_text", "amount_usd", "term_months", "purpose", "alternatives")


class StatementForm(RowForm):
    """One answer of the questionnaire, s.3(b)(v); only the answers of its subject are offered."""

    class Meta(RowForm.Meta):
        model = ComplianceStatement
        fields = ("answer", "explanation")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        subject = BY_CODE.get(self.instance.subject)
        offered = subject.answers if subject else ()
        labels = dict(ComplianceStatement._meta.get_field("answer").flatchoices)
        answer = self.fields["answer"]
        answer.widget = forms.RadioSelect()
        answer.choices = [(code, labels[code]) for code in map(str, offered)]  # type: ignore[attr-defined]
        explained = " or ".join(f"“{labels[str(code)]}”" for code in (subject.explained if subject else ()))
        self.fields["explanation"].help_text = f"Needed if you answer {explained}." if explained else ""
        self.fields["explanation"].widget.attrs["rows"] = 2


class PartyForm(RowForm):
    """A party outside the consortium whose name is screened."""

    class Meta(RowForm.Meta):
        model = OutsideParty
        fields = (
            "legal_name",
            "role",
            "aliases",
            "address",
            "country",
            "headquartered_in",
            "ultimate_parent",
            "parent_country",
        )


class AnswerForm(RowForm):
    """The answer to a requirement particular to the call, in the column of its evidence type."""

    class Meta(RowForm.Meta):
        model = Answer
        fields = ("text", "number", "choice", "day", "document")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        requirement = self.instance.requirement
        columns = {
            EvidenceType.TEXT: "text",
            EvidenceType.NUMBER: "number",
            EvidenceType.CHOICE: "choice",
            EvidenceType.DATE: "day",
            EvidenceType.FILE: "document",
        }
        column = columns[EvidenceType(requirement.evidence_type)]
        for name in set(self.fields) - {column}:
            del self.fields[name]
        field = self.fields[column]
        field.help_text = requirement.guidance
        if column == "text" and requirement.max_characters:
            field.widget.attrs["maxlength"] = requirement.max_characters
        if column == "choice":
            offered = [(line, line) for line in requirement.offered]
            self.fields[column] = forms.ChoiceField(
                label=field.label,
                required=False,
                help_text=requirement.guidance,
                choices=[("", NOT_CHOSEN), *offered],
            )
        if isinstance(field, KeptChoiceField):
            attached = self.instance.proposal.attachments.filter(removed_at=None)
            field.queryset = field.queryset.filter(pk__in=attached.values("document"))  # type: ignore[union-attr]
            field.help_text = (
                f"{requirement.guidance} Add the file under Documents first, then choose it here.".strip()
            )


class PartForm(RowForm):
    """Fields of the proposal itself that one part of the package shows."""

    class Meta(RowForm.Meta):
        model = Proposal
        fields: tuple[str, ...] = ()


class OverviewForm(PartForm):
    hints: ClassVar[dict[str, str]] = {
        "title": "One line by which the package is known.",
        "summary": "What the package delivers, to whom and why, in two or three paragraphs.",
    }
    sections: ClassVar[Sections] = (
        ("The proposal", "", ("title", "summary")),
        (
            "Contact person",
            "Whom the Program office asks. Business contact only.",
            ("contact_name", "contact_email", "contact_phone"),
        ),
    )

    class Meta(PartForm.Meta):
        fields = ("title", "summary", "contact_name", "contact_email", "contact_phone")


class OperatingModelForm(PartForm):
    hints: ClassVar[dict[str, str]] = {
        "operating_model": "At a high level: who sells what to whom, who runs it, how it is paid for "
        "and kept up."
    }

    class Meta(PartForm.Meta):
        fields = ("operating_model",)


class CompliancePartForm(PartForm):
    sections: ClassVar[Sections] = (
        (
            "Compliance officer",
            "",
            ("compliance_officer_name", "compliance_officer_email", "compliance_officer_phone"),
        ),
        (
            "How you comply",
            "",
            ("program_summary", "end_uses", "remote_access_policy", "cloud_access_countries"),
        ),
    )
    hints: ClassVar[dict[str, str]] = {
        "program_summary": "Who is responsible, how orders are screened, what is trained, audited and kept.",
        "end_uses": "What the package may and may not be used for, and how that is enforced.",
        "remote_access_policy": "How you identify customers of computing as a service and what you refuse.",
        "cloud_access_countries": "Countries from which customers will use the package remotely.",
    }

    class Meta(PartForm.Meta):
        fields = (
            "compliance_officer_name",
            "compliance_officer_email",
            "compliance_officer_phone",
            "program_summary",
            "end_uses",
            "remote_access_policy",
            "cloud_access_countries",
        )


PART_FORMS: dict[str, type[PartForm]] = {
    "overview": OverviewForm,
    "operating-model": OperatingModelForm,
    "compliance": CompliancePartForm,
}
