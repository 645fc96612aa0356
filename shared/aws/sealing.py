"""Secrets of accounts, which KMS encrypts with the deployment's key before a table stores them.

`purpose` and `owner` are the encryption context: KMS decrypts a text only for the record for which it was encrypted.
"""

from shared.aws.clients import kms
from shared.core.config import Config


class SealingConfig(Config):
    data_key: str = ""  # "alias/kinora-dev-data"


def seal(text: str, *, purpose: str, owner: str) -> bytes:
    """Return the encrypted text."""
    context = {"purpose": purpose, "owner": owner}
    found = kms().encrypt(KeyId=SealingConfig().data_key, Plaintext=text.encode(), EncryptionContext=context)
    return bytes(found["CiphertextBlob"])


def unseal(sealed: bytes, *, purpose: str, owner: str) -> str:
    """Return the text that `seal` encrypted for the same purpose and owner."""
    context = {"purpose": purpose, "owner": owner}
    found = kms().decrypt(KeyId=SealingConfig().data_key, CiphertextBlob=sealed, EncryptionContext=context)
    return bytes(found["Plaintext"]).decode()
