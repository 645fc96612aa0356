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
    """Send the link that accepts an invite. The token is in the fragment, which no server receives.

    Raise MailUnavailable if SES does not take the message, or if the deployment has no address of its own.
    """
    _send("invite", to, link=f"{MailConfig().web_origin}/invite#token={token}", organization=organization)


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
