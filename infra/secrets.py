"""Names of all secrets as the code reads them, without the environment's prefix."""

from shared.stages.engines import ENGINES

CURSOR_KEY = "cursor-key"
ROTATED_SECRETS = ("access-token-signing-key", "media-signing-key", "refresh-token-key", CURSOR_KEY)
VERIFICATION_KEYS = "access-token-verification-keys"
PROVENANCE_SECRETS = ("provenance-signing-key", "provenance-certificates")
PROVIDER_KEYS = tuple(sorted({engine.key for engine in ENGINES if engine.key}))
PAYMENT_SECRETS = ("stripe-api-key", "stripe-webhook-secret")  # the operator writes them
