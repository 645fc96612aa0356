"""Reads and writes of organizations."""

from collections.abc import Iterable
from datetime import datetime

from pynamodb.expressions.condition import Condition

from shared.aws.transactions import Transaction
from shared.core.errors import AppError, Conflict
from shared.core.versions import ANY_VERSION, IfMatch, PreconditionFailed
from shared.organizations.record import OrganizationRecord, SlugClaimRecord

MOST_MEMBERS = 100  # maximum number of an organization's members


class SlugTaken(Conflict):
    code = "slug_taken"

    def __init__(self) -> None:
        super().__init__("Another organization has this slug.")


class LastOwner(Conflict):
    code = "last_owner"

    def __init__(self) -> None:
        super().__init__("An organization needs an owner. Make another member an owner first.")


class TooManyMembers(Conflict):
    code = "too_many_members"

    def __init__(self) -> None:
        super().__init__(f"An organization has at most {MOST_MEMBERS} members.")


class OrganizationNotEmpty(Conflict):
    code = "organization_not_empty"

    def __init__(self) -> None:
        super().__init__("Remove the organization's other members, projects, assets and webhooks first.")


class OrganizationGone(Conflict):
    """Another request has deleted the organization."""

    code = "organization_gone"

    def __init__(self) -> None:
        super().__init__("Another request has deleted this organization.")


class OrganizationStore:
    def create(
        self, organization_id: str, *, name: str, slug: str, at: datetime, tx: Transaction
    ) -> OrganizationRecord:
        """Write the organization, with one member, and the claim on its slug. Fail the transaction with SlugTaken."""
        claim = SlugClaimRecord(slug, organization_id=organization_id)
        tx.put(claim, SlugClaimRecord.slug.does_not_exist(), otherwise=SlugTaken())
        record = OrganizationRecord(
            organization_id, name=name, slug=slug, members=1, owners=1, created_at=at, updated_at=at
        )
        tx.put(record, OrganizationRecord.organization_id.does_not_exist(), otherwise=SlugTaken())
        return record

    def get(self, organization_id: str) -> OrganizationRecord:
        """Return the organization. Raise OrganizationGone."""
        try:
            return OrganizationRecord.get(organization_id, consistent_read=True)
        except OrganizationRecord.DoesNotExist:
            raise OrganizationGone from None

    def several(self, organization_ids: Iterable[str]) -> dict[str, OrganizationRecord]:
        """Return those of the organizations that exist, by id."""
        return {record.organization_id: record for record in OrganizationRecord.batch_get(list(organization_ids))}

    def rename(
        self, organization_id: str, name: str, *, at: datetime, tx: Transaction, expected: IfMatch = ANY_VERSION
    ) -> None:
        """Add the new name to the transaction. Fail it with OrganizationGone, or PreconditionFailed."""
        record = OrganizationRecord
        otherwise: AppError = OrganizationGone()
        condition: Condition = record.organization_id.exists()
        if expected.given:
            current = self.get(organization_id)
            expected.check(current.etag)
            condition, otherwise = record.updated_at == current.updated_at, PreconditionFailed()
        actions = [record.name.set(name), record.updated_at.set(at)]
        tx.update(record(organization_id), actions, condition, otherwise=otherwise)

    def count(self, organization_id: str, *, members: int = 0, owners: int = 0, tx: Transaction) -> None:
        """Add to the numbers of members and owners. Fail the transaction if no owner or too many members would remain.

        The errors are LastOwner and TooManyMembers.
        """
        record = OrganizationRecord
        otherwise: Conflict = OrganizationGone()
        condition = record.organization_id.exists()
        if owners < 0:
            condition, otherwise = condition & (record.owners > -owners), LastOwner()
        elif members > 0:
            condition, otherwise = condition & (record.members <= MOST_MEMBERS - members), TooManyMembers()
        tx.update(
            record(organization_id), [record.members.add(members), record.owners.add(owners)], condition,
            otherwise=otherwise,
        )  # fmt: skip

    def delete(self, organization: OrganizationRecord, *, tx: Transaction) -> None:
        """Delete an organization that has one member. Fail the transaction with OrganizationNotEmpty."""
        key = OrganizationRecord(organization.organization_id)
        tx.delete(key, OrganizationRecord.members == 1, otherwise=OrganizationNotEmpty())
        tx.delete(SlugClaimRecord(organization.slug), otherwise=OrganizationGone())


organizations = OrganizationStore()
