"""Photographs keep their shapes on a camera path: the guess of depth is flattened, then the path gets shorter."""

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.move import Pose
from workers.media.depth import estimate
from workers.media.planes import Bytes, Floats, as_bytes, as_floats, to_rgb
from workers.media.subject import PictureSubject
from workers.motion.projection import project
from workers.renderer.motif import Motif
from workers.renderer.path import camera_path
from workers.renderer.photograph import Filming, contained, filming, photograph_metadata, weaker
from workers.renderer.shoot import inverse

WIDTH, HEIGHT, FPS = 320, 180, 24
POINT = PictureSubject((0.5, 0.5, 0.5, 0.5), (0.5, 0.5))


def tower() -> tuple[Bytes, Floats]:
    """Return a bright tower before a dark sky and a floor, and the estimate of its depth, which bends it."""
    picture = np.full((360, 640, 3), (20, 40, 90), np.uint8)
    picture[300:] = np.random.default_rng(1).integers(40, 160, (60, 640, 3))
    cv2.rectangle(picture, (310, 60), (330, 340), (230, 225, 210), -1)
    return picture, estimate(picture)


def disc() -> tuple[Bytes, PictureSubject]:
    """Return a red disc on noise, and the disc as a subject with a clear matte."""
    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.integers(60, 200, (180, 320, 3)).astype(np.uint8), (0, 0), 3)
    matte = np.zeros((180, 320), np.float32)
    cv2.circle(matte, (160, 90), 40, 1.0, -1, cv2.LINE_AA)
    picture = cv2.blendLinear(np.full_like(picture, (220, 30, 30)), picture, matte, 1 - matte)
    return as_bytes(picture), PictureSubject((0.375, 0.28, 0.625, 0.72), (0.5, 0.5), matte, decisive=True)


def filmed(motif: Motif, preset: str = "orbit-left") -> Filming:
    return filming([motif], camera_path(default_moves()[preset].move, 48, FPS), (WIDTH, HEIGHT), FPS, 0)


def test_a_tower_stays_straight_on_the_whole_path_because_the_guess_is_flattened() -> None:
    picture, guess = tower()
    believed = filmed(Motif(picture, guess, (0.5, 0.5), None, POINT, guessed=False)).kept
    kept = filmed(Motif(picture, guess, (0.5, 0.5), None, POINT, guessed=True)).kept
    assert believed is not None
    assert kept is not None
    assert kept.shape.lean_degrees < 3
    assert kept.shape.score >= 0.97
    assert kept.path == 1
    assert kept.relief < 0.3
    assert believed.relief == 1


def test_the_path_gets_shorter_where_the_depth_of_a_model_would_break_a_shape() -> None:
    picture, guess = tower()
    motif = Motif(picture, guess, (0.5, 0.5), None, POINT, guessed=False)
    poses = camera_path(default_moves()["orbit-left"].move, 48, FPS)
    result = filming([motif], poses, (WIDTH, HEIGHT), FPS, 0)
    assert result.kept is not None
    assert result.kept.path < 0.8
    assert result.kept.shape.lean_degrees < 3
    assert result.poses == weaker(poses, result.kept.path)
    assert photograph_metadata(motif, result.kept)["pathKept"] == round(result.kept.path, 3)


def test_a_picture_with_its_depth_is_filmed_as_it_is() -> None:
    picture, guess = tower()
    poses = camera_path(default_moves()["orbit-left"].move, 48, FPS)
    shots, path, kept = filming([Motif(picture, guess, (0.5, 0.5), None)], poses, (WIDTH, HEIGHT), FPS, 0)
    assert (path, kept) == (poses, None)
    assert len(shots) == 1


def test_a_subject_that_is_cut_out_and_its_filled_place_together_show_the_photograph() -> None:
    picture, subject = disc()
    [shot], _, kept = filmed(Motif(picture, estimate(picture), (0.5, 0.5), None, subject, guessed=True), "static")
    frame = to_rgb(shot.frame(Pose()))
    assert kept is not None
    assert kept.layer
    assert np.abs(frame.astype(int) - picture).mean() < 2.5


def test_the_filled_place_does_not_show_the_subject() -> None:
    picture, subject = disc()
    [shot], poses, _ = filmed(Motif(picture, estimate(picture), (0.5, 0.5), None, subject, guessed=True))
    scene = shot.prepare(poses)
    plate = cv2.resize(scene.back.luma, (320, 180)), cv2.resize(scene.back.chroma[..., 1], (160, 90))
    assert plate[1][45, 80] < 140  # red has a high V
    assert scene.flats


@pytest.mark.parametrize(("preset", "sharp"), [("focus-change", True), ("dolly-in", False)])
def test_a_pose_that_focuses_on_what_is_near_focuses_on_the_subject(preset: str, sharp: bool) -> None:
    picture, subject = disc()
    [shot], poses, _ = filmed(Motif(picture, estimate(picture), (0.5, 0.5), None, subject, guessed=True), preset)
    focus = shot.view(poses[0], 0).focus
    assert focus == (pytest.approx(0.5) if sharp else None)


