"""Components as tables: out, in, shown first, taken over whole and once."""

from __future__ import annotations

import csv
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from program.models import AuditEvent
from program.spreadsheets import TOO_LONG, Line, as_typed, harmless, read_pasted
from proposals import services
from proposals.models import Component, TableImport
from proposals.tables import Entry
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, RecusalFactory, TeamMemberFactory, representative_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(places):
    return ProposalFactory()


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


def sign_in(client, user):
    """A session that has used a second factor, as offices and authorized representatives need."""
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["second_factor_verified"] = user.pk
    session.save()
    return client


@pytest.fixture
def at_work(client, by):
    return sign_in(client, by)


def added(proposal, by, **values):
    return services.add_row(Component(proposal=proposal, layer="hardware"), by=by, values=values)


def url(name, proposal, *more):
    return reverse(f"proposals:{name}", args=[proposal.pk, "hardware", *more])


def exported(client, proposal, kind="csv"):
    """The table as a list of rows of texts."""
    content = client.get(url("table-export", proposal, kind)).content
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    rows = load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def as_csv(rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return SimpleUploadedFile("parts.csv", out.getvalue().encode())


def as_xlsx(rows, name="parts.xlsx"):
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return SimpleUploadedFile(name, out.getvalue())


def read_in(client, proposal, what):
    """Read a table in; returns the answer."""
    data = {"text": what} if isinstance(what, str) else {"file": what}
    return client.post(url("table-import", proposal), data)


def shown(client, proposal, what):
    """Read a table in and open its preview."""
    answer = read_in(client, proposal, what)
    assert answer.status_code == 302, answer.context["problems"] or answer.context["form"].errors
    preview = client.get(answer.url)
    assert preview.status_code == 200, preview.context.get("problems")
    return preview


def take_over(client, preview, **more):
    data = {"shown": preview.context["plan"].digest, **more}
    return client.post(preview.request["PATH_INFO"], data)


def messages_of(answer):
    return [str(problem) for problem in answer.context["problems"]]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_table_that_comes_back_unchanged_changes_nothing(at_work, proposal, by, kind):
    added(
        proposal, by, name="=HYPERLINK(\"x\")", maker="مصنع 🏭", quantity=12, subtype="server",
        total_value_usd=Decimal("1234567890123456.78"), us_content_value_usd=Decimal("12.50"),
        country_of_origin_id="KE", is_datacenter=True, supplier=proposal.consortium.anchor,
        description="Two\nlines", us_manufacture="'=quoted",
    )  # fmt: skip
    content = at_work.get(url("table-export", proposal, kind)).content
    preview = shown(at_work, proposal, SimpleUploadedFile(f"parts.{kind}", content))
    plan = preview.context["plan"]
    assert (plan.added, plan.changed, plan.stale, plan.absent, plan.same) == ([], [], [], [], 1)


def test_export_has_headings_as_people_read_them_and_words_for_codes(at_work, proposal, by):
    row = added(proposal, by, name="Rack", subtype="power_cooling", country_of_origin_id="KE")
    headings, cells = exported(at_work, proposal)
    said = dict(zip(headings, cells, strict=True))
    assert (said["Key"], said["Revision"], said["Sub-type"]) == (row.key, "1", "Power and cooling")
    assert said["Country of origin"] == row.country_of_origin.name
    assert {"Supplied by", "Total value, USD", "ECCN", "License expires on"} <= said.keys()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
def test_no_exported_cell_is_a_formula(at_work, proposal, by, kind, sign):
    added(proposal, by, name=f"{sign}1+1", us_manufacture=f"{sign}cmd")
    cells = exported(at_work, proposal, kind)[1]
    assert [cell for cell in cells if cell.startswith(sign)] == []
    assert f"'{sign}1+1" in cells
    if kind == "xlsx":
        content = at_work.get(url("table-export", proposal, kind)).content
        sheet = load_workbook(io.BytesIO(content)).active
        assert {cell.data_type for row in sheet for cell in row if cell.value} <= {"s", "n"}


@pytest.mark.parametrize("text", ["", "'", "plain", "'plain", "=1", "'=1", "''=1", "\t=x", "-", "'-5"])
def test_neutralized_text_comes_back_as_it_was(text):
    assert as_typed(harmless(text)) == text
    assert harmless(text)[:1] not in ("=", "-", "\t")


def test_text_too_long_for_a_cell_stays_as_it_is(at_work, proposal, by):
    row = added(proposal, by, name="Long", description="x" * 40_000)
    content = at_work.get(url("table-export", proposal, "xlsx")).content
    assert TOO_LONG in [cell for line in exported(at_work, proposal, "xlsx") for cell in line]
    preview = shown(at_work, proposal, SimpleUploadedFile("parts.xlsx", content))
    assert (preview.context["plan"].changed, preview.context["plan"].same) == ([], 1)
    assert row.description == "x" * 40_000


def test_import_adds_changes_and_leaves_the_rest_in_one_act(at_work, proposal, by):
    first, second = added(proposal, by, name="One", quantity=1), added(proposal, by, name="Two")
    table = [
        ["Key", "Revision", "Name", "Quantity", "Total value, USD", "Sub-type", "Country of origin"],
        [first.key, 1, "One", "2", "$1,250,000.00", "server", "US"],
        ["", "", "Three", "1,000", "", "Power and cooling", "ke"],
    ]
    preview = shown(at_work, proposal, as_csv(table))
    plan = preview.context["plan"]
    assert [change.after for change in plan.changed] == [
        {
            "quantity": 2, "total_value_usd": Decimal("1250000.00"), "subtype": "server",
            "country_of_origin_id": "US",
        }
    ]  # fmt: skip
    assert ([entry.values["name"] for entry in plan.added], plan.absent) == (["Three"], [second])
    assert Component.objects.filter(proposal=proposal).count() == 2
    assert take_over(at_work, preview).status_code == 302
    rows = {row.name: row for row in Component.objects.filter(proposal=proposal)}
    assert set(rows) == {"One", "Two", "Three"}
    assert (rows["One"].quantity, rows["One"].revision, rows["One"].saved_by) == (2, 2, by)
    assert (rows["Three"].quantity, rows["Three"].subtype) == (1000, "power_cooling")
    assert (rows["Three"].country_of_origin_id, rows["Two"].revision) == ("KE", 1)
    event = AuditEvent.objects.get(act="proposal.import_components")
    told = json.loads(event.body)["after"]
    assert [told[name] for name in ("added", "changed", "removed", "left_alone")] == [1, 1, 0, 0]
    assert TableImport.objects.get().lines == []


def test_components_left_out_are_removed_only_when_ticked(at_work, proposal, by):
    kept, gone = added(proposal, by, name="Kept"), added(proposal, by, name="Gone")
    elsewhere = services.add_row(Component(proposal=proposal, layer="data"), by=by, values={"name": "Data"})
    table = [["Key", "Revision", "Name"], [kept.key, 1, "Kept"]]
    assert take_over(at_work, shown(at_work, proposal, as_csv(table))).status_code == 302
    assert Component.objects.filter(pk=gone.pk).exists()
    take_over(at_work, shown(at_work, proposal, as_csv(table)), remove="yes")
    assert set(Component.objects.filter(proposal=proposal)) == {kept, elsewhere}


def test_row_saved_since_the_export_is_named_and_left_alone(at_work, proposal, by):
    row, other = added(proposal, by, name="One"), added(proposal, by, name="Two")
    services.save_row(row, by=by, values={"name": "One, by another"}, revision=1)
    table = [["Key", "Revision", "Name"], [row.key, 1, "Mine"], [other.key, 1, "Two, mine"]]
    preview = shown(at_work, proposal, as_csv(table))
    assert [change.row for change in preview.context["plan"].stale] == [row]
    assert f"{by} saved it after your export" in preview.content.decode()
    take_over(at_work, preview)
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.name, other.name) == ("One, by another", "Two, mine")


