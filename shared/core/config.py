"""Configuration from the environment. Each module declares the variables that it reads."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Config(BaseSettings):
    """Base of every configuration. The field `media_bucket` has the value of `KINORA_MEDIA_BUCKET`."""

    model_config = SettingsConfigDict(env_prefix="KINORA_", frozen=True, extra="ignore")
