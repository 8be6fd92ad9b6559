"""Run dbt with the arguments of the command line, or have the process do it that waits for them."""

import os
import sys

from pipelines.dbt_process import ahead
from pipelines.dbt_process.lifetime import PARENT_VARIABLE, end_with_parent
from pipelines.dbt_process.run import run_dbt


def main() -> None:
    """dbt's exit code becomes this process's."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent:
        end_with_parent(int(parent))
    # What dbt writes beside the warehouse holds names of people, too.
    os.umask(0o077)
    if sys.argv[1:2] == [ahead.WAIT]:
        ahead.wait_for_work(sys.argv[2])
    code = ahead.hand_over(sys.argv[1:])
    if code is None:
        code = run_dbt(sys.argv[1:])
    sys.exit(code)


if __name__ == "__main__":
    main()
