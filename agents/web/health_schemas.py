"""JSON Schemas of health as customers perceive it."""

from agents.web.schema_words import (
    Schema,
    count,
    counts,
    flag,
    instant,
    list_of,
    maybe,
    named,
    number,
    record,
    ref,
    text,
)

_DEFINITIONS = record("the agreement that was counted by", name=text("its name"), version=text("its version"))
_SCOPE = {
    "service": text("the service"),
    "stage": text("the stage of the customer's journey; `unknown`: one that the definitions do not list"),
    "segment": maybe(text("where the customer counts in the ledger; absent for the stage as a whole")),
    "region": maybe(text("the same")),
}
_INSTANT = {"type": "string", "format": "date-time", "description": "RFC 3339, in the company's time zone"}
_COLOUR: Schema = {
    "type": "string", "enum": ["green", "yellow", "red", "unknown"],
    "description": "by the lower bound of the share, or the number disrupted; unknown: nobody was seen",
}
_RECORDS = {
    "records": maybe(count("read")),
    "no_signal": maybe(counts("that a rule dropped, by rule")),
    "unmapped": maybe(count("that no rule took")),
    "dead_lettered": maybe(counts("that could not be admitted, by reason")),
}

_WHO_KNEW: Schema = {
    "type": "string", "enum": ["read", "unknown"],
    "description": "unknown: no mentions are read, so that it is not known who was first",
}
_DETECTION = {
    "mentions_feed": _WHO_KNEW,
    "first_to_know": maybe(record(
        "who knew first; absent without mentions", troubles=count("in all"),
        complained_of=count("of these, that customers complained of"),
        we_were_first=count("of these, detected no later than the first complaint"),
        share=maybe(number("of those complained of, in which we were first; absent: nobody complained")),
    )),
    "before_loss": record(
        "how long before the first loss troubles were detected", troubles=count("in all"),
        left_after=count("of these, after which a customer left who was disrupted"),
        median_seconds=maybe(number("from detection to the first loss, of half of these at least")),
        least_seconds=maybe(number("the least of these; negative: the loss came first")),
    ),
}  # fmt: skip

_SHARE = {
    "customers": count("customers"), "disrupted_before": count("of these, disrupted in the days before"),
    "share": maybe(number("share of these; absent: there are no customers")),
    "share_lower": maybe(number("lower end of its 95 % interval")),
    "share_upper": maybe(number("upper end of its 95 % interval")),
}  # fmt: skip
_EXPOSURE = {
    "exposure": maybe(record(
        "whether the disrupted leave more; absent: nobody left whom signals had told of",
        start=instant("of the time in which customers left"), end=instant("of it"),
        days_before=number("how far back from a loss is looked"),
        left=record("who left", **_SHARE), stayed=record("who stayed, looked at when the others left", **_SHARE),
        by_reason=list_of("who left, the most first", record(
            "a reason", reason=text("why"), customers=count("who left"), disrupted_before=count("of these"),
        )),
        risk_ratio=maybe(record(
            "how many times as often the disrupted left as the others", ratio=number("the estimate"),
            lower=number("lower end of its 99 % interval"), upper=number("upper end of its 99 % interval"),
        )),
        shown=flag("the interval does not hold 1; else nothing is shown"),
    )),
}  # fmt: skip

