"""Pictures of OpenAI: one call, which answers with the picture.

API reference: https://platform.openai.com/docs/api-reference/images. There is nothing to poll, so a lost answer is a
paid picture that nobody gets: the step fails as unconfirmed.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Answered, AnswersAtOnce, InlineOutput, Unconfirmed
from workers.engines.provider import Provider, begins_as, forbidden, not_made, unwilling

_PIXELS = 2560 * 1440  # OpenAI calls larger pictures experimental
_MULTIPLE = 16
_MODERATION = {"moderation_blocked", "content_policy_violation"}
_ACCOUNT = {"billing_hard_limit_reached", "insufficient_quota", "model_not_found"}


class OpenAiConfig(Config):
    """The answer takes up to two minutes. The time limit ends before that of the function."""

    openai_url: str = "https://api.openai.com"
    openai_timeout_seconds: float = 110


class OpenAiPicture(AnswersAtOnce):
    """The engine of the gpt-image models. It makes no depth map, so later stages estimate it."""

    def __init__(self, entry: Engine) -> None:
        self._model = str(entry.model)

    def submit(self, request: ImageGenerationJob, _presigned_url: Callable[[str], str]) -> Answered:
        width, height = limits.frame(request.width, request.height, pixels=_PIXELS, multiple=_MULTIPLE)
        body = {
            "model": self._model,
            "prompt": ", ".join(filter(None, [request.prompt, request.style])),
            "n": 1,
            "size": f"{width}x{height}",
            "quality": "medium",
            "output_format": "png",
            # OpenAI acts against one user of ours, and not against all of them. It does not learn the user's id.
            "safety_identifier": sha256(request.user_id.encode()).hexdigest()[:32],
        }
        answer = self._provider.submit(f"{self._config.openai_url}/v1/images/generations", body)
        try:
            content = b64decode(answer["data"][0]["b64_json"], validate=True)
        except (LookupError, TypeError, ValueError) as error:
            raise Unconfirmed from error
        if not begins_as("image/png", content):
            raise Unconfirmed
        output = InlineOutput(Role.PICTURE, content, "picture.png", "image/png")
        return Answered((output,), {"painter": f"{self._model} of OpenAI, a trained model"})

    @cached_property
    def _config(self) -> OpenAiConfig:
        return OpenAiConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("openai-key", config.openai_url, config.openai_timeout_seconds, _headers, _refusal)


def _headers(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _refusal(answer: httpx.Response) -> StageFailure:
    try:
        code = answer.json()["error"]["code"]
    except (LookupError, TypeError, ValueError):
        code = None
    if code in _MODERATION:
        return forbidden()
    return unwilling() if answer.status_code in {401, 402, 403} or code in _ACCOUNT else not_made()
