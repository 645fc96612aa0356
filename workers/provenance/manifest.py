"""The claims of a film's C2PA manifest: how the film was made. Pure data.

C2PA 2.2, sections 9 (claims), 10.3 and 18.15 (actions); source types are IPTC's NewsCodes.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.stages.engines import ALL_ENGINES
from shared.stages.operations import Operation
from shared.stages.requests import Ingredient
from shared.stages.stages import Role, Stage

_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_WITH_MODEL = "compositeWithTrainedAlgorithmicMedia"

# The C2PA action of each finishing operation.
_ACTIONS = {
    "stabilise": "c2pa.enhanced",
    "denoise": "c2pa.enhanced",
    "sharpen": "c2pa.enhanced",
    "interpolate": "c2pa.enhanced",
    "upscale": "c2pa.resized",
    "grade": "c2pa.adjustedColor",
    "vignette": "c2pa.filtered",
    "grain": "c2pa.filtered",
    "fade": "c2pa.filtered",
    "letterbox": "c2pa.cropped",
    "loop": "c2pa.edited",
    "watermark": "c2pa.edited",
}
# Exceptions from `componentOf`: a driving clip gives only the camera path, and is not part of the film.
_RELATIONSHIPS = {Role.DRIVING: "inputTo"}
_CLIPS = {Stage.VIDEO_SYNTHESIS, Stage.MOTION_TRANSFER, Stage.POST_PROCESSING}
# The last frame of an older film is a picture that was made with a clip.
_MADE_IN = {Role.PICTURE: {Stage.IMAGE_GENERATION, *_CLIPS}, Role.CLIP: _CLIPS}


def source_type(ingredients: Iterable[Ingredient]) -> str:
    """Return the IPTC source type of the film's pixels. It also labels the film as generated.

    `algorithmicMedia`: made by code without a trained model, for example by the in-process engines.
    `compositeSynthetic`: a creator's picture with additions of an algorithm.
    The `trained...` terms: a trained model made the picture or the clip.
    """
    ingredients = tuple(ingredients)
    provided = any(given.role is Role.PICTURE and given.engine is None for given in ingredients)
    if any(_trained(given) for given in ingredients):
        term = _WITH_MODEL if provided else "trainedAlgorithmicMedia"
    else:
        term = "compositeSynthetic" if provided else "algorithmicMedia"
    return _SOURCE_TYPE + term


def label(index: int) -> str:
    """Return the label with which actions refer to the ingredient at this index."""
    return f"ingredient-{index}"


def ingredient(given: Ingredient, index: int, sha256: str) -> dict[str, Any]:
    """Return the declaration of one ingredient, with the SHA-256 of its file, which identifies the file."""
    about = f"{given.role.value} by {given.engine}" if given.engine else f"{given.role.value} of the creator"
    return {
        "title": about,
        "label": label(index),
        "relationship": _RELATIONSHIPS.get(given.role, "componentOf"),
        "description": f"sha256 {sha256}",
    }


def definition(
    title: str,
    media_type: str,
    ingredients: Sequence[Ingredient],
    operations: Iterable[Operation],
    *,
    captions: bool,
    by_model: Collection[str] = (),
) -> dict[str, Any]:
    """Return the manifest of one file: how the film was made, and its operations in order.

    A trained model did the operations in `by_model`.
    """
    placed = [label(index) for index, given in enumerate(ingredients) if given.role not in _RELATIONSHIPS]
    inputs = [label(index) for index, given in enumerate(ingredients) if given.role in _RELATIONSHIPS]
    agent = {"name": "Kinora"}
    actions: list[dict[str, Any]] = [
        {
            "action": "c2pa.created",
            "digitalSourceType": source_type(ingredients),
            "softwareAgent": agent,
            "description": "Filmed by a virtual camera.",
            **({"parameters": {"ingredientIds": inputs}} if inputs else {}),
        }
    ]
    if placed:
        actions.append({"action": "c2pa.placed", "softwareAgent": agent, "parameters": {"ingredientIds": placed}})
    actions += [
        {"action": _ACTIONS[operation.name], "softwareAgent": agent, "description": str(operation)}
        | ({"digitalSourceType": _SOURCE_TYPE + _WITH_MODEL} if operation.name in by_model else {})
        for operation in operations
        if operation.name in _ACTIONS
    ]
    if captions:
        actions.append({"action": "c2pa.addedText", "softwareAgent": agent, "description": "captions"})
    return {
        "claim_generator_info": [agent],
        "title": title,
        "format": media_type,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def _trained(given: Ingredient) -> bool:
    stages = _MADE_IN.get(given.role, set())
    return any(entry.trained for entry in ALL_ENGINES if entry.name == given.engine and entry.stage in stages)
