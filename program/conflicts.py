"""What a person typed when somebody else acted first: beside what stands now, or to copy from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.forms import BaseForm, BoundField, ModelForm

    from program.revisions import StaleRevision


def differences(form: BaseForm, saved: BaseForm) -> list[dict[str, Any]]:
    """What a person typed beside what is saved now, for each field of ``saved`` in which they differ."""
    both = [
        {"label": form[name].label, "yours": words_of(form[name]), "theirs": words_of(saved[name])}
        for name in form.fields
        if name in saved.initial and name != "revision"
    ]
    return [pair for pair in both if pair["yours"] != pair["theirs"]]


def conflict_of(form: ModelForm, stale: StaleRevision) -> dict[str, Any]:
    """What the page of a stale form says; the form then goes on from what is saved now."""
    saved = type(form)(instance=stale.record)
    facts = {"conflict": str(stale), "both": differences(form, saved)}
    read_again(form, stale.record.revision)
    return facts


def read_again(form: BaseForm, revision: int) -> None:
    """Let a form that was sent go on from ``revision``, with what was typed."""
    data: Any = form.data
    form.data = data.copy()
    form.data[form.add_prefix("revision")] = str(revision)  # type: ignore[index]


def typed_in(form: BaseForm) -> list[dict[str, str]]:
    """What stands in the fields of a form that can no longer be sent."""
    said = [{"label": str(bound.label), "text": words_of(bound)} for bound in form.visible_fields()]
    return [field for field in said if field["text"]]


def words_of(bound: BoundField) -> str:
    """What stands in a field, as its page says it."""
    value = bound.value()
    if isinstance(value, bool):
        return "yes" if value else "no"
    labels = dict(labels_of(getattr(bound.field, "choices", ())))
    chosen = value if isinstance(value, list | tuple) else [value]
    said = [blank(each).replace("\r\n", "\n").strip() for each in chosen]
    return ", ".join(sorted(labels.get(each, each) for each in said))


def labels_of(choices: Any) -> list[tuple[str, str]]:
    """The choices of a field with their labels, those of its groups as well."""
    found: list[tuple[str, str]] = []
    for key, label in choices:
        found += labels_of(label) if isinstance(label, list | tuple) else [(str(key), str(label))]
    return found


def blank(value: Any) -> str:
    return "" if value in (None, "None") else str(value)