def test_what_changed_since_the_preview_is_shown_again_and_nothing_is_done(at_work, proposal, by):
    row = added(proposal, by, name="One")
    preview = shown(
        at_work, proposal, as_csv([["Key", "Revision", "Name"], [row.key, 1, "Mine"], ["", "", "New"]])
    )
    services.save_row(row, by=by, values={"name": "Theirs"}, revision=1)
    answer = take_over(at_work, preview)
    assert (answer.status_code, list(Component.objects.values_list("name", flat=True))) == (409, ["Theirs"])
    assert [change.row for change in answer.context["plan"].stale] == [row]
    assert not AuditEvent.objects.filter(act="proposal.import_components").exists()
    assert take_over(at_work, answer).status_code == 302
    assert sorted(Component.objects.values_list("name", flat=True)) == ["New", "Theirs"]


def test_import_pressed_twice_is_done_once(at_work, proposal):
    preview = shown(at_work, proposal, "Name\tMaker\nServer\tHelios")
    assert take_over(at_work, preview).status_code == take_over(at_work, preview).status_code == 302
    assert Component.objects.count() == 1
    assert AuditEvent.objects.filter(act="proposal.import_components").count() == 1


BAD = [
    ("Quantity", "-1", "Give a number of 0 or more."),
    ("Quantity", "12.5", "Enter a whole number."),
    ("Quantity", "12,5", "Write commas only between thousands"),
    ("Quantity", "9" * 30, "Give a number of "),
    ("Total value, USD", "-0.01", "Give a number of 0 or more."),
    ("Total value, USD", "NaN", "Give a number"),
    ("Total value, USD", "Infinity", "Give a number"),
    ("Total value, USD", "1e9", "Give a number"),
    ("Total value, USD", "51%", "Give a number"),
    ("Total value, USD", "1.250.000,00", "Write commas only between thousands"),
    ("Total value, USD", "9" * 30, "Ensure that there are no more than 20 digits in total."),
    ("Total value, USD", "12.505", "Ensure that there are no more than 2 decimal places."),
    ("Country of origin", "XX", "“XX” is no country that the portal knows."),
    ("Supplied by", "Nobody Inc.", "“Nobody Inc.” is no member of the consortium."),
    ("Sub-type", "Chipp", "“Chipp” is none of: Chip, Server"),
    ("Designed or marketed for data centers", "perhaps", "“perhaps” is neither Yes nor No."),
    ("License expires on", "2026-13-01", "Enter a valid date."),
    ("Name", "x" * 201, "Shorten this text to 200 characters; it has 201."),
    ("Name", "bell\x07", "Remove the control characters from this text."),
    ("Description", "nul\x00", "Null characters are not allowed."),
    ("Revision", "one", "“one” is no revision."),
    ("Revision", "1", "it has a revision but no key."),
    ("Key", "component-999999", "is no component of this part"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD, ids=lambda value: value[:20])
def test_bad_cell_is_named_by_row_and_column_and_nothing_is_imported(
    at_work, proposal, column, value, message
):
    other = "Maker" if column == "Name" else "Name"
    answer = read_in(at_work, proposal, as_csv([[other, column], ["Good", ""], ["Bad", value]]))
    assert answer.status_code == 422
    (said,) = messages_of(answer)
    assert said.startswith(f"Row 3, column “{column}”: ")
    assert message in said
    assert (Component.objects.count(), TableImport.objects.count()) == (0, 0)


def test_every_bad_row_is_named_at_once_and_what_was_pasted_is_kept(at_work, proposal):
    text = "Name\tQuantity\tTotal value, USD\nA\tx\t-1\nB\t2\t3\nC\t\tmuch"
    answer = read_in(at_work, proposal, text)
    assert [said.partition(":")[0] for said in messages_of(answer)] == [
        "Row 2, column “Quantity”", "Row 2, column “Total value, USD”", "Row 4, column “Total value, USD”",
    ]  # fmt: skip
    assert answer.context["form"]["text"].value() == text
    assert (
        "4 places" not in answer.content.decode()
        and "3 places need a correction, in 2 rows" in answer.content.decode()
    )


def test_cells_keys_and_values_that_contradict_are_all_named_at_once(at_work, proposal, by):
    row = added(proposal, by, name="One", total_value_usd=Decimal(10))
    table = [
        ["Key", "Revision", "Name", "Quantity", "Total value, USD", "Value of U.S. content, USD"],
        [row.key, 1, "One", "many", "10", "11"],
        [row.key, 1, "Twice", "2", "10", "12"],
        ["component-999999", 1, "Gone", "2", "10", "5"],
        ["", "", "New", "2", "much", "13"],
    ]
    said = messages_of(read_in(at_work, proposal, as_csv(table)))
    assert [one.partition(":")[0] for one in said] == [
        "Row 2, column “Quantity”", "Row 2, column “Value of U.S. content, USD”", "Row 3, column “Key”",
        "Row 3, column “Value of U.S. content, USD”", "Row 4, column “Key”",
        "Row 5, column “Total value, USD”",
    ]  # fmt: skip


def test_us_content_above_the_whole_is_named(at_work, proposal, by):
    row = added(proposal, by, name="One", total_value_usd=Decimal(10))
    table = [
        ["Key", "Revision", "Name", "Value of U.S. content, USD"],
        [row.key, 1, "One", "10.01"],
        ["", "", "New", "5"],
    ]
    (said,) = messages_of(read_in(at_work, proposal, as_csv(table)))
    assert said.startswith("Row 2, column “Value of U.S. content, USD”: it is worth more than the whole.")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["Name", "Prise"], ["A", "1"]], "Column “Prise”: this part has no such column."),
        ([["Name", "Total valu, USD"], ["A", "1"]], "Did you mean “Total value, USD”?"),
        ([["Name", "Name"], ["A", "B"]], "Column “Name”: it stands there twice."),
        ([["A", "B"], ["C", "D"]], "Row 1: it must hold the headings"),
        ([["Name"]], "It has headings and no rows below them."),
        ([["Name"], ["A", "B"]], "“B” stands in a column without a heading."),
        ([["Key", "Name"], ["component-1", "A"]], "is no component of this part"),
    ],
)  # fmt: skip
def test_table_that_is_not_understood_is_refused_with_the_place(at_work, proposal, rows, message):
    answer = read_in(at_work, proposal, as_csv(rows))
    assert any(message in said for said in messages_of(answer)), messages_of(answer)


