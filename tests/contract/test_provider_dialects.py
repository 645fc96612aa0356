"""The real SDKs of providers: they accept the answers of the imitation, and their types allow what our engines send."""

import json
from base64 import b64decode
from collections.abc import Iterator
from importlib import import_module
from time import monotonic, sleep
from typing import Any, Literal, get_args, get_origin, get_type_hints

import httpx
import pytest

from local.imitation.app import imitation
from local.imitation.faults import Fault, ProviderCall
from local.imitation.luma import MOST_GUIDANCE
from local.imitation.service import Service
from shared.stages.engines import ALL_ENGINES, Engine
from shared.stages.stages import Stage
from tests.support.fal import CLIP
from tests.support.provider_requests import performance_request, picture_request, sound_request, video_request
from tests.support.receiver import receiver
from workers.engines.image_generation.luma import LumaPicture
from workers.engines.motion_transfer.runway import RunwayPerformance
from workers.engines.post_processing.elevenlabs import ElevenLabsEffects, ElevenLabsMusic
from workers.engines.post_processing.runway import RunwayFinishing
from workers.engines.video_synthesis.google import GoogleVideo
from workers.engines.video_synthesis.luma import LumaVideo
from workers.engines.video_synthesis.luma_layers import LumaLayers
from workers.engines.video_synthesis.runway import RunwayVideo

PICTURE = "https://media.kinora.test/picture.png"
RUNWAY = [entry for entry in ALL_ENGINES if entry.key == "runway-key" and entry.stage is Stage.VIDEO_SYNTHESIS]
FINISHING = [entry for entry in ALL_ENGINES if entry.takes_over]
ACT_TWO = next(entry for entry in ALL_ENGINES if entry.name == "runway-act-two")
LUMA, UNI, LAYERS = (
    next(entry for entry in ALL_ENGINES if entry.name == name) for name in ("luma-ray", "luma-uni", "luma-layers")
)
EFFECTS, MUSIC = (
    next(entry for entry in ALL_ENGINES if entry.name == name) for name in ("elevenlabs-effects", "elevenlabs-music")
)
OMNI = next(entry for entry in ALL_ENGINES if entry.name == "google-omni")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with imitation(lambda _: CLIP) as running:
        yield running


@pytest.fixture(scope="module")
def runwayml() -> Any:
    return import_module("runwayml")


def test_the_sdk_of_runway_understands_the_imitation(service: Service, runwayml: Any) -> None:
    client = runwayml.RunwayML(api_key="key", base_url=f"{service.url}/runway", max_retries=0)

    def create() -> Any:
        return client.image_to_video.create(
            model="gen4.5", prompt_image=PICTURE, prompt_text="a lake", ratio="1280:720", duration=5
        )

    made = create()
    uploaded = client.uploads.create_ephemeral(file=("picture.png", b"a picture"))
    assert uploaded.uri.startswith("runway://")
    service.faults.add("runway", ProviderCall.POLL, Fault.WORKING, Fault.BROKEN)
    states = [client.tasks.retrieve(made.id) for _ in range(2)]
    assert [state.status for state in states] == ["RUNNING", "FAILED"]
    assert states[1].failure_code == "INTERNAL.BAD_OUTPUT.CODE01"
    second = create()
    [url] = client.tasks.retrieve(second.id).output
    assert url.startswith(service.url)
    client.tasks.delete(second.id)
    assert client.tasks.retrieve(second.id).status == "CANCELLED"
    for fault, error in ((Fault.THROTTLED, "RateLimitError"), (Fault.MODERATED_INPUT, "BadRequestError")):
        service.faults.add("runway", ProviderCall.SUBMIT, fault)
        with pytest.raises(getattr(runwayml, error)):
            create()


@pytest.mark.parametrize("entry", RUNWAY, ids=lambda entry: entry.name)
def test_the_limits_of_a_model_of_runway_are_those_of_its_sdk(entry: Engine) -> None:
    params = import_module("runwayml.types.image_to_video_create_params")
    [model] = [
        kind for kind in vars(params).values()
        if isinstance(kind, type) and entry.model in get_args(hints(kind).get("model", Literal[()]))
    ]  # fmt: skip
    known = hints(model)
    ratios = get_args(known["ratio"]) if "ratio" in known else None
    assert (entry.ratios is None) == (ratios is None)
    assert set((entry.ratios or {}).values()) <= set(ratios or ())
    if get_origin(known["duration"]) is Literal:
        assert set(entry.durations or ()) == set(get_args(known["duration"]))
    positions = {
        position for kind in vars(params).values()
        if isinstance(kind, type) and kind.__name__.startswith(f"{model.__name__}PromptImage")
        for position in get_args(hints(kind).get("position", Literal[()]))
    }  # fmt: skip
    assert (entry.max_pictures == 2) == ("last" in positions)


