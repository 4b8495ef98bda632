"""Keys: the salts of hashes and the keyring, as settings, files or a plugin give them, and who watches over them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import structlog
from pydantic import SecretStr

from gateway.audit.signing import Sealer, signers
from gateway.control.background import NOBODY
from gateway.control.key_files import KeyFile, KeyFiles, file_of
from gateway.control.key_watch import KEY, SALT, KeyWatch, LocalKeys
from gateway.control.plugins import Plugins
from gateway.control.reencryption import Reencryption, Walk
from gateway.control.settings import Settings
from gateway.control.start import BadStart, why
from gateway.crypto.protocol import Keyring
from gateway.crypto.references import References
from gateway.crypto.salts import FILE_NAME, Salts, load_salts
from gateway.crypto.written import digits
from gateway.database.opening import sqlite_path
from gateway.ledger.bodies import STORED
from gateway.telemetry.masking import Masking

if TYPE_CHECKING:
    from gateway.control.scope import Services

log = structlog.get_logger("payguard.process")


def written(secret: SecretStr | None) -> str | None:
    """What a setting says, or the file that it names.  OSError where that cannot be read."""
    text = None if secret is None else secret.get_secret_value()
    path = file_of(text)
    return text if path is None else path.read_text(encoding="ascii")


def make_salts(settings: Settings, masking: Masking) -> Salts:
    """BadStart where what is given, or kept, is no salt."""
    given = _read(SALT, settings.hash_salt)
    try:
        loaded = load_salts(given, settings.data_dir)
    except OSError as error:
        raise BadStart(f"cannot keep the salt of hashes in {settings.data_dir}: {why(error)}") from error
    except ValueError as error:
        raise BadStart(f"{SALT if given is not None else settings.data_dir / FILE_NAME}: {error}") from error
    for secret in loaded.secrets:
        masking.add_secret(secret)
    if loaded.made is not None:
        log.warning("no HASH_SALT is set; one was made and is kept in the data folder", file=str(loaded.made))
    return loaded.salts


def make_keyring(settings: Settings, plugins: Plugins, masking: Masking) -> Keyring | None:
    """A plugin's, else that of the settings; None, and said, where there is neither.  BadStart for what is no key."""
    text = _read(KEY, settings.encryption_key)
    for secret in digits(text or ""):
        masking.add_secret(secret)
    made = cast("Keyring | None", plugins.hooks.create_keyring(settings=settings))
    if made is not None:
        return made
    if text is None:
        log.warning(
            "no ENCRYPTION_KEY is set: bodies of payments are not kept, and the repeat of a finished one is answered "
            "409 answer_unavailable"
        )
        return None
    from gateway.crypto.keyring import LocalKeyring  # noqa: PLC0415 - it takes 8 MiB that nobody else needs

    try:
        return LocalKeyring.parse(text)
    except ValueError as error:
        raise BadStart(f"{KEY}: {error}") from error


def make_sealer(settings: Settings) -> Sealer:
    """What seals the audit trail: by ENCRYPTION_KEY, or a key of its own in the data folder.  BadStart as above."""
    try:
        return Sealer(signers(_read(KEY, settings.encryption_key), settings.data_dir, make=True))
    except OSError as error:
        raise BadStart(f"cannot keep the key of the audit trail in {settings.data_dir}: {why(error)}") from error
    except ValueError as error:
        raise BadStart(f"the key of the audit trail: {error}") from error


def make_key_watch(settings: Settings, plugins: Plugins, services: Services) -> KeyWatch:
    """What is stored is counted where the process's own keys have sealed it: those of a plugin are the plugin's."""
    database, keyring = services.database, services.keyring
    assert database is not None
    local = _local(keyring, services)
    counted = keyring is None or local is not None
    return KeyWatch(
        database,
        keyring,
        services.salts,
        services.events.tell,
        local=local,
        references=References(database, (*STORED, *plugins.stored)) if counted else None,
        delay=settings.key_delay if sqlite_path(settings.database) is None else 0.0,
        audit=lambda: services.audit,
    )


def make_key_files(settings: Settings, watch: KeyWatch, masking: Masking, sealer: Sealer) -> KeyFiles:
    """Of the settings that name files, and of the salt that is kept in the data folder."""

    def reseal(text: str) -> None:
        sealer.adopt(signers(text, settings.data_dir))

    files = []
    if (path := _path(settings.hash_salt, settings.data_dir / FILE_NAME)) is not None:
        files.append(KeyFile(SALT, path, Salts.parse))
    if watch.local is not None and (path := _path(settings.encryption_key, None)) is not None:
        files.append(KeyFile(KEY, path, type(watch.local.keyring).parse, reseal))
    return KeyFiles(files, watch, masking.add_secret)


def make_reencryption(plugins: Plugins, services: Services) -> Reencryption:
    assert services.database is not None

    def done(walk: Walk) -> None:
        detail = {"moved": walk.moved, "unreadable": walk.unreadable}
        services.events.tell("reencrypted", source="keys", severity="info", **detail)
        services.audit.add("key.reencrypt", subject=KEY, principal=walk.asked_by, detail=detail)

    def tenant() -> str:
        return "" if services.active is None else str(services.active().description["tenant"])

    stored = (*STORED, *plugins.stored)
    return Reencryption(services.database, stored, services.keyring, tenant=tenant, done=done)


def _local(keyring: Keyring | None, services: Services) -> LocalKeys | None:
    if keyring is None:
        return None
    from gateway.crypto.key_uses import KeyUses  # noqa: PLC0415 - as above
    from gateway.crypto.keyring import LocalKeyring  # noqa: PLC0415 - as above

    if not isinstance(keyring, LocalKeyring):
        return None
    assert services.database is not None
    start = partial(services.background.start, name="uses of keys", holder=NOBODY)
    uses = KeyUses(services.database, start, services.events.tell)
    keyring.meter(uses.allowance(keyring.first))
    return LocalKeys(keyring, uses)


def _path(secret: SecretStr | None, kept: Path | None) -> Path | None:
    return kept if secret is None else file_of(secret.get_secret_value())


def _read(kind: str, secret: SecretStr | None) -> str | None:
    """BadStart where the file that it names cannot be read."""
    try:
        return written(secret)
    except OSError as error:
        assert secret is not None
        raise BadStart(f"{kind}: cannot read {file_of(secret.get_secret_value())}: {why(error)}") from error
    except ValueError as error:
        raise BadStart(f"{kind}: its file is not text") from error
