"""The page at `/`: what is counted here, and where to look. It needs nothing from anywhere else."""

from collections.abc import Iterable
from html import escape

from agents.web.routes import Route
from streams.facts.definitions.model import Definitions

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1c2733;"
    "background:#fff}td{padding:.2rem 1.5rem .2rem 0;vertical-align:top}a{color:#0b5cad}"
    "@media(prefers-color-scheme:dark){body{color:#dde4ea;background:#14191f}a{color:#7cb7f2}}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Content-Security-Policy of the page."""


def index_page(definitions: Definitions, state: str, routes: Iterable[Route]) -> str:
    """The HTML; `state` says in a sentence how far the tables are."""
    lines = "".join(
        f'<tr><td><a href="{escape(route.path)}">{escape(route.path)}</a></td><td>{escape(route.about)}</td></tr>'
        for route in routes
        if route.path != "/"
    )
    zone, currency = escape(definitions.time_zone), escape(definitions.currency)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>netgrowth</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>netgrowth</h1><p>Customers won and lost, by the definitions <b>{escape(definitions.name)} "
        f"{escape(definitions.version)}</b>, in {currency}, days of {zone}. {escape(state)}</p>"
        f"<table>{lines}</table></body></html>\n"
    )
