from __future__ import annotations

import pathlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import django.forms
import pytest
from django import forms
from django.forms import formset_factory
from django.template import Context, Template, TemplateSyntaxError
from django.urls import path
from django.utils.safestring import mark_safe

from evaluation.models import Condition
from program.fields import IN_CODE
from program.templatetags.uswds import BUTTON_VARIANTS, MARKS, TONE_ICONS, clause_anchor, tone_of
from program.transitions import Problem

pytestmark = pytest.mark.urls(__name__)

urlpatterns = [path("order/", lambda request: None, name="order")]

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title></style><svg onload=alert(1)>",
    "{{ 7|add:7 }}{% debug %}",
    "<!--<b>&#60;script&#62;",
    "`-alert(1)-`\u2028\u0000",
]

# Every component, with {{ x }} as the text that a stranger may have written
COMPONENTS = {
    "alert": "{% alert 'warning' heading=x %}{{ x }}{% endalert %}",
    "alert_slim": "{% alert slim=True %}{{ x }}{% endalert %}",
    "summary_box": "{% summary_box x %}{{ x }}{% endsummary_box %}",
    "empty_state": "{% empty_state x %}{{ x }}{% endempty_state %}",
    "error_summary": "{% error_summary problems=problems parts_url='/proposals/7/' heading=x %}",
    "button": "{% button x name='act' value=x confirm=x describes=x id=x %}",
    "button_link": "{% button x '/calls/' describes=x variant='outline' icon='add' %}",
    "post_button": "{% post_button x '/act/' name='act' value=x confirm=x describes=x target='#status' %}",
    "button_group": "{% button_group %}{{ x }}{% endbutton_group %}",
    "icon": "{% icon 'lock' label=x size='3' %}",
    "tag": "{% tag x tone='good' %}",
    "status_tag": "{% status_tag record %}",
    "confidentiality": "{% confidentiality 'business_confidential' justification=x %}",
    "clause": "{% clause x %}",
    "cards": "{% card_group columns=2 %}{% card x '/a/' eyebrow=x %}{{ x }}{% endcard %}{% endcard_group %}",
    "table": "{% table x id='t' %}<thead><tr>{% th x sort_url='?o=1' sorted='ascending' %}</tr></thead>"
    "<tbody><tr>{% th x scope='row' %}<td>{{ x }}</td></tr></tbody>{% endtable %}",
    "facts": "{% facts pairs columns=2 %}",
    "fact_list": "{% fact_list %}{% fact x %}{{ x }}{% endfact %}{% endfact_list %}",
    "accordion": "{% accordion %}{% accordion_item x note=x open=True %}{{ x }}{% endaccordion_item %}"
    "{% endaccordion %}",
    "process": "{% process_list %}{% process_step x %}{{ x }}{% endprocess_step %}{% endprocess_list %}",
    "timeline": "{% timeline %}{% timeline_entry x at=at by=x clause='s.3(c)' %}{{ x }}"
    "{% endtimeline_entry %}{% endtimeline %}",
    "breadcrumb": "{% breadcrumb %}{% crumb x '/' %}{% crumb x %}{% endbreadcrumb %}",
    "side_navigation": "{% side_navigation x %}{% side_link x '/a/' current=True state=x tone='bad' count=2"
    " %}{% endside_navigation %}",
    "pagination": "{% pagination previous='?before=1' next='?after=2' label=x shown=x %}",
    "step_indicator": "{% step_indicator steps 2 label=x %}",
    "deadline_panel": "{% deadline_panel at heading=x rule=x clause='s.3(c)' note=x ended=x now=now %}",
    "consultations": "{% consultations columns heading=x %}",
    "layer_stack": "{% layer_stack layers label=x %}",
    "counts": "{% counts x %}{% count 3 x '/a/' tone='bad' note=x %}{% endcounts %}",
    "fingerprint": "{% fingerprint sha label=x %}",
    "qr_code": "{% qr_code 'otpauth://totp/portal' label=x %}",
}


def render(source, **values):
    return Template("{% load uswds portal %}" + source).render(Context(values)).strip()


class Skeleton(HTMLParser):
    """The elements and attribute names of a page, without its texts."""

    def __init__(self, html):
        super().__init__()
        self.parts = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_endtag(self, tag):
        self.parts.append(f"/{tag}")


