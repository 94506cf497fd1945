"""Two bowls of marbles as SVG: customers who joined, and customers who left.

The page shows the two drawings of `bowl`, whose colours its style sheet may change by class; `bowls_picture` is a
picture that stands for itself.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from streams.report.marble_places import marble_places
from streams.report.wording import plural
from streams.tables.rows import LARGEST_BOWL

MOST_DRAWN = 600
"""Marbles drawn in a bowl; definitions that fix few customers a marble may ask for more, and the rest is told."""

BOWLS = ("gained", "lost")

_R = 180.0
_X, _Y = 200.0, 206.0
_BOX = "8 62 384 334"
_RIM = -0.66
"""Height of the rim, in radii of the bowl, from its middle."""

_GLOSS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "gained": (
        ("#d5f6ea", "#2fb594", "#0d6b5c"), ("#d3eefb", "#2f94c4", "#13557f"), ("#e6f7cf", "#79b340", "#3f6f1c"),
    ),
    "lost": (
        ("#ffe1d2", "#e2714a", "#96361c"), ("#ffeccb", "#e0a036", "#94600f"), ("#fbd6dc", "#cf5470", "#82243c"),
    ),
}  # fmt: skip
"""Of each bowl three kinds of marble: where light falls, the body, the edge."""


_DARK = "<style>.shine{stroke-opacity:.18}</style>"
"""On dark paper the light on the glass is faint, as on the page (board.css)."""


def bowl(name: str, marbles: Mapping[str, int]) -> str:
    """One bowl as an SVG element without a background; marbles in the order in which they came.

    Args:
        name: `gained` or `lost`.
        marbles: of a row of the tables.
    """
    return "".join(_bowl(name, marbles))


def marbles_text(name: str, marbles: Mapping[str, int]) -> str:
    """What a bowl holds, in words."""
    each, count, rest = marbles["customers_per_marble"], marbles[name], marbles[f"remainder_{name}"]
    beside = f", and {plural(rest, 'customer')} beside" if rest else ""
    left_out = f"; {count - MOST_DRAWN:,} of them are not drawn" if count > MOST_DRAWN else ""
    return f"{plural(count, 'marble')} of {plural(each, 'customer')}{beside}{left_out}"


def bowls_picture(row: Mapping[str, Any], title: str, sentence: str, about: str, *, dark: bool = False) -> str:
    """Both bowls with what they say, as an SVG file of 960 x 640.

    Args:
        title: what is shown: scope and window.
        about: definitions and instant.
    """
    paper, ink, pale = ("#12161c", "#e9edf1", "#9aa7b4") if dark else ("#fbfaf7", "#1d242c", "#5d6873")
    marbles = row["marbles"]
    joined = row["new"]["customers"] + row["returned"]["customers"]
    under = (("gained", 240, f"{joined:,} joined"), ("lost", 720, f"{row['lost']['customers']:,} left"))
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 640" width="960" height="640" role="img" '
        f'font-family="system-ui, sans-serif"><title>{escape(sentence)}</title>'
        f'<rect width="960" height="640" fill="{paper}"/>{_DARK if dark else ""}',
        _line(480, 44, 17, pale, title),
        _line(480, 86, 27, ink, sentence, "font-weight=\"600\""),
    ]
    for name, middle, words in under:
        placed = f'<svg x="{middle - 210}" y="124" width="420" height="365" '
        parts += [bowl(name, marbles).replace("<svg ", placed, 1)]
        parts += [_line(middle, 540, 24, ink, words, "font-weight=\"600\"")]
        parts.append(_line(middle, 566, 15, pale, marbles_text(name, marbles)))
    return "".join([*parts, _line(480, 616, 14, pale, about), "</svg>\n"])


def _line(x: int, y: int, size: int, fill: str, words: str, more: str = "") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="middle" {more}>{escape(words)}</text>'
    )


def _bowl(name: str, marbles: Mapping[str, int]) -> Iterator[str]:
    drawn = {bowl: min(marbles[bowl], MOST_DRAWN) for bowl in BOWLS}
    radius = math.sqrt(0.6 / max(LARGEST_BOWL, *drawn.values()))
    side = math.sqrt(1 - _RIM**2) * _R
    rim = _Y + _RIM * _R
    left, right = _X - side, _X + side
    glass = f"M{left:.1f} {rim:.1f}A{_R} {_R} 0 1 0 {right:.1f} {rim:.1f}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_BOX}" class="bowl {name}" role="img" '
        f'aria-label="{escape(marbles_text(name, marbles))}"><defs>'
    )
    for number, (light, body, edge) in enumerate(_GLOSS[name]):
        yield (
            f'<radialGradient id="{name}{number}" cx=".36" cy=".3" r=".75"><stop offset="0" stop-color="{light}"/>'
            f'<stop offset=".45" stop-color="{body}"/><stop offset="1" stop-color="{edge}"/></radialGradient>'
        )
    yield (
        f'<radialGradient id="{name}glass" cx=".5" cy=".42" r=".6"><stop offset=".6" stop-color="#8fb4cc" '
        'stop-opacity=".05"/><stop offset="1" stop-color="#8fb4cc" stop-opacity=".28"/></radialGradient></defs>'
        f'<ellipse cx="{_X}" cy="{_Y + _R + 1:.1f}" rx="118" ry="6" fill="#000" fill-opacity=".16"/>'
        f'<path class="glass" d="{glass}" fill="url(#{name}glass)"/><g class="marbles">'
    )
    size = radius * _R * 0.985
    for number, (x, y) in enumerate(marble_places(drawn[name], radius)):
        # Seven and three have no common factor with most rows: neighbours seldom look alike.
        kind = (number * 7 + number // 3) % 3
        yield f'<circle cx="{_X + x * _R:.1f}" cy="{_Y + y * _R:.1f}" r="{size:.1f}" fill="url(#{name}{kind})"/>'
    shine_x, shine_y = _X - 0.8 * _R, _Y - 0.34 * _R
    yield (
        f'</g><path class="rim" d="{glass}" fill="none" stroke="#8ea6b8" stroke-opacity=".75" stroke-width="2.5"/>'
        f'<ellipse class="rim" cx="{_X}" cy="{rim:.1f}" rx="{side:.1f}" ry="13" fill="#8fb4cc" fill-opacity=".10" '
        'stroke="#8ea6b8" stroke-opacity=".8" stroke-width="2.5"/>'
        f'<path class="shine" d="M{shine_x:.1f} {shine_y:.1f}A{0.87 * _R:.1f} {0.87 * _R:.1f} 0 0 0 '
        f'{_X - 0.62 * _R:.1f} {_Y + 0.6 * _R:.1f}" fill="none" stroke="#fff" stroke-opacity=".5" '
        'stroke-width="7" stroke-linecap="round"/></svg>'
    )
