"""Text of many scripts: fonts, shaping, order, line breaks and drawing."""

import cv2
import numpy as np
import pytest

from workers.media.lettering import Lettering, Line, missing
from workers.media.planes import Bytes

SIZE = 60
SCRIPTS = {
    "Latin": "Grüße, Việt Nam",
    "Greek": "Καλημέρα",
    "Cyrillic": "Привет, ґанок",
    "Arabic": "مرحبا بكم",
    "Urdu": "آپ ٹھیک ہیں؟",
    "Hebrew": "שלום בְּרֵאשִׁית",
    "Devanagari": "नमस्ते क्षत्रिय",
    "Bengali": "স্বাগতম।",
    "Gurmukhi": "ਜੀ ਆਇਆਂ ਨੂੰ",
    "Gujarati": "સ્વાગત છે",
    "Odia": "ସ୍ୱାଗତ",
    "Tamil": "வணக்கம்",
    "Telugu": "స్వాగతం",
    "Kannada": "ಸ್ವಾಗತ",
    "Malayalam": "സ്വാഗതം",
    "Sinhala": "ආයුබෝවන් චිත්‍රපට",
    "Thai": "สวัสดีครับ ที่นี่",
    "Lao": "ສະບາຍດີ",
    "Khmer": "សូមស្វាគមន៍",
    "Burmese": "ကြိုဆိုပါသည်",
    "Georgian": "გამარჯობა",
    "Armenian": "Բարի գալուստ",
    "Amharic": "እንኳን ደህና",
    "Simplified": "这是灯塔。",
    "Traditional": "這是燈塔。",
    "Japanese": "夜の灯台、ラーメン",
    "Korean": "안녕하세요",
    "symbols": "♪ → ♥ 🎬 👩‍🚀",
}


def drawn(line: Line) -> Bytes:
    sheet = np.zeros((3 * SIZE, round(line.width * SIZE) + 2 * SIZE), np.uint8)
    line.draw(sheet, (SIZE, 2 * SIZE), SIZE)
    return sheet


def parts(text: str) -> int:
    """Return the number of connected pieces of ink in the drawn text."""
    return cv2.connectedComponents((drawn(Lettering(text).line(text)) > 100).astype(np.uint8))[0] - 1


def glyphs(line: Line) -> list[tuple[int, int]]:
    """Return the visible glyphs from left to right as (id of the font, glyph number)."""
    return [(id(font), glyph) for font, glyph, *_ in line.glyphs if font.get_glyph_extents(glyph).width]


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_each_script_is_drawn_with_letters_of_its_own(text: str) -> None:
    assert missing(text) is None
    lettering = Lettering(text)
    box = drawn(lettering.line("\U000f0000"))
    assert box.any(), "a letter without a font is drawn as a box"
    for word in text.split():
        line = lettering.line(word)
        assert all(glyph for _, glyph in glyphs(line)), "glyph 0 is the box"
        sheet = drawn(line)
        assert sheet.max() == 255
        assert sheet.shape != box.shape or (sheet != box).any()
        assert 0 < line.rise < 1.5
        assert line.fall < 1.0


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_line_reports_the_extent_of_its_ink(text: str) -> None:
    line = Lettering(text).line(text)
    rows, columns = np.nonzero(drawn(line) > 8)
    assert 2 * SIZE - rows.min() == pytest.approx(line.rise * SIZE, abs=1.5)
    assert rows.max() + 1 - 2 * SIZE == pytest.approx(line.fall * SIZE, abs=1.5)
    assert columns.min() > SIZE * 0.85
    assert columns.max() < SIZE * (1.15 + line.width)


def test_arabic_is_joined() -> None:
    assert parts("ببب") == 1 + 3, "one stroke and three dots"
    assert parts("ب ب ب") == 3 + 3


@pytest.mark.parametrize(("one", "two"), [("ที", "ที่"), ("e\u0301", "e\u0301\u0301")])
def test_marks_do_not_overlap(one: str, two: str) -> None:
    less, more = (Lettering(text).line(text) for text in (one, two))
    assert more.rise + more.fall > less.rise + less.fall + 0.1


def test_arabic_runs_to_the_left() -> None:
    sheet = drawn(Lettering("اب").line("اب"))
    left, right = np.array_split(sheet, 2, axis=1)
    assert np.nonzero(right)[0].min() < np.nonzero(left)[0].min() - SIZE // 4, (
        "alef, the taller letter, is at the right"
    )