def context_of(text):
    return {
        "x": text,
        "at": datetime(2026, 7, 1, 4, tzinfo=UTC),
        "now": datetime(2026, 6, 18, 0, tzinfo=UTC),
        "sha": "ab" * 32,
        "steps": [text, text, text],
        "pairs": [(text, text), (text, None)],
        "problems": [
            Problem("missing", text, text, field="a"),
            Problem("part", text, "s.3(b)", "hardware", "a"),
        ],
        "record": SimpleNamespace(status="submitted", get_status_display=lambda: text),
        "columns": [
            {"agency": text, "state": text, "note": text, "tone": "bad"},
            {"agency": "State", "state": "x"},
        ],
        "layers": [
            SimpleNamespace(label=text, state=text, detail=text, url="/a/"),
            {"label": "b", "state": "c"},
        ],
    }


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("source", COMPONENTS.values(), ids=COMPONENTS)
def test_component_keeps_its_shape_whatever_a_stranger_wrote(source, text):
    assert (
        Skeleton(render(source, **context_of(text))).parts
        == Skeleton(render(source, **context_of("Plain"))).parts
    )


@pytest.mark.parametrize("source", COMPONENTS.values(), ids=COMPONENTS)
def test_component_prints_the_text_and_no_style_or_script(source):
    html = render(source, **context_of("Plain words"))
    assert "Plain words" in html
    assert re.search(r"\sstyle=|\son\w+=|<script|<style|javascript:", html) is None


@pytest.mark.parametrize(
    "source",
    [
        "{% alert 'info' headng='a' %}{% endalert %}",
        "{% button 'Save' varient='outline' %}",
        "{% post_button 'Save' %}",
        "{% status_tag record colour='red' %}",
        "{% table %}{% endtable %}",
        "{% card %}{% endcard %}",
        "{% error_summary problem=problems %}",
        "{% deadline_panel %}",
        "{% count 3 %}",
        "{% clause %}",
        "{% timeline_entry 'a' when=at %}{% endtimeline_entry %}",
        "{% side_link 'a' %}",
    ],
)
def test_misspelt_or_missing_argument_fails_when_the_template_compiles(source):
    with pytest.raises(TemplateSyntaxError):
        Template("{% load uswds %}" + source)


@pytest.mark.parametrize(
    "source",
    [
        "{% alert 'danger' %}{% endalert %}",
        "{% button 'Save' variant='primary' %}",
        "{% tag 'Open' tone='green' %}",
        "{% confidentiality 'secret' %}",
        "{% th 'a' scope='column' %}",
        "{% count 1 'a' tone='red' %}",
        "{% layer_stack layers %}",
    ],
)
def test_word_out_of_its_set_is_refused(source):
    with pytest.raises(TemplateSyntaxError):
        render(source, layers=[{"label": "a", "state": "b", "tone": "red"}])


def test_alert_says_its_kind_in_words_without_a_heading():
    assert '<span class="usa-sr-only">Warning:</span>' in render(
        "{% alert 'warning' %}<p>Late.</p>{% endalert %}"
    )
    assert "Warning:" not in render("{% alert 'warning' heading='Late' %}{% endalert %}")


def test_button_with_address_is_a_link_and_without_one_a_button():
    assert render("{% button 'Open' '/a/' %}") == '<a class="usa-button" href="/a/">Open</a>'
    assert render("{% button 'Save' name='act' value='save' %}") == (
        '<button class="usa-button" type="submit" name="act" value="save">Save</button>'
    )


@pytest.mark.parametrize("variant", [variant for variant in BUTTON_VARIANTS if variant])
def test_button_has_the_class_of_its_variant(variant):
    assert f'class="usa-button usa-button--{variant}"' in render("{% button 'Save' variant=v %}", v=variant)


def test_post_button_carries_the_token_and_htmx_only_with_a_target():
    plain = render("{% post_button 'Sign' '/sign/' %}", csrf_token="token-of-the-page")
    assert 'value="token-of-the-page"' in plain
    assert "hx-post" not in plain
    assert 'hx-post="/sign/" hx-target="#status"' in render(
        "{% post_button 'Sign' '/sign/' target='#status' %}"
    )


def test_status_tag_prints_word_icon_and_tone():
    record = SimpleNamespace(status="returned", get_status_display=lambda: "Returned for correction")
    html = render("{% status_tag record %}", record=record)
    assert "site-tag--waiting" in html
    assert "#schedule" in html
    assert "<span>Returned for correction</span>" in html


def test_status_that_is_not_known_is_neutral():
    assert tone_of("no-such-status") == "neutral"
    assert {tone_of("issued"), tone_of("withdrawn")} == {"good", "neutral"}


