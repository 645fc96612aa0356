"""Configuration from the environment: each module declares the few variables it reads, frozen."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Config(BaseSettings):
    """Base of every configuration; the field `media_bucket` is read from `KINORA_MEDIA_BUCKET`."""

    model_config = SettingsConfigDict(env_prefix="KINORA_", frozen=True, extra="ignore")