@pytest.mark.parametrize("entry", RUNWAY, ids=lambda entry: entry.name)
def test_a_model_of_runway_receives_only_fields_that_its_sdk_knows(entry: Engine) -> None:
    params = import_module("runwayml.types.image_to_video_create_params")
    [model] = [
        kind for kind in vars(params).values()
        if isinstance(kind, type) and entry.model in get_args(hints(kind).get("model", Literal[()]))
    ]  # fmt: skip
    body = RunwayVideo(entry).body(video_request(entry), lambda url: url)
    assert set(body) <= set(map(camel_case, hints(model)))
    assert set(map(camel_case, required(model))) <= set(body)


def test_the_sdk_of_runway_understands_a_performance(service: Service, runwayml: Any) -> None:
    client = runwayml.RunwayML(api_key="key", base_url=f"{service.url}/runway", max_retries=0)
    clip: Any = {"type": "video", "uri": "https://media.kinora.test/clip.mp4"}
    made = client.character_performance.create(model="act_two", character=clip, reference=clip, ratio="1280:720")
    [url] = client.tasks.retrieve(made.id).output
    assert url.startswith(service.url)


def test_a_performance_receives_only_fields_that_the_sdk_of_runway_knows() -> None:
    params = import_module("runwayml.types.character_performance_create_params")
    known = hints(params.CharacterPerformanceCreateParams)
    body: Any = RunwayPerformance(ACT_TWO).body(performance_request(), lambda url: url)
    assert set(body) <= set(known)
    assert required(params.CharacterPerformanceCreateParams) <= set(body)
    assert set((ACT_TWO.ratios or {}).values()) == set(get_args(known["ratio"]))
    assert set(body["character"]) == required(params.CharacterVideo)
    assert set(body["reference"]) == required(params.Reference)


@pytest.mark.parametrize("entry", FINISHING, ids=lambda entry: entry.name)
def test_a_better_clip_receives_only_fields_and_values_that_the_sdk_of_runway_knows(
    service: Service, runwayml: Any, entry: Engine
) -> None:
    params = import_module("runwayml.types.video_upscale_create_params")
    [model] = [
        kind for kind in get_args(params.VideoUpscaleCreateParams) if entry.model in get_args(hints(kind)["model"])
    ]
    known = {camel_case(name): hint for name, hint in hints(model).items()}
    body: Any = RunwayFinishing(entry).body(
        sound_request(operations=("upscale:2", "interpolate:48")), lambda _: "https://media.kinora.test/clip.mp4"
    )
    assert set(body) <= set(known)
    assert set(map(camel_case, required(model))) <= set(body)
    for name in {"resolution", "flavor", "targetFramerate"} & set(body):
        assert body[name] in get_args(known[name])
    client = runwayml.RunwayML(api_key="key", base_url=f"{service.url}/runway", max_retries=0)
    made = client.video_upscale.create(**{snake_case(name): value for name, value in body.items()})
    [url] = client.tasks.retrieve(made.id).output
    assert url.startswith(service.url)


def snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def test_the_sdk_of_luma_understands_the_imitation(service: Service) -> None:
    luma = import_module("luma_agents")
    client = luma.Luma(auth_token="key", base_url=f"{service.url}/luma/v1", max_retries=0)  # a test's key

    def create(**video: Any) -> Any:
        options = {"duration": "5s", "resolution": "720p", **video}
        return client.generations.create(type="video", model="ray-3.2", prompt="a lake", video=options)

    made = create(keyframes=[{"url": PICTURE}, {"url": PICTURE}], keyframe_indexes=[0, 120])
    service.faults.add("luma", ProviderCall.POLL, Fault.WORKING, Fault.BROKEN)
    states = [client.generations.get(made.id) for _ in range(2)]
    assert [state.state for state in states] == ["processing", "failed"]
    assert states[1].failure_code == "generation_failed"
    second = create(start_frame={"url": PICTURE}, loop=True)
    assert client.generations.get(second.id).output[0].url.startswith(service.url)
    picture = client.generations.create(type="image", model="uni-1", prompt="a lake", aspect_ratio="16:9")
    assert client.generations.get(picture.id).output[0].type == "image"
    layered = client.generations.create(type="layering", model="uni-1", prompt="split it", source={"url": PICTURE})
    found = client.generations.get(layered.id).output
    assert [one.layer.index for one in found] == [0, 1, 2]
    assert (found[-1].layer.alpha_hint, len({one.url for one in found})) == ("none", 3)
    for fault, error in ((Fault.THROTTLED, "RateLimitError"), (Fault.MODERATED_INPUT, "BadRequestError")):
        service.faults.add("luma", ProviderCall.SUBMIT, fault)
        with pytest.raises(getattr(luma, error)):
            create()


