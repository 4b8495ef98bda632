"""Keys: the salts of hashes and the keyring, as the settings or a plugin give them."""

from __future__ import annotations

from typing import cast

import structlog

from gateway.audit.signing import Sealer, signers
from gateway.control.plugins import Plugins
from gateway.control.settings import Settings
from gateway.control.start import BadStart, why
from gateway.crypto.protocol import Keyring
from gateway.crypto.salts import FILE_NAME, Salts, load_salts
from gateway.crypto.written import digits
from gateway.telemetry.masking import Masking

log = structlog.get_logger("payguard.process")


def make_salts(settings: Settings, masking: Masking) -> Salts:
    """BadStart where what is given, or kept, is no salt."""
    salt = settings.hash_salt
    try:
        loaded = load_salts(None if salt is None else salt.get_secret_value(), settings.data_dir)
    except OSError as error:
        raise BadStart(f"cannot keep the salt of hashes in {settings.data_dir}: {why(error)}") from error
    except ValueError as error:
        raise BadStart(f"{'HASH_SALT' if salt else settings.data_dir / FILE_NAME}: {error}") from error
    for secret in loaded.secrets:
        masking.add_secret(secret)
    if loaded.made is not None:
        log.warning("no HASH_SALT is set; one was made and is kept in the data folder", file=str(loaded.made))
    return loaded.salts


def make_keyring(settings: Settings, plugins: Plugins, masking: Masking) -> Keyring | None:
    """A plugin's, else that of the settings; None, and said, where there is neither.  BadStart for what is no key."""
    for secret in digits(_text(settings)):
        masking.add_secret(secret)
    made = cast("Keyring | None", plugins.hooks.create_keyring(settings=settings))
    if made is not None:
        return made
    if settings.encryption_key is None:
        log.warning(
            "no ENCRYPTION_KEY is set: bodies of payments are not kept, and the repeat of a finished one is answered "
            "409 answer_unavailable"
        )
        return None
    from gateway.crypto.keyring import LocalKeyring  # noqa: PLC0415 - it takes 8 MiB that nobody else needs

    try:
        return LocalKeyring.parse(_text(settings))
    except ValueError as error:
        raise BadStart(f"ENCRYPTION_KEY: {error}") from error


def make_sealer(settings: Settings) -> Sealer:
    """What seals the audit trail: by ENCRYPTION_KEY, or a key of its own in the data folder.  BadStart as above."""
    try:
        return Sealer(signers(_text(settings) or None, settings.data_dir, make=True))
    except OSError as error:
        raise BadStart(f"cannot keep the key of the audit trail in {settings.data_dir}: {why(error)}") from error
    except ValueError as error:
        raise BadStart(f"the key of the audit trail: {error}") from error


def _text(settings: Settings) -> str:
    return "" if settings.encryption_key is None else settings.encryption_key.get_secret_value()
