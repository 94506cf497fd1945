"""What to do about each alert, as pages for people: an alert's link works where the worker can be reached."""

from collections.abc import Collection, Iterator, Sequence
from importlib.resources import files
from typing import Final

from aiohttp import web
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agents.web.board_pages import SAFE

POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of a page: text and a style sheet."""

INDEX: Final = "README"

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/board/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/board/board.css">
<link rel="stylesheet" href="/board/runbooks.css">
</head>
<body class="runbook">
<p class="pale"><a href="/runbooks/">All runbooks</a> <a href="/">Board</a></p>
{body}</body>
</html>
"""


def runbooks() -> dict[str, str]:
    """Markdown of each runbook by the name of its alert, and of their list, `README`."""
    folder = files("config.alerting") / "runbooks"
    return {
        file.name.removesuffix(".md"): file.read_text(encoding="utf-8")
        for file in folder.iterdir() if file.name.endswith(".md")
    }  # fmt: skip


class RunbookPages:
    """One method a page."""

    def __init__(self) -> None:
        texts = runbooks()
        self._pages = {name: _page(name, text, texts.keys()) for name, text in texts.items()}

    async def runbook_index(self, request: web.Request) -> web.Response:
        """The list of all runbooks."""
        return self._html(self._pages[INDEX])

    async def runbook(self, request: web.Request) -> web.Response:
        """One runbook, by its alert's name, with or without `.md`."""
        name = request.match_info["name"].removesuffix(".md")
        page = self._pages.get(name)
        if page is None:
            return web.Response(status=404, text=f"there is no runbook {name}; /runbooks/ lists all of them\n")
        return self._html(page)

    def _html(self, page: str) -> web.Response:
        return web.Response(
            text=page, content_type="text/html", headers={**SAFE, "Content-Security-Policy": POLICY}
        )


def _page(name: str, text: str, known: Collection[str]) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.children is not None:
            token.children = list(_with_links_to(known, token.children))
    title = "Runbooks" if name == INDEX else name
    return PAGE.format(title=title, body=parser.renderer.render(tokens, parser.options, {}))


def _with_links_to(known: Collection[str], tokens: Sequence[Token]) -> Iterator[Token]:
    """Links between runbooks stay; what else the folder of documents holds is not served, and is named only."""
    kept: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            kept.append(str(token.attrGet("href")).removesuffix(".md") in known)
        if token.type not in ("link_open", "link_close") or kept[-1]:
            yield token
        if token.type == "link_close":
            kept.pop()
