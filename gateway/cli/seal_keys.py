"""The keys of the audit trail's seals, for commands that run beside the gateway, with its settings."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.audit.signing import Signer, signers
from gateway.cli.policies import Refused
from gateway.control.keys import written
from gateway.control.settings import Settings


def seal_keys(settings: Settings) -> Sequence[Signer]:
    """The one that seals first.  Refused where there is none: one made here would be nobody's."""
    try:
        found = signers(written(settings.encryption_key), settings.data_dir)
    except (OSError, ValueError) as error:
        raise Refused(f"the key of the audit trail: {error}") from error
    if not found:
        raise Refused(
            "there is no key: set ENCRYPTION_KEY, or PAYGUARD_DATA_DIR to the gateway's; payguard audit verify takes "
            "--public-key as well, as payguard audit key prints it there"
        )
    return found