@pytest.mark.parametrize("tone", TONE_ICONS)
def test_every_tone_has_a_picture_of_the_sprite(tone, settings):
    sprite = (settings.BASE_DIR / "static/uswds/img/sprite.svg").read_text()
    assert f'id="{TONE_ICONS[tone]}"' in sprite


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_has_a_picture_of_the_sprite(mark, settings):
    sprite = (settings.BASE_DIR / "static/uswds/img/sprite.svg").read_text()
    assert f'id="{MARKS[mark][1]}"' in sprite
    assert MARKS[mark][0] in render("{% confidentiality mark %}", mark=mark)


def test_clause_of_the_order_leads_to_its_page_and_other_law_does_not():
    html = render("{% clause 's.3(b)(i)(A)' %}")
    assert 'href="/order/#s-3-b-i-A"' in html
    assert "Executive Order 14320, section 3(b)(i)(A)" in html
    assert render("{% clause '22 U.S.C. 9621' %}") == '<cite class="site-clause">22 U.S.C. 9621</cite>'
    assert clause_anchor("s.4(c)(vi)") == "s-4-c-vi"


def test_error_summary_lists_every_problem_with_clause_and_link():
    problems = [
        Problem("missing-data", "Describe the layer.", "s.3(b)(i)", part="data", field="title"),
        Problem("no-market", "Name a target market.", "s.3(b)(ii)", field="market"),
        Problem("closed", "The call is closed.", "s.3(c)"),
    ]
    html = render("{% error_summary problems=problems parts_url='/proposals/7/' %}", problems=problems)
    assert "There are 3 problems" in html
    assert '<a href="/proposals/7/data/#id_title">Describe the layer.</a>' in html
    assert '<a href="#id_market">Name a target market.</a>' in html
    assert "<li>The call is closed." in html
    assert html.count('class="site-clause"') == 3
    assert 'id="error-summary" tabindex="-1" role="alert"' in html


def test_error_summary_is_empty_when_nothing_is_wrong():
    assert render("{% error_summary problems=problems form=form %}", problems=[], form=PackageForm()) == ""


