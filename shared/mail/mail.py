"""Email, through Amazon SES. The templates `<name>.txt` and `<name>.html` are beside this module.

The first line of the text is the subject. The fields are written as `$field`.
"""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.clients import ses
from shared.core.config import Config
from shared.core.errors import AppError
from shared.observability import logger

_FOLDER = Path(__file__).parent


class MailConfig(Config):
    mail_from: str = ""  # "Kinora <no-reply@studio.example.com>"; without it the deployment sends no email
    web_origin: str = ""


class MailUnavailable(AppError):
    code, status = "mail_unavailable", 503

    def __init__(self) -> None:
        super().__init__("The email could not be sent.")


def send_invite(to: str, *, token: str, organization: str) -> None:
    """Send the link that accepts an invite.

    Raise MailUnavailable if SES does not take the message, or if the deployment has no address of its own.
    """
    _send("invite", to, link=_link("invite", token), organization=organization)


def sends() -> bool:
    """Return whether the deployment has an address of its own, and so can send email."""
    return bool(MailConfig().mail_from)


def send_verification(to: str, *, token: str) -> None:
    """Send the link that opens an account. Raise MailUnavailable, like the functions below."""
    _send("verify", to, link=_link("verify-email", token))


def send_taken(to: str, *, token: str) -> None:
    """Tell the owner of an account that somebody registered with the address. The link sets a new password."""
    _send("taken", to, link=_link("reset-password", token))


def send_reset(to: str, *, token: str) -> None:
    """Send the link that sets a new password."""
    _send("reset", to, link=_link("reset-password", token))


def send_unknown(to: str) -> None:
    """Tell somebody who asked for a new password that the address has no account."""
    _send("unknown", to, link=f"{MailConfig().web_origin}/register")


def send_webhook_disabled(to: str, *, url: str) -> None:
    """Tell an owner of an account that Kinora no longer sends events to one of its webhooks."""
    _send("webhook", to, url=url, link=f"{MailConfig().web_origin}/settings")


def _link(page: str, token: str) -> str:
    """Return the link to a page with the token in the fragment, which no server receives."""
    return f"{MailConfig().web_origin}/{page}#token={token}"


def _send(name: str, to: str, **fields: str) -> None:
    sender = MailConfig().mail_from
    if not sender:
        raise MailUnavailable
    subject, _, text = _template(f"{name}.txt").substitute(fields).partition("\n")
    page = _template(f"{name}.html").substitute({field: escape(value) for field, value in fields.items()})
    content = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text.strip()}, "Html": {"Data": page}}}
    try:
        ses().send_email(FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content={"Simple": content})
    except ClientError as error:
        # The text of the error can contain the address.
        logger.error("email not sent", template=name, code=error.response["Error"]["Code"])
        raise MailUnavailable from None
    except BotoCoreError as error:
        logger.error("email not sent", template=name, code=type(error).__name__)
        raise MailUnavailable from None


@cache
def _template(file: str) -> Template:
    return Template((_FOLDER / file).read_text())
