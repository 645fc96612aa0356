"""`/api/assets`: the client requests an upload form, sends the file to S3 and registers the asset.

A worker verifies the file before the asset is READY.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response, status
from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from functions.assets import service
from functions.assets.service import JobOutput, NothingDelivered, NothingUploaded
from functions.assets.verification import MAX_BYTES
from shared.access.permissions import Permission
from shared.assets.formats import MEDIA_TYPES, listed
from shared.assets.record import AssetStatus, AssetType
from shared.assets.store import AssetInUse, AssetNotFound, StorageFull, assets
from shared.assets.verifications import TooManyUploads
from shared.aws.transactions import Transaction
from shared.core.wire import Id, Integer, Name, View, Wire
from shared.egress.addresses import UnsafeUrl
from shared.idempotency.store import KeyReused
from shared.jobs.store import JobNotFound
from shared.members.actor import Actor, OrganizationNotFound
from shared.projects.store import ProjectNotFound
from shared.rest.actor import OrganizationId, acting
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged
from shared.rest.problem import problems

router = APIRouter(prefix="/api/assets", tags=["assets"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.ASSETS_READ)]
Write = Annotated[Actor, acting(Permission.ASSETS_WRITE)]


_CONTENT_TYPES = sorted(media_type for types in MEDIA_TYPES.values() for media_type in types)


class AssetUpload(Wire):
    """A request for an upload form. `size` is the size of the file in bytes.

    The asset belongs to the account of its project. Without a project it belongs to the caller's own account.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 120_000}]
        }
    )

    name: Annotated[Name, Field(min_length=1, max_length=200)]
    type: AssetType
    content_type: Annotated[
        str, Field(max_length=100, examples=["image/png"], json_schema_extra={"enum": list(_CONTENT_TYPES)})
    ]
    size: Integer = Field(le=MAX_BYTES, json_schema_extra={"minimum": 1})
    project_id: Id | None = None

    @field_validator("content_type")
    @classmethod
    def _is_readable(cls, content_type: str, info: ValidationInfo) -> str:
        kind = info.data.get("type")  # missing if it is invalid
        if kind and content_type not in MEDIA_TYPES[kind]:
            raise ValueError(f"an asset of type {kind} is in {listed(kind)}: {', '.join(MEDIA_TYPES[kind])}")
        return content_type

    @field_validator("size")
    @classmethod
    def _not_empty(cls, size: int) -> int:
        if size < 1:
            raise ValueError("the file is empty")
        return size


class AssetImport(Wire):
    """A file at a URL of the internet. The URL begins with https:// and has the port 443.

    The asset belongs to the account of its project. Without a project it belongs to the caller's own account.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.com/me.png", "name": "me.png", "type": "IMAGE"}]}
    )

    url: str = Field(min_length=1, max_length=2000, examples=["https://example.com/me.png"])
    name: Annotated[Name, Field(min_length=1, max_length=200)]
    type: AssetType
    project_id: Id | None = None


class OutputImport(Wire):
    """A file that a completed job has delivered. The asset belongs to the job's project."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobId": "job_01K0M3T5V7X9Z1B3D5F7H9K1M3", "output": "VIDEO", "name": "Pier"}]}
    )

    job_id: Id
    output: JobOutput
    name: Annotated[Name, Field(min_length=1, max_length=200)]


class AssetCreate(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"assetId": "ast_01K0M3T5V7X9Z1B3D5F7H9K1M3"}]})

    asset_id: Id


class CaptionsView(View):
    """The captions of a file, and the differences between them and the file.

    `droppedCues` counts captions without usable times, `ignoredLines` lines of text outside captions, and
    `replacedLetters` letters that are invalid in the file's encoding.
    """

    cues: int
    encoding: str
    dropped_cues: int
    ignored_lines: int
    replaced_letters: int


class AssetView(View):
    asset_id: str = Field(serialization_alias="id")
    name: str
    type: AssetType
    status: AssetStatus
    media_type: str = Field(serialization_alias="contentType")
    size: int
    width: int | None
    height: int | None
    duration: float | None
    captions: CaptionsView | None = None
    error: str | None
    error_code: str | None
    owner_id: str = Field(serialization_alias="userId", description="The user who uploaded the file.")
    project_id: str | None
    url: str | None = None
    thumbnail_url: str | None = Field(
        default=None, description="Of a READY picture or clip: a JPEG of at most 480 x 480 pixels."
    )
    depth_url: str | None = Field(
        default=None, description="Of a READY picture: its estimated depth as a small grey JPEG, bright is near."
    )
    matte_url: str | None = Field(
        default=None, description="Of a READY picture with a clear subject: its matte as a small grey JPEG."
    )
    created_at: datetime