def test_error_summary_lists_forms_and_formsets():
    form = PackageForm({"title": "", "model": ""})
    html = render("{% error_summary form=form %}", form=form)
    assert '<a href="#id_title">Title: This field is required.</a>' in html
    assert '<a href="#id_model_0">Model: This field is required.</a>' in html
    formset = formset_factory(PackageForm)(
        {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-title": "", "form-0-agree": "on"}
    )
    assert 'href="#id_form-0-title"' in render("{% error_summary formset=formset %}", formset=formset)


def test_deadline_panel_states_date_time_zone_remaining_time_and_rule():
    html = render(
        "{% deadline_panel at rule='Day 90 is the last day.' clause='s.3(c)' now=now %}", **context_of("")
    )
    for words in (
        "June 30, 2026",
        "11:59 p.m. Washington time (UTC-04)",
        "13 days 4 hours",
        "Day 90 is the last day.",
    ):
        assert words in html
    assert 'datetime="2026-07-01T00:00:00-04:00" data-countdown' in html


def test_deadline_panel_after_the_end_says_so_and_counts_no_more():
    at = datetime(2026, 7, 1, 4, tzinfo=UTC)
    html = render("{% deadline_panel at now=at ended='Intake is closed.' %}", at=at)
    assert "Intake is closed." in html
    assert "data-countdown" not in html


def test_deadline_that_is_not_set_says_so():
    html = render("{% deadline_panel at %}", at=None)
    assert "Not set yet" in html
    assert "<time" not in html


def test_error_summary_takes_a_form_that_the_page_does_not_have():
    assert render("{% error_summary problems=no_such form=no_such formset=no_such %}") == ""


def test_table_is_named_by_its_caption_and_scrolls_by_keyboard():
    html = render("{% table 'Open calls' %}{% endtable %}")
    assert 'tabindex="0" role="region" aria-labelledby="open-calls-caption"' in html
    assert '<caption id="open-calls-caption">Open calls</caption>' in html


def test_pagination_is_nothing_on_a_single_page():
    assert render("{% pagination %}") == ""
    assert 'rel="next"' in render("{% pagination next='?after=9' %}")
    assert 'rel="prev"' not in render("{% pagination next='?after=9' %}")


def test_step_indicator_marks_done_current_and_open_steps():
    html = render("{% step_indicator steps 2 %}", steps=["Fill", "Check", "Certify"])
    assert html.count("segment--complete") == html.count("segment--current") == 1
    assert 'aria-current="step"' in html
    assert re.search(r"Certify <span class=\"usa-sr-only\">not completed", html)


def test_markup_that_was_kept_is_not_given_to_the_same_text_without_its_mark():
    for word, shown in ((mark_safe("<b>Met</b>"), "<b>Met</b>"), ("<b>Met</b>", "&lt;b&gt;Met&lt;/b&gt;")):
        assert f"<span>{shown}</span>" in render("{% tag word %}", word=word)


def test_fingerprint_copies_without_blanks():
    html = render("{% fingerprint sha %}", sha="ab" * 32)
    assert re.sub("<[^>]+>", "", html.split("<code>")[1]).strip() == "ab" * 32


class PackageForm(forms.Form):
    title = forms.CharField(help_text="As in the <b>catalog</b>.")
    model = forms.ChoiceField(
        choices=[("a", "Owned"), ("b", "Leased")], widget=forms.RadioSelect, help_text="Who?"
    )
    sectors = forms.MultipleChoiceField(
        choices=[("h", "Health"), ("e", "Energy")], widget=forms.CheckboxSelectMultiple, required=False
    )
    places = forms.MultipleChoiceField(
        choices=[(str(number), f"Place <{number}>") for number in range(21)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    market = forms.ChoiceField(choices=[("KE", "Kenya")], widget=forms.Select(attrs={"data-combo-box": True}))
    starts_on = forms.DateField(required=False)
    value_usd = forms.DecimalField(required=False)
    us_share = forms.DecimalField(required=False, widget=forms.NumberInput(attrs={"data-suffix": "%"}))
    summary = forms.CharField(widget=forms.Textarea(attrs={"maxlength": 300}), required=False)
    evidence = forms.FileField(required=False)
    agree = forms.BooleanField(help_text="18 U.S.C. 1001.")
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def field_of(name, data=None):
    return str(PackageForm(data)[name].as_field_group())


def test_text_field_has_label_hint_and_required_in_words():
    html = field_of("title")
    assert (
        '<label class="usa-label" for="id_title">Title <span class="site-required">(required)</span></label>'
        in html
    )
    assert 'id="id_title_helptext">As in the &lt;b&gt;catalog&lt;/b&gt;.</div>' in html
    assert 'class="usa-input" type="text" name="title"' in html
    assert 'aria-describedby="id_title_helptext"' in html


def test_field_with_error_is_marked_and_described_by_it():
    html = field_of("title", {"title": ""})
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert re.search(r'<ul class="usa-error-message[^"]*" id="id_title_error"><li>', html)


@pytest.mark.parametrize(("name", "kind"), [("model", "radio"), ("sectors", "checkbox")])
def test_choices_stand_in_a_fieldset_with_legend(name, kind):
    html = field_of(name)
    assert "<fieldset" in html
    assert "<legend" in html
    assert html.count(f'class="usa-{kind}__input"') == html.count(f'class="usa-{kind}__label"') == 2
    assert f'for="id_{name}_1"' in html


def test_kept_choices_are_marked_where_they_are_chosen_and_escaped_unless_they_are_markup():
    def shown(label, chosen=None):
        field = forms.ChoiceField(choices=[("<a>", label)], widget=forms.RadioSelect)
        return str(type("Form", (forms.Form,), {"way": field})({"way": chosen} if chosen else None)["way"])

    for _ in range(2):
        markup, text = shown(mark_safe("<b>Owned</b>")), shown("<b>Owned</b>")
        assert ">&lt;b&gt;Owned&lt;/b&gt;</label>" in text
        assert "><b>Owned</b></label>" in markup
        assert 'value="&lt;a&gt;"' in markup
        assert " checked" not in text
        assert " checked" in shown("<b>Owned</b>", "<a>")


def test_choice_of_yes_and_no_sends_what_was_chosen():
    class Form(forms.Form):
        way = forms.TypedChoiceField(choices=[(True, "Yes"), (False, "No")], widget=forms.RadioSelect)

    html = str(Form()["way"])
    assert [html.count(f'value="{value}"') for value in ("True", "False")] == [1, 1]


def test_kept_attribute_is_escaped_though_the_same_text_was_markup():
    def shown(value):
        widget = forms.RadioSelect(attrs={"data-way": value})
        field = forms.ChoiceField(choices=[("a", "Owned")], widget=widget)
        return str(type("Form", (forms.Form,), {"way": field})()["way"])

    assert 'data-way="<b>"' in shown(mark_safe("<b>"))
    assert 'data-way="&lt;b&gt;"' in shown("<b>")


def test_button_names_a_record_as_it_is_now():
    for number in (3, 4):
        condition = Condition(pk=5, number=number)
        assert f"{condition}" in render('{% button "Take it out" describes=it %}', it=condition)
    assert "disabled" not in render('{% button "Go" disabled=no %}', no=False)


def test_many_choices_fold_away_under_what_is_chosen():
    assert "<details" not in field_of("sectors")
    assert "<summary data-many-chosen>Choose from the list</summary>" in field_of("places")
    html = field_of("places", {"places": ["3", "20"]})
    assert "<summary data-many-chosen>2 chosen: Place &lt;3&gt;, Place &lt;20&gt;</summary>" in html
    assert html.count("<details") == html.count("</details>") == 1


def test_no_input_of_django_is_drawn_without_the_class_of_the_house():
    stock = pathlib.Path(django.forms.__file__).parent / "templates/django/forms/widgets"
    plain = [file.name for file in stock.glob("*.html") if "widgets/input.html" in file.read_text()]
    assert "text.html" in plain
    ours = {name.rsplit("/", 1)[1] for name in IN_CODE}
    assert {"date.html", "select.html"} <= ours
    assert set(plain) - ours == {"hidden.html", "input_option.html"}  # the latter is drawn with its group


def test_kept_frame_shows_a_problem_only_where_there_is_one():
    for _ in range(2):
        right, wrong = field_of("title", {"title": "A hall"}), field_of("title", {"title": ""})
        assert ("usa-form-group--error" in right, "usa-error-message" in right) == (False, False)
        assert ("usa-form-group--error" in wrong, "usa-error-message" in wrong) == (True, True)


def test_kept_label_is_escaped_unless_it_is_markup():
    def shown(label):
        form = type("Form", (forms.Form,), {"way": forms.CharField(label=label)})()
        return str(form["way"].as_field_group())

    for _ in range(2):
        assert ">&lt;b&gt;Way&lt;/b&gt; " in shown("<b>Way</b>")
        assert "><b>Way</b> " in shown(mark_safe("<b>Way</b>"))


def test_kept_options_are_marked_where_they_are_chosen():
    def shown(chosen):
        field = forms.ChoiceField(
            choices=[("", "-"), ("Asia", [("KE", "<Kenya>"), ("JP", "Japan")])],
            widget=forms.Select(attrs={"data-combo-box": True}),
        )
        return str(type("Form", (forms.Form,), {"market": field})({"market": chosen})["market"])

    for chosen, other in (("KE", "JP"), ("JP", "KE")):
        html = shown(chosen)
        assert f'<option value="{chosen}" selected>' in html and f'<option value="{other}">' in html
        assert f'<div class="usa-combo-box" data-default-value="{chosen}">' in html
        assert '<optgroup label="Asia">' in html and "&lt;Kenya&gt;" in html
    assert "data-default-value" not in shown("")


def test_group_with_error_is_described_by_it():
    assert 'aria-describedby="id_model_helptext id_model_error"' in field_of("model", {})


def test_single_checkbox_has_its_label_behind_it():
    html = field_of("agree")
    assert html.index("usa-checkbox__input") < html.index(
        '<label class="usa-checkbox__label" for="id_agree">'
    )
    assert html.count("<label") == 1


def test_dollars_shares_dates_files_counts_and_long_lists_have_their_own_field():
    assert '<div class="usa-input-prefix" aria-hidden="true">$</div>' in field_of("value_usd")
    assert '<div class="usa-input-suffix" aria-hidden="true">%</div>' in field_of("us_share")
    assert 'type="date"' in field_of("starts_on")
    assert 'class="site-file" type="file"' in field_of("evidence")
    assert 'data-counter-for="id_summary">Up to 300 characters' in field_of("summary")
    assert '<div class="usa-combo-box"><select class="usa-select"' in field_of("market")


def test_form_prints_hidden_fields_once_and_errors_of_the_whole():
    form = PackageForm({"title": "a"})
    form.add_error(None, "The parts contradict each other.")
    html = str(form)
    assert html.count('name="secret"') == 1
    assert "The parts contradict each other." in html
    assert all(f'name="{name}"' in html for name in form.fields)


@pytest.mark.parametrize("text", HOSTILE)
def test_field_keeps_its_shape_whatever_a_stranger_typed(text):
    def shape(value):
        return Skeleton(
            str(PackageForm({"title": value, "summary": value, "model": "a", "agree": "on"}))
        ).parts

    assert shape(text.replace("\u0000", "")) == shape("Plain")


@pytest.mark.parametrize("text", ["Plain", "\n  indented\n", "  two blanks"])
def test_long_text_comes_back_as_it_was_typed(text):
    html = str(PackageForm({"summary": text})["summary"])
    shown = re.search(
        r"<textarea[^>]*>\n(.*?)</textarea>", html, re.S
    )  # a browser drops the first line break
    assert shown[1] == text
