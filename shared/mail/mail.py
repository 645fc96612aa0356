"""Email, through Amazon SES. The templates `<name>.txt` and `<name>.html` are beside this module.

The first line of the text is the subject. The fields are written as `$field`.
"""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from shared.aws.clients import ses
from shared.core.config import Config
from shared.core.errors import AppError

_FOLDER = Path(__file__).parent


class MailConfig(Config):
    mail_from: str = ""  # "Kinora <no-reply@studio.example.com>"; without it the deployment sends no email
    web_origin: str = ""


class MailUnavailable(AppError):
    code, status = "mail_unavailable", 503

    def __init__(self) -> None:
        super().__init__("This deployment cannot send email.")


def check_available() -> None:
    """Raise MailUnavailable if the deployment has no address of its own."""
    if not MailConfig().mail_from:
        raise MailUnavailable


def send_invite(to: str, *, token: str, organization: str) -> None:
    """Send the link that accepts an invite. The token is in the fragment, which no server receives."""
    _send("invite", to, link=f"{MailConfig().web_origin}/invite#token={token}", organization=organization)


def _send(name: str, to: str, **fields: str) -> None:
    check_available()
    subject, _, text = _template(f"{name}.txt").substitute(fields).partition("\n")
    page = _template(f"{name}.html").substitute({field: escape(value) for field, value in fields.items()})
    content = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text.strip()}, "Html": {"Data": page}}}
    ses().send_email(
        FromEmailAddress=MailConfig().mail_from, Destination={"ToAddresses": [to]}, Content={"Simple": content}
    )


@cache
def _template(file: str) -> Template:
    return Template((_FOLDER / file).read_text())
