"""The m365-usage command."""

from __future__ import annotations

import sys

import typer

from pipelines.actions.apply import ApplyBusyError
from pipelines.cli import (
    accept,
    actions,
    check,
    demo,
    export,
    forget,
    import_,
    login,
    notify,
    open_,
    purge,
    query,
    rebuild,
    report,
    simulate,
    skus,
    status,
    sync,
    ui,
)
from pipelines.cli.console import messages
from pipelines.graph.errors import GraphError
from pipelines.settings import SettingsError
from pipelines.warehouse.errors import (
    NO_SPACE,
    ForgottenError,
    OwnListError,
    WarehouseBusyError,
    WarehouseOutdatedError,
    is_out_of_space,
)

app = typer.Typer(
    name="m365-usage",
    help="A warehouse of Microsoft 365 usage and licences. Settings: environment or .env (see .env.example); several "
    "tenants: tenants.toml (see tenants.example.toml).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(check.check)
app.command()(login.login)
app.command()(sync.sync)
app.command("import")(import_.import_)
app.command()(query.query)
app.command()(report.report)
app.command()(export.export)
app.command("open")(open_.open_)
app.command()(status.status)
app.command()(accept.accept)
app.command()(rebuild.rebuild)
app.command()(purge.purge)
app.command()(forget.forget)
app.add_typer(actions.app, name="actions")
app.add_typer(skus.app, name="skus")
app.command()(notify.notify)
app.command()(ui.ui)
app.command()(demo.demo)
app.command()(simulate.simulate)


def main() -> None:
    """Run the command; a user's mistake ends with one sentence and no stack trace.

    Exit code 0: done; 1: the work failed; 2: the request or the configuration was wrong.
    """
    try:
        app()
    except (SettingsError, OwnListError) as error:
        _say(error)
        sys.exit(2)
    except (ApplyBusyError, GraphError, ForgottenError, WarehouseBusyError, WarehouseOutdatedError) as error:
        _say(error)
        sys.exit(1)
    except Exception as error:
        if not is_out_of_space(error):
            raise
        _say(NO_SPACE)
        sys.exit(1)


def _say(error: Exception | str) -> None:
    messages().print(str(error), style="red", markup=False, highlight=False)
