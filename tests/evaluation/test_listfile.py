"""The list as CSV and as JSON: the same entries from either, and nothing from a file that is not whole."""

from __future__ import annotations

import io
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.listfile import BLOCK, HEADER, ListFile, ListRefused
from evaluation.listjson import JsonBroken, Reader
from tests.factories.evaluation import LIST

ENTRY = {
    "id": "0744b01a",
    "source": "Entity List (EL) - Bureau of Industry and Security",
    "name": "Fictional Dragonfly Semiconductor Co., Ltd.",
    "alt_names": ["Dragonfly “Chips”", "虚构龙蜻蜓"],
    "addresses": [
        {"address": "Musterweg 1", "city": "Sample Town", "postal_code": "00000", "country": "DE"},
        {"address": None, "city": "Nowhere", "state": "", "country": "CN"},
    ],
    "programs": ["ONE", "TWO"],
    "ids": [{"type": "Registration", "number": "42", "country": "CN"}],
    "nationalities": None,
    "standard_order": "Y",
}


def read(content):
    return list(ListFile(io.BytesIO(content)))


def test_json_gives_the_entry_that_csv_gives():
    content = json.dumps({"total": 2, "sources_used": [{"a": [1]}], "results": [ENTRY, ENTRY]}).encode()
    file = ListFile(io.BytesIO(content))
    party, _ = file
    assert file.sha256 == sha256(content).hexdigest()
    assert (party.external_id, party.list_code, party.name) == ("0744b01a", "EL", ENTRY["name"])
    assert party.alt_names == ENTRY["alt_names"]
    assert party.addresses == "Musterweg 1, Sample Town, 00000, DE; Nowhere, CN"
    assert (party.countries, party.programs) == (["CN", "DE"], "ONE; TWO")

    row = dict.fromkeys(HEADER, "") | {
        "_id": "0744b01a", "source": ENTRY["source"], "name": f'"{ENTRY["name"]}"', "programs": "ONE; TWO",
        "alt_names": '"Dragonfly “Chips”; 虚构龙蜻蜓"', "addresses": f'"{party.addresses}"',
        "ids": '"Registration, 42, CN"', "standard_order": "Y",
    }  # fmt: skip
    csv = ",".join(HEADER) + "\n" + ",".join(row.values()) + "\n"
    assert read(csv.encode()) == [party]


def test_a_state_is_no_country_where_json_names_the_country_apart():
    addresses = [
        {"address": "12 Main St", "city": "Houston", "state": "TX", "country": None},
        {"address": "1 First St", "city": "San Jose", "state": "CA", "country": ""},
        "Musterweg 1, Sample Town, DE",
    ]
    at_home = [{"country": "US", "state": "CA"}]
    for written, wanted in ((addresses, ["DE"]), (addresses[:2], []), (at_home, ["US"])):
        (party,) = read(json.dumps({"results": [ENTRY | {"addresses": written}]}).encode())
        assert party.countries == wanted


@pytest.mark.parametrize("indent", [None, 2])
def test_large_json_is_read_in_pieces(indent):
    rows = [ENTRY | {"id": str(number)} for number in range(3 * BLOCK // 400)]
    content = json.dumps({"results": rows}, indent=indent, ensure_ascii=False).encode()
    assert len(content) > 3 * BLOCK
    assert [party.external_id for party in read(content)] == [row["id"] for row in rows]


WHOLE = json.dumps({"results": [ENTRY, ENTRY], "more": {}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"results": {}}',
        b'{"results": [1]}',
        b'{"results": [{}]}',
        b'{"results": [,]}',
        b'{"results": []} []',
        b'{"results": [], }',
        WHOLE.replace(b"}, {", b"} {"),
        WHOLE.replace(b"}, {", b"}, {]", 1),
        WHOLE.replace(b"Fictional", b"\xff"),
        WHOLE.replace(b"Fictional", b"\\u0000"),
        WHOLE.replace(b'"name": "', b'"name": "", "other": "'),
        *(WHOLE[:-cut] for cut in range(1, len(WHOLE) - 20, 97)),
    ],
)
def test_json_that_is_broken_or_cut_is_refused(content):
    with pytest.raises(ListRefused):
        read(content)


def test_broken_row_in_the_middle_is_named():
    lines = LIST.read_bytes().splitlines(keepends=True)
    lines[5] = b"one,two\n"
    with pytest.raises(ListRefused, match="Line 6 has 2 columns instead of 29"):
        read(b"".join(lines))


short = st.text(st.characters(codec="utf-8"), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | short,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(short, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(short, values, max_size=3)


@given(st.lists(objects, max_size=3), objects, st.integers(1, 40), st.sampled_from([None, 1]))
def test_reader_reads_what_was_written_in_pieces_of_any_size(results, others, size, indent):
    written = {key: value for key, value in others.items() if key != "results"} | {"results": results}
    content = json.dumps(written, indent=indent, ensure_ascii=False).encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert list(Reader(pieces).entries()) == results
    with pytest.raises(JsonBroken):
        list(Reader([content[:-1]]).entries())