@pytest.mark.parametrize(("subject", "begin", "end"), [(0.6, 0.6, 0.1), (0.2, 0.2, 1.0)])
def test_a_change_of_focus_begins_on_the_subject_of_a_picture_with_depth(
    subject: float, begin: float, end: float
) -> None:
    """The nearest thing is the ground at the lower edge. From a subject in the background the focus goes to it."""
    nearness = np.full((90, 160), 0.1, np.float32)
    nearness[30:60, 60:100], nearness[80:] = subject, 1.0
    picture = np.full((90, 160, 3), 120, np.uint8)
    poses = camera_path(default_moves()["focus-change"].move, 48, FPS)
    [shot], path, _ = filming([Motif(picture, nearness, (0.5, 0.5), None)], poses, (WIDTH, HEIGHT), FPS, 0)
    assert [shot.view(path[at], 0).focus for at in (0, -1)] == [pytest.approx(begin), pytest.approx(end)]


def test_the_crop_of_a_portrait_contains_the_head() -> None:
    picture = np.full((400, 400, 3), 90, np.uint8)
    head = (0.4, 0.02, 0.6, 0.3)
    cv2.rectangle(picture, (160, 8), (239, 119), (230, 40, 40), -1)
    for box, cut_off in ((head, False), (None, True)):
        faces = (box,) if box else ()
        subject = PictureSubject(head, (0.5, 0.6), None, faces=faces)
        [shot], poses, _ = filmed(Motif(picture, estimate(picture), (0.5, 0.6), None, subject, guessed=True), "static")
        shown = to_rgb(shot.frame(poses[0])).astype(int)
        red = (shown[..., 0] - shown[..., 2] > 100).any(axis=1)
        assert bool(red[0]) == cut_off


def test_a_long_path_is_shortened_until_the_focal_point_stays_in_the_frame() -> None:
    picture = np.full((180, 320, 3), 90, np.uint8)
    motif = Motif(picture, np.zeros((18, 32), np.float32), (0.9, 0.3), None)
    swing = [Pose(pan=-1 + i / 8) for i in range(17)]
    share = contained(motif, swing, (WIDTH, HEIGHT), FPS)
    assert 0.3 <= share < 1
    assert contained(motif, [Pose(pan=0.05 * pose.pan) for pose in swing], (WIDTH, HEIGHT), FPS) == 1
    assert contained(motif._replace(focal_point=(0.5, 0.5)), swing, (WIDTH, HEIGHT), FPS) > share


def test_the_place_of_the_subject_contains_its_head_in_all_frames() -> None:
    picture, guess = tower()
    head = PictureSubject((0.45, 0.1, 0.55, 0.3), (0.5, 0.2), faces=((0.45, 0.1, 0.55, 0.3),))
    (shot,), poses, _ = filmed(Motif(picture, guess, (0.5, 0.2), None, head, guessed=True), "crane-up")
    shot.look(poses)
    left, top, right, bottom = shot.subject_place(poses)
    still = shot.subject_place(poses[:1])
    assert 0.4 < left < 0.5 < right < 0.6
    assert top <= still[1] < still[3] <= bottom
    assert 0.15 < still[3] - still[1] < bottom - top, "the head, and its travel"


