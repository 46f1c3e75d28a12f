"""The package as a workbook says what the JSON file says, and acts on nobody's machine."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from program.spreadsheets import TOO_LONG
from proposals.composition import compose
from proposals.enums import MarketKind
from proposals.merging import Known, merge
from proposals.package import Package
from proposals.package_file import FileRefused, read_file, write_file
from proposals.workbook import read_workbook, write_workbook
from tests.factories.packages import complete_package, hardware, packages
from tests.factories.proposals import ProposalFactory, representative_of
from tests.proposals.test_imports import of_page, signed_in

quick = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
KNOWN = Known({"US": "United States", "KE": "Kenya"}, {}, {}, {}, proposal=7)


def written(package, proposal=7):
    return write_workbook(write_file(package, proposal=proposal, at=datetime(2026, 11, 26, tzinfo=UTC)))


def changed(content, sheet, cell, value):
    """The workbook with one cell typed over, as a spreadsheet program would save it."""
    book = load_workbook(io.BytesIO(content))
    book[sheet][cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def refused(content):
    with pytest.raises(FileRefused) as refusal:
        read_workbook(content)
    return refusal.value.problems[0].message


def test_workbook_taken_over_changes_nothing():
    package = complete_package()
    found = merge(package, read_workbook(written(package)), KNOWN)
    assert not found.errors and found.is_nothing and not found.left_out and not found.removable


@quick
@given(packages())
def test_any_workbook_reads_as_its_file(package):
    """Keys of rows come back in their order, whatever the texts beside them."""
    file = read_workbook(written(package))
    assert [row.key for row in file.support_requests] == [row.key for row in package.support_requests]
    assert [row.legal_name for row in file.compliance.parties] == [
        row.legal_name for row in package.compliance.parties
    ]


def test_every_part_has_its_sheet_with_the_schemas_names():
    book = load_workbook(io.BytesIO(written(complete_package())))
    assert book.sheetnames == [
        "Package", "Members", "Suppliers", "Hardware", "Data", "Models", "Security", "Applications",
        "Markets", "Sites", "Roles", "Support", "Statements", "Parties", "Answers", "Documents", "Marks",
        "Exported",
    ]  # fmt: skip
    headings = [cell.value for cell in book["Hardware"][1]]
    assert headings[:2] == ["key", "name"] and "total_value_usd" in headings


def test_typed_cells_become_exactly_these_changes():
    package = complete_package()
    content = written(package)
    headings = [cell.value for cell in load_workbook(io.BytesIO(content))["Hardware"][1]]
    column = get_column_letter(headings.index("total_value_usd") + 1)
    content = changed(content, "Hardware", f"{column}2", 250.5)
    content = changed(content, "Data", "B3", "A new line")
    found = merge(package, read_workbook(content), KNOWN)
    assert not found.errors
    assert [(change.kind.value, change.name) for change in found.changes] == [
        ("changed", "Accelerator board"), ("added", "A new line"),
    ]  # fmt: skip
    assert str(found.target.hardware[0].total_value_usd) == "250.50"
    assert found.target.markets[0].kind == MarketKind.COUNTRY


def test_formulas_are_texts_on_the_way_out_and_as_typed_on_the_way_in():
    words = ["=1+1", "+49 30", "-5", "@sum", "\tx", "'quoted", "=cmd|' /C calc'!A0"]
    lines = tuple(hardware(f"component-{n}", name=word) for n, word in enumerate(words))
    package = complete_package(components=(*lines, *complete_package().components[1:]))
    content = written(package)
    for row in load_workbook(io.BytesIO(content))["Hardware"].iter_rows(min_row=2):
        for cell in row:
            assert cell.data_type != "f"
            assert not str(cell.value or "").startswith(("=", "+", "-", "@", "\t"))
    assert [row.name for row in read_workbook(content).hardware] == words


def test_text_too_long_for_a_cell_stays_as_it_is():
    package = complete_package(summary="ж" * 200_000)
    content = written(package)
    assert TOO_LONG in {row[1].value for row in load_workbook(io.BytesIO(content))["Package"].iter_rows()}
    assert merge(package, read_workbook(content), KNOWN).is_nothing


def test_sheet_that_is_taken_out_says_nothing_about_its_rows():
    book = load_workbook(io.BytesIO(written(complete_package())))
    for name in book.sheetnames:
        if name not in ("Package", "Support"):
            del book[name]
    out = io.BytesIO()
    book.save(out)
    found = merge(complete_package(), read_workbook(out.getvalue()), KNOWN)
    assert not found.errors and found.is_nothing


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "says"),
    [
        ("Package", "B2", "2.0", "this portal reads version 1.0"),
        ("Package", "A5", "colour", "a name “colour” that no package has"),
        ("Hardware", "B1", "nome", "“nome” is no column"),
        ("Roles", "A2", "site-9", "“site-9” is no key of sheet “Sites”"),
        ("Support", "D2", "NaN", "it is no number"),
        ("Support", "D2", -1, "cannot be negative"),
        ("Support", "D2", "9" * 30, "digits"),
    ],
)
def test_cell_that_no_package_holds_is_refused_in_words(sheet, cell, value, says):
    assert says in refused(changed(written(complete_package()), sheet, cell, value))


def test_what_is_no_workbook_of_a_package_is_refused():
    assert refused(b"PK\x03\x04 not a workbook")
    book = Workbook()
    book.active.title = "Lunch"
    out = io.BytesIO()
    book.save(out)
    assert "a sheet “Lunch”" in refused(out.getvalue())
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(written(complete_package()))) as old,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            blanks = b" " * (70 << 20 if "sheet2" in entry.filename else 0)
            new.writestr(entry.filename, old.read(entry) + blanks)
    assert "MB" in refused(bomb.getvalue())


@pytest.mark.django_db
def test_page_gives_and_takes_a_workbook(client):
    proposal = ProposalFactory(complete=True)
    signed_in(client, representative_of(proposal))
    download = client.get(reverse("proposals:package-workbook", args=[proposal.pk]))
    assert download["Content-Disposition"].endswith('-package.xlsx"')
    content = changed(download.content, "Package", "B5", "Told in a cell")
    upload = SimpleUploadedFile("package.xlsx", content)
    page = client.post(reverse("proposals:package", args=[proposal.pk]), {"file": upload}, follow=True)
    assert "Told in a cell" in page.content.decode()
    sent = {**of_page(proposal), "shown_sha256": compose(proposal).sha256}
    client.post(reverse("proposals:package-import", args=[proposal.pk]), sent)
    assert compose(proposal).title == "Told in a cell"


def test_workbook_and_file_say_the_same():
    package = complete_package()
    assert read_workbook(written(package)).components == read_file(package.to_json().encode()).components
    assert json.loads(Package.from_json(package.to_json()).to_json()) == package.to_data()
