"""The roles of media in a job."""

from enum import StrEnum


class Role(StrEnum):
    """The role of a file in a job."""

    PICTURE = "picture"  # the still picture, or the last frame of a film: RGB, PNG
    DEPTH = "depth"  # disparity of each point of the picture: 16-bit grey PNG, 0 far, 65535 near, any size
    SCENERY = "scenery"  # the parts of the picture: backdrop, its depth, and billboard layers; ZIP of PNGs
    DRIVING = "driving"  # an uploaded clip whose camera path is copied
    AUDIO = "audio"  # an uploaded audio track for the film
    CAPTIONS = "captions"  # uploaded captions, drawn into the film
    CLIP = "clip"  # moving pictures between stages: nearly lossless H.264
    VIDEO = "video"  # the finished film: faststart MP4 of H.264
    AV1 = "av1"  # the film in AV1
    STREAM = "stream"  # the film as one fragmented MP4; HLS reads byte ranges of it
    PLAYLIST = "playlist"  # the HLS playlist of the stream, with unsigned URLs
    POSTER = "poster"  # full-size JPEG
    THUMBNAIL = "thumbnail"  # small JPEG
    PREVIEW = "preview"  # the film's first seconds, small and silent: animated WebP
    GIF = "gif"  # the preview as GIF
    SPRITES = "sprites"  # small frames at equal intervals on one JPEG, for scrubbing
    STEP_PREVIEW = "stepPreview"  # a small, marked preview of a step's main output: JPEG or silent MP4
    SCRUBBING = "scrubbing"  # WebVTT: the part of the sprites for each time
