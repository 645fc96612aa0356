"""Pictures of Stability AI: one call with a form, which answers with the picture.

API reference: https://platform.stability.ai/docs/api-reference. There is nothing to poll, so a lost answer is a paid
picture that nobody gets: the step fails as unconfirmed.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cached_property

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines.contract import Answered, AnswersAtOnce, InlineOutput, Unconfirmed
from workers.engines.provider import Provider, begins_as, forbidden, not_made, unwilling

_SEEDS = 2**32 - 1  # number of seeds


class StabilityConfig(Config):
    """The answer takes up to a minute. The time limit ends before that of the function."""

    stability_url: str = "https://api.stability.ai"
    stability_timeout_seconds: float = 110


class StabilityPicture(AnswersAtOnce):
    """The engine of Stable Image. It makes no depth map, so later stages estimate it."""

    def __init__(self, entry: Engine) -> None:
        self._entry = entry

    def submit(self, request: ImageGenerationJob, _presigned_url: Callable[[str], str]) -> Answered:
        if request.aspect_ratio not in (self._entry.ratios or {}):
            raise StageFailure("engine_cannot", f"This engine cannot make a picture in {request.aspect_ratio}.")
        body = {
            "prompt": ", ".join(filter(None, [request.prompt, request.style])),
            "aspect_ratio": request.aspect_ratio,
            "seed": request.seed % _SEEDS,
            "output_format": "png",
        }
        url = f"{self._config.stability_url}/v2beta/stable-image/generate/{self._entry.model}"
        answer = self._provider.submit(url, body, form=True)
        if answer.get("finish_reason") == "CONTENT_FILTERED":  # the picture is blurred
            return Answered(failure=forbidden())
        try:
            content = b64decode(answer["image"], validate=True)
        except (LookupError, TypeError, ValueError) as error:
            raise Unconfirmed from error
        if not begins_as("image/png", content):
            raise Unconfirmed
        output = InlineOutput(Role.PICTURE, content, "picture.png", "image/png")
        return Answered((output,), {"painter": f"Stable Image {self._entry.model} of Stability AI, a trained model"})

    @cached_property
    def _config(self) -> StabilityConfig:
        return StabilityConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("stability-key", config.stability_url, config.stability_timeout_seconds, _headers, _refusal)


def _headers(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}", "Accept": "application/json"}


def _refusal(answer: httpx.Response) -> StageFailure:
    """Return the failure for a 4xx answer. Refused content is a 403, as is a key without a permission."""
    if "content_moderation" in answer.text:
        return forbidden()
    return unwilling() if answer.status_code in {401, 402, 403} else not_made()
