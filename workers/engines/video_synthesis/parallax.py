"""The in-process engine of video synthesis: it renders a camera path over pictures and their depth.

The clip is nearly lossless, because later stages encode it again.
"""

from functools import partial
from time import perf_counter

from shared.camera.lowerings import dropped_axes
from shared.stages.engines import engine
from shared.stages.metadata import VideoSynthesisMetadata
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role, Stage
from workers.engines.contract import Output, StageResult, Workspace
from workers.media.codecs import ClipWriter
from workers.media.previews import small_jpeg
from workers.renderer.motif import motif_of
from workers.renderer.path import camera_path
from workers.renderer.photograph import filming, photograph_metadata
from workers.renderer.reel import Reel


class Parallax:
    """The 2.5D renderer as an engine. It has no state between runs."""

    def load(self) -> None:
        """Do nothing, because the engine has no weights."""

    def run(self, request: VideoSynthesisJob, workspace: Workspace) -> StageResult:
        """Render `request.move` over the whole duration. Raise StageFailure if a picture or its depth is unreadable."""
        size = request.width, request.height
        motifs = []
        for index, url in enumerate((request.image_url, *request.more_image_urls)):
            own = request if index == 0 else None
            motifs.append(
                motif_of(
                    workspace.fetch(url),
                    size,
                    depth=workspace.fetch(own.depth_url) if own and own.depth_url else None,
                    scenery=workspace.fetch(own.scenery_url) if own and own.scenery_url else None,
                    layers=[workspace.fetch(layer) for layer in own.layer_urls or ()] if own else [],
                    focal_point=own.focal_point if own else None,
                )
            )
        frames = max(round(request.duration * request.fps), 1)
        path_of_move = camera_path(request.move, frames, request.fps, request.loop)
        shots, poses, kept = filming(motifs, path_of_move, size, request.fps, request.move.shutter)
        path = workspace.folder / "clip.mp4"
        started = perf_counter()
        reel = Reel(shots, poses, request.fps, request.loop)
        with ClipWriter(path, *size, request.fps) as writer:
            for i, planes in enumerate(reel.film()):
                writer.write(planes)
                workspace.progress((i + 1) / frames)
                workspace.preview(partial(small_jpeg, planes))
        metadata: VideoSynthesisMetadata = {
            "frames": frames,
            "framesPerSecond": round(frames / (perf_counter() - started), 1),
            "subjectPlace": [round(side, 4) for side in reel.subject_place()],
            "depth": "given" if request.depth_url else "estimated",
        }
        if (score := reel.score()) is not None:
            metadata["motionScore"] = round(score, 3)
        if request.layer_urls and motifs[0].scenery:
            metadata["layers"] = 1 + len(motifs[0].scenery.flats)
        if paths := reel.paths():
            metadata["cameraPath"] = paths
        if kept is not None:
            metadata = {**metadata, **photograph_metadata(motifs[0], kept)}
        if dropped := dropped_axes(request.move, engine(Stage.VIDEO_SYNTHESIS, "parallax").axes):
            metadata["droppedAxes"] = sorted(dropped)
        return StageResult((Output(Role.CLIP, path, "video/mp4"),), metadata)
