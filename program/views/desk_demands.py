"""The requirements of an open call, amended at the desk: all of them on one page, one numbered amendment."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from program import clock
from program.acts import attempt
from program.conflicts import typed_in
from program.deadlines import local_day
from program.demanded import demanded
from program.differences import compare_texts
from program.enums import CallStatus
from program.forms import AmendDemandsForm, DemandForm, NewDemandForm, TakeBackForm
from program.models import Requirement
from program.notices import mail_of
from program.order import implements
from program.rehearsal import rehearse
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.services.demands import amend_requirements, with_retellings
from program.services.subscriptions import reach_of
from program.transitions import NotReady, WrongStatus
from program.views.desk_calls import (
    FORM,
    changed_in_public,
    find,
    open_no_more,
    program_office,
    telling_of_text,
)
from program.views.previews import preview_of, to_be_seen, typed_into


@implements("s.3(b)")
@program_office
@require_http_methods(FORM)
def call_amend_requirements(request: SignedInRequest, number: str) -> HttpResponse:
    """Change, withdraw and add requirements of an open call; nothing is saved before it is published."""
    call = find(request, number)
    data = request.POST or None
    form = AmendDemandsForm(data, initial={"revision": call.revision})
    lines = []
    rows, today = list(call.requirements.all()), clock.today()
    for row in rows:
        if row.demanded_to is None:
            prefix = f"requirement-{row.pk}"
            is_sent = data is not None and f"{prefix}-title" in data  # not what was added meanwhile
            sent, first = data if is_sent else None, day_to_come(row.demanded_from, today)
            lines.append(DemandForm(sent, instance=row, prefix=prefix, first_on=first))
    gone_meanwhile = [
        lost
        for row in rows
        if row.demanded_to is not None and data is not None and f"requirement-{row.pk}-title" in data
        if (lost := DemandForm(data, instance=row, prefix=f"requirement-{row.pk}")).has_changed()
    ]
    ending = [
        (row, local_day(row.demanded_to), TakeBackForm(data, prefix=f"requirement-{row.pk}"))
        for row in demanded(rows)
        if row.demanded_to and row.code not in {line.instance.code for line in lines}
    ]
    blank = Requirement(call=call, source="Program policy")
    new = NewDemandForm(
        data, instance=blank, prefix="new", empty_permitted=True, use_required_attribute=False
    )
    fields = [*lines, *(each for *_, each in ending), new]
    touched = [form, *(each for each in fields if each.has_changed())] if data is not None else []
    touched += gone_meanwhile
    if call.status != CallStatus.ISSUED:
        return open_no_more(request, number, *touched)
    status, changes, preview, made, retellings = 200, [], None, None, []
    if data is not None and revision_read(data.get("revision", "")) != call.revision:
        changes, status = changed_in_public(call), 409
        form.read_again(call.revision)
    elif data is not None:
        status = 422
        if sum(not each.is_valid() for each in (form, *fields)) == 0:
            kept = [line for line in lines if line.cleaned_data.get("is_taken_back")]
            gone = [line for line in lines if line.cleaned_data["is_withdrawn"] and line not in kept]
            changed = [line.instance for line in lines if line.has_changed() and line not in (*gone, *kept)]
            stay = [row for row, _, each in ending if each.cleaned_data["is_taken_back"]]
            details = {
                "added": [new.instance] if new.has_changed() else [],
                "changed": changed,
                "withdrawn": [line.instance for line in gone],
                "taken_back": [*(line.instance for line in kept), *stay],
                **form.cleaned_data,
            }
            telling = telling_of_text(call, form.cleaned_data)
            mail = preview_of(call, telling, typed=typed_into(request))
            done = "The amendment is public. The drafts under the call are checked anew."
            try:
                if to_be_seen(request, mail):
                    at_stake = find(request, number)
                    made, retellings = rehearse(with_retellings, at_stake, by=request.user, **details)
                    preview, status = mail, 200
                elif attempt(request, amend_requirements, call, done=done, **details):
                    return redirect("program:desk-call", number)
                else:
                    return open_no_more(request, number, *touched)
            except WrongStatus:
                return open_no_more(request, number, *touched)
            except StaleRevision as stale:
                changes, status = changed_in_public(stale.record), 409
                form.read_again(stale.record.revision)
            except NotReady as refusal:
                for problem in refusal.problems:
                    form.add_error(problem.field if problem.field in form.fields else None, problem.message)
            except ValidationError as error:
                form.add_error(None, error.messages)
    facts = {
        "call": call,
        "form": form,
        "lines": lines,
        "ending": ending,
        "new": new,
        "changes": changes,
        "reach": reach_of(call),
        "preview": preview,
        "retellings": [
            (each, [(case, mail_of(told.kind, told.url, told.facts)) for case, told in each.tellings])
            for each in retellings
        ],
        "to_publish": [
            {**each, "segments": compare_texts(each["before"], each["after"])}
            for each in (made.demands if made else ())
        ],
        "effective_on": made.effective_on if made else None,
        "is_ahead": made is not None and made.effective_on > today,
        "wrong": [each for each in fields if each.errors],
        "typed": [field for each in gone_meanwhile for field in typed_of(each)],
    }
    return render(request, "program/desk/amend_requirements.html", facts, status=status)


def typed_of(form: DemandForm) -> list[dict[str, str]]:
    """What was typed for a requirement that does not stand any more, under its code."""
    return [{"label": "Requirement", "text": form.instance.code}, *typed_in(form)]


def day_to_come(moment: datetime | None, today: date) -> date | None:
    """The day of a moment that is published and not reached."""
    day = local_day(moment) if moment else today
    return day if day > today else None
