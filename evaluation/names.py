"""How a name is written down to be compared: folded, in Latin letters, without legal forms."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

KNOWN_NAMES: Final = Path(__file__).parent / "data" / "known_names.json"


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEGAL_FORMS: Final = words(
    """
    ab ag aktiengesellschaft aps as asa bhd bv cjsc co company corp corporation dac doo dooel ead eireli
    eood fzc fzco fze fzllc gmbh inc incorporated jsc kft kg kgaa kk limited llc llp lp ltd ltda mbh nv
    nyrt oao ojsc ood ooo oy oyj pao pjs pjsc plc psc pt pte pty pvt sa sae sal saoc saog sarl sas sdn se
    sl slu spa srl sro tbk ulc wll zao zrt
    شركه شركت محدوده مساهمه ذمم شذمم شمم شمع شمعع شمك شمل شمب شمق
    """
)
OUTER_FORMS: Final = frozenset(["ao", "too", "tov", "chp", "ip", "fgup", "gup", "npo", "npp", "ua", "vof"])
LONG_FORMS: Final = tuple(
    tuple(form.split())
    for form in (
        "gesellschaft mit beschrankter haftung",
        "obshchestvo s ogranichennoy otvetstvennostyu",
        "tovarishchestvo s ogranichennoy otvetstvennostyu",
        "publichnoye aktsionernoye obshchestvo",
        "otkrytoye aktsionernoye obshchestvo",
        "zakrytoye aktsionernoye obshchestvo",
        "nepublichnoye aktsionernoye obshchestvo",
        "publichnoe aktsionernoe obshchestvo",
        "otkrytoe aktsionernoe obshchestvo",
        "zakrytoe aktsionernoe obshchestvo",
        "aktsionernoye obshchestvo",
        "aktsionernoe obshchestvo",
        "public joint stock company",
        "open joint stock company",
        "closed joint stock company",
        "private joint stock company",
        "joint stock company",
        "joint stock",
        "limited liability company",
        "limited liability partnership",
        "public limited company",
        "private limited company",
        "private limited",
        "free zone establishment",
        "societe anonyme",
        "sociedad anonima",
        "societa per azioni",
        "kabushiki kaisha",
        "anonim sirketi",
        "limited sirketi",
        "perseroan terbatas",
        "ذات مسووليه محدوده",
        "ذات مسيوليه محدوده",
        "مساهمه عامه",
        "مساهمه خاصه",
        "مساهمه مقفله",
        "سهامي عام",
        "سهامي خاص",
    )
)
HAN_FORMS: Final = re.compile(r"(?:股份)?有限(?:责任|責任)?公司|集团|集團|株式会社|株式會社")
JOINING: Final = frozenset(["and", "the", "of", "for", "de", "la", "le", "und", "et", "و"])
CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "є": "ye", "ж": "zh", "з": "z",
    "и": "i", "і": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
    "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "ї": "yi", "ў": "u", "ё": "yo",
}  # fmt: skip
LETTERS: Final = str.maketrans(
    CYRILLIC | {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)
# One way to write what Arabic and Persian write in several; hamza and vowels fall with the other marks
ARABIC: Final = str.maketrans(
    {"ى": "ي", "ی": "ي", "ک": "ك", "ھ": "ه", "ہ": "ه", "ة": "ه", "ە": "ه", "ٱ": "ا", "ء": "", "ـ": ""}
    | {digit: str(at % 10) for at, digit in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
)
# "The" and "and the", written with their word, where at least three letters are left of it
ARTICLE: Final = re.compile("(?:وال|ال)(?=[ا-ي]{3})")
# Words that tell nothing of which company it is: forms that are rarely written, articles, "group".
ORGANIZING: Final = words(
    """
    group holding holdings companies grupa gruppa gruppe groupe grupo kholding al el
    akciova akcyjna aksjeselskap aktiebolag aktiebolaget aktien aktieselskab anonima anonyme anpartsselskab
    auf berhad besloten dmcc europaea kommanditgesellschaft kscp limitada naamloze odpowiedzialnoscia
    ograniczona omezenym osakeyhtio persero psc qpsc qsc rucenim sendirian shareholding simplifiee sociedad
    sociedade societas societate spolecnost spolka vennootschap
    مجموعه قابضه
    """
)
# Words that tell little of it: they may be missing, and their agreement proves nothing.
GENERIC: Final = words(
    """
    academy advanced aeronautics aerospace africa agency aircraft airlines airways american analytics
    anhui applied arab arms artificial asia asian association astronautics auto automation automobile
    automotive aviation bank beijing belarus branch building bureau business capital center centers
    centre centres changchun changsha chemical chengdu china chinese chongqing circuit circuits cloud
    commerce commercial communication communications computer computers computing concern construction
    consulting control corporate dalian damascus data defence defense democratic design development
    device devices digital division dom dubai east eastern electric electrical electronic electronics
    elektronika emirates energy engine engineering enterprise enterprises equipment establishment
    eurasia europe european exploration export factory federal finance financial foundation fujian fund
    gansu gas general global guangdong guangxi guangzhou guizhou hainan hangzhou harbin hebei hefei
    heilongjiang helicopter henan hong house hubei hunan import india indian industrial industries
    industry information infrastructure inner innovation innovations institut institute institution
    instrument instruments insurance integrated intelligence intelligent international invest investment
    investments iran iranian jiangsu jiangxi jilin jinan khartoum kompaniya kong korea korean
    korporatsiya kunming kyiv lab laboratories laboratory liaoning lines logistics london macau machine
    machinery malaysia management manufacturing marine maritime material materials mechanical media
    medical metal metals microelectronics middle military mining ministry minsk mobile mongolia moscow
    moskva motor motors nanjing national nauchno network networks ningbo ningxia north northern nuclear
    obyedineniye office oil operations optical organization pacific pakistan partners peoples petersburg
    petroleum pharmaceutical physics plant polytechnic polytechnical power precision predpriyatiye
    private production products proizvodstvennoye project public pyongyang qingdao qinghai railway
    railways republic research resources robotics rocket russia russian saint satellite science sciences
    scientific security semiconductor semiconductors service services shaanxi shandong shanghai shanxi
    sharjah shenyang shenzhen shipbuilding shipping shipyard sichuan singapore software solution
    solutions south southern space special state steel supply suzhou syria syrian system systems taiwan
    tech technical techno technological technologies technology tehran tekhnologii telecom
    telecommunication telecommunications tianjin tibet torgovy trade traders trading transport
    transportation tsentr turkey turkish ukraine united university ventures west western wireless works
    worldwide wuhan xiamen xian xinjiang yunnan zavod zhejiang zhengzhou zhuhai
    تجاره للتجاره تجاريه عامه دوليه عالميه وطنيه عربيه صناعه للصناعه صناعات للصناعات صناعيه هندسه هندسيه
    تقنيه تكنولوجيا للتكنولوجيا كترونيات للالكترونيات حلول خدمات للخدمات اتصالات للاتصالات استثمار للاستثمار
    مصنع موسسه معهد مركز بنك
    """
)
DISTINCT, COMMON = 12, 2
SOUNDS: Final = tuple(
    (re.compile(pattern), letter)
    for pattern, letter in (
        ("[gh][iy]dro", "hidro"),
        ("te(?:kh|ch|c|k)(?![aeiou])", "tek"),
        ("shch|sch", "sh"),
        ("tch", "ch"),
        ("qu(?=[aeiou])", "kv"),
        ("kh", "h"),
        ("gh(?=[aeiou])", "k"),
        ("ph", "f"),
        ("ck|q|c(?!h)", "k"),
        ("x", "ks"),
        ("w", "v"),
        ("tz|ts", "z"),
        ("oo|ou", "u"),
        ("ee", "i"),
        ("[yij]+(?=[aeou])", ""),
        ("[yij]+", "i"),
        (r"(.)\1+", r"\1"),
    )
)


@lru_cache(maxsize=1 << 12)
def normalize(name: str) -> str:
    """Folded, without marks, punctuation and legal forms, Cyrillic in Latin letters, Arabic in one spelling.

    Tokens keep their order.

    A name that consists of nothing but legal forms keeps them.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().translate(LETTERS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    plain = plain.translate(ARABIC)
    spelled = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", plain.replace("&", " and "))
    spelled = HAN_FORMS.sub("", spelled).strip() or spelled
    tokens = re.sub(r"[^\w]+|_", " ", re.sub(r"['’`ʼ]", "", spelled)).split()
    kept = tokens
    while (shorter := _spelled_together(_without_forms(_without_articles(kept)))) != kept:
        kept = shorter
    return " ".join(kept or tokens)


def _without_articles(tokens: list[str]) -> list[str]:
    return [token[found.end() :] if (found := ARTICLE.match(token)) else token for token in tokens]


def _without_forms(tokens: list[str]) -> list[str]:
    for form in LONG_FORMS:
        for start in range(len(tokens) - len(form) + 1):
            if tuple(tokens[start : start + len(form)]) == form and len(tokens) > len(form):
                tokens = tokens[:start] + tokens[start + len(form) :]
                break
    kept = [token for token in tokens if token not in LEGAL_FORMS and token not in JOINING] or tokens
    if len(kept) > 1 and kept[0] in OUTER_FORMS:
        kept = kept[1:]
    if len(kept) > 1 and kept[-1] in OUTER_FORMS:
        kept = kept[:-1]
    return kept


def _spelled_together(tokens: list[str]) -> list[str]:
    """Letters that stand alone one after another are one word: "z t e" is "zte"."""
    runs = groupby(
        tokens,
        key=lambda token: len(token) == 1 and (token.isascii() or is_arabic(token)) and token.isalpha(),
    )
    return [word for single, run in runs for word in (["".join(run)] if single else run)]


def is_arabic(letter: str) -> bool:
    return "\u0621" <= letter <= "\u064a"


@lru_cache(maxsize=1 << 13)
def script_of(sign: str) -> str:
    """The script of a letter as Unicode names it: LATIN, CYRILLIC, ARABIC, CJK."""
    return unicodedata.name(sign, "").partition(" ")[0]


def is_letter(sign: str) -> bool:
    """A letter that carries the name; a mark that is written like one (the okina) is none."""
    return sign.isalpha() and unicodedata.category(sign) != "Lm"


def is_readable(normalized: str) -> bool:
    """Whether all letters of a normalized name are Latin, or it has digits alone; lists are written in these.

    A few Latin letters, or a number, say nothing of a name whose other letters the list does not use.
    """
    if normalized.isascii():
        return any(sign.isalnum() for sign in normalized)
    letters = [sign for sign in normalized if is_letter(sign)]
    if letters:
        return all(script_of(letter) == "LATIN" for letter in letters)
    return any(sign.isdigit() for sign in normalized)


@lru_cache(maxsize=1 << 13)
def sound(token: str) -> str:
    """A word as it sounds, so that the ways to write one in Latin letters agree."""
    for pattern, letter in SOUNDS:
        token = pattern.sub(letter, token)
    return token


COMMON_SOUNDS: Final = frozenset(map(sound, GENERIC))


@lru_cache(maxsize=1 << 13)
def weight(token: str) -> int:
    """How much a word tells about which party is meant; "group" and "holding" tell nothing."""
    if token in ORGANIZING:
        return 0
    return COMMON if sound(token) in COMMON_SOUNDS else DISTINCT


def in_order(normalized: str) -> str:
    return " ".join(sorted(normalized.split()))


def joined(normalized: str) -> str:
    """The name as one word, without "group" and "holding" where anything else is left."""
    tokens = normalized.split()
    return "".join([token for token in tokens if token not in ORGANIZING] or tokens)


def squeezed(normalized: str) -> str:
    """The name without its spaces."""
    return normalized.replace(" ", "")


@lru_cache(maxsize=1 << 13)
def leading(normalized: str) -> str:
    """The first word that tells much of the party, as a company is called in short; empty without one."""
    return next((token for token in normalized.split() if weight(token) > COMMON), "")


def initials(normalized: str) -> tuple[str, ...]:
    """What the name is shortened to, alone and with the C of "Corporation" or the L of "Limited".

    Empty below four letters.
    """
    first = "".join(token[0] for token in normalized.split() if token not in ORGANIZING)
    made = (first, first + "c", first + "l")
    return tuple(short for short in made if len(short) >= 4 and len(first) >= 3)


@cache
def _known_names() -> dict[str, tuple[str, ...]]:
    """The table of short names, both ways, normalized."""
    read: dict[str, str] = json.loads(KNOWN_NAMES.read_text())["names"]
    both: dict[str, set[str]] = {}
    for short, whole in ((normalize(one), normalize(other)) for one, other in read.items()):
        both.setdefault(short, set()).add(whole)
        both.setdefault(whole, set()).add(short)
    return {name: tuple(sorted(others)) for name, others in both.items()}


def known_as(normalized: str) -> tuple[str, ...]:
    """Other names of a public body that no comparison of letters finds: "komid"."""
    return _known_names().get(normalized, ())
