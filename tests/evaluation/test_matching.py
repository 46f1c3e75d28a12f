from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.candidates import SOUGHT, Candidates
from evaluation.matching import (
    COUNTRY_WEIGHT,
    KEPT_BELOW,
    KEPT_FROM,
    REVIEW_FROM,
    SAME_INITIALS,
    Listed,
    Matcher,
    similarity,
    weighed,
)
from evaluation.names import GENERIC, KNOWN_NAMES, normalize, sound
from evaluation.spellings import all_spellings, spellings

PAIRS = Path(__file__).parent

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
        ("АО Микрон", "mikron"),
        ("Open Joint Stock Company Angstrem", "angstrem"),
        ("Общество с ограниченной ответственностью Спутник", "sputnik"),
        ("Z T E Corporation", "zte"),
        ("Ao Dai Fashion", "dai fashion"),
        ("Viet Ao Dai Fashion", "viet ao dai fashion"),
        ("杭州海康威视数字技术股份有限公司", "杭州海康威视数字技术"),
        ("北京虚构", "北京虚构"),
        ("شَرِكَةُ الأَمَلِ للتجارة ذ.م.م", "امل للتجاره"),
        ("شركة الامل للتجاره (ذ م م)", "امل للتجاره"),
        ("الأمل للتجارة ذات المسؤولية المحدودة", "امل للتجاره"),
        ("مصنع الرافدين ٧٧١", "مصنع رافدين 771"),
        ("شرکت هوایی سهامی خاص", "هوايي"),
        ("ســـلام", "سلام"),
        ("شركة", "شركه"),
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
    assert LIST.screen(["虚构龙蜻蜓半导体"]).unread == ("虚构龙蜻蜓半导体",)
    assert LIST.screen(["Prairie Grid", "虚构龙蜻蜓半导体", "شركة خيالية"]).unread == (
        "虚构龙蜻蜓半导体",
        "شركة خيالية",
    )
    assert LIST.screen(["***"]).unread == ("***",)
    assert LIST.screen(["Prairie Grid", "***"]).unread == ()


def test_a_name_in_other_letters_is_compared_with_those_of_the_list():
    listed = Matcher([Listed(1, (normalize("虚构龙蜻蜓半导体有限公司"), "fictional dragonfly"))])
    found = listed.screen(["Prairie Grid", "虚构龙蜻蜓半导体股份有限公司"])
    assert [hit.key for hit in found.flags] == [1]
    assert found.unread == ()


MIXED = Matcher(
    Listed(key, all_spellings([name]))
    for key, name in enumerate(
        [
            "ZTE Corporation",
            "Huawei Technologies Co., Ltd.",
            "Rosoboronexport",
            "海康威视数字技术股份有限公司",
            "虚构Fictional龙",
        ],
        start=1,
    )
)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("中兴通讯股份有限公司ZTE", 1),
        ("华为Huawei技术有限公司", 2),
        ("شركةHuawei", 2),
        ("海康威视数字技术 AI", 4),
        ("Fictional Ltd", 5),
        ("虚构龙", 5),
    ],
)
def test_each_part_of_a_name_in_two_scripts_is_compared_alone(name, entry):
    found = MIXED.screen([name])
    assert [hit.key for hit in found.flags] == [entry]
    assert found.unread == ()


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Ρosοборонэкспорт", 3),
        ("Pocoбopoнэкcпopт", 3),
        ("Rоsoborоnexport", 3),
        ("НUАWЕІ", 2),
        ("Hυawei Technologies", 2),
        ("ᏃᎢᎬ", 1),
    ],
)
def test_letters_that_look_like_others_hide_no_name(name, entry):
    found = MIXED.screen([name])
    assert [hit.key for hit in found.flags] == [entry]
    assert found.unread == ()


@pytest.mark.parametrize(
    "name",
    ["华为技术有限公司 HK", "海康威视 AI", "هواوي A", "ООО 虚构", "Prairie Grid 公社", "Αcme", "삼성 LG"],
)
def test_a_few_latin_letters_make_no_name_clear(name):
    found = LIST.screen([name])
    assert (found.flags, found.unread) == ((), (name,))


def test_a_flag_on_two_letters_leaves_the_rest_of_the_name_unread():
    found = Matcher([Listed(1, ("hk",))]).screen(["华为技术有限公司 HK"])
    assert [hit.key for hit in found.flags] == [1]
    assert found.unread == ("华为技术有限公司 HK",)


@pytest.mark.parametrize("name", ["Oʻahu Networks", "Azərenerji", "Müller Ørsted", "Ромашка", "株式会社Acme"])
def test_a_name_in_letters_that_are_compared_is_read(name):
    assert LIST.screen([name]).unread == ()


def test_a_name_in_one_script_has_one_reading():
    assert spellings("Prairie Grid Software, Inc.") == ("prairie grid software",)
    assert spellings("ООО Ромашка") == ("romashka",)
    assert spellings("虚构龙蜻蜓半导体") == ("虚构龙蜻蜓半导体",)


