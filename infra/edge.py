"""The headers that the studio's origin adds to its responses: security by the first part of the path, and caching."""

POLICIES = {
    "site": "; ".join(
        (
            "default-src 'self'",
            # The socket, uploads to the bucket, and the player, which reads a film's playlist from memory.
            "connect-src 'self' wss: https://*.amazonaws.com blob:",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "style-src 'self'",
            "script-src 'self'",  # web/scripts/seal.mjs moves inline scripts into files
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
        )
    ),
    "api": "default-src 'none'; frame-ancestors 'none'",
    "media": "default-src 'none'; sandbox",  # an uploaded file that a browser opens directly must not run scripts
}
FRAME_OPTIONS = "DENY"
REFERRER_POLICY = "same-origin"
CACHE_ONE_DAY = "public, max-age=86400"
CACHE_FOREVER = "public, max-age=31536000, immutable"  # the names of these files contain the hash of their content
ASK_EACH_TIME = "public, max-age=0, must-revalidate"
IMMUTABLE = "_next/static/"
HTTPS_SECONDS = 365 * 24 * 3600  # browsers use HTTPS only for this time


def headers(part: str) -> dict[str, str]:
    """Return the headers of `site`, `api` or `media`."""
    return {
        "Content-Security-Policy": POLICIES[part],
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": FRAME_OPTIONS,
        "Referrer-Policy": REFERRER_POLICY,
        "Strict-Transport-Security": f"max-age={HTTPS_SECONDS}; includeSubDomains",
    }


def cache_control(key: str) -> str:
    """Return how long browsers and CloudFront may use a copy of a file of the site."""
    if key.startswith(IMMUTABLE):
        return CACHE_FOREVER
    return CACHE_ONE_DAY if key.startswith(("presets/", "films/")) else ASK_EACH_TIME