def test_the_world_behind_a_cut_out_subject_moves_further_where_no_gap_opens() -> None:
    picture, subject = disc()
    motif = Motif(picture, np.full((90, 160), 0.5, np.float32), (0.5, 0.5), None, subject, guessed=True)

    def apart(preset: str) -> float:
        (shot,), poses, _ = filmed(motif, preset)
        shot.prepare(poses)
        middle = shot.nearness(poses[0])
        return float(middle[HEIGHT // 2, WIDTH // 2] - middle[4, 4])

    assert apart("dolly-zoom-in") > 0.33
    assert 0.05 < apart("orbit-left") < 0.32


def shore() -> tuple[Bytes, PictureSubject]:
    """Return a sky over gravel, and an unclear matte of a row of things on it."""
    picture = np.full((360, 640, 3), (120, 170, 235), np.uint8)
    picture[150:] = np.random.default_rng(5).integers(60, 110, (210, 640, 3))
    matte = np.zeros((180, 320), np.float32)
    matte[80:125, 165:310] = 0.8
    return picture, PictureSubject((0.5, 0.4, 0.97, 0.7), (0.7, 0.55), matte)


@pytest.mark.parametrize("preset", ["dolly-in", "truck-left"])
def test_a_certain_ground_bends_nothing_and_has_no_edge_beside_an_unclear_subject(preset: str) -> None:
    picture, subject = shore()
    guess = estimate(picture)
    [shot], _, kept = filmed(Motif(picture, guess, (0.7, 0.55), None, subject, guessed=True), preset)
    assert kept is not None
    assert 0.2 < kept.relief <= 0.7
    shot.prepare([Pose()])
    near = cv2.resize(shot.nearness(Pose()), (320, 180))
    steepest = np.abs(np.diff(near[80:125], axis=1)).max()
    assert steepest < 0.01, "things beside it would tear"


@pytest.mark.parametrize(("subject", "held"), [(POINT, 1.0), (shore()[1], 0.57)])  # as a fraction of the height
def test_a_dolly_zoom_holds_the_object_or_the_foreground_and_lets_the_world_fall_away(
    subject: PictureSubject, held: float
) -> None:
    picture, _ = shore()
    motif = Motif(picture, estimate(picture), (0.5, 0.5), None, subject, guessed=True)
    [shot], poses, kept = filmed(motif, "dolly-zoom-in")
    shot.prepare(poses)
    seen = shot.nearness(Pose())
    first, last = (shot.view(pose, 0) for pose in (poses[0], poses[-1]))
    x, y = as_floats(np.array([0.0, 0.3], np.float32)), as_floats(np.zeros(2, np.float32))

    def growth(height: float) -> float:
        row = round(height * (len(seen) - 1))
        d = as_floats(np.full(2, inverse(seen[row, :1])[0], np.float32))
        before, after = (np.diff(project(each, shot.cover, x, y, d)[0])[0] for each in (first, last))
        return float(after / before)

    assert kept is not None
    assert kept.shape.score > 0.97
    assert growth(held) == pytest.approx(1, abs=0.03)
    assert growth(0) < 0.96


@pytest.mark.parametrize("guessed", [True, False])
def test_a_dolly_zoom_keeps_the_depth_of_a_model_and_accepts_an_empty_map(guessed: bool) -> None:
    picture = np.full((90, 160, 3), 90, np.uint8)
    nearness = np.linspace(0, 0 if guessed else 1, 90, dtype=np.float32)[:, None].repeat(160, axis=1)
    kept = filmed(Motif(picture, nearness, (0.5, 0.5), None, POINT, guessed=guessed), "dolly-zoom-in").kept
    assert kept is not None
    assert kept.relief == (0.7 if guessed else 1)


def test_lines_of_a_cut_out_subject_do_not_flatten_the_world_behind_it() -> None:
    picture, _ = tower()
    matte = np.zeros((360, 640), np.float32)
    matte[56:344, 306:334] = 1
    subject = PictureSubject((0.48, 0.16, 0.52, 0.96), (0.5, 0.4), matte, decisive=True)
    steep = as_floats(np.linspace(0, 1, 180, dtype=np.float32)[:, None].repeat(320, axis=1))
    reliefs = []
    for own in (subject, POINT):
        kept = filmed(Motif(picture, steep, (0.5, 0.4), None, own, guessed=True)).kept
        assert kept is not None
        reliefs.append(kept.relief)
    assert reliefs[0] == 0.3
    assert reliefs[1] < 0.2


def test_the_gap_beside_a_subject_is_narrower_before_texture() -> None:
    picture, subject = disc()
    rough = np.random.default_rng(4).integers(0, 255, picture.shape).astype(np.uint8)
    matte = subject.matte
    assert matte is not None
    textured = as_bytes(cv2.blendLinear(picture, rough, matte, 1 - matte))

    def apart(shown: Bytes) -> float:
        motif = Motif(shown, np.full((90, 160), 0.5, np.float32), (0.5, 0.5), None, subject, guessed=True)
        (shot,), poses, _ = filmed(motif)
        shot.prepare(poses)
        middle = shot.nearness(poses[0])
        return float(middle[HEIGHT // 2, WIDTH // 2] - middle[4, 4])

    assert apart(textured) < 0.5 * apart(picture)


@pytest.mark.parametrize("preset", ["dolly-in", "fpv-drone"])
def test_a_move_towards_a_subject_at_the_side_keeps_it_in_the_frame(preset: str) -> None:
    """A building at the left of a 3:2 picture, too high for a 16:9 frame: its sides and its top stay."""
    picture = np.full((427, 640, 3), 120, np.uint8)
    box = (0.09, 0.07, 0.58, 0.94)
    matte = np.zeros((427, 640), np.float32)
    matte[30:401, 58:371] = 1
    subject = PictureSubject(box, (0.34, 0.55), matte, decisive=True)
    motif = Motif(picture, np.full((42, 64), 0.5, np.float32), (0.34, 0.55), None, subject, guessed=True)
    [shot], poses, _ = filmed(motif, preset)
    shot.look(poses)
    left, _, right, _ = shot.subject_place(poses[-1:])
    assert 0 < left < right < 1
    assert shot.subject_place(poses[:1])[1] > 0


def test_the_crop_does_not_rise_to_a_top_that_the_picture_cuts_off() -> None:
    picture = np.full((427, 640, 3), 120, np.uint8)
    matte = np.full((427, 640), 0.8, np.float32)
    crops = []
    for top in (0.0, 0.02):
        subject = PictureSubject((0.1, top, 0.9, 1.0), (0.5, 0.6), matte)
        motif = Motif(picture, np.full((42, 64), 0.5, np.float32), (0.5, 0.6), None, subject, guessed=True)
        [shot], poses, _ = filmed(motif, "static")
        shot.look(poses)
        crops.append(shot.aim.middle[1])
    assert crops[0] < crops[1]
