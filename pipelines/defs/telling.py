"""When a run ends, those who want to know are told: in the run's own process, with the daemon or without."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from pipelines.settings import SettingsError, load_settings

# The runs that readers depend on; what somebody materialises by hand, they are watching.
_JOBS = ("sync", "refresh")
_LAST_STEP = "publish"
_SKIPPED = "Dependencies for step"


def tell_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, warn: Callable[[str], None]) -> None:
    """Send what is to be sent, if anything is set at all; what does not arrive is a warning in the run's log."""
    if run.job_name not in _JOBS:
        return
    try:
        settings = load_settings()
    except SettingsError:
        # The steps have said so already, and without settings there is nobody to tell.
        return
    if not settings.notify_is_on:
        return
    try:
        # Only now: most installations send nothing, and every run would load it.
        from pipelines.notify.alerts import run_failed
        from pipelines.notify.deliver import after_run

        failures, is_whole = _ends(instance, run.run_id)
        failure = run_failed(run.job_name, failures) if failures else None
        for sentence in after_run(settings, failure, is_run=is_whole).warnings:
            warn(sentence)
    except Exception as error:
        # The run is over, and stays what it was.
        warn(f"Nobody was told how the run ended: an unexpected {type(error).__name__}.")


def _ends(instance: dg.DagsterInstance, run_id: str) -> tuple[list[str], bool]:
    """Why steps failed, and whether the last one went well: a run that was stopped has neither."""
    types = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_SUCCESS}
    failures, is_whole = [], False
    for record in instance.get_records_for_run(run_id, of_type=types).records:
        event = record.event_log_entry.get_dagster_event()
        if not event.is_step_failure:
            is_whole = is_whole or event.step_key == _LAST_STEP
            continue
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        if described:
            failures.append(described)
        elif data.error is None or not data.error.message.partition(": ")[2].startswith(_SKIPPED):
            # What an unforeseen error says may hold anything, people's names too.
            failures.append(f"Step {event.step_key} failed in an unforeseen way; its log says how.")
    return list(dict.fromkeys(failures)), is_whole
