"""After a run: who has to be told of what, and telling them. Nothing here makes a run fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import filelock

from pipelines.notify.alerts import RUN_FAILED, Alert, alerts, resolved
from pipelines.notify.channels import Channel, DeliveryError, channels
from pipelines.notify.digest import digest, digest_week
from pipelines.notify.message import Message
from pipelines.notify.situation import read_situation
from pipelines.notify.state import FOLDER, Told, read_told, write_told
from pipelines.settings import Settings
from pipelines.sign_in import SettingsError

LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of telling: messages that arrived, and a sentence for each that did not."""

    sent: int
    warnings: list[str]


def after_run(settings: Settings, failure: Alert | None, *, is_run: bool = True) -> Outcome:
    """Tell every channel what it does not know yet, and the digest when its day has come.

    failure: the alert of the run that just failed; None: it went well, or (is_run False) there was no run.
    """
    try:
        targets = channels(settings)
        if not targets:
            return Outcome(0, [])
        lock = settings.data_dir / FOLDER / "told.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock, timeout=LOCK_SECONDS):
            return _tell(settings, targets, failure, is_run=is_run)
    except Exception as error:
        # Whatever it is, the run is worth more than its message; the text could hold anything.
        reason = str(error) if isinstance(error, SettingsError) else f"an unexpected {type(error).__name__}."
        return Outcome(0, [f"Nobody was told: {reason}"])


def _tell(settings: Settings, targets: list[Channel], failure: Alert | None, *, is_run: bool) -> Outcome:
    told = read_told(settings.data_dir)
    found = [*([failure] if failure else []), *alerts(settings, read_situation(settings))]
    current = {alert.key: alert for alert in found}
    names = [channel.name for channel in targets]
    _close(told, current, names, keeps_failure=failure is None and not is_run)
    sent, warnings = 0, []
    for channel in targets:
        for message, done in _news(settings, told, current, channel.name, with_digest=failure is None):
            try:
                channel.send(message)
            except (DeliveryError, SettingsError) as error:
                warnings.append(str(error))
                # The others of this channel would fail the same way, each after its own wait.
                break
            sent += 1
            done()
            write_told(settings.data_dir, told)
    write_told(settings.data_dir, told)
    return Outcome(sent, warnings)


def _close(told: Told, current: dict[str, Alert], names: list[str], *, keeps_failure: bool) -> None:
    """Alerts that are over: those who knew of them are to hear it."""
    for key in [key for key in told.open if key not in current]:
        if key == RUN_FAILED and keeps_failure:
            continue
        knew = [name for name in told.open.pop(key) if name in names]
        if knew:
            told.over[key] = knew
    for key in current:
        # Back before anybody heard that it was over: those who know of it still do.
        again = told.over.pop(key, [])
        told.open.setdefault(key, list(again))


def _news(
    settings: Settings, told: Told, current: dict[str, Alert], name: str, *, with_digest: bool
) -> Iterable[tuple[Message, Callable[[], None]]]:
    """What one channel has not heard yet, each with what is to be noted once it has."""
    for key, alert in current.items():
        if name not in told.open[key]:
            yield alert.message(settings), lambda key=key: told.open[key].append(name)  # type: ignore[misc]
    for key in [key for key, waiting in told.over.items() if name in waiting]:
        yield resolved(key, settings), lambda key=key: _heard(told, key, name)  # type: ignore[misc]
    week = digest_week(settings)
    if with_digest and week and told.digests.get(name, "") < week:
        message = digest(settings)
        if message is not None:
            yield message, lambda: told.digests.__setitem__(name, week)


def _heard(told: Told, key: str, name: str) -> None:
    told.over[key].remove(name)
    if not told.over[key]:
        del told.over[key]
