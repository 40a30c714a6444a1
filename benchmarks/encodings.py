"""How much text in old encodings is read as it was written? Languages by encodings by lengths.

    python benchmarks/encodings.py --data ../shared/data/xquad

Pieces of text are drawn once, encoded, and decoded again by odqa and, beside it, by charset-normalizer alone. A cell is
the share of pieces that come back the same, in per cent: odqa / charset-normalizer. Text that an encoding lacks is left
out of it; pieces without a character that is not ASCII are not drawn. English, Vietnamese, German, Spanish, Arabic and
Chinese are paragraphs of XQuAD, the others a few sentences, in turn. The last rows are English with a few signs, and
UTF-8 with a byte changed in every thousand or cut at its last one.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path

from charset_normalizer import from_bytes

from odqa.corpus.base import OpenFile
from odqa.corpus.encoding import read_text
from odqa.errors import DataError

DATA = Path("../shared/data/xquad")
LENGTHS = (20, 60, 200, 1_000, 5_000, 20_000)
XQUAD = {
    "en": ("cp1252", "mac_roman", "utf-16-le"),
    "de": ("cp1252", "cp850", "mac_roman", "utf-16-be"),
    "es": ("cp1252", "cp850"),
    "ar": ("cp1256", "iso8859_6", "utf-16-le"),
    "zh": ("gb18030", "gb2312", "utf-16-le", "utf-32-be"),
    "vi": ("cp1258",),
}
TEXTS = {
    "fr": (
        "La bibliothèque municipale est ouverte du mardi au samedi, de dix heures à dix-huit heures. Les élèves "
        "de moins de douze ans n'ont pas à payer l'inscription ; les autres règlent vingt euros par année. Où se "
        "trouve la clé du grenier ? Elle a été laissée près du vieux poêle, derrière la fenêtre. Ça n'a guère "
        "changé depuis l'été dernier.",
        ("cp1252", "cp850", "mac_roman"),
    ),
    "pl": (
        "Biblioteka miejska jest czynna od wtorku do soboty, w godzinach od dziesiątej do osiemnastej. Dzieci "
        "poniżej dwunastego roku życia nie płacą za kartę; pozostali czytelnicy wnoszą opłatę roczną. Gdzie leży "
        "klucz do strychu? Został położony obok starego pieca, tuż przy oknie. Przyszłość należy do tych, którzy "
        "wierzą w piękno.",
        ("cp1250", "iso8859_2", "cp852"),
    ),
    "cs": (
        "Městská knihovna je otevřena od úterý do soboty, vždy od deseti do osmnácti hodin. Děti do dvanácti let "
        "za průkaz neplatí; ostatní čtenáři zaplatí jednou ročně poplatek. Kde je klíč od půdy? Zůstal ležet "
        "vedle staré pece, hned u okna. Příliš žluťoučký kůň úpěl ďábelské ódy, jak říkají tiskaři. Šťastnou "
        "cestu a brzy na shledanou.",
        ("cp1250", "iso8859_2", "cp852"),
    ),
    "hu": (
        "A városi könyvtár keddtől szombatig, tíz órától tizennyolc óráig tart nyitva. A tizenkét évesnél "
        "fiatalabb gyerekek nem fizetnek a belépőért; a többi olvasó évente egyszer díjat fizet. Hol van a "
        "padlás kulcsa? Az öreg kályha mellett hagyták, közvetlenül az ablaknál. Az idő szép, a fű zöld, és a "
        "folyó hűvös vize csillog.",
        ("cp1250", "iso8859_2"),
    ),
    "ro": (
        "Biblioteca orăşenească este deschisă de marţi până sâmbătă, între orele zece şi optsprezece. Copiii sub "
        "doisprezece ani nu plătesc pentru permis; ceilalţi cititori plătesc o taxă în fiecare an. Unde este "
        "cheia de la pod? A rămas lângă soba veche, chiar la fereastră. Îmi place să citesc poveşti vechi în "
        "faţa focului.",
        ("cp1250", "iso8859_2"),
    ),
    "hr": (
        "Gradska knjižnica otvorena je od utorka do subote, od deset do osamnaest sati. Djeca mlađa od dvanaest "
        "godina ne plaćaju člansku iskaznicu; ostali čitatelji jednom godišnje plaćaju članarinu. Gdje je ključ "
        "od tavana? Ostao je pokraj stare peći, odmah uz prozor. Što se može učiniti danas, ne ostavljaj za "
        "sutra.",
        ("cp1250", "iso8859_2"),
    ),
    "tr": (
        "Şehir kütüphanesi salıdan cumartesiye kadar, saat ondan on sekize dek açıktır. On iki yaşından küçük "
        "çocuklar kart için ücret ödemez; diğer okurlar yılda bir kez ödeme yapar. Çatı katının anahtarı nerede? "
        "Eski sobanın yanında, pencerenin hemen dibinde bırakıldı. İyi bir kitap, ağır bir kış gününü kısaltır; "
        "güneş yine doğar.",
        ("cp1254", "iso8859_9"),
    ),
    "ru": (
        "Городская библиотека открыта со вторника по субботу, с десяти до восемнадцати часов. Дети до двенадцати "
        "лет за билет не платят; остальные читатели вносят плату раз в год. Где лежит ключ от чердака? Его "
        "оставили возле старой печи, у самого окна. Всё хорошо, что хорошо кончается, говорит бабушка и снова "
        "берётся за вязание.",
        ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic"),
    ),
    "uk": (
        "Міська бібліотека відчинена з вівторка до суботи, з десятої до вісімнадцятої години. Діти до дванадцяти "
        "років за квиток не платять; решта читачів вносить платню раз на рік. Де лежить ключ від горища? Його "
        "залишили біля старої печі, коло самого вікна. Її брат їздив до Києва і привіз звідти цікаву книжку про "
        "їжаків.",
        ("cp1251", "koi8_u"),
    ),
    "bg": (
        "Градската библиотека е отворена от вторник до събота, от десет до осемнадесет часа. Децата под "
        "дванадесет години не плащат за карта; останалите читатели плащат такса веднъж годишно. Къде е ключът за "
        "тавана? Оставиха го до старата печка, точно до прозореца. Щъркелът се върна и пролетта дойде със "
        "слънчеви дни.",
        ("cp1251",),
    ),
    "el": (
        "Η δημοτική βιβλιοθήκη είναι ανοιχτή από Τρίτη έως Σάββατο, από τις δέκα έως τις δεκαοκτώ. Τα παιδιά "
        "κάτω των δώδεκα ετών δεν πληρώνουν για την κάρτα· οι άλλοι αναγνώστες πληρώνουν μία φορά τον χρόνο. Πού "
        "είναι το κλειδί της σοφίτας; Το άφησαν δίπλα στην παλιά σόμπα, κοντά στο παράθυρο. Άνοιξε η πόρτα και "
        "μπήκε ο ήλιος.",
        ("cp1253", "iso8859_7"),
    ),
    "he": (
        "הספרייה העירונית פתוחה מיום שלישי עד יום שבת, בין השעות עשר לשמונה עשרה. ילדים מתחת לגיל שתים עשרה אינם "
        "משלמים על הכרטיס; שאר הקוראים משלמים פעם בשנה. איפה המפתח של עליית הגג? השאירו אותו ליד התנור הישן, "
        "קרוב לחלון.",
        ("cp1255", "iso8859_8"),
    ),
    "th": (
        "ห้องสมุดประชาชนเปิดตั้งแต่วันอังคารถึงวันเสาร์ เวลาสิบโมงเช้าถึงหกโมงเย็น "
        "เด็กอายุต่ำกว่าสิบสองปีไม่ต้องเสียค่าบัตรสมาชิก ผู้อ่านคนอื่นจ่ายค่าธรรมเนียมปีละครั้ง "
        "กุญแจห้องใต้หลังคาอยู่ที่ไหน วางไว้ข้างเตาเก่าใกล้หน้าต่าง",
        ("cp874",),
    ),
    "ja": (
        "市立図書館は火曜日から土曜日まで、午前十時から午後六時まで開いています。十二歳未満の子どもは利用カードの"
        "料金がかかりません。ほかの利用者は一年に一度、料金を払います。屋根裏部屋のかぎはどこにありますか。古いス"
        "トーブのそば、窓のすぐ近くに置いてあります。きのうの夜はとても寒かったので、みんなでお茶を飲みながら、む"
        "かしの話を聞きました。",
        ("shift_jis", "euc_jp", "iso2022_jp"),
    ),
    "ko": (
        "시립 도서관은 화요일부터 토요일까지, 오전 열 시부터 오후 여섯 시까지 문을 엽니다. 열두 살 미만의 "
        "어린이는 회원증 요금을 내지 않습니다. 다른 이용자는 일 년에 한 번 요금을 냅니다. 다락방 열쇠는 어디에 "
        "있습니까? 오래된 난로 옆, 창문 바로 가까이에 두었습니다. 어제 밤에는 너무 추워서 모두 함께 차를 마시며 "
        "옛날이야기를 들었습니다.",
        ("euc_kr", "cp949"),
    ),
    "zh-TW": (
        "市立圖書館從星期二到星期六開放，時間是上午十點到下午六點。未滿十二歲的兒童辦證不需要付費；其他讀者每年付"
        "一次費用。閣樓的鑰匙在哪裡？它被放在舊火爐旁邊，靠近窗戶的地方。昨天晚上非常冷，所以大家一起喝茶，聽老人"
        "講從前的故事。",
        ("big5",),
    ),
    "lt": (
        "Miesto biblioteka atidaryta nuo antradienio iki šeštadienio, nuo dešimtos iki aštuonioliktos valandos. "
        "Vaikai iki dvylikos metų už kortelę nemoka; kiti skaitytojai kartą per metus sumoka mokestį. Kur yra "
        "palėpės raktas? Jį paliko šalia senos krosnies, prie pat lango. Žąsys skrenda į pietus, o rytą ūkanos "
        "dengia ežerą.",
        ("cp1257",),
    ),
}
SIGNED = (
    "The annual fee is £45 for members and £60 for guests. ",
    "Store the vaccine between 2 °C and 8 °C. ",
    "The Otter™ pump and the Heron® valve, © 2020. ",
    "It’s the company’s 5th “annual” report – 2019. ",
    "Mr Müller lives in Zürich. ",
    "The café’s naïve façade cost €300 … so far. ",
    "A lathe of ±0.5 mm, 3½ turns, 12 µm. ",
    "See § 12 • page 4. ",
    "Señor Peña’s résumé – read it. ",
)


def pieces(text: str, length: int, count: int, draw: random.Random) -> list[str]:
    """So many pieces of a text, in turn repeated, that begin with a word and are not all ASCII."""
    whole = text + " "
    whole *= length * 2 // len(whole) + 2
    starts = [at + 1 for at, character in enumerate(whole[: -length - 1]) if character in " 。\n"]
    found = (whole[start : start + length] for start in draw.choices(starts, k=count * 20))
    return [piece for piece in found if not piece.isascii()][:count]


def same_with(decode: Callable[[bytes], str], text: list[str], encoding: str) -> float:
    """The share of pieces that come back."""
    total = right = 0
    for piece in text:
        data = piece.encode(encoding, "ignore")
        expected = data.decode(encoding)
        if len(expected) > 0.8 * len(piece) and (encoding.startswith(("utf", "iso2022")) or not data.isascii()):
            total += 1
            right += decode(data) == expected
    return 100 * right / total if total else float("nan")


def by_odqa(data: bytes) -> str:
    """The text as odqa reads it; empty where it is refused."""
    try:
        return read_text(OpenFile(Path("a.txt"), io.BufferedReader(io.BytesIO(data))))
    except DataError:
        return ""


def by_library(data: bytes) -> str:
    """The text as charset-normalizer alone reads it."""
    best = from_bytes(data).best()
    return str(best) if best else ""


def damaged(text: str, draw: random.Random) -> bytes:
    """UTF-8 with its last byte cut off, and a byte in every thousand that is none."""
    data = bytearray((text + "é").encode())[:-1]
    for at in range(500, len(data), 1_000):
        data[at] = draw.choice((0xFF, 0xC0, 0xE9))
    return bytes(data)


def print_row(name: str, cells: list[tuple[float, float]]) -> None:
    """A line of the table."""
    print(f"{name:16}" + "".join(f"{ours:7.0f} /{theirs:4.0f}" for ours, theirs in cells), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of xquad.*.json")
    parser.add_argument("--pieces", type=int, default=20, help="pieces of each length")
    given = parser.parse_args()
    texts = dict(TEXTS)
    for language, encodings in XQUAD.items():
        data = json.loads((given.data / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
        text = "\n".join(paragraph["context"] for article in data for paragraph in article["paragraphs"])
        texts[language] = (_as_cp1258(text) if language == "vi" else text, encodings)
    print(f"{'characters':16}" + "".join(f"{length:13,}" for length in LENGTHS))
    for language, (text, encodings) in texts.items():
        for encoding in encodings:
            row = []
            for length in LENGTHS:
                drawn = pieces(text, length, given.pieces if length < 5_000 else 5, random.Random(length))
                row.append((same_with(by_odqa, drawn, encoding), same_with(by_library, drawn, encoding)))
            print_row(f"{language} {encoding}", row)
    signed = "".join(SIGNED)
    signs = [pieces(signed, length, given.pieces, random.Random(length)) for length in LENGTHS]
    cells = [(same_with(by_odqa, each, "cp1252"), same_with(by_library, each, "cp1252")) for each in signs]
    print_row("signs cp1252", cells)
    for language in ("en", "de", "ru", "zh"):
        row = []
        for length in LENGTHS:
            drawn = pieces(texts[language][0], length, 5, random.Random(length))
            data = [damaged(piece, random.Random(length)) for piece in drawn]
            kept = [(by(one) == one.decode("utf-8", "replace")) for by in (by_odqa, by_library) for one in data]
            half = len(kept) // 2
            row.append((100 * sum(kept[:half]) / half, 100 * sum(kept[half:]) / half))
        print_row(f"{language} damaged", row)


def _as_cp1258(text: str) -> str:
    """Vietnamese with the tone marks beside the letters, as Windows-1258 has them."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    letters = []
    for character in text:
        parts = unicodedata.normalize("NFD", character)
        found = [mark for mark in parts if mark in tones]
        letters.append(unicodedata.normalize("NFC", "".join(c for c in parts if c not in tones)) + "".join(found))
    return "".join(letters)


if __name__ == "__main__":
    main()
