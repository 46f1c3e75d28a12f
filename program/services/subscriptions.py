"""Who wants to hear of a call, or of every call of the Program: people, and addresses without an account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from program import audit, clock, notices
from program.clock_account import clock_account
from program.models import Call, Subscription, Suppression, User
from program.moments import moment
from program.notice_kinds import TO_CONFIRM
from program.notices import CONFIRM_SALT, CONFIRMED_WITHIN, STOP_SALT, Audience
from program.rehearsal import is_rehearsed
from program.revisions import one_at_a_time
from program.transitions import require

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import AuditEvent
    from program.notice_kinds import NoticeKind
    from program.querysets import SubscriptionQuerySet

#: How long who has just been sent a link is sent no other
ASKED_JUST_NOW: Final = timedelta(minutes=10)
#: When an address that was never confirmed is forgotten: its mail may be on its way for three days
FORGOTTEN_AFTER: Final = timedelta(days=7)

#: People whom an app above tells of a call without their asking, as a subquery of their keys.
ALSO_TOLD: Final[list[Callable[[Call], QuerySet]]] = []
#: Those among them of whom the Program office knows that the call concerns them
KNOWN: Final[list[Callable[[Call], QuerySet]]] = []
#: In what steps is told how many may be told because of drafts
STEP: Final = 10


#: How many consortia an app above says that the Program office knows to be concerned
CONSORTIA: Final[list[Callable[[Call], int]]] = []


@dataclass(frozen=True)
class Telling:
    """What is told of a call: the kind, where its reader reads on, and the facts of its words."""

    kind: NoticeKind
    url: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Reach:
    """How many are mailed what happens to a call: who has submitted, and who follows it besides.

    Who is told only because of a draft is not counted: their number lies below ``drafting_below``, which is
    None where nobody can have a draft yet.
    """

    on_teams: int
    consortia: int
    followers: int
    addresses: int
    drafting_below: int | None = None

    @property
    def known(self) -> int:
        return self.on_teams + self.followers + self.addresses

    @property
    def below(self) -> int:
        """Less than this many are mailed."""
        return self.known + (self.drafting_below or 1)

    @property
    def is_any(self) -> bool:
        """Whether somebody may be mailed; the same with a draft and without one."""
        return bool(self.known) or self.drafting_below is not None


def step_above(count: int) -> int:
    """The next step above ``count``, so that none can tell one draft, or its team, from the number."""
    return (count // STEP + 1) * STEP


@dataclass(frozen=True)
class Readers:
    """So many who read the same words of it: ``follows`` is what they follow, None where it concerns them.

    ``is_below``: they are fewer than ``count``.
    """

    words: str
    count: int
    follows: str | None = None
    is_below: bool = False


class LinkEnded(Exception):
    """The link confirms nothing any more; the text says why."""


def also_tells(people: Callable[[Call], QuerySet]) -> Callable[[Call], QuerySet]:
    """Tell ``people``, too, what happens to a call, whether they follow it or not."""
    ALSO_TOLD.append(people)
    return people


def knows(people: Callable[[Call], QuerySet]) -> None:
    """The Program office knows of ``people``, among those who are also told, that a call concerns them."""
    KNOWN.append(people)


def counts_consortia(count: Callable[[Call], int]) -> None:
    """Ask ``count`` how many consortia have submitted under a call."""
    CONSORTIA.append(count)


def concerned(call: Call) -> Q:
    """People whom the call concerns, whether they follow it or not."""
    return among(people(call) for people in ALSO_TOLD)


def known(call: Call) -> Q:
    """People of whom the Program office knows that the call concerns them."""
    return among(people(call) for people in KNOWN)


def among(keys: Iterable[QuerySet]) -> Q:
    found = Q(pk__in=[])
    for each in keys:
        found |= Q(pk__in=each)
    return found


def following(call: Call) -> Q:
    """People who follow the call or the whole Program, by their account or their address."""
    rows = Subscription.objects.covering(call)
    told = Q(pk__in=rows.exclude(user=None).values("user"))
    return told | Q(email__in=rows.filter(user=None).values("email"))


def subscribers(call: Call) -> QuerySet[User]:
    """Active people who follow ``call`` or the whole Program, or are concerned by it; each once."""
    return User.objects.filter(following(call) | concerned(call), is_active=True)


def addresses(call: Call) -> QuerySet[Subscription]:
    """Confirmed addresses without an account that follow ``call`` or the whole Program; each once."""
    rows = Subscription.objects.covering(call).of_strangers()
    return rows.order_by("email", F("call").asc(nulls_first=True)).distinct("email")


def follower_count(call: Call) -> int:
    """How many people and addresses follow ``call`` or the whole Program, each once."""
    people = User.objects.filter(following(call), is_active=True, is_service=False)
    return people.count() + addresses(call).count()


def mailed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those of ``rows``, people or subscriptions, whose addresses mail reaches."""
    return rows.exclude(email__in=Suppression.objects.values("email"))


