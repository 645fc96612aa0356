"""Configuration from the environment. Each module declares the variables that it reads."""

import os
from typing import Any

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of every configuration. The field `media_bucket` has the value of `KINORA_MEDIA_BUCKET`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    def __init__(self, **given: Any) -> None:
        variables = {name: os.environ.get(f"KINORA_{name.upper()}") for name in type(self).model_fields}
        super().__init__(**{name: text for name, text in variables.items() if text is not None} | given)
