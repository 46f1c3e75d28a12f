"""What a person in government declares about themself; and, for ethics officials, that of their agency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Prefetch, Subquery
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.forms import InterestForm
from evaluation.models import ConflictCase, Interest, InterestConfirmation, OfficialDeclaration
from evaluation.querysets.interests import as_ethics_official, holds_for
from evaluation.views.acting import carry_out
from evaluation.views.desk import require_desk
from evaluation.views.more_time import page_of
from program import clock
from program.acts import lay_beside
from program.enums import OfficeRole
from program.models import User
from program.requests import number_said
from proposals.models import Recusal

if TYPE_CHECKING:
    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem

PAGE = 50


def require_office(user: User) -> None:
    if not user.is_government:
        raise PermissionDenied("Only people who hold a government office declare interests here.")


@require_http_methods(["GET", "HEAD", "POST"])
def interests(request: SignedInRequest) -> HttpResponse:
    """One's own declared interests; sent, the form adds one."""
    require_office(request.user)
    if request.method != "POST":
        return show_interests(request)
    form = InterestForm(request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        return show_interests(request, lay_beside(form, problems), form, status=422)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.declare_interest, done="It is declared.", to=reverse("evaluation:interests"),
        again=again, **form.cleaned_data,
    )  # fmt: skip


def show_interests(
    request: SignedInRequest,
    problems: list[Problem] | None = None,
    form: InterestForm | None = None,
    status: int = 200,
    not_ended: int | None = None,
    why: str = "",
) -> HttpResponse:
    """The list; ``why`` was typed to withdraw ``not_ended``, which was refused."""
    user = request.user
    standing = list(Interest.objects.filter(person=user).standing())
    is_over = not_ended is not None and all(one.pk != not_ended for one in standing)
    given = InterestConfirmation.objects.filter(person=user).first()
    said = OfficialDeclaration.objects.filter(person=user).for_list()
    facts = {
        **page_of(request, "said", said),
        "interests": standing,
        "cases": ConflictCase.objects.filter(person=user).for_list().order_by("-pk"),
        "closed": Recusal.objects.filter(user=user).select_related("proposal", "recused_by").order_by("-pk"),
        "ended": Interest.objects.filter(person=user, is_withdrawn=True).order_by("-pk"),
        "confirmed_at": given.confirmed_at if given else None,
        "is_due": given is None or given.confirmed_at <= held_since(),
        "form": form or InterestForm(),
        "refused": form,
        "problems": problems or [],
        "not_ended": not_ended,
        "why": why,
        "typed": [{"label": "Why it stands no more", "text": why}] if is_over and why.strip() else [],
        "former_days": settings.FORMER_EMPLOYER_DAYS,
    }
    return render(request, "evaluation/interests.html", facts, status=status)


def held_since() -> Any:
    """A statement of interests from before this moment is to be confirmed anew."""
    return clock.now() - holds_for()


@require_POST
def interest_withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that a declared interest stands no more, and why."""
    require_office(request.user)
    found = get_object_or_404(Interest, person=request.user, pk=pk)
    why = request.POST.get("reason", "")

    def again(problems: list[Problem]) -> HttpResponse:
        return show_interests(request, problems, status=422, not_ended=pk, why=why)

    return carry_out(
        request, services.withdraw_interest, found, done="It is withdrawn.",
        to=reverse("evaluation:interests"), again=again, reason=why,
    )  # fmt: skip


@require_POST
def interests_confirm(request: SignedInRequest) -> HttpResponse:
    """Confirm that what one has declared is complete."""
    require_office(request.user)
    return carry_out(
        request, services.confirm_interests, done="Thank you. Your interests are confirmed.",
        to=reverse("evaluation:interests"), again=lambda problems: show_interests(request, problems),
    )  # fmt: skip


@require_safe
def interest_people(request: SignedInRequest) -> HttpResponse:
    """The people of the ethics official's agency, each with what they declare and when they confirmed it."""
    require_desk(request.user, OfficeRole.ETHICS_OFFICIAL)
    latest = InterestConfirmation.objects.filter(person=OuterRef("pk")).order_by("-pk")
    people = (
        User.objects.filter(as_ethics_official(request.user, "pk"))
        .annotate(confirmed_at=Subquery(latest.values("confirmed_at")[:1]))
        .prefetch_related(Prefetch("interests", Interest.objects.standing(), to_attr="declared"))
        .order_by("pk")
    )
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        people = people.filter(pk__gt=after)
    found = list(people[: PAGE + 1])
    page = found[:PAGE]
    facts = {
        "people": page,
        "held_since": held_since(),
        "next": f"?after={page[-1].pk}" if len(found) > PAGE else "",
    }
    return render(request, "evaluation/interest_people.html", facts)