def reach_of(call: Call, *, but: Collection[User] = ()) -> Reach:
    """Whom the mail of a notice about ``call`` reaches, each once."""
    counts = mailed(_people(call, but)).aggregate(
        total=Count("pk"),
        on_teams=Count("pk", filter=known(call)),
        followers=Count("pk", filter=following(call) & ~known(call)),
    )
    drafting = counts["total"] - counts["on_teams"] - counts["followers"]
    return Reach(
        on_teams=counts["on_teams"],
        consortia=sum(count(call) for count in CONSORTIA),
        followers=counts["followers"],
        addresses=mailed(addresses(call)).count(),
        drafting_below=step_above(drafting) if call.issued_at else None,
    )


def readers_of(call: Call, reach: Reach, *, but: Collection[User] = ()) -> list[Readers]:
    """Whom ``reach`` counts, by the words that they read: as ``tell`` would tell them."""
    covering = Subscription.objects.covering(call)
    strangers = mailed(covering.of_strangers().filter(call=None)).values("email")
    found = [Readers("people in consortia that submitted a proposal under the call", reach.on_teams)]
    if reach.drafting_below:
        teams = "people on teams that work on a draft under the call"
        found.append(Readers(teams, reach.drafting_below, is_below=True))
    for who, total, of_all in (
        ("with an account", reach.followers, _followers_of_all(call, covering, but)),
        ("by e-mail address alone", reach.addresses, strangers),
    ):
        whole = of_all.distinct().count() if total else 0
        for follows, count in ((Subscription(call=call), total - whole), (Subscription(), whole)):
            found.append(Readers(f"followers of {follows.of_what} {who}", count, follows.of_what))
    return [each for each in found if each.count > 0]


def _followers_of_all(call: Call, covering: SubscriptionQuerySet, but: Collection[User]) -> QuerySet[User]:
    """Who is told because they follow the whole Program, by their account or else by their address."""
    own = covering.filter(user=OuterRef("pk"))
    by_address = covering.filter(user=None, email=OuterRef("email"))
    whole = Q(Exists(own.filter(call=None))) | Q(~Exists(own), Exists(by_address.filter(call=None)))
    return mailed(_people(call, but)).filter(following(call)).exclude(known(call)).filter(whole)


def _people(call: Call, but: Collection[User]) -> QuerySet[User]:
    return subscribers(call).exclude(pk__in=[person.pk for person in but])


def tell(event: AuditEvent, telling: Telling, call: Call, *, but: Collection[User] = ()) -> int:
    """Owe everybody who is told of ``call`` one notice of ``event``; returns how many are owed.

    None where the act is only rehearsed: whom it reaches is shown without.
    """
    if is_rehearsed():
        return 0
    people = _people(call, but)
    bound = set(User.objects.filter(concerned(call)).values_list("pk", flat=True))
    rows = Subscription.objects.covering(call).order_by(F("call").desc(nulls_last=True))
    by_person = dict(rows.exclude(user=None).values_list("user", "pk"))
    by_address = dict(
        rows.filter(user=None, email__in=[person.email for person in people]).values_list("email", "pk")
    )
    by = {person.pk: by_person.get(person.pk) or by_address.get(person.email) for person in people}
    ends_with = {pk: row for pk, row in by.items() if pk not in bound}
    submitted = set(User.objects.filter(known(call)).values_list("pk", flat=True)) if bound else set()
    drafting = {pk for pk, row in by.items() if row is None} - submitted
    strangers = addresses(call).values_list("pk", "email")
    audience = Audience(telling.kind, people, telling.url, ends_with, strangers, drafting)
    return notices.owe_each(event, audience, **telling.facts)


def follows(user: User, call: Call | None) -> bool:
    return Subscription.objects.of(user).filter(call=call).exists()


@transaction.atomic
def subscribe(call: Call | None, *, by: User) -> Subscription:
    """Let ``by`` hear of ``call``, or (None) of every call; following twice is following once."""
    subscription, _ = Subscription.objects.get_or_create(user=by, call=call)
    return subscription


@transaction.atomic
def unsubscribe(call: Call | None, *, by: User) -> bool:
    """Tell ``by`` nothing more of ``call``; False when they did not follow it."""
    return bool(Subscription.objects.of(by).filter(call=call).delete()[0])


# Addresses without an account


