"""Pieces of sentences that alerts are told in: templates of Prometheus, which ask it for what they say.

What is not there is left out, or said to be unknown; never zero.
"""

GROUPED = "".join(
    f' | reReplaceAll "{pattern}" "$1,$2"'
    for pattern in ("^(-?[0-9]+)([0-9]{3})$", "^(-?[0-9]+)([0-9]{3},)", "^(-?[0-9]+)([0-9]{3},)")
)
"""Thousands set apart, up to billions: 312,400."""

WHOLE = f'printf "%.0f"{GROUPED}'
MONEY = WHOLE
"""How a number of customers is written, and an amount in major units."""

PERCENT = 'printf "%.0f %%"'
SHARE = 'humanizePercentage | reReplaceAll "([.][0-9]+)?%$" " %"'
"""How a percentage is written, and a share of 1 as one."""

DURATION = 'humanizeDuration | reReplaceAll "([a-z]) [0-9]+s$" "$1"'
"""Without seconds where there are minutes."""

CLOCK, MOMENT = "15:04 UTC", "2006-01-02 15:04 UTC"


def fresh(recorded: str) -> str:
    """Joined to what is said of customers: the clock that it rests on is of now, and has been for over a minute.

    Recorded series hold for a minute what they were told: within it a clock that has caught up has left years behind,
    and its past would page. `recorded`: 1 while the clock is of now.
    """
    return f"on () min_over_time({recorded}[75s]) == 1"


def asked(expression: str, *labels: str) -> str:
    """A pipeline that asks for an expression in which each `%q` stands for the value of the next of these labels."""
    text = expression.replace('"', '\\"')
    return f'printf "{text}" {" ".join(f"$labels.{label}" for label in labels)} | query'


def one(pipeline: str, shown: str, missing: str = "unknown") -> str:
    """The first answer, written as `shown` says, or `missing`, which may be a template itself."""
    return f"{{{{ with {pipeline} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}{missing}{{{{ end }}}}"


def where_any(pipeline: str, text: str, missing: str = "") -> str:
    """A text that is said only where there is an answer, which is `.` in it."""
    other = f"{{{{ else }}}}{missing}" if missing else ""
    return f"{{{{ with {pipeline} }}}}{text}{other}{{{{ end }}}}"


def each(text: str) -> str:
    """Every answer inside `where_any`, with commas between; the answer is `$one` in the text."""
    return f"{{{{ range $place, $one := . }}}}{{{{ if $place }}}},{{{{ end }}}} {text}{{{{ end }}}}"


def moment(form: str = MOMENT, answer: str = ". | first") -> str:
    """An answer in seconds since 1970, as a moment."""
    return f'{{{{ ({answer} | value | toTime).Format "{form}" }}}}'


def course(pipeline: str, before: str, after: str = "", least: float = 0.0) -> str:
    """Whether a trouble grows, eases or is steady: an answer above `least`, below minus that, or between.

    `before`, `after`: what stands around the word.
    """
    grows, eases = f"{{{{ if gt $course {least} }}}}growing", f"{{{{ else if lt $course {-least} }}}}easing"
    word = f"{{{{ $course := . | first | value }}}}{grows}{eases}{{{{ else }}}}steady{{{{ end }}}}"
    return where_any(pipeline, f"{before}{word}{after}")


def in_address(value: str) -> str:
    """A value as part of an address."""
    return f'{{{{ {value} | urlquery | reReplaceAll "\\\\+" "%20" }}}}'
