"""Bytes that are not UTF-8 -> the codec in which they read like a language, if there is one. Knows no format.

Each codec is tried, and what it makes of the bytes is compared with the letters of the languages that are written in
it: letters that a language has cost little, the rarer the more; foreign ones, signs inside words, capitals after small
letters and letters of two scripts side by side cost much. Windows-1252, by far the most common, wins where another
codec is hardly better, as it must in English text with a few signs (£, °, ’).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

ENOUGH = 6_000  # Bytes of words that are looked at: more tell no more.
SIGNS = frozenset("\xa0\xad£€¥¢§©®™°ºª±×÷·•µ¼½¾¹²³«»‹›‘’“”„‚–—…†‡‰¿¡¶№⁄―、。「」・，（）：；！？～　")
IN_WORDS = frozenset(
    "’‘–—…·\xad\xa0―、。「」・，（）：；！？　\u0300\u0301\u0303\u0309\u0323"
)  # Signs that may stand between two letters.
OPENING = frozenset("¿¡£€§¶№„‚×÷±©¼½¾")  # Signs that stand behind no letter, ...
CLOSING = frozenset("ºª¹²³™®‰×÷¶©¼½¾")  # ... and before none.
# Where the characters of a script end.
SCRIPTS = (
    (0x370, "latin"), (0x400, "greek"), (0x530, "cyrillic"), (0x590, "armenian"), (0x600, "hebrew"), (0x900, "arabic"),
    (0xE00, "indic"), (0xE80, "thai"), (0x1100, "other"), (0x1200, "hangul"), (0x1E00, "other"), (0x1F00, "latin"),
    (0x2000, "greek"), (0x2E80, "signs"), (0xAC00, "han"), (0xD7B0, "hangul"),
    (0xF900, "private"), (0xFB00, "han"), (0xFE00, "arabic"), (0xFF61, "full"), (0xFFA0, "han"),
)  # fmt: skip
RAREST = 0.4  # What the rarest letter of a language costs; the most frequent one costs nothing.
OF_OTHERS = 0.55  # A letter of another language that is written in the same codec.
OF_SCRIPT = 0.7  # A character that the language has beside those listed: of CJK scripts, too many to list.
MISPLACED = 1.0
DAMAGED = 3.0
INSIDE = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f](?=[^\W\d_])")  # A sign between letters.
READABLE = 0.75  # What a character costs at most, on average, in text of a language that is listed.
FEW = 0.01  # A smaller share of characters that are not ASCII is English with signs and names in it.
ADVANTAGE = 0.75  # How much cheaper than Windows-1252 another codec has to be, ...
AND_MORE = 0.05  # ... and by this besides.
# What a codec costs that is seldom met, or hardly any more.
UNCOMMON = {"iso8859_2": 0.1, "iso8859_7": 0.1} | dict.fromkeys(
    ("iso8859_5", "iso8859_6", "cp866", "mac_cyrillic", "cp1257", "cp1258", "mac_roman", "cp850", "cp852"), 0.6
)
# Below which first byte a codec has the characters that are in common use; above are the rare ones.
COMMON = {
    "gb18030": ("gb2312", 0xD8), "cp932": ("euc_jp", 0xD0), "euc_jp": ("euc_jp", 0xD0), "big5hkscs": ("big5", 0xC9),
    "cp949": ("euc_kr", 0xC9),
}  # fmt: skip


def _ranked(*alphabets: str) -> tuple[dict[str, float], ...]:
    """Alphabets, their letters by frequency -> what each letter costs."""
    return tuple({letter: RAREST * at / len(letters) for at, letter in enumerate(letters)} for letters in alphabets)


WESTERN = _ranked(
    "éïçèñ", "üäößé", "éèàêçùôîûâëïœ", "óíáéñúü", "ãçáéíóõâêúàô", "èàùòìé", "åäöéø", "øåæéö", "ëéïöü", "íáðéóþúæöý",
    "àéèíòóúçï",
)  # fmt: skip
CENTRAL = _ranked("łęążóśćńź", "íáěéřčýšžůúňóďť", "áíéčýšžúľťôäňĺŕďó", "áéöóőíüúű", "čšžćđ", "ăîâşţ")
RUSSIAN = _ranked("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё")
CYRILLIC = RUSSIAN + _ranked(
    "оаниівтерсклмдупзяьгбчхйжїцєюшфщґ", "аоиетнрсвлкдпмзгъубчяцжщхйшюфь", "аоиенрсјтклувмпдгзбчњљћђжцшхфџ",
    "аіеоныртлсдкмпувязбьцчгўшёйжхюэф",
)  # fmt: skip
GREEK = _ranked("άαοιετσνηρπκμλςίέόύήώυδγθφβχωξζψϊΐϋΰ")
HEBREW = _ranked("יוהלאתרבשמנדםחפקעגסכטצזןךףץ")
ARABIC = _ranked("اليمنوتربةعدسفكأقهحجطشصخىإثضزغذًئءظّؤآَُـٍِ،؛؟", "ایرندهموتبسشکلزگفخقپعجحآغطصچذثضظئژ،؛؟")
THAI = _ranked("านรอกเง่คมยล้วดทสิตีะปัืบหแุูจชพขใ็ผถซ์ภธศโณษญไฟฮๆำ")
JAPANESE = _ranked(
    "のいるにとたをはしてがなで、。れかさっもりこらすうまんよきくあどせーンスルトイアリラクドレシタジフプロマ"
    "「」・そけえわつちおめみだじばべひ日人年大一国本中会月事上出時分者",
)
CHINESE = _ranked(
    "的，。一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道"
    "行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实、；：“”（）",
)
TAIWANESE = _ranked(
    "的，。一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道"
    "行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實、；：「」（）",
)
KOREAN = _ranked(
    "이다는의에을가고하지로은를한서도사기어나인자대리아있정스시해일그제수장전부과라들보주여조",
    "습니합안세요문원상구",
)
VIETNAMESE = _ranked("đưàáâãèéêìíòóôõùúýăĩũơ\u0301\u0300\u0323\u0309\u0303")
WESTERN += (dict.fromkeys("".join(map("".join, WESTERN)), OF_OTHERS),)  # Names from many languages.
# The languages that each is used for; of two that fit equally, the first.
CODECS: dict[str, tuple[dict[str, float], ...]] = {
    "cp1252": WESTERN,
    "cp1250": CENTRAL,
    "cp1251": CYRILLIC,
    "cp1254": _ranked("ıİşğüçöâî"),
    "cp1253": GREEK,
    "cp932": JAPANESE,
    "euc_jp": JAPANESE,
    "gb18030": CHINESE,
    "big5hkscs": TAIWANESE,
    "cp949": KOREAN,
    "cp1256": ARABIC,
    "cp1255": HEBREW,
    "cp874": THAI,
    "iso8859_2": CENTRAL,
    "iso8859_7": GREEK,
    "iso8859_5": CYRILLIC,
    "iso8859_6": ARABIC,
    "koi8_r": RUSSIAN,
    "koi8_u": CYRILLIC,
    "cp866": RUSSIAN,
    "mac_cyrillic": CYRILLIC,
    "cp1257": _ranked("ėšųžąįčūę", "āīēšūņļžģķč", "äõüöšž"),
    "cp1258": VIETNAMESE,
    "mac_roman": WESTERN,
    "cp850": WESTERN,
    "cp852": CENTRAL,
}


def guess(data: bytes) -> str | None:
    """The name of the codec for these bytes, which begin and end anywhere in a text; None where none fits."""
    words = _words(data)
    costs = {name: _cost(words, name, languages) for name, languages in CODECS.items()}
    best = min(costs, key=lambda name: costs[name][0])
    total, characters = costs["cp1252"]
    few = characters < FEW * len(data) and total <= READABLE * characters
    if few or costs[best][0] > total * ADVANTAGE - AND_MORE:
        best = "cp1252"
    total, characters = costs[best]
    return best if total <= READABLE * characters else _of_other_languages(data)


def _words(data: bytes) -> bytes:
    """The words that are not ASCII, as many as are looked at. No codec has white space inside a character."""
    found = (word for word in data.split() if not word.isascii())
    kept: list[bytes] = []
    room = ENOUGH
    for word in found:
        kept.append(word[:room])
        room -= len(word)
        if room <= 0:
            break
    return b" ".join(kept)


def _cost(words: bytes, codec: str, languages: Sequence[Mapping[str, float]]) -> tuple[float, int]:
    """What the words cost in the cheapest language, and how many characters of them are not ASCII."""
    text = words.decode(codec, "replace")
    counts = Counter(character for character in text if character > "\x7f")
    cheapest = min(
        sum(counts[character] * cost for character, cost in _costs(counts, codec, rank)) for rank in languages
    )
    return cheapest + sum(_misplaced(text)) + UNCOMMON.get(codec, 0.0), counts.total()


def _costs(characters: Iterable[str], codec: str, rank: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """What each character costs in a language."""
    for character in characters:
        if (known := rank.get(character, rank.get(character.lower()))) is not None:
            yield character, known
        elif character in SIGNS:
            yield character, 0.0
        elif character == "\ufffd" or "\x80" <= character < "\xa0":
            yield character, DAMAGED
        else:
            yield character, OF_SCRIPT if _is_common(character, codec) else MISPLACED


def _is_common(character: str, codec: str) -> bool:
    """Whether a character of a script that has too many to list is one in common use."""
    if codec not in COMMON:
        return False
    name, rare = COMMON[codec]
    try:
        return character.encode(name)[0] < rare
    except UnicodeEncodeError:
        return False


def _misplaced(text: str) -> Iterator[float]:
    """The cost of each place where a character that is not ASCII stands where no writer puts one."""
    for before, after in pairwise(text):
        if before <= "\x7f" and after <= "\x7f":
            continue
        letters = before.isalpha(), after.isalpha()
        if all(letters):
            wrong = (before.islower() and after.isupper()) or (_script(before) != _script(after))
        else:
            wrong = (letters[0] and (after.isdigit() or after in OPENING)) or (
                letters[1] and (before.isdigit() or before in CLOSING)
            )
        if wrong:
            yield MISPLACED
    for match in INSIDE.finditer(text):
        if match[0] not in IN_WORDS:
            yield MISPLACED


def _script(character: str) -> str:
    number = ord(character)
    for end, name in SCRIPTS:
        if number < end:
            return name
    return "han"


def _of_other_languages(data: bytes) -> str | None:
    """charset-normalizer's guess, for the languages that are not listed here."""
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return best.encoding if best else None
