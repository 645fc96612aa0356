"""Reading and writing of captions."""

from pathlib import Path

import pytest

from workers.media import captions
from workers.media.captions import CaptionFile, Cue
from workers.media.unreadable import Unreadable

SRT = """\ufeff1
00:00:00,500 --> 00:00:02,000 X1:1
<i>Hello</i>,
{\\an8}world

garbage that is no caption

3
01:02.5 --> 01:03,000
late

4
00:00:01,000 --> 00:00:00,500
never
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_captions_are_read_leniently_and_written_strictly(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.replace("\n", "\r\n").encode(encoding))
    cues = captions.read(path).cues
    assert cues[0] == Cue(0.5, 2.0, "Hello,\nworld")
    assert cues[1].start == 62.5
    captions.write(path, cues)
    assert captions.read(path).cues == cues
    assert path.read_text().startswith("1\n00:00:00,500 --> 00:00:02,000\nHello,\nworld\n")


def test_captions_without_blank_lines_between_them_are_separated(tmp_path: Path) -> None:
    blocks = (
        "1\n00:00:01,000 --> 00:00:02,000\nin 1912",
        "2\n00:00:02,000 --> 00:00:03,000\n7\n8",
        "x\n00:03.000 --> 00:04.000\n9\n",
    )
    for between in ("\n", "\n\n", "\n \n\n"):
        (tmp_path / "a.srt").write_text(between.join(blocks))
        read = captions.read(tmp_path / "a.srt").cues
        assert [read[0].text, read[2].text] == ["in 1912", "9"]
        assert read[1].text == ("7\n8" if "\n\n" in between or " " in between else "7\n8\nx")


def test_a_spoken_number_is_kept_in_captions_without_counters(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\nten\n9\n\n00:02.000 --> 00:03.000\n8")
    assert [cue.text for cue in captions.read(tmp_path / "a.srt").cues] == ["ten\n9", "8"]


@pytest.mark.parametrize("content", [b"", b"no times in here", b"1\n00:00:01,000 --> 00:00:02,000\n\n", bytes(600_000)])
def test_a_file_without_captions_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.srt").write_bytes(content)
    with pytest.raises(Unreadable, match="captions_"):
        captions.read(tmp_path / "a.srt")


def test_decomposed_letters_are_composed_and_emoji_selectors_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGru\u0308\u00dfe \u2665\ufe0f\n")
    [cue] = captions.read(tmp_path / "a.srt").cues
    assert cue.text == "Gr\u00fc\u00dfe \u2665"


def test_an_empty_caption_does_not_take_the_note_before_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n\nNOTE\n00:02.000 --> 00:03.000\nsaid")
    assert captions.read(tmp_path / "a.srt").cues == [Cue(2, 3, "said")]


def test_variation_selectors_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n葛\U000e0100城", encoding="utf-8")
    [cue] = captions.read(tmp_path / "a.srt").cues
    assert cue.text == "葛城"


def read(folder: Path, content: str | bytes, **options: bool) -> CaptionFile:
    path = folder / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return captions.read(path, **options)


def one_cue(folder: Path, text: str, times: str = "00:00:01,000 --> 00:00:02,000", head: str = "") -> Cue:
    [cue] = read(folder, f"{head}1\n{times}\n{text}\n").cues
    return cue


SENTENCES = {
    "cp1250": "Dobrý den, jak se máte? Příliš žluťoučký kůň.",
    "cp1251": "«Привет», как дела? — Я приду завтра…",
    "koi8_r": "Привет, как дела? Я приду завтра.",
    "cp1252": "Où est la bibliothèque? C’est déjà l’été.",
    "cp1253": "Καλημέρα, τι «κάνεις» σήμερα;",
    "cp1254": "Günaydın, bugün nasılsın? Işığı açık bırakma, şöyle.",
    "cp1255": "שלום, מה שלומך היום?",
    "cp1256": "مرحبا كيف حالك اليوم؟",
    "cp874": "สวัสดีครับ วันนี้อากาศดี",
    "gbk": "你好，今天的天气很好。我们走吧。",
    "big5": "你好，今天的天氣很好。我們走吧。",
    "euc_kr": "안녕하세요, 오늘 날씨가 좋네요.",
    "shift_jis": "こんにちは、今日は天気がいいですね。",
    "euc_jp": "こんにちは、今日は天気がいいですね。",
    "utf-16-le": "Привет",
    "utf-16-be": "hello",
    "utf-32": "hello",
}


@pytest.mark.parametrize(("encoding", "text"), SENTENCES.items())
def test_text_in_any_common_encoding_is_read(tmp_path: Path, encoding: str, text: str) -> None:
    srt = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n in range(1, 6))
    assert {cue.text for cue in read(tmp_path, srt.encode(encoding)).cues} == {text}


def test_an_invalid_byte_costs_one_letter_and_is_reported(tmp_path: Path) -> None:
    for encoding, name in (("utf-8", "utf-8"), ("euc_kr", "cp949")):
        text = "안녕하세요, 오늘 날씨가 좋네요. " * 3
        data = f"1\n00:00:01,000 --> 00:00:02,000\n{text}A\n".encode(encoding)
        file = read(tmp_path, data[:-2] + b"\xff" + data[-1:])
        assert (file.cues[0].text, file.encoding, file.replaced_letters) == (text + "\ufffd", name, 1)


def test_text_whose_encoding_is_not_certain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="captions_unknown_encoding"):
        read(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nДа.\n".encode("cp1251"))


TIMES = [
    "00:00:01 --> 00:00:02", "0:01 --> 0:02", "00:00:01:000 --> 00:00:02:000", "00:00:01.000 -> 00:00:02.000",
    "00:00:01,000 → 00:00:02,000", "00:00:01,000 – > 00:00:02,000", "00: 00: 01, 000 --> 00: 00: 02, 000",
    "0:0:1,0 --> 0:0:2,0", "00:00:01,000000 --> 00:00:02,000000", "0:00:01.000,0:00:02.000",
    "00：00：01，000 --> 00：00：02，000", "00:00:01,000-->00:00:02,000 X1:1", "7 00:00:01,000 --> 00:00:02,000",
    "00:00:01;000 --> 00:00:02;000",
]  # fmt: skip


@pytest.mark.parametrize("times", TIMES)
def test_every_common_form_of_times_is_read(tmp_path: Path, times: str) -> None:
    assert one_cue(tmp_path, "hi", times) == Cue(1, 2, "hi")


def test_a_caption_that_starts_before_the_film_keeps_its_end(tmp_path: Path) -> None:
    assert one_cue(tmp_path, "hi", "-00:00:01,500 --> 00:00:02,000") == Cue(0, 2, "hi")


def test_captions_without_usable_times_are_counted_and_their_text_stays_out_of_others(tmp_path: Path) -> None:
    good = "1\n00:00:01,000 --> 00:00:02,000\ngood\n"
    for bad in ("00:00:xx --> 00:00:09", "00:00:03,000 --> 00:00:02,000", "-00:00:03,000 --> -00:00:02,000"):
        file = read(tmp_path, f"{good}2\n{bad}\nlost\n")
        assert ([cue.text for cue in file.cues], file.dropped_cues) == (["good"], 1)


def test_text_outside_captions_is_counted(tmp_path: Path) -> None:
    file = read(tmp_path, "1\n00:01.000 --> 00:02.000\nhi\n\nmore\nand more\n\n2\n00:03.000 --> 00:04.000\nbye\n")
    assert ([cue.text for cue in file.cues], file.ignored_lines) == (["hi", "bye"], 2)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x < 5 and y > 3", "x < 5 and y > 3"),
        ("List<String> a<b", "List<String> a<b"),
        ("<i>a</i> <font color='red'>b</font> {\\an8}c", "a b c"),
        ("<c.loud>a</c> <v Bob>b <00:00:01.500>c", "a b c"),
        *((f"a{end}b", "a\nb") for end in ("<br>", "<BR />", "\\N", "\u2028", "\u2029", "\v", "\f", "\x85")),
    ],
)
def test_only_markup_is_removed_and_every_line_end_breaks_the_line(tmp_path: Path, text: str, shown: str) -> None:
    assert one_cue(tmp_path, text).text == shown


def test_webvtt_is_read_without_its_comments_styles_and_names(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE a\nb\n\nfirst\n00:01.000 --> 00:02.000 align:start\n"
        "- &lt;i&gt; &amp; <v Bob>hi\n\nNOTE c\n\nsecond\n00:03.000 --> 00:04.000\nbye\n",
    )
    assert file == CaptionFile([Cue(1, 2, "- <i> & hi"), Cue(3, 4, "bye")], "utf-8")


def test_a_written_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    cues = [Cue(1, 2, "<i>\n{\\an8} a\\Nb &amp;"), Cue(1, 2, "a"), Cue(3, 4, "5")]
    captions.write(tmp_path / "clean.srt", cues)
    assert captions.read(tmp_path / "clean.srt", is_clean=True).cues == cues


def test_a_long_caption_is_read_whole_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    assert len(one_cue(tmp_path, "a" * captions.MOST_LETTERS).text) == captions.MOST_LETTERS
    with pytest.raises(Unreadable, match="captions_too_long"):
        one_cue(tmp_path, "a" * (captions.MOST_LETTERS + 1))


@pytest.mark.timeout(5)
def test_a_letter_with_a_long_run_of_marks_is_refused_at_once(tmp_path: Path) -> None:
    assert one_cue(tmp_path, "e" + "\u0316\u0301" * 15).text
    with pytest.raises(Unreadable, match="captions_too_many_marks"):
        one_cue(tmp_path, "e" + "\u0316\u0301" * 120_000)
