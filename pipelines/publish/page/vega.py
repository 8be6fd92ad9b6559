"""The drawing library inside the page: Vega, Vega-Lite and the expression interpreter in one script."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipelines.warehouse.atomic import write_atomically

VEGA_LITE = "6.1"


@cache
def vega_script(keep: Path | None = None) -> str:
    """The script, with no name of its own let out.

    keep: a folder where it is kept for the next process, as putting it together takes seconds.
    """
    kept = keep / f"vega-lite-{VEGA_LITE}-{version('vl-convert-python')}.js" if keep else None
    if kept and kept.exists():
        return kept.read_text(encoding="utf-8")
    script = _bundle()
    if kept:
        write_atomically(kept, script)
    return script


def _bundle() -> str:
    import vl_convert  # large, and only this needs it

    bundle = vl_convert.javascript_bundle("window.m365Embed = vegaEmbed;", vl_version=VEGA_LITE)
    # In a function, as the bundle takes short global names; no text of it may end the script element.
    return "(function(){" + bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--") + "\n})();"
