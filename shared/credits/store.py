"""Changes of credits. Each change is part of the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound, PaymentRequired
from shared.core.slices import Slice, first_of
from shared.credits.balance import Balance, Movement
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord, SpendingRecord

_OPEN = "open"
_SPENDING_LIFE = timedelta(days=400)


class NotEnoughCredits(PaymentRequired):
    code = "not_enough_credits"


class MonthlyCapReached(PaymentRequired):
    """The member may spend fewer credits of the organization in this month."""

    code = "monthly_cap_reached"


class HoldEnded(Conflict):
    code = "hold_ended"


class RetryRunning(Conflict):
    """Another job that pays for the finished steps of this job has not ended."""

    code = "retry_running"

    def __init__(self) -> None:
        super().__init__("A retry of this job has not ended. Wait for its end, or cancel it.")


@dataclass(frozen=True, slots=True)
class Spender:
    """The member who spends credits of an organization, at most `monthly_cap` of them in a month; None: all.

    Or the key with which credits are spent; then `user_id` is the key's id.
    """

    user_id: str
    monthly_cap: int | None
    test: bool = False  # a test key, which spends nothing

    def key(self, at: datetime) -> str:
        return f"{self.user_id}#{at:%Y-%m}"


class BookedAlready(Conflict):
    """The ledger has an entry of this operation. The transaction is not committed."""

    code = "booked_already"


class BalanceChanged(Conflict):
    """The balance changed after it was read. The transaction is not committed."""

    code = "balance_changed"


class CreditStore:
    def open_account(self, account_id: str, *, opening: int, at: datetime, tx: Transaction) -> None:
        """Write a new account with an opening grant of `opening` credits, or with none."""
        exists = Conflict("This account already exists.")
        record = AccountRecord(account_id, available=opening, held=0)
        tx.put(record, AccountRecord.account_id.does_not_exist(), otherwise=exists)
        if opening:
            self._add_to_ledger(account_id, "grant#opening", opening, "opening grant", at, tx, otherwise=exists)

    def account(self, account_id: str) -> AccountRecord:
        try:
            return AccountRecord.get(account_id, consistent_read=True)
        except AccountRecord.DoesNotExist:
            raise NotFound("There is no such account.") from None

    def move(
        self, credits: int, *, from_account: str, to_account: str, operation_id: str, at: datetime, tx: Transaction
    ) -> None:
        """Give available credits to another account, on which they are lasting ones.

        Fail the transaction with NotEnoughCredits, or with BalanceChanged if the first payment of the other account is
        booked meanwhile. Raise ValueError if `credits` < 0.
        """
        _check_amount(credits)
        short = NotEnoughCredits(f"The account has fewer than {credits} credits.", creditsNeeded=credits)
        available, entered = AccountRecord.available, Conflict("This operation is in the ledger already.")
        tx.update(AccountRecord(from_account), [available.add(-credits)], available >= credits, otherwise=short)
        lasting, actions = AccountRecord.lasting, [available.add(credits)]
        all_lasting = self.account(to_account).lasting is None
        if not all_lasting:
            actions.append(lasting.add(credits))
        same = lasting.does_not_exist() if all_lasting else lasting.exists()
        changed = BalanceChanged("The balance changed after it was read.")
        tx.update(AccountRecord(to_account), actions, available.exists() & same, otherwise=changed)
        for account_id, change, reason in (
            (from_account, -credits, f"given to {to_account}"),
            (to_account, credits, f"given by {from_account}"),
        ):
            self._add_to_ledger(account_id, f"move#{operation_id}", change, reason, at, tx, otherwise=entered)

    def spent(self, account_id: str, user_ids: Collection[str], *, at: datetime) -> dict[str, int]:
        """Return the credits of the organization that each of the users has spent or holds in this month."""
        keys = [(account_id, Spender(user_id, None).key(at)) for user_id in user_ids]
        found = {row.user_month: int(row.credits) for row in SpendingRecord.batch_get(keys)}
        return {user_id: found.get(Spender(user_id, None).key(at), 0) for user_id in user_ids}

    def hold(
        self,
        job_id: str,
        *,
        account_id: str,
        credits: int,
        paid: bool,
        at: datetime,
        tx: Transaction,
        spender: Spender | None = None,
        key: Spender | None = None,
        prices: Mapping[str, int] | None = None,
        lower_prices: Mapping[str, Mapping[str, int]] | None = None,
        more_ids: Sequence[str] = (),
    ) -> None:
        """Reserve credits for a job. `paid` is True if the account is on a paid plan.

        `prices` are the credits of the job's steps by stage. `lower_prices` are those of steps that another engine
        does, by stage and engine. `more_ids` are further jobs of the same price.
        `spender` is the member of the organization that has the account, and `key` the key that submits the job. Fail
        the transaction with NotEnoughCredits if fewer credits are available, and with MonthlyCapReached if one of both
        may spend fewer. Raise ValueError if `credits` < 0.
        """
        _check_amount(credits)
        total = credits * (1 + len(more_ids))
        tx.update(
            AccountRecord(account_id),
            [AccountRecord.available.add(-total), AccountRecord.held.add(total)],
            AccountRecord.available >= total,
            otherwise=_short(total),
        )
        if spender is not None:
            self._spend(account_id, spender, total, at, tx)
        if key is not None:
            self._spend(key.user_id, key, total, at, tx)
        for one in (job_id, *more_ids):
            record = HoldRecord(
                one,
                account_id=account_id,
                credits=credits,
                paid=paid,
                state="HELD",
                open=_OPEN,
                spent_by=spender and spender.key(at),
                spent_with=key and key.key(at),
                prices=dict(prices) if prices is not None else None,
                lower_prices={stage: dict(each) for stage, each in lower_prices.items()} if lower_prices else None,
                created_at=at,
            )
            tx.put(record, HoldRecord.job_id.does_not_exist(), otherwise=Conflict("This job already has a hold."))

    def check_available(self, account_id: str, needed: int) -> None:
        """Raise NotEnoughCredits if the account has fewer credits, before work that a refusal would waste."""
        if self.account(account_id).available < needed:
            raise _short(needed)

    def charge_steps(self, job_id: str, *, to: str, tx: Transaction) -> HoldRecord | None:
        """Let the job `to` pay for the finished steps of this ended job. Return the hold, which has their prices.

        Return None if the steps are paid: by this job, or by a job that was charged for them. Fail with RetryRunning
        while another such job has not ended. So each step is paid once.
        """
        hold, charged_to = self.get_hold(job_id), HoldRecord.charged_to
        payer = self.get_hold(hold.charged_to) if hold.charged_to else hold
        if payer.state == "CAPTURED":
            return None
        if payer.state == "HELD":
            raise RetryRunning
        same = charged_to == hold.charged_to if hold.charged_to else charged_to.does_not_exist()
        tx.update(HoldRecord(job_id), [charged_to.set(to)], same, otherwise=RetryRunning())
        return hold

    def _spend(self, account_id: str, spender: Spender, credits: int, at: datetime, tx: Transaction) -> None:
        """Add to the spending of this month."""
        cap, spent = spender.monthly_cap, SpendingRecord.credits
        limited = "with this key" if account_id == spender.user_id else "of the organization"
        capped = MonthlyCapReached(
            f"This costs {credits} credits. You may spend {cap} credits {limited} in a month.",
            creditsNeeded=credits,
        )
        within = None
        if cap is not None:
            if credits > cap:
                raise capped
            within = spent.does_not_exist() | (spent <= cap - credits)
        actions = [spent.add(credits), SpendingRecord.expires_at.set(at + _SPENDING_LIFE)]
        tx.update(SpendingRecord(account_id, spender.key(at)), actions, within, otherwise=capped)

    def capture(self, hold: HoldRecord, credits: int, *, at: datetime, tx: Transaction) -> None:
        """Charge `credits`, at most the held ones, and return the rest to the account.

        Raise ValueError if `credits` < 0.
        """
        _check_amount(credits)
        held = int(hold.credits)
        charged = min(credits, held)
        self._end(hold, "CAPTURED", tx, HoldRecord.credits.set(charged))
        self._reduce_held(hold, returned=held - charged, tx=tx)
        ended = HoldEnded("This hold has ended.")
        self._add_to_ledger(
            hold.account_id, f"capture#{hold.job_id}", -charged, "job completed", at, tx, otherwise=ended
        )

    def release(self, hold: HoldRecord, *, tx: Transaction) -> None:
        """Return all held credits to the account."""
        self._end(hold, "RELEASED", tx)
        self._reduce_held(hold, returned=int(hold.credits), tx=tx)

    def booked(self, account_id: str, operation_ids: Iterable[str]) -> set[str]:
        """Return those of the operations that the ledger has."""
        keys = [(account_id, operation_id) for operation_id in operation_ids]
        return {str(entry.operation_id) for entry in LedgerRecord.batch_get(keys, consistent_read=True)}

    def book(self, account_id: str, movements: Iterable[Movement], *, at: datetime, tx: Transaction) -> None:
        """Add the movements to the account, in their order, with an entry for each change.

        Fail the transaction with BookedAlready, or with BalanceChanged if a job changes the balance meanwhile.
        """
        account = self.account(account_id)
        before = balance = balance_of(account)
        for movement in movements:
            balance, entries = balance.after(movement)
            for entry in entries:
                self._add_to_ledger(
                    account_id, entry.operation_id, entry.credits, entry.reason, at, tx,
                    otherwise=BookedAlready(f"The operation {entry.operation_id} is in the ledger."),
                )  # fmt: skip
        tx.update(
            AccountRecord(account_id),
            [
                AccountRecord.available.set(balance.available),
                AccountRecord.lasting.set(balance.lasting),
                AccountRecord.owed.set(balance.owed),
            ],
            (AccountRecord.available == before.available) & (AccountRecord.held == before.held),
            otherwise=BalanceChanged("The balance changed after it was read."),
        )

    def page(
        self,
        account_id: str,
        *,
        since: datetime,
        until: datetime,
        limit: int | None = None,
        after: str | None = None,
    ) -> Slice[LedgerRecord]:
        """Return entries of the account with since <= at < until, newest first. Eventually consistent."""
        found = list(
            LedgerRecord.by_time.query(
                account_id,
                LedgerRecord.at.between(since, until - timedelta(microseconds=1)),
                scan_index_forward=False,
                limit=None if limit is None else limit + 1,
                last_evaluated_key=_ledger_key(account_id, after) if after else None,
            )
        )
        return first_of(found, len(found) if limit is None else limit, _ledger_position)

    def get_hold(self, job_id: str) -> HoldRecord:
        return HoldRecord.get(job_id, consistent_read=True)

    def paid(self, job_id: str, *, account_id: str) -> int:
        """Return the credits that the account has paid for the job; 0 for a job that it has not paid."""
        with suppress(HoldRecord.DoesNotExist):
            hold = self.get_hold(job_id)
            if hold.account_id == account_id and hold.state == "CAPTURED":
                return int(hold.credits)
        return 0

    def open_holds(self, *, before_job_id: str) -> Iterator[str]:
        """Yield the job ids of holds that have not ended, of jobs older than the given id. Eventually consistent."""
        for hold in HoldRecord.open_holds.query(_OPEN, HoldRecord.job_id < before_job_id):
            yield hold.job_id

    def _end(self, hold: HoldRecord, state: str, tx: Transaction, *more: Action) -> None:
        tx.update(
            HoldRecord(hold.job_id),
            [HoldRecord.state.set(state), HoldRecord.open.remove(), *more],
            HoldRecord.state == "HELD",
            otherwise=HoldEnded("This hold has ended."),
        )

    def _reduce_held(self, hold: HoldRecord, *, returned: int, tx: Transaction) -> None:
        """Subtract the hold from the account's `held`, and return `returned` credits of it to the account."""
        tx.update(
            AccountRecord(hold.account_id),
            [AccountRecord.held.add(-int(hold.credits)), AccountRecord.available.add(returned)],
            AccountRecord.held >= int(hold.credits),
            otherwise=HoldEnded("The account has fewer held credits than this hold."),
        )
        rows = []
        if hold.spent_by:
            rows.append(SpendingRecord(hold.account_id, hold.spent_by))
        if hold.spent_with:
            rows.append(SpendingRecord(hold.spent_with.partition("#")[0], hold.spent_with))
        for spending in rows if returned else ():
            tx.update(spending, [SpendingRecord.credits.add(-returned)], None, otherwise=HoldEnded("No spending."))

    def _add_to_ledger(
        self,
        account_id: str,
        operation_id: str,
        credits: int,
        reason: str,
        at: datetime,
        tx: Transaction,
        *,
        otherwise: Exception,
    ) -> None:
        record = LedgerRecord(account_id, operation_id, credits=credits, reason=reason, at=at)
        tx.put(record, LedgerRecord.operation_id.does_not_exist(), otherwise=otherwise)


def _ledger_position(entry: LedgerRecord) -> str:
    return f"{LedgerRecord.at.serialize(entry.at)}#{entry.operation_id}"


def _ledger_key(account_id: str, position: str) -> dict[str, dict[str, str]]:
    """Return the key of the entry at the position, in the form of DynamoDB."""
    at, _, operation_id = position.partition("#")
    return {"account_id": {"S": account_id}, "at": {"S": at}, "operation_id": {"S": operation_id}}


def balance_of(account: AccountRecord) -> Balance:
    """Return the account's credits. Before the first payment, all of them are lasting ones."""
    available, held = int(account.available), int(account.held)
    lasting = available + held if account.lasting is None else int(account.lasting)
    return Balance(available, held, lasting, int(account.owed or 0))


def _short(needed: int) -> NotEnoughCredits:
    return NotEnoughCredits(f"This costs {needed} credits. The account has fewer credits.", creditsNeeded=needed)


def _check_amount(credits: int) -> None:
    if credits < 0:
        raise ValueError(f"{credits} credits: a negative charge would add credits to the account")


credits = CreditStore()