def test_key_without_its_revision_and_key_twice_are_refused(at_work, proposal, by):
    row = added(proposal, by, name="One")
    said = messages_of(read_in(at_work, proposal, as_csv([["Key", "Name"], [row.key, "Mine"]])))
    assert "Restore the number from the export" in said[0]
    table = [["Key", "Revision", "Name"], [row.key, 1, "A"], [row.key, 1, "B"]]
    (said,) = messages_of(read_in(at_work, proposal, as_csv(table)))
    assert said.startswith(f"Row 3, column “Key”: “{row.key}” stands in row 2 already.")


def test_component_of_another_part_or_proposal_is_not_reached_by_its_key(at_work, proposal, by):
    mine = services.add_row(Component(proposal=proposal, layer="data"), by=by, values={"name": "Data"})
    other = ProposalFactory()
    foreign = added(other, representative_of(other), name="Secret chip")
    for row in (mine, foreign):
        answer = read_in(at_work, proposal, as_csv([["Key", "Revision", "Name"], [row.key, 1, "Taken"]]))
        assert "is no component of this part" in messages_of(answer)[0]
        assert "Secret" not in answer.content.decode()


def with_part(file, name, text):
    out = io.BytesIO(file.read())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return SimpleUploadedFile("parts.xlsx", out.getvalue())


