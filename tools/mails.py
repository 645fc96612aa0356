"""`make mails`: write each email with example data into build/mails, as HTML and text, with a page of all of them."""

from pathlib import Path

from local.environment import ROOT
from shared.mail.mail import TEMPLATES, rendered

STUDIO = "https://studio.example.com"
FIELDS = {
    "link": f"{STUDIO}/page#token=4f1c7a.kX9",
    "settings": f"{STUDIO}/settings",
    "organization": "Harbour & Sons",
    "new": "ada@new.example.com",
    "error": "The engine does not answer.",
    "credits": "12",
    "url": "https://films.example.com/kinora",
}


def main(folder: Path = ROOT / "build" / "mails") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["<!doctype html><meta charset=utf-8><title>Emails of Kinora</title>"]
    for name in TEMPLATES:
        subject, text, page = rendered(name, FIELDS)
        (folder / f"{name}.txt").write_text(f"{subject}\n\n{text}\n")
        (folder / f"{name}.html").write_text(page)
        parts.append(f"<h2>{subject} (<a href={name}.html>HTML</a>, <a href={name}.txt>text</a>)</h2>{page}")
    (folder / "index.html").write_text("\n".join(parts))
    print(folder / "index.html")


if __name__ == "__main__":
    main()