@transaction.atomic
def ask_to_follow(call: Call | None, *, email: str) -> bool:
    """Send ``email`` the link that confirms it; whether it is known already makes no difference.

    False when it was sent one just now, or its reader wants none.
    """
    address = email.strip().lower()
    one_at_a_time(f"subscription-{address}")
    if Subscription.objects.refused().filter(email=address).exists():
        return False
    row, is_new = Subscription.objects.get_or_create(
        user=None, email=address, call=call, defaults={"asked_at": clock.now()}
    )
    row.refresh_from_db(from_queryset=Subscription.objects.select_for_update(of=("self",)))
    if not is_new and row.asked_at and row.asked_at > clock.now() - ASKED_JUST_NOW:
        return False
    row.asked_at = clock.now()
    row.save(update_fields=["asked_at", "updated_at"])
    by = clock_account()
    event = audit.record(row, "subscription.ask", by=by, after={"of": row.of_what})
    audience = Audience(TO_CONFIRM, (), "/calls/", addresses=[(row.pk, address)])
    until = moment(row.asked_at + CONFIRMED_WITHIN)
    notices.owe_each(event, audience, what=row.of_what, until=until)
    return True


def found_by(token: str, *, salt: str) -> Subscription | None:
    """The subscription behind a link, None when it has ended. Raises BadSignature for what is no link."""
    pk = Signer(salt=salt).unsign(token)
    return Subscription.objects.select_related("call", "user").filter(pk=pk).first()


def to_confirm(token: str) -> Subscription:
    """What a link confirms, or has confirmed; reading it changes nothing. Raises LinkEnded."""
    try:
        row = found_by(token, salt=CONFIRM_SALT)
    except BadSignature as error:
        raise LinkEnded("This link is not whole. Open it from the mail, or ask for a new one.") from error
    if row is None or row.refused_at:
        raise LinkEnded("This link has ended: it was too old, or these messages were stopped since.")
    if not row.stands and (row.asked_at or row.created_at) + CONFIRMED_WITHIN <= clock.now():
        raise LinkEnded("This link has expired: it works for two days. Ask for a new one.")
    return row


@transaction.atomic
def confirm(token: str) -> bool:
    """Let the address behind ``token`` be told; False when it was confirmed before. Raises LinkEnded."""
    row = to_confirm(token)
    waiting = Subscription.objects.filter(pk=row.pk, confirmed_at=None, refused_at=None)
    if not waiting.update(confirmed_at=clock.now(), updated_at=timezone.now()):
        return False
    audit.record(row, "subscription.confirm", by=clock_account(), after={"of": row.of_what})
    return True


@transaction.atomic
def stop(token: str) -> bool:
    """End what is told by the subscription behind ``token``; False when it has ended before.

    Who follows the whole Program follows each call: ending it ends those too. Who stops one that was never
    confirmed refuses all that was asked for the address, as ``refuse`` says. Raises BadSignature.
    """
    row = found_by(token, salt=STOP_SALT)
    if row is None:
        return False
    if not row.stands:
        return refuse(row)
    ended = Subscription.objects.filter(user=row.user, email=row.email, refused_at=None)
    if row.call_id:
        ended = ended.filter(call=row.call)
    if not ended.delete()[0]:
        return False
    audit.record(row, "subscription.stop", by=row.user or clock_account(), before={"of": row.of_what})
    return True


def refuse(row: Subscription) -> bool:
    """Keep that the reader of an address wants no link of any kind; False when it is kept already.

    What its reader had confirmed goes on until they stop it.
    """
    one_at_a_time(f"subscription-{row.email}")
    asked = Subscription.objects.filter(user=None, email=row.email, confirmed_at=None, refused_at=None)
    refused = list(asked.select_for_update(of=("self",)).select_related("call").order_by("pk"))
    asked.update(refused_at=clock.now(), updated_at=timezone.now())
    for each in refused:
        audit.record(each, "subscription.stop", by=clock_account(), before={"of": each.of_what})
    return bool(refused)


def standing_of(row: Subscription) -> list[Subscription]:
    """What the address of a subscription is still told of, by its own confirmation."""
    rows = Subscription.objects.standing().filter(user=None, email=row.email).select_related("call")
    return list(rows.order_by(F("call").asc(nulls_first=True)))


@transaction.atomic
def lift_refusal(row: Subscription, *, by: User) -> int:
    """Forget that an address wants no link, as its reader asked the office: it may be given again.

    Returns how many entries of the address are lifted; 0 when they were before.
    """
    require("program.lift_refusal_subscription", by)
    one_at_a_time(f"subscription-{row.email}")
    kept = list(Subscription.objects.refused().filter(email=row.email).select_related("call").order_by("pk"))
    for each in kept:
        audit.record(each, "subscription.lift_refusal", by=by, before={"of": each.of_what})
    return Subscription.objects.filter(pk__in=[each.pk for each in kept]).delete()[0]


@transaction.atomic
def forget_unconfirmed() -> int:
    """Forget addresses that were given and neither confirmed nor refused; returns how many."""
    old = Subscription.objects.filter(user=None, confirmed_at=None, refused_at=None)
    return old.filter(asked_at__lt=clock.now() - FORGOTTEN_AFTER).delete()[0]
