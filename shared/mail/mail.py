"""Email, through Amazon SES. The templates `<name>.txt` and `<name>.html` are beside this module.

The first line of the text is the subject. The fields are written as `$field`.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.clients import ses, ses_once
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.core.errors import AppError
from shared.mail.marks import NotSent, marks
from shared.observability import logger

_FOLDER = Path(__file__).parent
TEMPLATES = sorted(path.stem for path in _FOLDER.glob("*.txt"))  # their names


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
    _send("webhook", to, url=url, link=f"{MailConfig().web_origin}/webhooks")


def send_new_address(to: str, *, token: str) -> None:
    """Send the link that gives an account this new address."""
    _send("new-address", to, link=_link("verify-email", token))


def send_address_taken(to: str) -> None:
    """Tell the owner of an account that another account asked for the owner's address."""
    _send("address-taken", to)


def send_address_changes(to: str, *, new: str) -> None:
    """Tell the old address of an account that the account gets another one."""
    _send("address-changes", to, new=new, link=f"{MailConfig().web_origin}/settings")


# Notices are sent once. They raise NotSent if SES has refused them, so that the caller can try again.


def notify_completed(to: str, *, job_id: str) -> None:
    _send("completed", to, once=True, link=_job(job_id), settings=_settings())


def notify_failed(to: str, *, job_id: str, error: str) -> None:
    _send("failed", to, once=True, error=error, link=_job(job_id), settings=_settings())


def notify_low_credits(to: str, *, credits: int) -> None:
    link = f"{MailConfig().web_origin}/billing"
    _send("low-credits", to, once=True, credits=str(credits), link=link, settings=_settings())


def notify_erased(to: str) -> None:
    _send("erased", to, once=True)


def _job(job_id: str) -> str:
    return f"{MailConfig().web_origin}/film?id={job_id}"


def _settings() -> str:
    return f"{MailConfig().web_origin}/settings"


def _link(page: str, token: str) -> str:
    """Return the link to a page with the token in the fragment, which no server receives."""
    return f"{MailConfig().web_origin}/{page}#token={token}"


def rendered(name: str, fields: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the subject, the text and the HTML of a message."""
    subject, _, text = _template(f"{name}.txt").substitute(fields).partition("\n")
    page = _template(f"{name}.html").substitute({field: escape(value) for field, value in fields.items()})
    return subject, text.strip(), page


def _send(name: str, to: str, *, once: bool = False, **fields: str) -> None:
    """Send the message, unless its address gets none. If `once`, never send it twice."""
    sender = MailConfig().mail_from
    if not sender:
        raise MailUnavailable
    if reason := marks.refusal(to, at=utc_now()):
        logger.info("email withheld", template=name, reason=reason.value)
        return
    subject, text, page = rendered(name, fields)
    content = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}, "Html": {"Data": page}}}
    try:
        client = ses_once() if once else ses()
        client.send_email(FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content={"Simple": content})
    except ClientError as error:
        # The text of the error can contain the address.
        logger.error("email not sent", template=name, code=error.response["Error"]["Code"])
        raise (NotSent if once else MailUnavailable) from None
    except BotoCoreError as error:
        logger.error("email not sent", template=name, code=type(error).__name__)
        raise MailUnavailable from None


@cache
def _template(file: str) -> Template:
    return Template((_FOLDER / file).read_text())
