"""Reads and writes of webhooks. For a caller who may not act on its account a webhook does not exist."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.sealing import seal, unseal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.ids import new_id
from shared.core.versions import ANY_VERSION, IfMatch, PreconditionFailed
from shared.webhooks.record import DisabledBecause, WebhookEventType, WebhookRecord
from shared.webhooks.signing import new_secret

MOST_WEBHOOKS = 10  # maximum number of an account's webhooks
OVERLAP = timedelta(days=1)  # after a rotation, the time in which both secrets sign
PATIENCE = timedelta(days=5)  # a webhook that has failed at each try for longer is disabled
_PURPOSE = "webhook"


class WebhookNotFound(NotFound):
    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such webhook.")


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"

    def __init__(self) -> None:
        super().__init__(f"The account has {MOST_WEBHOOKS} webhooks. Delete one first.")


class WebhookChanged(Conflict):
    """Another request has changed the webhook's secret."""

    code = "webhook_changed"

    def __init__(self) -> None:
        super().__init__("Another request has changed this webhook. Read it again.")


class _WebhookEnded(Exception):
    """The webhook is deleted or disabled."""


class WebhookStore:
    def create(
        self, *, account_id: str, url: str, events: Sequence[WebhookEventType], at: datetime, tx: Transaction
    ) -> tuple[WebhookRecord, str]:
        """Add a webhook to the transaction, and return it with its secret. Raise TooManyWebhooks.

        Requests at the same time can exceed the number, by some webhooks.
        """
        if WebhookRecord.by_account.count(account_id, limit=MOST_WEBHOOKS) >= MOST_WEBHOOKS:
            raise TooManyWebhooks
        webhook_id, secret = new_id("whk"), new_secret()
        row = WebhookRecord(
            webhook_id,
            account_id=account_id,
            url=url,
            events=[str(event) for event in events],
            secret=seal(secret, purpose=_PURPOSE, owner=webhook_id),
            created_at=at,
            updated_at=at,
        )
        tx.put(row, WebhookRecord.webhook_id.does_not_exist(), otherwise=Conflict("This webhook already exists."))
        return row, secret

    def find(self, webhook_id: str) -> WebhookRecord | None:
        try:
            return WebhookRecord.get(webhook_id, consistent_read=True)
        except WebhookRecord.DoesNotExist:
            return None

    def get(self, webhook_id: str, *, accounts: Container[str]) -> WebhookRecord:
        """Return the webhook, if one of the accounts has it. Raise WebhookNotFound."""
        found = self.find(webhook_id)
        if found is None or found.account_id not in accounts:
            raise WebhookNotFound
        return found

    def of_account(self, account_id: str) -> Sequence[WebhookRecord]:
        """Return the account's webhooks, newest first. Eventually consistent."""
        return list(WebhookRecord.by_account.query(account_id, scan_index_forward=False))

    def change(
        self,
        row: WebhookRecord,
        *,
        url: str | None,
        events: Sequence[WebhookEventType] | None,
        enabled: bool | None,
        at: datetime,
        tx: Transaction,
        expected: IfMatch = ANY_VERSION,
    ) -> None:
        """Add a change to the transaction. None changes nothing.

        Raise PreconditionFailed for another version, or fail the transaction with it or with WebhookNotFound.
        """
        expected.check(row.etag)
        record = WebhookRecord
        actions: list[Action] = [record.updated_at.set(at)]
        if url is not None:
            actions.append(record.url.set(url))
        if events is not None:
            actions.append(record.events.set([str(event) for event in events]))
        if enabled is True:
            actions += [record.disabled_at.remove(), record.disabled_because.remove(), record.failing_since.remove()]
        elif enabled is False and row.disabled_at is None:
            actions += [record.disabled_at.set(at), record.disabled_because.set(DisabledBecause.REQUEST.value)]
        same = record.updated_at == row.updated_at if expected.given else record.webhook_id.exists()
        refusal = PreconditionFailed() if expected.given else WebhookNotFound()
        tx.update(record(row.webhook_id), actions, same, otherwise=refusal)

    def replace_secret(self, row: WebhookRecord, *, at: datetime, tx: Transaction) -> str:
        """Add a new secret to the transaction, and return it. The old one also signs until `OVERLAP` has passed.

        Fail the transaction with WebhookChanged if another request has replaced it.
        """
        secret, record = new_secret(), WebhookRecord
        actions = [
            record.old_secret.set(row.secret),
            record.old_secret_until.set(at + OVERLAP),
            record.secret.set(seal(secret, purpose=_PURPOSE, owner=row.webhook_id)),
            record.updated_at.set(at),
        ]
        tx.update(record(row.webhook_id), actions, record.secret == row.secret, otherwise=WebhookChanged())
        return secret

    def delete(self, row: WebhookRecord, *, tx: Transaction) -> None:
        exists = WebhookRecord.webhook_id.exists()
        tx.delete(WebhookRecord(row.webhook_id), exists, otherwise=WebhookNotFound())

    def secrets(self, row: WebhookRecord, *, at: datetime) -> list[str]:
        """Return the secrets that sign at this time, the newest first."""
        valid = [row.secret]
        if row.old_secret is not None and row.old_secret_until is not None and at < row.old_secret_until:
            valid.append(row.old_secret)
        return [unseal(sealed, purpose=_PURPOSE, owner=row.webhook_id) for sealed in valid]

    def succeeded(self, row: WebhookRecord) -> None:
        """Note a successful try. It costs no write if the try before it was successful too."""
        if row.failing_since is not None:
            self._note(row, [WebhookRecord.failing_since.remove()])

    def failed(self, row: WebhookRecord, *, gone: bool, at: datetime) -> bool:
        """Note a failed try. Return whether it disables the webhook: if it is `gone`, or after `PATIENCE`."""
        record = WebhookRecord
        if gone or (row.failing_since is not None and at - row.failing_since >= PATIENCE):
            because = DisabledBecause.GONE if gone else DisabledBecause.FAILURES
            return self._note(row, [record.disabled_at.set(at), record.disabled_because.set(because.value)])
        if row.failing_since is None:
            self._note(row, [record.failing_since.set(at)])
        return False

    def _note(self, row: WebhookRecord, actions: Sequence[Action]) -> bool:
        """Change an enabled webhook. Return False for another one."""
        enabled = WebhookRecord.webhook_id.exists() & WebhookRecord.disabled_at.does_not_exist()
        try:
            with on_refusal(_WebhookEnded()):
                WebhookRecord(row.webhook_id).update(actions, enabled, returned=False)
        except _WebhookEnded:
            return False
        return True


webhooks = WebhookStore()
