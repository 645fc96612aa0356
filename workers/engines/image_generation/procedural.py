"""The `procedural` engine: a painter in code, without a model. It paints a picture and its depth from a prompt."""

import cv2

from shared.stages.metadata import ImageGenerationMetadata
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines.contract import Output, StageResult, Workspace
from workers.painter.painting import paint
from workers.painter.reading import read


class Procedural:
    """An engine that paints landscapes, cities and space. A hash of the prompt decides what it leaves open."""

    def load(self) -> None:
        """Do nothing, because the painter has no weights."""

    def run(self, request: ImageGenerationJob, workspace: Workspace) -> StageResult:
        """Write `picture.png` (RGB, 8 bit) and `depth.png` (grey, 16 bit) of the request's size, and `scenery.zip`."""
        workspace.progress(0.02)
        reading = read(request.prompt, request.style, request.seed)
        painting = paint(reading, request.width, request.height, workspace.progress, workspace.preview)
        picture, depth = workspace.folder / "picture.png", workspace.folder / "depth.png"
        fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        cv2.imwrite(str(picture), cv2.cvtColor(painting.rgb, cv2.COLOR_RGB2BGR), fast)
        cv2.imwrite(str(depth), painting.nearness, fast)
        outputs = [Output(Role.PICTURE, picture, "image/png"), Output(Role.DEPTH, depth, "image/png")]
        if painting.scenery is not None:
            outputs.append(Output(Role.SCENERY, painting.scenery.save(workspace.folder), "application/zip"))
        workspace.progress(1.0)
        metadata: ImageGenerationMetadata = {
            "painter": "procedural - a painter in code, not a model",
            "understood": list(reading.words.understood),
            "notUnderstood": list(reading.words.not_understood),
            "readAs": dict(reading.words.read_as),
            "place": reading.place.value,
            "timeOfDay": reading.time.value,
            "weather": reading.weather.value,
            "mood": reading.mood.value,
            "palette": reading.palette.value,
            "style": reading.style.value,
            "accents": sorted(accent.value for accent in reading.accents),
            "focalPoint": [round(fraction, 4) for fraction in painting.focal_point],
        }
        return StageResult(tuple(outputs), metadata)