@pytest.mark.parametrize(
    ("text", "leftward", "order"),
    [
        ("ok سلام fine", False, ["ok", "سلام", "fine"]),
        ("مرحبا Kinora 2024!", True, ["!", "Kinora", "2024", "مرحبا"]),
        ("سلام 你好 علیک", True, ["علیک", "你好", "سلام"]),
        ("שלום 15% नमस्ते", True, ["नमस्ते", "15%", "שלום"]),
        ("(שלום)", True, ["(", "שלום", ")"]),
        ("b سلام 12a", False, ["b", "12", "سلام", "a"]),
    ],
)
def test_words_of_opposite_directions_are_in_visual_order(text: str, leftward: bool, order: list[str]) -> None:
    lettering = Lettering(text)
    assert glyphs(lettering.line(text, leftward=leftward)) == [
        glyph for word in order for glyph in glyphs(lettering.line(word))
    ]


def test_the_first_letter_sets_the_direction_of_a_paragraph() -> None:
    lettering = Lettering("سلام ok.\nok سلام.")
    first, second = lettering.lines("سلام ok.\nok سلام.", 99)
    dot = glyphs(lettering.line("."))
    assert (glyphs(first)[:1], glyphs(second)[-1:]) == (dot, dot)


@pytest.mark.parametrize(
    "script", ["Thai", "Khmer", "Burmese", "Lao", "Simplified", "Traditional", "Japanese", "Arabic"]
)
def test_long_lines_are_broken_within_their_width(script: str) -> None:
    text = SCRIPTS[script].replace(" ", "") * 12
    lettering = Lettering(text)
    lines = list(lettering.lines(text, 10))
    assert len(lines) > 3
    assert max(line.width for line in lines) <= 10
    assert min(line.width for line in lines[:-1]) > 5
    assert sum(line.width for line in lines) == pytest.approx(lettering.line(text).width, rel=0.05)


@pytest.mark.parametrize(
    "words",
    [["one ", "two"], ["สวัสดี", "ครับ"], ["영화를 ", "보겠습니다"], ["ラーメンを", "食べながら"], ["夜里的灯", "塔。"]],
    ids="".join,
)
def test_lines_break_at_the_break_points_of_their_language(words: list[str]) -> None:
    """Thai, Korean and Japanese break between words. Chinese breaks anywhere except before a full stop."""
    text = "".join(words)
    lettering = Lettering(text)
    lines = lettering.lines(text, lettering.line(text).width - 0.1)
    assert [glyphs(line) for line in lines] == [glyphs(lettering.line(word)) for word in words]


def test_a_script_is_in_one_font() -> None:
    text = "Tôi là người Việt Nam"  # Rubik has only most of these letters
    assert len({font for font, _ in glyphs(Lettering(text).line(text))}) == 1


def test_han_has_the_forms_of_its_language() -> None:
    forms = [glyphs(Lettering(text).line("骨")) for text in ("骨头这", "骨頭這", "骨の")]
    assert forms[0] != forms[1]
    assert forms[0] != forms[2]


@pytest.mark.parametrize("text", ["ok你好", "ok ♪ नमस्ते", "αok", "o\u200ck"])
def test_rubik_stays_the_font_of_latin_beside_any_script(text: str) -> None:
    assert set(glyphs(Lettering("ok").line("ok"))) <= set(glyphs(Lettering(text).line(text)))


def test_punctuation_has_the_font_of_its_word() -> None:
    text = "ok! “好”"
    fonts = [font for font, _ in glyphs(Lettering(text).line(text))]
    assert (len(set(fonts[:3])), len(set(fonts[3:])), len(set(fonts))) == (1, 1, 2)


def test_gaps_between_words_are_equal() -> None:
    lettering = Lettering("over the n")
    gaps = [
        lettering.line(f"{one} {other}").width - lettering.line(one).width - lettering.line(other).width
        for one, other in (("over", "the"), ("n", "n"))
    ]
    assert gaps[0] == pytest.approx(gaps[1])


def test_a_line_does_not_break_at_a_no_break_space() -> None:
    loose, held = (
        list(Lettering(text).lines(text, 5.2)) for text in ("10 000 000 euros", "10\u00a0000\u00a0000 euros")
    )
    assert (len(loose), len(held)) == (3, 2)


def test_an_empty_text_has_one_empty_line() -> None:
    assert [line.width for line in Lettering("a").lines("", 5)] == [0]
