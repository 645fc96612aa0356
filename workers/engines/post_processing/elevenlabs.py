"""Soundtracks of ElevenLabs: one call, which answers with the MP3. A worker adds it to the film.

API reference: https://elevenlabs.io/docs/api-reference, and the types of its SDK. There is nothing to poll, so a lost
answer is a paid sound that nobody gets: the step fails as unconfirmed.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import PostProcessingJob
from shared.stages.stages import Role
from workers.engines.contract import Answered, AnswersAtOnce, InlineOutput
from workers.engines.provider import Provider, forbidden, not_made, unwilling

_SHORTEST_MUSIC_SECONDS = 3.0  # of the API; the film has the first part of it
_FORBIDDEN = ("content_against_policy", "bad_prompt", "moderat")  # parts of the answer to content that is refused


class ElevenLabsConfig(Config):
    """The answer takes up to a minute. The time limit ends before that of the function."""

    elevenlabs_url: str = "https://api.elevenlabs.io"
    elevenlabs_timeout_seconds: float = 110


class _ElevenLabs(AnswersAtOnce):
    """The base of the engines of ElevenLabs. Their output is no film: `finish` completes the step."""

    def __init__(self, entry: Engine) -> None:
        self._entry = entry

    def _sound(self, path: str, body: Mapping[str, object]) -> Answered:
        url = f"{self._config.elevenlabs_url}/v1/{path}?output_format=mp3_44100_128"
        content = self._provider.submit_for_file(url, body, "audio/mpeg")
        output = InlineOutput(Role.AUDIO, content, "sound.mp3", "audio/mpeg")
        return Answered((output,), {"provider": "elevenlabs", "model": self._entry.model})

    @cached_property
    def _config(self) -> ElevenLabsConfig:
        return ElevenLabsConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("elevenlabs-key", config.elevenlabs_url, config.elevenlabs_timeout_seconds, _headers, _refusal)


class ElevenLabsEffects(_ElevenLabs):
    """The engine of sound effects, which are as long as the film."""

    def submit(self, request: PostProcessingJob, _presigned_url: Callable[[str], str]) -> Answered:
        return self._sound("sound-generation", self.body(request))

    def body(self, request: PostProcessingJob) -> Mapping[str, object]:
        """Return the body of the request."""
        prompt, seconds = _asked(request)
        return {"text": prompt, "duration_seconds": seconds, "model_id": self._entry.model}


class ElevenLabsMusic(_ElevenLabs):
    """The engine of instrumental music, which is at least 3 s long. The film has the first part of it."""

    def submit(self, request: PostProcessingJob, _presigned_url: Callable[[str], str]) -> Answered:
        return self._sound("music", self.body(request))

    def body(self, request: PostProcessingJob) -> Mapping[str, object]:
        """Return the body of the request."""
        prompt, seconds = _asked(request)
        return {
            "prompt": prompt,
            "music_length_ms": round(1000 * max(_SHORTEST_MUSIC_SECONDS, seconds)),
            "model_id": self._entry.model,
            "force_instrumental": True,
        }


def _asked(request: PostProcessingJob) -> tuple[str, float]:
    """Return the prompt and the seconds of the sound. Raise StageFailure `engine_cannot` without them."""
    if request.sound_prompt is None or request.duration is None:
        raise StageFailure("engine_cannot", "This engine needs a prompt of the sound.")
    return request.sound_prompt, request.duration


def _headers(key: str) -> Mapping[str, str]:
    return {"xi-api-key": key}


def _refusal(answer: httpx.Response) -> StageFailure:
    """Return the failure for a 4xx answer. A used-up quota is a 401, as is an unknown key."""
    if answer.status_code in {401, 402}:
        return unwilling()
    if any(word in answer.text for word in _FORBIDDEN):
        return forbidden()
    return unwilling() if answer.status_code == 403 else not_made()
