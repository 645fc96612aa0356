"""The signer of finished files: it embeds a C2PA manifest that the deployment's certificate signs, if it has one."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import file_digest
from io import BytesIO
from pathlib import Path

import c2pa  # type: ignore[import-untyped]  # it ships no types
import cv2
import numpy as np

from shared.observability import logger
from shared.stages.operations import Operation
from shared.stages.requests import Ingredient
from workers.provenance import manifest
from workers.provenance.certificate import certificate

_MEDIA_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4", ".flac": "audio/flac", ".mp3": "audio/mpeg",
}  # fmt: skip
# A thumbnail in the manifest would duplicate the poster. The signer never fetches a remote manifest.
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
}


class CannotSign(Exception):
    """The key and its certificates make no valid signature, for example because the certificate has expired."""


class Signer:
    """A signer with one key; `certificates` is the key's chain in PEM. Raises CannotSign."""

    def __init__(self, key: str, certificates: str) -> None:
        try:
            self._context = c2pa.Context.from_dict(_SETTINGS)
            self._signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(b"es256", certificates.encode(), key.encode(), None)
            )
            self._check()
        except c2pa.C2paError as error:
            raise CannotSign(str(error)) from error

    def _check(self) -> None:
        """Sign a picture and verify it, because the library signs with a key that does not fit the certificate."""
        encoded, picture = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))
        assert encoded  # noqa: S101  # for the type checker: OpenCV can always encode a JPEG
        signed = BytesIO()
        builder = c2pa.Builder(manifest.definition("check", "image/jpeg", (), (), captions=False), self._context)
        try:
            builder.sign(self._signer, "image/jpeg", BytesIO(picture.tobytes()), signed)
        finally:
            builder.close()
        signed.seek(0)
        with c2pa.Reader("image/jpeg", signed) as reader:
            if reader.get_validation_state() == "Invalid":
                raise CannotSign("the key does not fit the certificate")

    def sign(
        self,
        path: Path,
        media_type: str,
        ingredients: Sequence[tuple[Ingredient, Path]],
        operations: Iterable[Operation],
        *,
        captions: bool = False,
        by_model: Collection[str] = (),
    ) -> None:
        """Write the manifest into an MP4 or JPEG, with each ingredient's file. The bytes of the media do not change.

        Raise CannotSign, and then leave the file as it is.

        Each manifest has a new identifier and a new signature. Two equal films differ only in their manifests.
        """
        given = [ingredient for ingredient, _ in ingredients]
        builder = c2pa.Builder(
            manifest.definition(path.name, media_type, given, operations, captions=captions, by_model=by_model),
            self._context,
        )
        signed = path.with_name(path.name + ".signed")
        try:
            for index, (ingredient, file) in enumerate(ingredients):
                if file.suffix not in _MEDIA_TYPES:
                    raise CannotSign(f"a manifest has no type for {file.suffix}")
                with file.open("rb") as stream:
                    declared = manifest.ingredient(ingredient, index, file_digest(stream, "sha256").hexdigest())
                    builder.add_ingredient(declared, _MEDIA_TYPES[file.suffix], stream)
            with path.open("rb") as source, signed.open("w+b") as target:
                builder.sign(self._signer, media_type, source, target)
            signed.replace(path)
        except c2pa.C2paError as error:
            raise CannotSign(str(error)) from error
        finally:
            signed.unlink(missing_ok=True)
            builder.close()


def from_secrets() -> Signer | None:
    """Return the deployment's signer, or None without a certificate that can sign. Films are then not signed."""
    try:
        return Signer(found.key, found.chain) if (found := certificate()) else None
    except CannotSign:
        logger.exception("the certificate cannot sign")
        return None