ENTITY = b"<!DOCTYPE a [<!ENTITY b 'c'>]>"


def with_more(name, content):
    return with_part(as_xlsx([["Name"], ["A"]]), name, content)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (lambda: SimpleUploadedFile("parts.xlsm", b"PK"), "The file has macros."),
        (lambda: with_more("xl/vbaProject.bin", b"x"), "The file has macros."),
        (lambda: with_more("xl/media/bomb.xml", b" " * 70_000_000), "unpacks to more than"),
        (lambda: with_more("xl/x.xml", ENTITY), "declares what no spreadsheet"),
        (lambda: SimpleUploadedFile("parts.xlsx", b"PK\x03\x04 cut short"), "cannot be opened"),
        (lambda: SimpleUploadedFile("parts.pdf", b"%PDF-1.7"), "The file is no table."),
        (lambda: SimpleUploadedFile("parts.csv", b"PK\x03\x04"), "the file is no CSV table"),
        (lambda: SimpleUploadedFile("parts.csv", "Näme".encode("latin-1")), "not UTF-8 text"),
        (lambda: SimpleUploadedFile("parts.csv", b'Name\n"never closed'), "quotation mark is not closed"),
        (lambda: SimpleUploadedFile("parts.csv", b"Name\n" + b"x" * 11_000_000), "larger than 10 MB"),
        (lambda: as_csv([["Name"], *([["A"]] * 5001)]), "more than 5,000 rows"),
        (lambda: as_csv([["Name"] * 101]), "more than 100 columns"),
    ],
)  # fmt: skip
def test_file_that_is_no_table_is_refused_by_its_reason(at_work, proposal, file, message):
    answer = read_in(at_work, proposal, file())
    assert message in str(answer.context["form"].errors["file"])
    assert TableImport.objects.count() == 0


def test_formula_counts_by_its_result_and_without_one_is_named(at_work, proposal):
    answer = read_in(at_work, proposal, as_xlsx([["Name", "Quantity"], ["A", 3], ["B", "=B2*2"]]))
    (said,) = messages_of(answer)
    assert (
        said
        == "Row 3, column “Quantity”: it holds a formula without its result. Copy it and paste it as a value."
    )


