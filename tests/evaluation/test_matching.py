from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.matching import Listed, Matcher, normalize, similarity, weighed

LIST = Matcher(
    [
        Listed(1, (normalize("Fictional Dragonfly Semiconductor Co., Ltd."),), ("CN",)),
        Listed(2, (normalize("Make-Believe Supercomputing Institute"), normalize("MBSI")), ("CN",)),
        Listed(3, (normalize("АО Выдуманная Квантовая Фабрика"),), ("RU",)),
        Listed(4, (normalize("ZTX"),), ()),
    ]
)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Müller & Söhne GmbH", "muller sohne"),
        ("ACME, Inc.", "acme"),
        ("A.B.C. Holdings LLC", "abc holdings"),
        ("Ｆｕｌｌｗｉｄｔｈ Corp", "fullwidth"),
        ("ООО Ромашка", "romashka"),
        ("O'Neil's Ltd", "oneils"),
        ("Co., Ltd.", "co ltd"),
        ("北京虚构", "北京虚构"),
    ],
)
def test_names_are_normalized(name, wanted):
    assert normalize(name) == wanted


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Fictional Dragonfly Semiconductor", 1),
        ("Dragonfly Semiconductor Fictional Limited", 1),
        ("Fictional Dragonfly Semiconducter Co", 1),
        ("FICTIONAL DRAGON FLY SEMICONDUCTOR", 1),
        ("MBSI", 2),
        ("Vydumannaya Kvantovaya Fabrika JSC", 3),
        ("ZTX Trading Company", 4),
    ],
)
def test_variants_are_flagged(name, entry):
    assert [hit.key for hit in LIST.screen([name]).flags] == [entry]


@pytest.mark.parametrize(
    "name", ["Aztxec Systems", "Prairie Grid Software", "Semiconductor Museum of Ohio", "MBSIA"]
)
def test_others_are_not_flagged(name):
    assert LIST.screen([name]).flags == ()


def test_a_name_in_letters_the_list_does_not_use_is_never_clear():
    assert not LIST.screen(["虚构龙蜻蜓半导体"]).is_readable


def test_a_country_raises_or_lowers_but_never_removes_a_flag():
    assert weighed(86, ["KE"], ["CN"]) == 85
    assert weighed(96, ["KE"], ["CN"]) == 95
    assert weighed(90, ["CN"], ["CN"]) == 93
    assert weighed(90, [], ["CN"]) == 90
    assert weighed(99, ["CN"], ["CN"]) == 100


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_is_symmetric_and_in_range(a, b):
    one, other = normalize(a), normalize(b)
    assert 0 <= similarity(one, other) <= 100
    assert similarity(one, other) == pytest.approx(similarity(other, one))


@given(st.text(max_size=60))
def test_normalizing_again_changes_nothing(name):
    assert normalize(normalize(name)) == normalize(name)
