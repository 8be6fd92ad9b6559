"""A child process that does not outlive its run: killed or not, an orphan would keep the warehouse locked."""

import os
import threading
import time

# Holds the process id of the run.
PARENT_VARIABLE = "M365_DBT_PARENT"
LOOK_EVERY_SECONDS = 0.2


def end_with_parent(parent: int) -> None:
    """From now on, end this process as soon as its parent is another one; DuckDB drops what was not committed."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    os._exit(1)