@pytest.mark.parametrize("request_of", [{}, {"loop": True}, {"duration": 10, "more_image_urls": ("s3://media/2.png",)}])
def test_the_types_of_the_sdk_of_luma_allow_what_the_engine_sends(request_of: dict[str, Any]) -> None:
    types = import_module("luma_agents.types")
    pydantic = import_module("pydantic")
    body: Any = LumaVideo(LUMA).body(video_request(LUMA, **request_of), lambda url: url)
    known = pydantic.TypeAdapter(types.GenerationCreateParams).validate_python(body)  # leaves out unknown fields
    assert (set(known), set(known["video"])) == (set(body), set(body["video"]))
    [ratios, _] = get_args(hints(types.GenerationCreateParams)["aspect_ratio"])  # the other one is None
    assert {*(LUMA.ratios or ()), *(UNI.ratios or ())} <= set(get_args(ratios))
    durations = import_module("luma_agents.types.video_duration")
    assert {f"{seconds:g}s" for seconds in LUMA.durations or ()} == set(get_args(durations.VideoDuration))


def test_the_types_of_the_sdk_of_luma_allow_the_request_of_a_picture() -> None:
    types = import_module("luma_agents.types")
    pydantic = import_module("pydantic")
    body: Any = LumaPicture(UNI).body(picture_request())
    assert pydantic.TypeAdapter(types.GenerationCreateParams).validate_python(body) == body


@pytest.mark.parametrize("height", [720, 1080])
def test_the_types_of_the_sdk_of_luma_allow_the_request_of_layers(height: int) -> None:
    types = import_module("luma_agents.types")
    pydantic = import_module("pydantic")
    body: Any = LumaLayers(LAYERS).body(video_request(LAYERS, height=height), lambda url: url)
    assert pydantic.TypeAdapter(types.GenerationCreateParams).validate_python(body) == body
    assert len(body["prompt"]) <= MOST_GUIDANCE


def test_the_sdk_of_elevenlabs_understands_the_imitation_and_sends_what_the_engines_send(service: Service) -> None:
    elevenlabs = import_module("elevenlabs")
    client = elevenlabs.ElevenLabs(api_key="key", base_url=f"{service.url}/elevenlabs")

    def effects() -> bytes:
        fields: Any = ElevenLabsEffects(EFFECTS).body(sound_request())
        return b"".join(client.text_to_sound_effects.convert(**fields, output_format="mp3_44100_128"))

    def music() -> bytes:
        fields: Any = ElevenLabsMusic(MUSIC).body(sound_request(duration=1))
        assert fields["music_length_ms"] == 3000, "the shortest piece"
        return b"".join(client.music.compose(**fields, output_format="mp3_44100_128"))

    assert (effects(), music()) == (CLIP, CLIP)
    api_error = import_module("elevenlabs.core.api_error").ApiError
    for make in (effects, music):
        service.faults.add("elevenlabs", ProviderCall.SUBMIT, Fault.MODERATED_INPUT)
        with pytest.raises(api_error) as refused:
            make()
        assert refused.value.status_code == 400
    models = {
        EFFECTS: "elevenlabs.types.sfx_model_id:SfxModelId",
        MUSIC: "elevenlabs.types.music_model_id:MusicModelId",
    }
    for entry, kind in models.items():
        module, _, name = kind.partition(":")
        assert entry.model in [
            value for one in get_args(getattr(import_module(module), name)) for value in get_args(one)
        ]


def hints(kind: type) -> dict[str, Any]:
    """Return the fields of an SDK's TypedDict with their types, without `Required`."""
    if not hasattr(kind, "__required_keys__"):
        return {}
    return {name: kind_of(hint) for name, hint in get_type_hints(kind).items()}


def required(kind: type) -> set[str]:
    return {
        name
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if str(get_origin(hint)).endswith("Required")
    }


def kind_of(hint: Any) -> Any:
    return get_args(hint)[0] if str(get_origin(hint)).endswith("Required") else hint


