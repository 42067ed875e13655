"""The database that the trials of a sweep are recorded in, and what goes wrong with it."""

from __future__ import annotations

import inspect
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from specnet.diagnostics import RunError
from specnet.runs.extras import needed

T = TypeVar("T")

VARIABLE = "SPECNET_STORAGE"
"""The environment variable of a database's URL."""

HEARTBEAT = 5
"""Seconds from one sign of life of a running trial to the next."""

GRACE = 30
"""Seconds without one after which a trial counts as lost."""

TRIES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before a database is asked again that did not answer."""

HIDDEN = "***"


class StorageUrl:
    """The URL of a database, whose password is shown nowhere."""

    def __init__(self, url: str) -> None:
        needed("optuna", "sweep", "a sweep")
        engine = needed("sqlalchemy.engine", "sweep", "a sweep")
        exceptions = needed("sqlalchemy.exc", "sweep", "a sweep")
        try:
            self.parsed: Any = engine.make_url(url)
        except (exceptions.ArgumentError, ValueError):
            raise RunError(
                "the storage is no URL of a database; write sqlite:///sweep.db or "
                "postgresql+psycopg://user:password@host/database"
            ) from None
        if self.is_sqlite and self.parsed.database in (None, "", ":memory:"):
            raise RunError("a storage in memory is lost with its process; name a file: sqlite:///sweep.db")
        self.url = url

    @classmethod
    def of_file(cls, path: Path) -> StorageUrl:
        """Return the URL of an SQLite file."""
        engine = needed("sqlalchemy.engine", "sweep", "a sweep")
        needed("optuna", "sweep", "a sweep")
        made = cls.__new__(cls)
        made.parsed = engine.URL.create("sqlite", database=str(path.absolute()))
        made.url = made.parsed.render_as_string(hide_password=False)
        return made

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return bool(self.parsed.get_backend_name() == "sqlite")

    @property
    def secrets(self) -> list[str]:
        """The parts that nobody should see."""
        hidden = [] if self.parsed.password is None else [str(self.parsed.password)]
        for key, value in self.parsed.query.items():
            if any(word in key.lower() for word in ("pass", "token", "secret", "key")):
                hidden += [value] if isinstance(value, str) else list(value)
        return sorted(filter(None, hidden), key=len, reverse=True)

    def __str__(self) -> str:
        """Return the URL without its password."""
        return self.hide(str(self.parsed.render_as_string(hide_password=True)))

    def __repr__(self) -> str:
        return f"StorageUrl({str(self)!r})"

    def hide(self, text: str) -> str:
        """Return a text without the password."""
        from urllib.parse import quote, quote_plus

        for secret in self.secrets:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, HIDDEN)
        return text


def given_url(asked: str | None) -> StorageUrl | None:
    """Return the URL that was asked for, or that the environment names; None for a file beside the trials."""
    url = asked or os.environ.get(VARIABLE)
    return StorageUrl(url) if url else None


def open_storage(url: StorageUrl, on_lost: Callable[[Any, Any], None]) -> Any:
    """Return Optuna's storage in a database; raises RunError where there is none.

    `on_lost` is called with the study and each trial whose process gives no sign of life.
    """
    storages = needed("optuna.storages", "sweep", "a sweep")
    settings: dict[str, Any] = {"connect_args": {"timeout": 60}} if url.is_sqlite else {"pool_pre_ping": True}
    names = inspect.signature(storages.RDBStorage.__init__).parameters
    lost = "heartbeat_stale_trial_callback"  # as it is called from Optuna 4.9 on
    callback = {lost if lost in names else "failed_trial_callback": on_lost}
    with quiet():
        return asked(
            url,
            lambda: storages.RDBStorage(
                url.url,
                engine_kwargs=settings,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                **callback,
            ),
            TRIES[:2],
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging, and from calling its parts experimental."""
    logging = needed("optuna.logging", "sweep", "a sweep")
    before = logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.set_verbosity(logging.ERROR)
        try:
            yield
        finally:
            logging.set_verbosity(before)


def asked(url: StorageUrl, question: Callable[[], T], waits: tuple[float, ...] = TRIES) -> T:
    """Return what a database answers, which is asked again a few times; raises RunError where it does not answer."""
    exceptions = needed("sqlalchemy.exc", "sweep", "a sweep")
    internal = needed("optuna.exceptions", "sweep", "a sweep").StorageInternalError
    for wait in (*waits, None):
        try:
            return question()
        except (exceptions.SQLAlchemyError, internal, OSError) as error:
            if wait is None or _hopeless(error):
                raise RunError(_said(url, error)) from None
            time.sleep(wait)
        except ModuleNotFoundError as error:
            raise RunError(
                f"{url} needs the package {error.name}: install it, or name another driver in the URL, as in "
                "postgresql+psycopg://"
            ) from None
    raise AssertionError


def _hopeless(error: BaseException) -> bool:
    from sqlalchemy.exc import NoSuchModuleError

    return isinstance(error, NoSuchModuleError)


def _said(url: StorageUrl, error: BaseException) -> str:
    """Return what a database's error comes to, in a sentence."""
    cause: BaseException = error
    while isinstance(getattr(cause, "orig", None) or cause.__cause__, BaseException):
        cause = getattr(cause, "orig", None) or cause.__cause__  # type: ignore[assignment]
    text = url.hide(" ".join(str(cause).split()))
    if "locked" in text:
        return f"the storage {url} is locked by another process, and has been for a minute: {text}"
    if "disk" in text and "full" in text:
        return f"the storage {url} cannot be written: the disk is full"
    return f"the storage {url} cannot be used: {text}"
