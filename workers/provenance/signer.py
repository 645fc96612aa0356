"""Puts a signed C2PA manifest into finished files, with the deployment's certificate, where it has one."""

from collections.abc import Iterable, Sequence
from hashlib import file_digest
from pathlib import Path

import c2pa  # type: ignore[import-untyped]  # it ships no types
from botocore.exceptions import ClientError

from shared.aws.secrets import secret
from shared.core.config import Config
from shared.observability import logger
from shared.stages.operations import Operation
from shared.stages.requests import Ingredient
from workers.provenance import manifest

SIGNING_KEY = "provenance-signing-key"  # PEM, ECDSA on P-256
CERTIFICATES = "provenance-certificates"  # PEM, the signer's own first, then what vouches for it

_MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4", ".flac": "audio/flac"}
# A thumbnail in the manifest would be a second poster; nothing is fetched from anywhere.
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
}


class Signer:
    """Signs with one key; `certificates` is its chain, PEM. ValueError unless they are good for signing."""

    def __init__(self, key: str, certificates: str) -> None:
        try:
            self._context = c2pa.Context.from_dict(_SETTINGS)
            self._signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(b"es256", certificates.encode(), key.encode(), None)
            )
        except c2pa.C2paError as error:
            raise ValueError(f"these cannot sign: {error}") from error

    def sign(
        self,
        path: Path,
        media_type: str,
        ingredients: Sequence[tuple[Ingredient, Path]],
        operations: Iterable[Operation],
        *,
        captions: bool = False,
    ) -> None:
        """Write the manifest into an MP4 or JPEG; each ingredient with its file. Its media stay byte for byte.

        The manifest has a new identifier and a new signature each time: of two films made alike, only it differs.
        """
        given = [ingredient for ingredient, _ in ingredients]
        builder = c2pa.Builder(
            manifest.definition(path.name, media_type, given, operations, captions=captions), self._context
        )
        signed = path.with_name(path.name + ".signed")
        try:
            for index, (ingredient, file) in enumerate(ingredients):
                with file.open("rb") as stream:
                    seen = manifest.ingredient(ingredient, index, file_digest(stream, "sha256").hexdigest())
                    builder.add_ingredient(seen, _MEDIA_TYPES[file.suffix], stream)
            with path.open("rb") as source, signed.open("w+b") as target:
                builder.sign(self._signer, media_type, source, target)
            signed.replace(path)
        finally:
            signed.unlink(missing_ok=True)
            builder.close()


class ProvenanceConfig(Config):
    signs_films: bool = True  # False where no certificate is wanted: Secrets Manager is then out of reach


def from_secrets() -> Signer | None:
    """The deployment's signer; None where it has no certificate, so that its films go out unsigned."""
    if not ProvenanceConfig().signs_films:
        return None
    try:
        return Signer(secret(SIGNING_KEY), secret(CERTIFICATES))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        logger.warning("no certificate: films are not signed")
        return None
