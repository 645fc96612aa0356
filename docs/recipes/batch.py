"""A batch of films with different camera moves: a notebook (each `# %%` is a cell), or a program."""

# %% The client: KINORA_API_KEY and KINORA_BASE_URL name the studio.
from pathlib import Path

from kinora import FilmFailed, Kinora

client = Kinora()
folder = Path("films")
presets = ["crash-zoom-in", "orbit-left", "static"]

# %% The price of all, before anything is paid.
settings = {"duration": 1, "resolution": "480p"}
price = sum(client.films.quote("a lake at dawn", preset=preset, **settings).credits for preset in presets)
print(f"{price} credits")

# %% Submit all at once. The key makes a cell that runs twice pay once, for 24 hours.
films = {
    preset: client.films.create("a lake at dawn", preset=preset, idempotency_key=f"dawn-1-{preset}", **settings)
    for preset in presets
}

# %% Wait for each and save it.
for preset, film in films.items():
    try:
        print(film.save(folder / f"{preset}.mp4"), film.job.credits, "credits")
    except FilmFailed as error:
        print(f"{preset}: {error}")