def test_pasted_cells_without_headings_are_read_in_the_order_of_the_page(at_work, proposal):
    preview = shown(
        at_work, proposal, "Server\tServer\tHelios\tH1\t4\nSwitch\tNetworking\tHelios\tS1\t1,200\n\n"
    )
    assert "held no headings" in preview.content.decode()
    take_over(at_work, preview)
    assert list(Component.objects.values_list("name", "subtype", "maker", "model", "quantity")) == [
        ("Server", "server", "Helios", "H1", 4), ("Switch", "network", "Helios", "S1", 1200),
    ]  # fmt: skip


def test_pasted_cells_keep_their_own_line_ends_and_quotation_marks():
    grid = read_pasted('"Two\nlines, ""quoted"""\t19" rack\n"Alone" in marks\t\n')
    assert [line.cells for line in grid.lines] == [['Two\nlines, "quoted"', '19" rack'], ['"Alone" in marks']]


def test_new_row_like_one_that_is_there_is_pointed_out(at_work, proposal, by):
    row = added(proposal, by, name="Server", maker="Helios")
    preview = shown(at_work, proposal, "Name\tMaker\nServer\tHelios")
    assert preview.context["plan"].alike == {2: row.key}
    assert f"Looks like {row.key}" in preview.content.decode()


def test_two_thousand_rows_are_taken_over_with_a_bounded_number_of_statements(
    at_work, proposal, django_assert_max_num_queries
):
    rows = [["Name", "Quantity"], *([f"Server {number}", number] for number in range(2000))]
    with django_assert_max_num_queries(30):
        answer = read_in(at_work, proposal, as_xlsx(rows))
    preview = at_work.get(answer.url)
    assert len(preview.content) < 200_000
    with django_assert_max_num_queries(45):
        assert take_over(at_work, preview).status_code == 302
    assert Component.objects.filter(proposal=proposal).count() == 2000


PAGES = ["table", "table-import", ("table-export", "csv"), ("table-export", "xlsx"), ("table-preview", 1)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_strangers_government_and_recused_find_nothing(client, proposal, page):
    name, *more = (page,) if isinstance(page, str) else page
    recused = TeamMemberFactory(membership=proposal.consortium.anchor).user
    RecusalFactory(proposal=proposal, user=recused)
    for person in (UserFactory(), officer(), recused):
        sign_in(client, person)
        assert client.get(url(name, proposal, *more)).status_code == 404


def test_who_may_only_look_reads_and_exports_and_imports_nothing(client, proposal):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=representative_of(proposal))
    sign_in(client, counsel)
    assert client.get(url("table", proposal)).status_code == 200
    assert client.get(url("table-export", proposal, "csv")).status_code == 200
    assert client.get(url("table-import", proposal)).status_code == 403
    assert read_in(client, proposal, "Name\nX").status_code == 403


def test_preview_is_seen_by_who_read_it_in_alone(client, at_work, proposal, by):
    answer = read_in(at_work, proposal, "Name\nServer")
    colleague = TeamMemberFactory(membership=proposal.consortium.anchor).user
    sign_in(client, colleague)
    assert client.get(answer.url).status_code == 404
    assert client.post(answer.url, {"shown": "x"}).status_code == 404


def test_two_people_who_take_over_one_table_do_not_overwrite_each_other(client, proposal, by):
    row = added(proposal, by, name="One")
    colleague = TeamMemberFactory(membership=proposal.consortium.anchor).user
    tables = [[["Key", "Revision", "Name"], [row.key, 1, f"By {who}"], ["", "", "New"]] for who in (1, 2)]
    previews = []
    for person, table in zip((by, colleague), tables, strict=True):
        previews.append(shown(sign_in(client, person), proposal, as_csv(table)))
    assert take_over(sign_in(client, by), previews[0]).status_code == 302
    answer = take_over(sign_in(client, colleague), previews[1])
    assert (answer.status_code, [change.row for change in answer.context["plan"].stale]) == (409, [row])
    assert sorted(Component.objects.values_list("name", flat=True)) == ["By 1", "New"]


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_take_a_table_over_once(proposal, by):
    lines = [Line(1, ["Name"]), Line(2, ["Server"])]
    kept = services.keep_table(proposal, by=by, layer="hardware", source="parts.csv", lines=lines)
    entries = [Entry(2, "", None, {"name": "Server"})]
    digest = services.planned(proposal, "hardware", entries).digest
    start = threading.Barrier(4)

    def press():
        try:
            start.wait(timeout=30)
            again = TableImport.objects.get(pk=kept.pk)
            return services.import_components(again, by=by, entries=entries, shown=digest).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        events = [pressed.result() for pressed in [pool.submit(press) for _ in range(4)]]
    assert len(set(events)) == 1
    assert Component.objects.filter(proposal=proposal).count() == 1