ARABIC = Matcher(
    [
        Listed(1, (normalize("شركة التنين الخيالي للإلكترونيات المحدودة"),)),
        Listed(2, (normalize("Al-Amal General Trading LLC"),)),
        Listed(3, (normalize("زين"),)),
        Listed(4, (normalize("مصنع الرافدين ٧٧١"),)),
        Listed(5, (normalize("Iran Electronics"), normalize("صا ایران"))),
    ]
)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("التِّنِّينُ الخَيَالِيُّ لِلإِلِكْتُرُونِيَّاتِ", 1),
        ("تنين خيالي للالكترونيات ذ.م.م", 1),
        ("مجموعة التنين الخيالى للإلكترونيات", 1),
        ("شركة التنيين الخيالي للإلكترونيات ش.م.ع", 1),
        ("Amal General Trading", 2),
        ("El Amal General Trading", 2),
        ("شركة زين", 3),
        ("زين للاتصالات", 3),
        ("مصنع الرافدين 771", 4),
        ("صا إيران", 5),
    ],
)
def test_names_in_arabic_are_flagged_however_they_are_written(name, entry):
    found = ARABIC.screen([name])
    assert [hit.key for hit in found.flags] == [entry]
    assert found.unread == ()


@pytest.mark.parametrize(
    "name",
    ["شركة النسر للإلكترونيات المحدودة", "مصنع الرافدين ٧٧٢", "مصنع ٧٧١", "虚构龙蜻蜓 14", "شركة ذ.م.م"],
)
def test_other_names_in_other_letters_are_not_clear_either_with_a_number(name):
    found = ARABIC.screen([name])
    assert (found.flags, found.unread) == ((), (name,))


@pytest.mark.parametrize("name", ["14", "Plant 14"])
def test_a_number_alone_or_beside_latin_letters_is_compared(name):
    assert ARABIC.screen([name]).unread == ()


@pytest.mark.parametrize(
    ("name", "listed", "score"),
    [
        ("smic", "semiconductor manufacturing international", 88),
        ("semiconductor manufacturing international", "smic", 88),
        ("smi", "semiconductor manufacturing international", 0),
        ("institute 14 optics", "institute 14 optics", 100),
        ("ztx", "ztx kangxun", 96),
        ("asia", "asia kangxun", 0),
        ("phytium technology", "tianjin phytium information technology", 100 * 14 / 14.48),
        ("phytium", "phytium kirin", 100 * 12 / 13.44),
        ("kirin", "phytium kirin", 80),
        ("nova systems", "nova technologies", 100 * 12 / 14.5),
        ("ivan petrov", "ivan ivanovich petrov", 100 * 24 / 25.44),
        ("kun lun xing", "kunlunxing", 100),
        ("alpha bank", "alfa bank", 100 * 13.4 / (13.4 + 0.25 * 1.2 + 0.75 * 0.6)),
    ],
)
def test_scores_are_these(name, listed, score):
    assert similarity(name, listed) == pytest.approx(score)


def test_the_same_words_with_another_number_are_no_flag():
    assert similarity("fictional plant 771", "fictional plant 771") == 100
    assert similarity("fictional plant 771", "fictional plant 772") < REVIEW_FROM


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("elektronika", "electronica"),
        ("shcherbakov", "scherbakov"),
        ("zhukovskiy", "zhukovsky"),
        ("sukhoy", "suhoi"),
    ],
)
def test_ways_to_write_a_word_sound_alike(a, b):
    assert sound(a) == sound(b)


@pytest.mark.parametrize(
    ("file", "same", "others"),
    [("name_pairs_tuning.csv", 660, 300), ("name_pairs_held_out.csv", 130, 38)],
)
def test_labelled_pairs_are_told_apart(file, same, others):
    """Recall and precision at the review band; the rules were made without a look at what is held out."""
    flagged = {True: 0, False: 0}
    count = {True: 0, False: 0}
    with (PAIRS / file).open(encoding="utf-8", newline="") as file:
        for pair in csv.DictReader(line for line in file if not line.startswith("#")):
            is_same = pair["is_same"] == "1"
            count[is_same] += 1
            found = Matcher([Listed(1, (normalize(pair["listed"]),))]).screen([pair["name"]])
            flagged[is_same] += bool(found.flags)
    assert count[True] >= same and count[False] >= others
    assert flagged[True] / count[True] >= 0.98
    assert flagged[True] / sum(flagged.values()) >= 0.95


def test_no_pair_is_both_held_out_and_tuned_on():
    def names(file):
        with (PAIRS / file).open(encoding="utf-8", newline="") as rows:
            pairs = csv.DictReader(line for line in rows if not line.startswith("#"))
            return {(normalize(pair["name"]), normalize(pair["listed"])) for pair in pairs}

    tuned, held = names("name_pairs_tuning.csv"), names("name_pairs_held_out.csv")
    assert not tuned & held
    assert not tuned & {(listed, name) for name, listed in held}


