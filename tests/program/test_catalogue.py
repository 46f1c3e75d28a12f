"""Every kind of notice: its words name no fact that its callers do not give, and the desk shows its mail."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from program.enums import Mailed, OfficeRole
from program.notice_kinds import CATALOGUE, NoticeKind, facts_named
from program.notices import sample_mail
from tests.factories.program import UserFactory, officer

ROOT = Path(settings.BASE_DIR)
OURS = {code: kind for code, kind in CATALOGUE.items() if not code.startswith("tests.")}
TELLERS = {"owe", "owe_each", "Telling", "words_of"}
#: What is told of the portal itself
WITHOUT_CLAUSE = {"documents.infected", "subscription-to-confirm", "daily-digest"}
every_kind = pytest.mark.parametrize("kind", OURS.values(), ids=OURS)


@cache
def functions():
    """Every function of the portal: its module, and its tree."""
    return [
        (import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)), node)
        for app in ("program", "proposals", "evaluation", "financing")
        for path in (ROOT / app).rglob("*.py")
        if any(word in (text := path.read_text()) for word in ("owe", "Telling", "tell", "words_of"))
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]


def called(node):
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def assigned(function):
    """What the names of a function stand for, where nobody gives another value to its parameters."""
    found = defaultdict(list)
    parameters = (*function.args.posonlyargs, *function.args.args)[::-1]
    for parameter, value in zip(parameters, function.args.defaults[::-1], strict=False):
        found[parameter.arg].append(value)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in getattr(node, "targets", [getattr(node, "target", None)]):
                if isinstance(target, ast.Name):
                    found[target.id].append(node.value)
    return found


def kinds_in(node, module, names, seen=()):
    """The kinds that an expression names, through the names of its function."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if isinstance(kind := getattr(module, part.id, None), NoticeKind):
                yield kind
            elif part.id in names and part.id not in seen:
                for value in names[part.id]:
                    yield from kinds_in(value, module, names, (*seen, part.id))
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            kind = getattr(getattr(module, part.value.id, None), part.attr, None)
            if isinstance(kind, NoticeKind):
                yield kind


def facts_of(call, names):
    """The facts that a call spells out; ``**facts`` counts with the dictionary that it stands for."""
    for argument in call.args:
        for value in names[argument.id] if isinstance(argument, ast.Name) else [argument]:
            if isinstance(value, ast.Dict):
                yield from (key.value for key in value.keys if isinstance(key, ast.Constant))
    for word in call.keywords:
        if word.arg:
            yield word.arg
        elif isinstance(word.value, ast.Name):
            for value in names[word.value.id]:
                if isinstance(value, ast.Dict):
                    yield from (key.value for key in value.keys if isinstance(key, ast.Constant))


@cache
def told():
    """Of every kind: the facts given at each place that tells it, directly or through one function."""
    places, through = defaultdict(list), {}
    for tellers in (TELLERS, through):
        for module, function in functions():
            names = assigned(function)
            for call in ast.walk(function):
                if not isinstance(call, ast.Call) or called(call) not in tellers:
                    continue
                given = set(facts_of(call, names))
                if tellers is through:
                    given |= through[called(call)]
                kinds = {kind.code for part in (*call.args, *call.keywords) for kind in kinds_in(
                    part.value if isinstance(part, ast.keyword) else part, module, names
                )}  # fmt: skip
                for code in kinds:
                    places[code].append(given)
                if tellers is TELLERS and not kinds and function.name not in (*TELLERS, "tell"):
                    through[function.name] = given
    return places


@every_kind
def test_callers_give_every_fact_that_the_words_name(kind):
    named = facts_named(kind.title) | facts_named(kind.text)
    assert told()[kind.code], "nobody tells it"
    for given in told()[kind.code]:
        assert named - given == set()


@every_kind
def test_mail_says_it_in_text_and_html_without_a_gap(kind, settings):
    message = sample_mail(kind)
    ((html, _),) = message.alternatives
    for text in (message.subject, message.body, html):
        assert "None" not in text and not re.search(r"[{}]{2}|\{\w+\}", text.partition("<body>")[2] or text)
    assert message.subject == kind.title.format(**kind.sample)
    assert kind.text.format(**kind.sample) in message.body
    assert "https://portal.test/" in message.body and "https://portal.test/" in html
    assert not re.search(r"<(img|script|link|iframe)\b|url\(|@import", html)
    assert kind.when and kind.who
    assert kind.clause or kind.code in WITHOUT_CLAUSE


def test_words_that_name_a_fact_of_no_sample_are_refused():
    with pytest.raises(ValueError, match="unheard"):
        NoticeKind("tests.gap", "About {unheard}", "Text", when="A test", who="Nobody")
    with pytest.raises(ValueError, match="spare"):
        NoticeKind("tests.gap", "Title", "Text", when="A test", who="Nobody", sample={"spare": 1})
    assert "tests.gap" not in CATALOGUE


def test_no_two_kinds_are_called_the_same():
    called = [kind.in_words for kind in OURS.values()]
    assert sorted(called) == sorted(set(called))


@pytest.mark.django_db
class TestDesk:
    @pytest.fixture(autouse=True)
    def demonstration(self, settings):
        settings.DEMONSTRATION = True

    @pytest.mark.parametrize("role", [OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
    def test_shows_every_kind_with_event_readers_and_choice(self, client, role):
        client.force_login(officer(role))
        page = client.get(reverse("program:notice-kinds"))
        assert sum(len(kinds) for _, kinds in page.context["areas"]) == len(CATALOGUE)
        for kind in OURS.values():
            assert reverse("program:notice-kind", args=[kind.code]) in page.text
        amended = CATALOGUE["call-amended"]
        for said in (amended.when, amended.who, Mailed.ALWAYS.label):
            assert said in page.text

    def test_preview_frames_the_mail_whose_one_style_applies(self, client):
        client.force_login(officer())
        page = client.get(reverse("program:notice-kind", args=["call-amended"]))
        frame = reverse("program:notice-kind-mail", args=["call-amended"])
        assert f'src="{frame}"' in page.text
        assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
        assert "Amendment 1 to call AIX-C-2026-0002" in page.text
        mail = client.get(frame)
        (style,) = re.findall(r"<style>(.*?)</style>", mail.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = mail.headers["Content-Security-Policy"]
        assert f"style-src 'sha256-{digest}'" in policy and "frame-ancestors 'self'" in policy
        assert "script-src 'none'" in policy
        assert mail.headers["X-Frame-Options"] == "SAMEORIGIN"

    @pytest.mark.parametrize("role", [None, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL])
    def test_is_nobody_elses(self, client, role):
        client.force_login(officer(role) if role else UserFactory())
        for name in ("notice-kind", "notice-kind-mail"):
            assert client.get(reverse(f"program:{name}", args=["call-amended"])).status_code == 404
        assert client.get(reverse("program:notice-kinds")).status_code == 404

    def test_absent_kind_is_not_found(self, client):
        client.force_login(officer())
        for name in ("notice-kind", "notice-kind-mail"):
            assert client.get(reverse(f"program:{name}", args=["none"])).status_code == 404

    def test_list_asks_no_more_for_many_kinds(self, client, django_assert_num_queries):
        client.force_login(officer())
        client.get(reverse("program:notice-kinds"))
        with django_assert_num_queries(4):
            client.get(reverse("program:notice-kinds"))
