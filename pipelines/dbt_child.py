"""dbt as a child process that does not outlive the run: killed or not, an orphan would keep the warehouse locked.

python -m pipelines.dbt_child build …      with the run's process id in M365_DBT_PARENT

It stands outside of defs/, so that Dagster is not loaded once more for it.
"""

import os
import sys
import threading
import time

PARENT_VARIABLE = "M365_DBT_PARENT"
LOOK_EVERY_SECONDS = 0.2


def end_with_parent(parent: int) -> None:
    """End this process at once when its parent is another one; DuckDB drops what was not committed."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    os._exit(1)


def main() -> None:
    """Run dbt with the arguments of the command line."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent:
        threading.Thread(target=end_with_parent, args=(int(parent),), daemon=True).start()
    # What dbt writes beside the warehouse holds names of people, too.
    os.umask(0o077)
    from dbt.cli.main import cli

    sys.argv[0] = "dbt"
    cli()


if __name__ == "__main__":
    main()