HEALTH_SCHEMAS: dict[str, Schema] = {
    "Trouble": record(
        "a scope from red to green again", **_SCOPE, start=instant("first minute"), end=instant("after the last one"),
        detected=instant("when its first red minute was over"), lasts=flag("it goes on"),
        first_complaint=maybe(instant("when somebody first complained")),
        complaint_by=maybe({
            "type": "string", "enum": ["customer", "topic"],
            "description": "a customer disrupted in it; or, as none of them did, somebody unhappy about its topic",
        }),
        seconds_before_complaint=maybe(number("from detection to it; negative: customers were first")),
        first_loss=maybe(instant("when the first of the customers disrupted in it left")),
        seconds_before_loss=maybe(number("from detection to it; negative: the loss came first")),
    ),
    "ScopeHealth": record(
        "a scope in a window",
        **_SCOPE,
        tier={"type": "integer", "enum": [1, 2, 3], "description": "of the stage: 1 pages, 2 a ticket, 3 is shown"},
        customers=count("distinct customers seen"),
        disrupted=count("distinct customers disrupted in one minute or more"),
        customer_minutes=count("minutes in which a customer was disrupted, over all customers"),
        counts={"type": "string", "enum": ["distinct", "sums"], "description": "sums: signals stood for several"},
        share=maybe(number("share disrupted")),
        share_lower=maybe(number("lower end of its 95 % interval")),
        share_upper=maybe(number("upper end of its 95 % interval")),
        apdex=maybe(number("(satisfied + half of the tolerating) / all")),
        interactions=maybe(counts("satisfied, tolerating and frustrated")),
        colour=_COLOUR,
        now=maybe(_COLOUR | {"description": "of a stage as a whole: its colour over the last five minutes"}),
        worst=maybe(record(
            "of a stage as a whole: the worst minutes of the window; absent: it was green throughout",
            colour=_COLOUR | {"description": "red or yellow"}, minutes=count("in which it was so"),
            segment=maybe(text("of which customers; absent: the stage as a whole")), region=maybe(text("the same")),
        )),
        value_at_risk=maybe(count("expected value of those disrupted, minor units; absent: of none it is known")),
        value_unknown=maybe(count("of those disrupted, how many the ledger does not know")),
        latency_ms=maybe(named("quantiles, right to 1 %", {"type": "number"})),
        probes=maybe(record("synthetic interactions", sent=count("how many"), failed=count("of these"))),
    ),
    "NamedSubset": record(
        "a trouble of some customers", start=instant("when it began"), end=instant("until when it lasted"),
        named_at=instant("when it was first named"), service=text("where"), stage=text("where"),
        attributes=named("by attribute", {"type": "array", "items": {"type": "string"}}),
        customers=count("of them seen"), disrupted=count("of them disrupted"),
        share_of_excess=number("of what was disrupted above usual"),
        ratio=number("log-likelihood ratio"), lift=maybe(number("share disrupted, times that of the rest")),
    ),
    "FalseGreen": record(
        "a spell of false green", **_SCOPE, start=instant("first minute"), end=instant("after the last minute"),
        minutes=count("that were so"), lasts=flag("it is so now"),
    ),
    "HealthSection": record(
        "the section `health` of the report card",
        window=text("which: the card's, or 24h where health is not kept for that one"),
        at=instant("the clock of the signals"), in_trouble=count("customers disrupted now"),
        stages=maybe(list_of(
            "disruption beside the losses of the card's window, whose reasons belong to the stage; absent while the "
            "losses are not known",
            record(
                "a stage", stage=text("its name"), customers=count("seen"), disrupted=count("disrupted"),
                lost=ref("Amount", "lost for its reasons"),
            ),
        )),
        services=list_of("services and stages, the most customers disrupted first", ref("ScopeHealth", "one")),
        subsets=list_of("the newest troubles that were named", ref("NamedSubset", "one")),
        status_feed=text("`read`, or `unknown`"),
        false_green=list_of("services and stages that are in it now", ref("FalseGreen", "one")),
        troubles=list_of("the newest troubles", ref("Trouble", "one")),
        **_DETECTION,
        **_EXPOSURE,
    ),
    "Health": record(
        "health as customers perceive it",
        definitions=_DEFINITIONS, currency=text("of values"), until=instant("the clock of the signals"),
        window=text("which"),
        status_feed={
            "type": "string", "enum": ["read", "unknown"],
            "description": "unknown: operations said nothing, or too long ago; so false green is unknown, not none",
        },
        statuses=list_of(
            "the last word of operations",
            record(
                "a word", service=text("of which service"), stage=maybe(text("of which stage, if not of all")),
                region=maybe(text("of which region, if not of all")),
                status={"type": "string", "enum": ["up", "degraded", "down", "unknown"],
                        "description": "what they said; unknown: so long ago that it holds no more"},
                last_status=maybe(text("of one that is unknown: what was last said")),
                since_minute=instant("the minute in which it was last said"),
            ),
        ),
        ledger=text("read"),
        in_trouble=count("distinct customers disrupted in the running minute or the four before it"),
        accounting=record(
            "what became of the records",
            signals=record(
                "of qos-signals", **_RECORDS, signals=maybe(count("admitted")),
                duplicates=maybe(count("that came again")), late=maybe(count("older than the horizon")),
            ),
            status=record("of service-status", **_RECORDS, statuses=maybe(count("admitted"))),
        ),
        periods=list_of(
            "one: the window",
            record(
                "a period", start=_INSTANT, end=_INSTANT,
                scopes=list_of("service x stage x segment x region", ref("ScopeHealth", "a scope")),
                services=list_of("services and stages as a whole", ref("ScopeHealth", "a scope")),
            ),
        ),
        subsets=list_of("troubles that were named", ref("NamedSubset", "a trouble")),
        false_green=list_of(
            "spells in which customers were red and operations said up", ref("FalseGreen", "a spell")
        ),
        status_unknown_minutes=count("red minutes of segments and regions when nobody knows what operations said"),
        troubles=list_of("troubles of the last week, by their start", ref("Trouble", "one")),
        **_DETECTION,
        **_EXPOSURE,
    ),
}
