"""The contents of scripted outputs: each file is a hash of all contents that it was made from."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from shared.aws.media import address
from shared.stages.requests import StageRequest
from shared.stages.stages import Role, Stage

Read = Callable[[str], bytes]  # returns the content of an `s3://` address


def content(stage: Stage, role: Role, request: StageRequest, read: Read) -> bytes:
    """Return the content of one output. It depends on the request, the stage, and the contents of all inputs."""
    parts = "".join(_described(request.model_dump(mode="json"), read))
    digest = sha256(f"{stage}/{role}/{parts}".encode()).hexdigest()
    return f"#EXTM3U\n{digest}\n".encode()


def _described(value: Any, read: Read) -> list[str]:
    """Return the parts of a request in order. An address is replaced by the hash of its content."""
    match value:
        case str() if value.startswith(address("")):
            return [sha256(read(value)).hexdigest()]
        case Mapping():
            return [part for name in sorted(value) for part in (name, *_described(value[name], read))]
        case list() | tuple():
            return [part for one in value for part in _described(one, read)]
        case _:
            return [repr(value)]
