"""Captions read and drawn, the mark, the bars, the fades."""

from pathlib import Path

import numpy as np
import pytest

from shared.stages.operations import parse
from workers.engines.post_processing.treatments import Fade, Letterbox, bars, treatment
from workers.media import captions, overlays
from workers.media.captions import CaptionsUnreadable, Cue
from workers.media.lettering import Lettering
from workers.media.planes import Planes

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


def grey(level: int, width: int = 320, height: int = 180) -> Planes:
    half = np.full((height // 2, width // 2), 128, np.uint8)
    return Planes(np.full((height, width), level, np.uint8), half, half)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_captions_are_read_as_they_come_and_written_as_they_should(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.replace("\n", "\r\n").encode(encoding))
    cues = captions.read(path)
    assert cues[0] == Cue(0.5, 2.0, "Hello,\nworld")
    assert cues[1].start == 62.5
    captions.write(path, cues)
    assert captions.read(path) == cues
    assert path.read_text().startswith("1\n00:00:00,500 --> 00:00:02,000\nHello,\nworld\n")
    assert [captions.shown_at(cues, at) for at in (0.4, 0.5, 1.99, 2.0)] == ["", "Hello,\nworld", "Hello,\nworld", ""]


def test_captions_without_blank_lines_between_them_are_kept_apart(tmp_path: Path) -> None:
    blocks = (
        "1\n00:00:01,000 --> 00:00:02,000\nin 1912",
        "2\n00:00:02,000 --> 00:00:03,000\n7\n8",
        "x\n00:03.000 --> 00:04.000\n9\n",
    )
    for between in ("\n", "\n\n", "\n \n\n"):
        (tmp_path / "a.srt").write_text(between.join(blocks))
        read = captions.read(tmp_path / "a.srt")
        assert [read[0].text, read[2].text] == ["in 1912", "9"]
        assert read[1].text == ("7\n8" if "\n\n" in between or " " in between else "7\n8\nx")


def test_a_number_that_is_said_is_kept_where_none_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\nten\n9\n\n00:02.000 --> 00:03.000\n8")
    assert [cue.text for cue in captions.read(tmp_path / "a.srt")] == ["ten\n9", "8"]


@pytest.mark.parametrize("content", [b"", b"no times in here", b"1\n00:00:01,000 --> 00:00:02,000\n\n", bytes(600_000)])
def test_what_holds_no_captions_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.srt").write_bytes(content)
    with pytest.raises(CaptionsUnreadable):
        captions.read(tmp_path / "a.srt")


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (64, 64)])
@pytest.mark.parametrize(
    "text",
    ["short", "word " * 30, "unbroken" * 30, "夜の灯台" * 20, "สวัสดีครับ" * 20, "منارة " * 30, "a\nb\nc\nd\ne", "🎬"],
    ids=len,
)
def test_any_caption_fits_into_any_frame(width: int, height: int, text: str) -> None:
    under = grey(60, width, height)
    over = overlays.caption(text, Lettering(text), width, height, (0, 0))(under)
    assert [plane.shape for plane in over] == [plane.shape for plane in under]
    assert over.y.max() > 120, "letters are white"
    assert over.y.min() < 50, "on a dark edge"
    assert (over.y[: height // 3] == 60).all() or text.count("\n")
    assert (under.y == 60).all()


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_the_mark_stands_in_its_corner_of_the_picture_and_not_on_the_bars(corner: str) -> None:
    marked = overlays.watermark(corner, 640, 360, (0, 46))(grey(60, 640, 360)).y != 60
    rows, columns = np.nonzero(marked)
    assert (rows.mean() < 180) == corner.startswith("top")
    assert (columns.mean() < 320) == corner.endswith("left")
    assert rows.min() >= 46
    assert rows.max() < 360 - 46


def test_bars_leave_the_ratio_asked_for() -> None:
    side, foot = bars(2.39, 1920, 1080)
    assert side == 0
    assert 1920 / (1080 - 2 * foot) == pytest.approx(2.39, abs=0.01)
    assert bars(1.85, 2560, 1080)[1] == 0
    boxed = Letterbox(0, 24)(grey(200))
    assert (boxed.y[:24] == 16).all()
    assert (boxed.y[24:-24] == 200).all()
    assert boxed.y.shape == (180, 320)


def test_a_fade_begins_and_ends_in_black_and_leaves_the_middle_alone() -> None:
    fade = Fade("both", 6, 30)
    light = [int(fade(grey(200)).y[0, 0]) for _ in range(30)]
    assert (light[0], light[-1]) == (16, 16)
    assert set(light[6:24]) == {200}
    assert light[:7] == sorted(light[:7])
    assert int(Fade("out", 6, 30)(grey(200)).y[0, 0]) == 200


def test_grain_is_the_seeds() -> None:
    [grain] = parse(["grain:strong"]).values()
    one, same, other = (treatment(grain, 320, 180, seed)(grey(100)).y for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_lines_of_tall_letters_stand_clear_of_each_other() -> None:
    latin, burmese = (
        overlays.caption(text, Lettering(text), 1280, 720, (0, 0)).cover for text in ("k\n" * 3, "ကြို\n" * 3)
    )
    assert burmese.shape[0] > latin.shape[0]
    rows = (burmese > 0.99).any(axis=1)
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) == 3, "there is a gap between one line and the next"
    assert burmese[0].max() < 0.1, "nothing is cut off above"
    assert burmese[-1].max() < 0.1, "or below"


@pytest.mark.parametrize("text", ["Grüße, “naïve” — Ω я 夜の灯台 한국 ♪ €?", "a\u00a0b\tc\u3000d", "می\u200cخواهم"])
def test_letters_of_the_fonts_are_drawable(text: str) -> None:
    overlays.check_drawable(text)


@pytest.mark.parametrize("letters", ["བོད", "ދިވެހި", "𒀭", "e\u1dfa\u0f72"])
def test_letters_that_no_font_has_are_refused_by_their_line(letters: str) -> None:
    with pytest.raises(CaptionsUnreadable) as refused:
        overlays.check_drawable(f"fine\nnot {letters}")
    assert (refused.value.code, f"“not {letters}”" in refused.value.public_message) == ("unsupported_script", True)


def test_letters_written_in_parts_are_put_together_and_emoji_marks_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGru\u0308\u00dfe \u2665\ufe0f\n")
    [cue] = captions.read(tmp_path / "a.srt")
    assert cue.text == "Gr\u00fc\u00dfe \u2665"


def test_an_empty_caption_does_not_take_what_comes_before_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n\nNOTE\n00:02.000 --> 00:03.000\nsaid")
    assert captions.read(tmp_path / "a.srt") == [Cue(2, 3, "said")]


def test_a_caption_cut_between_its_lines_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\ne" + "\u0301" * 399 + "\nX", encoding="utf-8")
    for cue in captions.read(tmp_path / "a.srt"):
        assert overlays.caption(cue.text, Lettering(cue.text), 320, 180, (0, 0)).cover.any()


def test_selectors_of_letter_forms_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n葛\U000e0100城", encoding="utf-8")
    [cue] = captions.read(tmp_path / "a.srt")
    assert cue.text == "葛城"
