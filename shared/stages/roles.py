"""What a piece of media is to a job."""

from enum import StrEnum


class Role(StrEnum):
    """What a piece of media is to the job."""

    PICTURE = "picture"  # the still: RGB, PNG
    DEPTH = "depth"  # nearness of each point of the picture: 16-bit grey PNG, 0 far, 65535 near, any size
    SCENERY = "scenery"  # the picture in parts: backdrop, its depth, and what stands before it; ZIP of PNGs
    DRIVING = "driving"  # an uploaded clip whose camera path is copied
    AUDIO = "audio"  # an uploaded track that is laid under the film
    CAPTIONS = "captions"  # uploaded SRT, drawn into the film
    CLIP = "clip"  # moving pictures between stages: nearly lossless H.264
    VIDEO = "video"  # the finished film: faststart MP4 of H.264
    AV1 = "av1"  # the same in AV1
    STREAM = "stream"  # the same film as one fragmented MP4, cut by byte ranges for HLS
    PLAYLIST = "playlist"  # its HLS playlist, unsigned
    POSTER = "poster"  # full-size JPEG
    THUMBNAIL = "thumbnail"  # small JPEG
    PREVIEW = "preview"  # the film's first seconds, small and silent: animated WebP
    GIF = "gif"  # the same as GIF
    SPRITES = "sprites"  # small frames at even steps on one JPEG, for scrubbing
    SCRUBBING = "scrubbing"  # WebVTT: which part of the sprites belongs to which time
