"""Secrets of accounts, which KMS encrypts with the deployment's key before a table stores them.

`purpose` and `owner` are the encryption context: KMS decrypts a text only for the record for which it was encrypted.
"""

from base64 import b64decode, b64encode

from shared.aws.clients import kms
from shared.core.config import Config


class SealingConfig(Config):
    data_key: str = ""  # "alias/kinora-dev-data"


def seal(text: str, *, purpose: str, owner: str) -> str:
    """Return the encrypted text, in base64."""
    context = {"purpose": purpose, "owner": owner}
    found = kms().encrypt(KeyId=SealingConfig().data_key, Plaintext=text.encode(), EncryptionContext=context)
    return b64encode(found["CiphertextBlob"]).decode()


def unseal(sealed: str, *, purpose: str, owner: str) -> str:
    """Return the text that `seal` encrypted for the same purpose and owner."""
    context = {"purpose": purpose, "owner": owner}
    found = kms().decrypt(KeyId=SealingConfig().data_key, CiphertextBlob=b64decode(sealed), EncryptionContext=context)
    return bytes(found["Plaintext"]).decode()