def test_the_client_of_fal_understands_the_imitation(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    fal = import_module("fal_client.client")
    monkeypatch.setattr(fal, "QUEUE_URL_FORMAT", f"{service.url}/fal/")
    client = fal.SyncClient(key="key")
    wanted = {"image_url": PICTURE, "prompt": "a lake"}
    with receiver(monkeypatch) as receiving:
        handle = client.submit("fal-ai/pika/v2.2/image-to-video", wanted, webhook_url=receiving.url)
        until = monotonic() + 10
        while not receiving.received and monotonic() < until:
            sleep(0.02)
        [webhook] = receiving.received
        assert json.loads(webhook.body)["request_id"] == handle.request_id
        assert webhook.headers["x-fal-webhook-request-id"] == handle.request_id
    service.faults.add("fal", ProviderCall.POLL, Fault.WORKING)
    assert isinstance(handle.status(), fal.InProgress)
    assert isinstance(handle.status(), fal.Completed)
    assert handle.get()["video"]["url"].startswith(service.url)
    handle.cancel()
    assert handle.request_id in service.cancelled
    service.faults.add("fal", ProviderCall.SUBMIT, Fault.MODERATED_INPUT)
    with pytest.raises(fal.FalClientError, match="refused"):
        client.submit("fal-ai/pika/v2.2/image-to-video", {"image_url": PICTURE, "prompt": "a lake"})


def test_the_sdk_of_openai_understands_the_imitation(service: Service) -> None:
    openai = import_module("openai")
    client = openai.OpenAI(api_key="key", base_url=f"{service.url}/openai/v1", max_retries=0)

    def generate() -> Any:
        return client.images.generate(
            model="gpt-image-2.5-flare", prompt="a lake", n=1, size="1536x1024", quality="medium", output_format="png"
        )

    made = generate()
    assert b64decode(made.data[0].b64_json) == CLIP
    assert made.usage.total_tokens > 0
    for fault, error in ((Fault.THROTTLED, "RateLimitError"), (Fault.MODERATED_INPUT, "BadRequestError")):
        service.faults.add("openai", ProviderCall.SUBMIT, fault)
        with pytest.raises(getattr(openai, error)):
            generate()


def test_the_model_of_openai_is_one_of_its_sdk() -> None:
    models = import_module("openai.types.image_model")
    [entry] = [entry for entry in ALL_ENGINES if entry.key == "openai-key"]
    assert entry.model in get_args(models.ImageModel)


def test_the_sdk_of_google_understands_the_imitation(service: Service) -> None:
    genai = import_module("google.genai")
    options = {"base_url": f"{service.url}/google", "retry_options": {"attempts": 1}}  # otherwise it repeats a POST
    client = genai.Client(api_key="key", http_options=options)

    def create() -> Any:
        body: Any = GoogleVideo(OMNI).body(
            video_request(OMNI), {"type": "image", "mime_type": "image/png", "data": "AAAA"}
        )
        return client.interactions.create(**body)

    made = create()
    assert (made.id, made.status) == (service.requests[-1].id, "in_progress")
    service.faults.add("google", ProviderCall.POLL, Fault.WORKING, Fault.BROKEN)
    states = [client.interactions.get(id=made.id) for _ in range(2)]
    assert [state.status for state in states] == ["in_progress", "failed"]
    assert states[1].errors[0].code == "internal"
    second = create()
    done = client.interactions.get(id=second.id)
    assert (done.status, done.output_video.uri.startswith(service.url)) == ("completed", True)
    answer = httpx.get(done.output_video.uri, headers={"x-goog-api-key": "key"})
    assert answer.content == CLIP
    client.interactions.cancel(id=second.id)
    assert second.id in service.cancelled
    errors = import_module("google.genai._interactions_errors")
    for fault, error in (
        (Fault.THROTTLED, "RateLimitError"), (Fault.MODERATED_INPUT, "BadRequestError"),
        (Fault.UNKNOWN_KEY, "BadRequestError"),
    ):  # fmt: skip
        service.faults.add("google", ProviderCall.SUBMIT, fault)
        with pytest.raises(getattr(errors, error)):
            create()


def test_the_types_of_the_sdk_of_google_allow_what_the_engine_sends() -> None:
    """The SDK accepts unknown words in an answer, so its types are read."""
    types = import_module("google.genai._gaos.types.interactions")
    body: Any = GoogleVideo(OMNI).body(video_request(OMNI), {"type": "image", "mime_type": "image/png", "data": "AAAA"})
    wanted = body["response_format"]
    assert set(body) <= set(types.CreateModelInteractionParam.__annotations__)
    assert set(wanted) <= set(types.VideoResponseFormatParam.__annotations__)
    assert set(body["input"][0]) <= set(types.ImageContentParam.__annotations__)
    assert body["model"] in literals(types.Model)
    assert set(OMNI.ratios or ()) == literals(types.VideoResponseFormatAspectRatio)
    assert wanted["delivery"] in literals(types.VideoResponseFormatDelivery)
    assert body["generation_config"]["video_config"]["task"] in literals(types.Task)


def literals(kind: Any) -> set[str]:
    """Return the words of a union of an SDK, which also accepts unknown words."""
    return {word for part in get_args(kind) for word in get_args(part) if isinstance(word, str)}