@pytest.mark.parametrize(
    ("name", "listed", "score"),
    [
        ("KOMID", "Korea Mining Development Trading Corporation", 88),
        ("Korea Mining Development Trading Corp.", "KOMID", 88),
        ("КОМИД", "Korea Mining Development Trading Corporation", 88),
        ("Ростех", "Rostec", pytest.approx(93.83, abs=0.01)),
        ("Rostech", "Rostec", pytest.approx(93.83, abs=0.01)),
        ("Гидромаш", "Hydromash", pytest.approx(95, abs=3)),
    ],
)
def test_short_names_and_stems_of_many_spellings_are_found(name, listed, score):
    (hit,) = Matcher([Listed(1, (normalize(listed),))]).screen([name]).flags
    assert hit.score == score


def test_every_known_short_name_finds_its_whole_name_and_back_and_no_other_of_them():
    known = json.loads(KNOWN_NAMES.read_text())["names"]
    listed = Matcher(Listed(key, (normalize(name),)) for key, name in enumerate(known.values()))
    for key, (short, whole) in enumerate(known.items()):
        assert [hit.key for hit in listed.screen([short]).flags] == [key], short
        back = Matcher([Listed(1, (normalize(short),))]).screen([whole]).flags
        assert [hit.score for hit in back] == [SAME_INITIALS], whole


SYLLABLES = ["ba", "de", "ki", "lo", "mu", "na", "ro", "so", "ti", "vu", "zhen", "xing"]
WORDS = [
    "dragonfly", "dragonflies", "draganfly", "zx", "ztx", "kvant", "quant", "elektronika", "electronica",
    "xing", "zhongxing", "alfa", "alpha",
    "promtech", "promtekh", "zhong", "mikron", "micron", "14", "38", "group", "holding", "虚构", "半导体",
    *sorted(GENERIC)[::12],
]  # fmt: skip
names_of_words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
names_at_all = names_of_words | st.text("abekinorst 14", min_size=1, max_size=24) | st.text(max_size=20)


@st.composite
def near(draw, name):
    """The name with a few letters, words or spaces changed."""
    letters = list(name)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(letters)))
        letters[at : at + draw(st.integers(0, 2))] = draw(st.text("abeikx ", max_size=2))
    words = "".join(letters).split()
    return draw(st.sampled_from([" ", ""])).join(
        draw(st.permutations(words)) if draw(st.booleans()) else words
    )


@settings(max_examples=400)
@given(st.data(), st.lists(names_at_all.map(normalize), min_size=1, max_size=12))
def test_candidates_lose_no_match_that_the_full_comparison_finds(data, listed):
    listed = sorted({*listed} - {""})
    drawn = st.sampled_from(listed).flatmap(near) | names_at_all if listed else names_at_all
    query = normalize(data.draw(drawn))
    found = Candidates(listed).of(query)
    lost = [name for name in listed if similarity(query, name) > SOUGHT and name not in found]
    assert lost == []
    assert SOUGHT < REVIEW_FROM - COUNTRY_WEIGHT


def test_a_name_written_as_one_word_is_a_candidate():
    name = "st qr op mn kl ij gh ef cd ab"
    assert Candidates([name, "another name"]).of(name.replace(" ", "")) == [name]


def test_candidates_of_a_large_list_are_few_and_lose_nothing():
    chance = random.Random(14320)
    made = ["".join(chance.choice(SYLLABLES) for _ in range(3)) for _ in range(900)]
    generic = sorted(GENERIC)

    def name():
        return normalize(
            " ".join(
                [*chance.sample(made, chance.randint(1, 3)), *chance.sample(generic, chance.randint(0, 3))]
            )
        )

    listed = sorted({name() for _ in range(3_000)})
    index = Candidates(listed)
    compared = 0
    for query in [name() for _ in range(60)] + [one[:-1] for one in listed[::60]]:
        found = index.of(query)
        compared += len(found)
        assert {one for one in listed if similarity(query, one) > SOUGHT} <= set(found)
    assert compared < 110 * len(listed) / 20


NEAR = Matcher(
    Listed(key, (normalize(name),), ("RU",))
    for key, name in enumerate(
        [
            "Rosneft",
            "Rosoboronexport",
            "AMEC",
            "Mohammed Hussein",
            *(f"Plant {number} of Another Kind" for number in range(40)),
        ],
        start=1,
    )
)


@pytest.mark.parametrize(
    ("name", "entry"),
    [("Rosneft Export", 2), ("AMEK", 3), ("Muhammad Husain", 4), ("مجمد Muhammad Husain", 4)],
)
def test_the_nearest_below_the_band_are_kept_for_the_record_and_flag_nothing(name, entry):
    found = NEAR.screen([name], ["RU"])
    assert entry in [hit.key for hit in found.nearest]
    assert all(KEPT_FROM <= hit.score < REVIEW_FROM for hit in found.nearest)
    assert len(found.nearest) <= KEPT_BELOW


def test_what_is_like_nothing_has_nothing_near():
    assert NEAR.screen(["Quixotic Buzzwords"]).nearest == ()


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
