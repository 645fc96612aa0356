"""The places where verifiers read public keys: a secret for the authorizers, a key group in CloudFront."""

import json
import secrets
from collections.abc import Iterator
from functools import cache
from typing import Any

from functions.rotation.keys import Chain, Key, media_pem, public_pem
from shared.aws.clients import secretsmanager, session
from shared.aws.lone_secret import full_name
from shared.core.config import Config

VERIFICATION_KEYS = "access-token-verification-keys"


class MediaKeyConfig(Config):
    media_key_group: str = "kinora-local-media"


@cache
def _cloudfront() -> Any:
    return session().create_client("cloudfront")


def publish_token_keys(chain: Chain) -> None:
    """Make the authorizers accept the chain's keys."""
    secretsmanager().put_secret_value(SecretId=full_name(VERIFICATION_KEYS), SecretString=json.dumps(chain.public))


def published_token_keys() -> str:
    return secretsmanager().get_secret_value(SecretId=full_name(VERIFICATION_KEYS))["SecretString"]


def media_key() -> Key:
    """Return a new key that is registered with CloudFront and in no key group yet. CloudFront gives its id."""
    pem, group = media_pem(), MediaKeyConfig().media_key_group
    name = f"{group}-{secrets.token_hex(4)}"
    described = {"CallerReference": name, "Name": name, "EncodedKey": public_pem(pem)}
    answer = _cloudfront().create_public_key(PublicKeyConfig=described)
    return {"kid": answer["PublicKey"]["Id"], "pem": pem}


def publish_media_keys(chain: Chain) -> str:
    """Make CloudFront accept exactly the chain's keys. Return the key group's id."""
    name, client = MediaKeyConfig().media_key_group, _cloudfront()
    described = {"Name": name, "Items": sorted(chain.public)}
    group_id = _group_id(name)
    if group_id is None:
        group_id = str(client.create_key_group(KeyGroupConfig=described)["KeyGroup"]["Id"])
    else:
        etag = client.get_key_group(Id=group_id)["ETag"]
        client.update_key_group(Id=group_id, IfMatch=etag, KeyGroupConfig=described)
    _delete_media_keys(except_ids=set(chain.public))
    return group_id


def published_media_keys() -> list[str]:
    group_id = _group_id(MediaKeyConfig().media_key_group)
    return [] if group_id is None else _cloudfront().get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]["Items"]


def withdraw_media_keys() -> None:
    """Delete the key group and its keys, after the distribution that trusted them is deleted."""
    group_id = _group_id(MediaKeyConfig().media_key_group)
    if group_id is not None:
        etag = _cloudfront().get_key_group(Id=group_id)["ETag"]
        _cloudfront().delete_key_group(Id=group_id, IfMatch=etag)
    _delete_media_keys(except_ids=set())


def _delete_media_keys(*, except_ids: set[str]) -> None:
    """Delete our keys that are no longer trusted, including keys of interrupted rotations."""
    client = _cloudfront()
    for item in _listed("list_public_keys", "PublicKeyList"):
        if item["Name"].startswith(f"{MediaKeyConfig().media_key_group}-") and item["Id"] not in except_ids:
            try:
                client.delete_public_key(Id=item["Id"], IfMatch=client.get_public_key(Id=item["Id"])["ETag"])
            except client.exceptions.PublicKeyInUse:  # the edge still uses it; the next rotation deletes it
                continue


def _group_id(name: str) -> str | None:
    groups = (item["KeyGroup"] for item in _listed("list_key_groups", "KeyGroupList"))
    return next((group["Id"] for group in groups if group["KeyGroupConfig"]["Name"] == name), None)


def _listed(verb: str, field: str) -> Iterator[dict[str, Any]]:
    """Yield all items of a CloudFront list that boto3 has no paginator for."""
    marker: dict[str, str] = {}
    while True:
        page = getattr(_cloudfront(), verb)(**marker)[field]
        yield from page.get("Items", ())
        if "NextMarker" not in page:
            return
        marker = {"Marker": page["NextMarker"]}
