"""Captions and the watermark in a frame."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import grey
from workers.media import captions, overlays
from workers.media.lettering import Lettering
from workers.media.unreadable import Unreadable


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
    assert over.y.min() < 50, "letters have a dark edge"
    assert (over.y[: height // 3] == 60).all() or text.count("\n")
    assert (under.y == 60).all()


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_the_watermark_is_in_its_corner_of_the_picture_and_not_on_the_bars(corner: str) -> None:
    marked = overlays.watermark(corner, 640, 360, (0, 46))(grey(60, 640, 360)).y != 60
    rows, columns = np.nonzero(marked)
    assert (rows.mean() < 180) == corner.startswith("top")
    assert (columns.mean() < 320) == corner.endswith("left")
    assert rows.min() >= 46
    assert rows.max() < 360 - 46


def test_lines_of_tall_letters_do_not_overlap() -> None:
    latin, burmese = (
        overlays.caption(text, Lettering(text), 1280, 720, (0, 0)).cover for text in ("k\n" * 3, "ကြို\n" * 3)
    )
    assert burmese.shape[0] > latin.shape[0]
    rows = (burmese > 0.99).any(axis=1)
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) == 3, "there is a gap between lines"
    assert burmese[0].max() < 0.1, "nothing is cut off above"
    assert burmese[-1].max() < 0.1, "nothing is cut off below"


@pytest.mark.parametrize("text", ["Grüße, “naïve” — Ω я 夜の灯台 한국 ♪ €?", "a\u00a0b\tc\u3000d", "می\u200cخواهم"])
def test_letters_of_the_fonts_are_drawable(text: str) -> None:
    overlays.check_drawable(text)


@pytest.mark.parametrize("letters", ["བོད", "ދިވެހި", "𒀭", "e\u1dfa\u0f72"])
def test_letters_that_no_font_has_are_refused_by_their_line(letters: str) -> None:
    with pytest.raises(Unreadable, match="captions_") as refused:
        overlays.check_drawable(f"fine\nnot {letters}")
    assert (refused.value.code, f"“not {letters}”" in refused.value.public_message) == (
        "captions_unsupported_script",
        True,
    )


def test_a_caption_cut_between_its_lines_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\ne" + "\u0301" * 399 + "\nX", encoding="utf-8")
    for cue in captions.read(tmp_path / "a.srt"):
        assert overlays.caption(cue.text, Lettering(cue.text), 320, 180, (0, 0)).cover.any()
