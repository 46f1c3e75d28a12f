from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.template import TemplateSyntaxError
from django.template.loader import get_template
from django.test import override_settings

from program.record_words import WORDS

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(ROOT.glob("templates/**/*.html"))
NOTES = {"SHA256SUMS", "VERSION"}  # ours, beside the vendored files
OWN_PYTHON = [
    file
    for app in ("config", "demonstration", "evaluation", "financing", "program", "proposals")
    for file in ROOT.glob(f"{app}/**/*.py")
]
FOLDERS = (ROOT / "templates", ROOT / "demonstration/templates")
# The long form with the weekday, for a deadline's rule and for notices
WRITERS = {
    "program/deadlines.py",
    "program/moments.py",
    "evaluation/notices.py",
    "proposals/services/submissions.py",
}
# What sets paper or a message is no page: its style stands in the document, and no policy of ours governs it
NO_PAGE = ("templates/pdf/", "templates/emails/", "templates/account/email/", "templates/mfa/email/")
PAGES = [file for file in TEMPLATES if not str(file.relative_to(ROOT)).startswith(NO_PAGE)]

FORBIDDEN_EVERYWHERE = {
    "safe": re.compile(r"\|\s*safe(seq)?\b"),
    "autoescape off": re.compile(r"{%\s*autoescape\s+off"),
}
FORBIDDEN_IN_PAGES = {
    "inline script": re.compile(r"<script(?![^>]*\b(src=|type=\"application/json\"))", re.I),
    "style element": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "event attribute": re.compile(r"<[^>]*\s(on[a-z]+|hx-on[:\w-]*)\s*=", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "another host": re.compile(r"(src|srcset)=\"(https?:)?//", re.I),
    "evaluated htmx": re.compile(r"hx-(vals|headers)=[\"']js(on)?:|hx-trigger=\"[^\"]*\[", re.I),
}


def name_of(file):
    return str(file.relative_to(ROOT))


def forbidden_in(file, rules):
    """What of ``rules`` a template breaks, by its name."""
    text = file.read_text()
    return [f"{name_of(file)}: {what}" for what, pattern in rules.items() if pattern.search(text)]


def test_every_template_escapes():
    assert [found for file in TEMPLATES for found in forbidden_in(file, FORBIDDEN_EVERYWHERE)] == []


def test_every_template_compiles():
    broken = []
    for file in TEMPLATES:
        try:
            get_template(str(file.relative_to(ROOT / "templates")))
        except TemplateSyntaxError as error:
            broken.append(f"{name_of(file)}: {error}")
    assert broken == []


def test_no_page_has_anything_inline():
    assert [found for file in PAGES for found in forbidden_in(file, FORBIDDEN_IN_PAGES)] == []


@pytest.mark.parametrize("what", FORBIDDEN_IN_PAGES)
def test_rule_would_find_what_it_forbids(what):
    specimen = {
        "inline script": "<script>a()</script>",
        "style element": "<style>p{}</style>",
        "style attribute": '<p class="a" style="color:red">',
        "event attribute": '<a href="/" onclick="a()">',
        "script address": '<a href="javascript:a()">',
        "another host": '<img src="https://elsewhere.example/a.png">',
        "evaluated htmx": "<a hx-vals='js:{a: b()}'>",
    }
    assert FORBIDDEN_IN_PAGES[what].search(specimen[what])


WRITTEN_OTHERWISE = re.compile(r"\|\s*(date|time|timesince|timeuntil|localtime|timezone|utc)\b|{%\s*now\b")


def test_page_that_brings_a_script_keeps_those_of_its_frame():
    """A part of the workspace that named its own script alone had lost mentions and presence."""
    block = re.compile(r"{%\s*block scripts\s*%}(.*?){%\s*endblock", re.DOTALL)
    frames = {"base.html", "proposals/workspace.html", "allauth/layouts/base.html"}
    lost = [
        name
        for file in PAGES
        if (name := str(file.relative_to(ROOT / "templates"))) not in frames
        and any("block.super" not in found for found in block.findall(file.read_text(encoding="utf-8")))
    ]
    assert lost == []


def test_moments_are_written_in_one_way():
    """Day, time and zone come from the filters of ``portal``, on pages, in mails and on paper."""
    files = [file for folder in FOLDERS for suffix in ("html", "txt") for file in folder.rglob(f"*.{suffix}")]
    assert len(files) > len(PAGES)
    assert [name_of(file) for file in files if WRITTEN_OTHERWISE.search(file.read_text())] == []
    for specimen in ('{{ at|date:"F j, Y" }}', "{{ at | timesince }}", "{% now 'Y' %}"):
        assert WRITTEN_OTHERWISE.search(specimen)


def test_moments_in_code_are_written_in_one_way():
    guilty = [
        name_of(file)
        for file in OWN_PYTHON
        if re.search(r"%-?I:%M|%B[ %{]|Eastern [Tt]ime", file.read_text()) and name_of(file) not in WRITERS
    ]
    assert guilty == []


def test_no_code_marks_text_as_safe_or_names_a_component_class():
    allowed = {"program/fields.py"}  # fields are components that are drawn in code
    guilty = [
        name_of(file)
        for file in OWN_PYTHON
        if re.search(r"\bmark_safe\b|\bSafeString\(|[\"' ]usa-[a-z]", file.read_text())
        and name_of(file) not in allowed
    ]
    assert guilty == []


def test_every_icon_named_in_a_template_is_in_the_sprite():
    sprite = set(re.findall(r'id="(\w+)"', (ROOT / "static/uswds/img/sprite.svg").read_text()))
    named = {
        (name_of(file), icon)
        for file in TEMPLATES
        for icon in re.findall(r"{%\s*icon [\"'](\w+)[\"']|\bicon=[\"'](\w+)[\"']", file.read_text())
        for icon in icon
        if icon
    }
    assert {(file, icon) for file, icon in named if icon not in sprite} == set()


@pytest.mark.parametrize("name", ["400.html", "500.html", "503.html"])
def test_page_of_a_fault_asks_no_database_and_no_context(name):
    html = get_template(name).render()
    assert "<h1>" in html
    assert "Demonstration. Not a government website." not in html
    with override_settings(DEMONSTRATION=True):
        assert "Demonstration. Not a government website." in get_template(name).render()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """The files as production serves them: every reference in the vendored CSS must resolve."""
    folder = tmp_path_factory.mktemp("static")
    storage = ManifestStaticFilesStorage(location=str(folder), base_url="/static/")
    found = {
        path: (store, path)
        for finder in finders.get_finders()
        for path, store in finder.list([])
        if path.startswith(("uswds/", "site.", "icon.", "htmx."))
    }
    for path, (store, _) in found.items():
        with store.open(path) as file:
            storage.save(path, file)
    failed = [(path, done) for path, _, done in storage.post_process(found) if isinstance(done, Exception)]
    assert failed == []
    return folder


def test_every_reference_of_the_style_sheets_resolves(manifest):
    names = json.loads((manifest / "staticfiles.json").read_text())["paths"]
    css = (manifest / names["uswds/css/uswds.min.css"]).read_text()
    for address in set(re.findall(r"url\(\"?([^)\"]+)\"?\)", css)):
        if not address.startswith("data:"):
            file = address.split("#")[0].split("?")[0]
            assert (manifest / "uswds/css" / file).resolve().is_file(), address


def test_first_page_weighs_less_than_350_kilobytes(manifest):
    base = (ROOT / "templates/base.html").read_text()
    named = set(re.findall(r"{% static '([^']+)' %}", base)) | {"uswds/img/sprite.svg"}
    weight = 0
    for name in named:
        content = (ROOT / "static" / name).read_bytes()
        weight += len(content) if name.endswith(".woff2") else len(gzip.compress(content))
    assert weight < 350_000 - 30_000  # the page itself is given 30 kB


def test_vendored_files_are_untouched():
    lines = (ROOT / "static/uswds/SHA256SUMS").read_text().splitlines()
    stated = dict(reversed(line.split("  ")) for line in lines)
    actual = {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in [
            *(file for file in ROOT.glob("static/uswds/**/*") if file.is_file() and file.name not in NOTES),
            ROOT / "static/htmx.min.js",
            ROOT / "tests/browser/vendor/axe.min.js",
        ]
    }
    assert actual == stated


SPOKEN = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", re.DOTALL)
LABEL = re.compile(r'{%[^%]*\s"([A-Z][^"]*)"')


def speaks_of_facts(words):
    return re.search(r"\bfacts?\b", words, re.IGNORECASE) is not None


def test_no_page_and_no_act_in_the_record_speaks_of_facts():
    """It is our word for what a record holds; who reads a page knows details, or the thing itself."""
    said = {
        name_of(file): [SPOKEN.sub(" ", file.read_text()), *LABEL.findall(file.read_text())]
        for file in TEMPLATES
    }
    assert [name for name, words in said.items() if any(map(speaks_of_facts, words))] == []
    assert [act for act, words in WORDS.items() if speaks_of_facts(words)] == []
