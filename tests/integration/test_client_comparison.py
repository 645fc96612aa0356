"""The column of kinora in docs/clients.md: one film and one payment, at whichever moment the connection is cut."""

from pathlib import Path

import pytest

from clients.python.kinora import Kinora
from tools.client_comparison import FILM, MOMENTS, studio


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cut_at_any_moment_makes_one_film_and_one_payment(moment: str, tmp_path: Path) -> None:
    with studio(moment) as (url, films), Kinora("x", url) as client:
        film = client.films.create("a lake", project="prj_1")
        assert film.save(tmp_path / "out.mp4").read_bytes() == FILM
    assert films == ["film1"]
