"""Telling a made-up tenant from a real one."""

from __future__ import annotations

# Reserved (RFC 2606): a domain under it can never be anybody's, so a tenant that has one is made up.
_SAMPLE_DOMAIN = ".example"


def is_sample(domain: str | None) -> bool:
    """Whether a tenant of this domain is made up: that of the demo, or of the simulator."""
    return domain is not None and domain.casefold().endswith(_SAMPLE_DOMAIN)
