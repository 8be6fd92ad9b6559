"""m365-usage skus: the names of products."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import requests
import typer

from pipelines.cli.console import messages
from pipelines.graph.transport import TIMEOUT, TlsSession
from pipelines.imports.product_table import Product, parse_product_table, read_product_table, write_product_names
from pipelines.settings import SettingsError, load_settings
from pipelines.warehouse.own_lists import OWN_LISTS, PRODUCT_NAMES_FILE, read_own_list

PRODUCT_TABLE_URL = (
    "https://download.microsoft.com/download/e/3/e/e3e9faf2-f28b-490a-9ada-c6089a1fc5b0/"
    "Product%20names%20and%20service%20plan%20identifiers%20for%20licensing.csv"
)
PRODUCT_TABLE_PAGE = "learn.microsoft.com/entra/identity/users/licensing-service-plan-reference"
# The table has about 800 kB.
MAX_BYTES = 50_000_000
_BY_HAND = f"Download the CSV by hand ({PRODUCT_TABLE_PAGE}) and give it with --file."

app = typer.Typer(help="The names of products.", no_args_is_help=True)


@app.callback()
def skus() -> None:
    """The names of products."""


@app.command()
def update(
    file: Annotated[
        Path | None, typer.Option(help="Microsoft's CSV of product names, already downloaded.", dir_okay=False)
    ] = None,
    url: Annotated[str, typer.Option(help="Where to download it from.", show_default=False)] = PRODUCT_TABLE_URL,
) -> None:
    """Load Microsoft's table of product names, so that rare SKUs have a name, too.

    It is written to product_names.csv in the rules folder, which the next sync reads.
    """
    settings = load_settings()
    path = settings.rules_dir / PRODUCT_NAMES_FILE
    own_list = next(own_list for own_list in OWN_LISTS if own_list.file_name == PRODUCT_NAMES_FILE)
    before = {row["sku_id"] for row in read_own_list(own_list, settings.rules_dir)}
    products = read_product_table(file) if file else _download(url, settings.ca_bundle)
    write_product_names(products, path)
    new = sum(product.sku_id not in before for product in products)
    messages().print(f"{len(products)} products, {new} of them new, are in {path}.", highlight=False, markup=False)


def _download(url: str, ca_bundle: Path | None) -> list[Product]:
    if not url.startswith("https://"):
        raise SettingsError(f"{url} is no https address. {_BY_HAND}")
    try:
        with TlsSession(ca_bundle) as session, session.get(url, timeout=TIMEOUT, stream=True) as answer:
            body = answer.raw.read(MAX_BYTES + 1, decode_content=True) if answer.ok else b""
    except (requests.RequestException, OSError) as error:
        raise SettingsError(f"The table cannot be downloaded: {type(error).__name__}. {_BY_HAND}") from None
    if not answer.ok or len(body) > MAX_BYTES:
        reason = "it is too large" if answer.ok else f"the server answered {answer.status_code}"
        raise SettingsError(f"The table cannot be downloaded: {reason}. {_BY_HAND}")
    return parse_product_table(body, Path(PRODUCT_NAMES_FILE))