class UploadView(View):
    """An upload form: one multipart POST to `url` with `fields`, and then the file as `file`."""

    url: str
    fields: dict[str, str]


class AssetUploadView(View):
    asset: AssetView
    upload: UploadView


def _view(asset: Any) -> AssetView:
    return AssetView.model_validate(asset).model_copy(update=service.urls(asset))


@router.post(
    "/upload",
    status_code=status.HTTP_201_CREATED,
    response_model=AssetUploadView,
    operation_id="uploadAsset",
    responses=problems(ProjectNotFound, KeyReused, StorageFull),
)
def upload_asset(body: AssetUpload, caller: Write, once: Once) -> Response:
    """Return a form that uploads one file. The form is valid for five minutes."""

    def begin(tx: Transaction) -> AssetUploadView:
        asset, form = service.begin(
            caller, name=body.name, type=body.type, media_type=body.content_type, size=body.size,
            project_id=body.project_id, tx=tx,
        )  # fmt: skip
        return AssetUploadView(asset=_view(asset), upload=UploadView.model_validate(form))

    return once.respond(begin, status=status.HTTP_201_CREATED)


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="createAsset",
    responses=problems(AssetNotFound, NothingUploaded, TooManyUploads),
)
def create_asset(body: AssetCreate, caller: Write) -> AssetView:
    """Register an uploaded file. Poll the asset until it is READY or REJECTED."""
    return _view(service.complete(body.asset_id, caller))


@router.post(
    "/import",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=AssetView,
    operation_id="importAsset",
    responses=problems(ProjectNotFound, KeyReused, StorageFull, UnsafeUrl),
)
def import_asset(body: AssetImport, caller: Write, once: Once) -> Response:
    """Download a file into a new asset. Poll the asset until it is READY or REJECTED."""

    def begin(tx: Transaction) -> AssetView:
        return _view(
            service.import_url(
                caller, url=body.url, name=body.name, type=body.type, project_id=body.project_id, tx=tx
            )
        )  # fmt: skip

    return once.respond(begin, status=status.HTTP_202_ACCEPTED)


@router.post(
    "/import-output",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=AssetView,
    operation_id="importOutput",
    responses=problems(JobNotFound, ProjectNotFound, KeyReused, StorageFull, NothingDelivered),
)
def import_output(body: OutputImport, caller: Write, once: Once) -> Response:
    """Copy a file of a completed job into a new asset. Poll the asset until it is READY or REJECTED."""

    def begin(tx: Transaction) -> AssetView:
        return _view(
            service.import_output(caller, job_id=body.job_id, output=body.output, name=body.name, tx=tx)
        )  # fmt: skip

    return once.respond(begin, status=status.HTTP_202_ACCEPTED)


@router.get("", operation_id="listAssets", responses=problems(OrganizationNotFound, ProjectNotFound, BadCursor))
def list_assets(
    caller: Read,
    paging: Paged,
    organization_id: OrganizationId = None,
    project_id: Annotated[Id | None, Query(alias="projectId")] = None,
    type: AssetType | None = None,
    status: AssetStatus | None = None,
    text: Annotated[str | None, Query(max_length=100, description="Words that the name contains.")] = None,
) -> Page[AssetView]:
    """List the assets of an organization, or of the caller's own account, newest first.

    A page of a search examines 2,000 assets. It can have fewer items than `limit` while `hasMore` is true.
    """
    wanted = service.AssetFilter(project_id=project_id, type=type, status=status, text=text)
    found = service.page(caller, organization_id, wanted, limit=paging.limit, after=paging.after)
    return paging.page(found, _view)


@router.get("/{asset_id}", operation_id="getAsset")
def get_asset(asset_id: Id, caller: Read) -> AssetView:
    """Read one asset. A READY asset has a signed URL."""
    return _view(assets.get(asset_id, accounts=caller))


@router.delete(
    "/{asset_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteAsset",
    responses=problems(AssetInUse),
)
def delete_asset(asset_id: Id, caller: Write) -> None:
    """Delete an asset and its media, unless a job that has not ended uses it. Films made from it are not deleted."""
    service.delete(asset_id, caller)
