"""Reads and writes of projects. For a caller who may not act on its account a project does not exist."""

from collections.abc import Container
from datetime import datetime

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice, first_of
from shared.projects.record import ProjectRecord


class ProjectNotFound(NotFound):
    code = "project_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such project.")


class ProjectNotEmpty(Conflict):
    code = "project_not_empty"


class TooManyProjects(Conflict):
    code = "too_many_projects"


class ProjectStore:
    def create(
        self, project_id: str, *, owner_id: str, account_id: str, name: str, most: int, at: datetime, tx: Transaction
    ) -> ProjectRecord:
        """Add a project to the transaction. Raise TooManyProjects if the account has `most` projects."""
        if ProjectRecord.by_account.count(account_id, limit=most) >= most:
            raise TooManyProjects(f"The plan of this account has {most} projects. Delete one, or change the plan.")
        record = ProjectRecord(
            project_id, owner_id=owner_id, account_id=account_id, name=name, created_at=at, updated_at=at
        )
        tx.put(record, ProjectRecord.project_id.does_not_exist(), otherwise=Conflict("This project already exists."))
        return record

    def get(self, project_id: str, *, accounts: Container[str]) -> ProjectRecord:
        """Return the project, if one of the accounts has it. Raise ProjectNotFound."""
        try:
            record = ProjectRecord.get(project_id, consistent_read=True)
        except ProjectRecord.DoesNotExist:
            raise ProjectNotFound from None
        if record.account_id not in accounts:
            raise ProjectNotFound
        return record

    def page(self, *, account_id: str, limit: int, after: str | None) -> Slice[ProjectRecord]:
        """Return at most `limit` of the account's projects older than `after`, newest first: a Query and a BatchGet."""
        older, more = ProjectRecord.project_id < after if after else None, limit + 1
        found = ProjectRecord.by_account.query(account_id, older, scan_index_forward=False, limit=more, page_size=more)
        named = first_of([str(entry.project_id) for entry in found], limit, str)
        projects = ProjectRecord.batch_get(named.items)
        return Slice(sorted(projects, key=lambda project: project.project_id, reverse=True), named.position)

    def rename(self, project_id: str, *, accounts: Container[str], name: str, at: datetime) -> ProjectRecord:
        project = self.get(project_id, accounts=accounts)
        with on_refusal(ProjectNotFound()):
            project.update(
                [ProjectRecord.name.set(name), ProjectRecord.updated_at.set(at)],
                ProjectRecord.account_id == project.account_id,
            )
        return project

    def delete(self, project_id: str, *, accounts: Container[str]) -> None:
        """Delete an empty project. Raise ProjectNotEmpty if it has jobs: a caller must not lose them by mistake."""
        project = self.get(project_id, accounts=accounts)
        with on_refusal(ProjectNotEmpty("Delete this project's jobs first.")):
            project.delete(ProjectRecord.job_count == 0)

    def add_jobs(self, project_id: str, number: int, *, account_id: str, tx: Transaction) -> None:
        tx.update(
            ProjectRecord(project_id),
            [ProjectRecord.job_count.add(number)],
            ProjectRecord.account_id == account_id,
            otherwise=ProjectNotFound(),
        )

    def remove_job(self, project_id: str, *, tx: Transaction) -> None:
        tx.update(
            ProjectRecord(project_id),
            [ProjectRecord.job_count.add(-1)],
            ProjectRecord.job_count > 0,
            otherwise=ProjectNotFound(),
        )


projects = ProjectStore()
