"""`holdspace report RUN`: a self-evolution run as one HTML page, with nothing loaded from elsewhere and no script.

Words of models go through `escape` and nothing else, so they can't become markup.  The figures are those of metrics.json and of the stages'
manifests (`studio/report_data.py` reads them); the parts of the page are made in `studio/report_parts.py`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from agents.errors import InputError, StorageError
from studio import report_parts as parts
from studio.report_data import RunData, read_run_data

REPORT = "report.html"
_STYLE = Path(__file__).parent / "report.css"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(run: Path, html: Path | None = None) -> Path:
    """Write the report of a finished run; returns where it is.

    Args:
        run: a folder of holdspace evolve.
        html: the file; report.html in the run's folder when None.

    Raises:
        InputError: there is no finished run, or the target is a folder.
        StorageError: the page can't be written.
    """
    html = html or run / REPORT
    if html.is_dir():
        raise InputError(f"{html} is a folder.", hint="Give the name of the page, such as report.html.")
    page, partial = render(read_run_data(run)), html.with_name(f"{html.name}.partial")
    try:
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")
        partial.replace(html)
    except OSError as error:
        raise StorageError(f"{html} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
    return html


def render(data: RunData) -> str:
    """The page."""
    sections = (
        ("Rounds", parts.rounds(data)),
        ("Outcome and errors", parts.outcome(data)),
        ("Strategies", parts.strategies(data)),
        ("Before and after", parts.beside(data)),
        ("What the critic mended", parts.refined(data)),
        ("Pairs", parts.pairs(data)),
        ("Training", parts.curves(data)),
        ("Lineage and cost", parts.lineage(data)),
        ("Limits", parts.limits(data)),
    )
    body = "".join(f"<section><h2>{escape(title)}</h2>{content}</section>" for title, content in sections if content)
    name = escape(data.name)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{name}: self-evolution report</title>'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{name}</h1>{parts.lead(data)}</header><main>{body}</main>"
        "<footer>Made by holdspace. Simulated talks, for research; not a substitute for care: findahelpline.com, 988 in the US, "
        "or your local emergency number.</footer></body></html>\n"
    )
