"""Reading and writing of captions."""

from pathlib import Path

import pytest

from workers.media import captions
from workers.media.captions import Cue
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
    cues = captions.read(path)
    assert cues[0] == Cue(0.5, 2.0, "Hello,\nworld")
    assert cues[1].start == 62.5
    captions.write(path, cues)
    assert captions.read(path) == cues
    assert path.read_text().startswith("1\n00:00:00,500 --> 00:00:02,000\nHello,\nworld\n")
    assert [captions.shown_at(cues, at) for at in (0.4, 0.5, 1.99, 2.0)] == ["", "Hello,\nworld", "Hello,\nworld", ""]


def test_captions_without_blank_lines_between_them_are_separated(tmp_path: Path) -> None:
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


def test_a_spoken_number_is_kept_in_captions_without_counters(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\nten\n9\n\n00:02.000 --> 00:03.000\n8")
    assert [cue.text for cue in captions.read(tmp_path / "a.srt")] == ["ten\n9", "8"]


@pytest.mark.parametrize("content", [b"", b"no times in here", b"1\n00:00:01,000 --> 00:00:02,000\n\n", bytes(600_000)])
def test_a_file_without_captions_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.srt").write_bytes(content)
    with pytest.raises(Unreadable, match="captions_"):
        captions.read(tmp_path / "a.srt")


def test_decomposed_letters_are_composed_and_emoji_selectors_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGru\u0308\u00dfe \u2665\ufe0f\n")
    [cue] = captions.read(tmp_path / "a.srt")
    assert cue.text == "Gr\u00fc\u00dfe \u2665"


def test_an_empty_caption_does_not_take_the_note_before_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n\nNOTE\n00:02.000 --> 00:03.000\nsaid")
    assert captions.read(tmp_path / "a.srt") == [Cue(2, 3, "said")]


def test_variation_selectors_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("00:01.000 --> 00:02.000\n葛\U000e0100城", encoding="utf-8")
    [cue] = captions.read(tmp_path / "a.srt")
    assert cue.text == "葛城"
