"""Reads and writes of projects. For a caller who may not act on its account a project does not exist."""

from collections.abc import Container
from contextlib import suppress
from datetime import datetime

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice, first_of
from shared.core.versions import ANY_VERSION, IfMatch, PreconditionFailed
from shared.projects.record import ProjectRecord

MOST_SEARCHED = 2000  # number of projects that one request examines, newest first
_BATCH = 100  # maximum number of items of a BatchGetItem


class ProjectNotFound(NotFound):
    code = "project_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such project.")


class ProjectNotEmpty(Conflict):
    code = "project_not_empty"


class TooManyProjects(Conflict):
    code = "too_many_projects"


class _ProjectChanged(Exception):
    """Another request has deleted or changed the project."""


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

    def search(self, text: str, *, account_id: str, limit: int, after: str | None) -> Slice[ProjectRecord]:
        """Return at most `limit` of the account's projects whose names contain each word of `text`, newest first.

        One call examines the newest `MOST_SEARCHED` projects older than `after`. The next page examines older ones.
        """
        older, words = ProjectRecord.project_id < after if after else None, text.casefold().split()
        entries = ProjectRecord.by_account.query(account_id, older, scan_index_forward=False, limit=MOST_SEARCHED)
        ids = [str(entry.project_id) for entry in entries]
        found: list[ProjectRecord] = []
        for first in range(0, len(ids), _BATCH):
            read = ProjectRecord.batch_get(ids[first : first + _BATCH])
            for project in sorted(read, key=lambda one: one.project_id, reverse=True):
                if not all(word in project.name.casefold() for word in words):
                    continue
                if len(found) == limit:
                    return Slice(found, found[-1].project_id)
                found.append(project)
        return Slice(found, ids[-1] if len(ids) == MOST_SEARCHED else None)

    def rename(
        self, project_id: str, *, accounts: Container[str], name: str, at: datetime, expected: IfMatch = ANY_VERSION
    ) -> ProjectRecord:
        """Return the renamed project. Raise ProjectNotFound, or PreconditionFailed for another version."""
        project = self.get(project_id, accounts=accounts)
        expected.check(project.etag)
        unchanged = ProjectRecord.account_id == project.account_id
        if expected.given:
            unchanged &= ProjectRecord.updated_at == project.updated_at
        try:
            with on_refusal(_ProjectChanged()):
                project.update(
                    [ProjectRecord.name.set(name), ProjectRecord.updated_at.set(at)],
                    unchanged,
                    done=lambda stored: stored.updated_at == at and stored.name == name,
                )
        except _ProjectChanged:
            raise PreconditionFailed(self.get(project_id, accounts=accounts).etag) from None
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

    def show_film(self, project_id: str, *, thumbnail: str) -> None:
        """Store the key of the thumbnail of the project's newest film. Keys sort by the time of their job."""
        key = ProjectRecord.thumbnail
        newest = ProjectRecord.project_id.exists() & (key.does_not_exist() | (key < thumbnail))
        with suppress(_ProjectChanged), on_refusal(_ProjectChanged()):
            ProjectRecord(project_id).update([key.set(thumbnail)], newest)

    def hide_film(self, project_id: str, *, prefix: str) -> None:
        """Forget the project's thumbnail, if its key has the prefix: its film is deleted."""
        key = ProjectRecord.thumbnail
        with suppress(_ProjectChanged), on_refusal(_ProjectChanged()):
            ProjectRecord(project_id).update([key.remove()], key.startswith(prefix))

    def remove_job(self, project_id: str, *, tx: Transaction) -> None:
        tx.update(
            ProjectRecord(project_id),
            [ProjectRecord.job_count.add(-1)],
            ProjectRecord.job_count > 0,
            otherwise=ProjectNotFound(),
        )


projects = ProjectStore()
