"""The client of Stripe. Tests and the laptop change its base address and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from botocore.exceptions import ClientError
from stripe import RequestsClient, StripeClient, StripeError

from shared.aws.secrets import secret
from shared.core.config import Config
from shared.core.errors import AppError
from shared.observability import logger

API_KEY, WEBHOOK_SECRET = "stripe-api-key", "stripe-webhook-secret"  # names in `infra/secrets.py`
TIMEOUT_SECONDS = (3, 6)  # to connect, to read; with two retries a call ends before its function does
TRIES = 2  # number of retries; the library sends an idempotency key of its own with each POST


class BillingUnavailable(AppError):
    """Stripe does not answer, or this deployment has no key of Stripe."""

    code, status = "billing_unavailable", 503


class StripeConfig(Config):
    stripe_url: str = "https://api.stripe.com"


def payments() -> StripeClient:
    return _client(billing_secret(API_KEY), StripeConfig().stripe_url)


def billing_secret(name: str) -> str:
    """Return the secret. Raise BillingUnavailable if it has no value."""
    try:
        return secret(name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise BillingUnavailable("Payments are not set up here.") from None


@cache
def _client(api_key: str, url: str) -> StripeClient:
    return StripeClient(
        api_key,
        base_addresses={"api": url},
        max_network_retries=TRIES,
        http_client=RequestsClient(timeout=TIMEOUT_SECONDS),
    )


@contextmanager
def stripe_answers() -> Iterator[None]:
    """Raise BillingUnavailable if a call of Stripe in the block fails. No input of a caller makes it fail."""
    try:
        yield
    except StripeError as error:
        logger.exception("Stripe failed", stripe_code=error.code, stripe_request_id=error.request_id)
        raise BillingUnavailable("Payments do not work at the moment. Try again later.") from error
