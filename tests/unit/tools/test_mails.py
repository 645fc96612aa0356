"""The previews of all emails."""

import re
from pathlib import Path

from shared.mail.mail import TEMPLATES
from tools import mails


def test_each_email_has_a_preview_in_html_and_in_text(tmp_path: Path) -> None:
    """A field without an example would raise KeyError."""
    mails.main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"index.html"} | {
        f"{name}.{kind}" for name in TEMPLATES for kind in ("html", "txt")
    }
    assert len(TEMPLATES) >= 12


def test_the_html_and_the_text_of_an_email_have_the_same_links(tmp_path: Path) -> None:
    mails.main(tmp_path)
    for name in TEMPLATES:
        links = [
            set(re.findall(r"https://[^\s\"<]+", (tmp_path / f"{name}.{kind}").read_text())) for kind in ("html", "txt")
        ]
        assert links[0] == links[1], name


def test_a_field_is_text_in_the_html(tmp_path: Path) -> None:
    mails.main(tmp_path)
    assert "Harbour &amp; Sons" in (tmp_path / "invite.html").read_text()
    assert "Harbour & Sons" in (tmp_path / "invite.txt").read_text()
