"""Random names from the operating system."""

import secrets

NONCE_BITS = 80


class SystemIds:
    """Implements `ports.IdSource`."""

    def draw_nonce(self) -> int:
        """Return 80 bits that nobody can guess and that no two runs share."""
        return secrets.randbits(NONCE_BITS)
