"""Captions and the watermark in a frame."""

import numpy as np
import pytest

from tests.support.clips import grey
from workers.media import overlays
from workers.media.lettering import Lettering
from workers.media.overlays import CaptionPage
from workers.media.unreadable import Unreadable


def page(text: str, width: int, height: int) -> CaptionPage:
    [only] = overlays.caption(text, Lettering(text), (width, height), (0, 0))
    return only


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (64, 64)])
@pytest.mark.parametrize(
    "text",
    ["short", "word " * 30, "unbroken" * 30, "夜の灯台" * 20, "สวัสดีครับ" * 20, "منارة " * 30, "a\nb\nc\nd\ne", "🎬"],
    ids=len,
)
def test_any_caption_fits_into_any_frame(width: int, height: int, text: str) -> None:
    under = grey(60, width, height)
    over = page(text, width, height).drawn()(under)
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
    latin, burmese = (page(text, 1280, 720).drawn().cover for text in ("k\n" * 3, "ကြို\n" * 3))
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


RATIOS = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (720, 720), "4:5": (720, 900), "21:9": (1680, 720)}


@pytest.mark.parametrize("frame", RATIOS.values(), ids=RATIOS)
def test_two_full_lines_of_subtitles_keep_all_words_in_every_ratio(frame: tuple[int, int]) -> None:
    words = [f"word{n:02}" for n in range(12)]  # two lines of 41 letters
    text = " ".join(words[:6]) + "\n" + " ".join(words[6:])
    drawn = page(text, *frame)
    assert sum(len(line.glyphs) for line in drawn.lines) == len(text.replace("\n", " ")) - (len(drawn.lines) - 1)
    cover = drawn.drawn().cover
    assert cover.shape[1] <= frame[0]
    assert min(cover[0].max(), cover[:, 0].max()) < 0.1, "nothing is cut off"


def test_a_text_of_many_lines_is_shrunk_and_then_shown_in_pages() -> None:
    text = "\n".join(f"line {n}" for n in range(30))
    few = "\n".join(text.split("\n")[:10])
    [small] = overlays.caption(few, Lettering(few), (640, 360), (0, 0))
    assert small.size < page("short", 640, 360).size
    pages = overlays.caption(text, Lettering(text), (640, 360), (0, 0), most_pages=3)
    assert sum(len(one.lines) for one in pages) == 30
    assert 1 < len(pages) <= 3
    with pytest.raises(Unreadable, match="captions_too_crowded"):
        overlays.caption(text * 5, Lettering(text), (640, 360), (0, 0))
