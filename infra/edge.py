"""The security headers that the studio's origin adds to every response, by the first part of the path."""

POLICIES = {
    "site": "; ".join(
        (
            "default-src 'self'",
            "connect-src 'self' wss: https://*.amazonaws.com",  # the socket, and uploads to the bucket
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",  # a static export has no server that could generate nonces
            "script-src 'self' 'unsafe-inline'",  # as above
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
