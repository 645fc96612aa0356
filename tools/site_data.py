"""docs/presets.json and docs/plans.json: the presets and the prices that the landing page shows."""

from typing import Any

from functions.auth.accounts import OPENING_CREDITS
from shared.presets.presets import presets
from shared.subscriptions.plans import PACKS, PLANS


def preset_list() -> list[dict[str, Any]]:
    """Return the presets as `GET /api/presets` lists them, with the limits of their moves in place of the moves."""
    return [
        {
            "id": preset.preset_id,
            "name": preset.name,
            "description": preset.description,
            "category": preset.category,
            "thumbnail": preset.thumbnail,
            "preview": preset.preview,
            "minDurationSeconds": preset.config.min_duration_seconds,
            "maxDurationSeconds": preset.config.max_duration_seconds,
            "needsDrivingClip": preset.config.needs_driving_clip,
        }
        for preset in presets().values()
    ]


def prices() -> dict[str, Any]:
    """Return the plans and the packs of credits. Prices are in US cents; a plan's price is per month."""
    return {
        "openingCredits": OPENING_CREDITS,
        "plans": [
            {
                "plan": plan,
                "cents": terms.price.cents if terms.price else 0,
                "monthlyCredits": terms.monthly_credits,
                "running": terms.running,
                "storedBytes": terms.stored_bytes,
            }
            for plan, terms in PLANS.items()
        ],
        "packs": [{"pack": name, "cents": pack.price.cents, "credits": pack.credits} for name, pack in PACKS.items()],
    }
