"""Metrics of perceived health as plain data, for `streams.catalogue`: name, unit, help text, labels."""

from streams.catalogue_units import CURRENCY, CUSTOMERS, NOTHING, RATIO, SECONDS, TIMESTAMP

OF_SCOPES = ("scope", "service", "stage", "segment", "region", "window")
"""`scope` is `stage`, a service and stage as a whole, or `segment_region`, a part of it."""

OF_SPELLS = ("scope", "service", "stage", "segment", "region")

HEALTH_METRICS = (
    ("health_customers_seen", CUSTOMERS, "Distinct customers seen.", OF_SCOPES),
    ("health_customers_disrupted", CUSTOMERS, "Distinct customers disrupted in one minute or more.", OF_SCOPES),
    ("health_customer_disruption_seconds", SECONDS,
     "Time that customers were disrupted, over all customers: customer-minutes, times 60.",
     OF_SCOPES),
    ("health_share_lower_ratio", RATIO, "Lower end of the 95 % interval of the share of customers disrupted.",
     OF_SCOPES),
    ("health_apdex_ratio", RATIO, "(Satisfied + half of the tolerating) / all interactions.", OF_SCOPES),
    ("health_colour", NOTHING, "0: green, 1: yellow, 2: red, by the definitions.", OF_SCOPES),
    ("health_value_at_risk", CURRENCY, "Expected value of the customers disrupted, of those the ledger knows.",
     OF_SCOPES),
    ("health_customers_of_unknown_value", CUSTOMERS, "Customers disrupted whom the ledger does not know.", OF_SCOPES),
    ("health_latency_seconds", SECONDS, "Quantiles of the latency, right to 1 %; of stages as a whole.",
     ("scope", "service", "stage", "window", "q")),
    ("health_probes_sent", NOTHING, "Synthetic interactions; they are no customers.", OF_SCOPES),
    ("health_probes_failed", NOTHING, "Synthetic interactions that failed.", OF_SCOPES),
    ("health_stage_status", NOTHING,
     "What operations say of the stage, or of its service where they say nothing of the stage: 0 up, 1 degraded, "
     "2 down; absent: nothing.",
     ("service", "stage")),
    ("health_stage_tier", NOTHING, "Of the stage: 1 pages, 2 makes a ticket, 3 is shown.", ("service", "stage")),
    ("health_false_green_seconds", SECONDS,
     "So long has a false green lasted that goes on: customers red, status up; absent: there is none.", OF_SPELLS),
    ("health_false_green_since_timestamp_seconds", TIMESTAMP, "When that false green began.", OF_SPELLS),
)
"""Exported for the scopes that a worker owns, and only by it."""

HEALTH_COMPANY_METRICS = (
    ("health_clock_timestamp_seconds", TIMESTAMP, "Clock of the signals: event time up to which their windows stand.",
     ()),
    ("health_complete", NOTHING, "1: this worker has the health of the whole company; 0: it catches up.", ()),
    ("health_customers_in_trouble", CUSTOMERS,
     "Distinct customers disrupted in the running minute or the four before it.",
     ()),
    ("health_subsets_named", NOTHING, "Subsets of customers named in the last hour that fare worse than the others.",
     ()),
    ("health_subset_customers_disrupted", CUSTOMERS,
     "Customers disrupted of subsets named in the last hour, since the trouble of each began; the ten largest.",
     ("service", "stage", "subset")),
    ("health_troubles", NOTHING,
     "Troubles of the last week: scopes from red to green again, those that last among them.", ()),
    ("health_troubles_complained_of", NOTHING,
     "Of these, how many a customer complained of; absent where no mentions are read.", ()),
    ("health_first_to_know_ratio", RATIO,
     "Share of those complained of that were detected before the first complaint; absent: nobody complained.", ()),
    ("health_troubles_left_after", NOTHING, "Of the troubles, how many a customer left after who was disrupted.", ()),
    ("health_lead_before_loss_seconds", SECONDS,
     "From the detection of a trouble to the first loss after it: the median; absent: nobody left.", ()),
    ("health_leavers", CUSTOMERS,
     "Customers seen who left in the last 28 days, by reason, and whether they had been disrupted in the days before "
     "(yes, no); absent: nobody left.", ("reason", "disrupted")),
    ("health_stayers", CUSTOMERS,
     "Customers seen who stayed, by whether they had been disrupted in the days before others left.", ("disrupted",)),
    ("health_leaving_risk_ratio", RATIO,
     "How many times as often the disrupted left as the others: the estimate, and the lower and upper bound of its "
     "99 % interval; where that holds 1 nothing is shown.", ("bound",)),
    ("health_status_known", NOTHING,
     "1: a word of operations holds; 0: none was said, or too long ago, so that false green is unknown.", ()),
    ("health_service_status", NOTHING,
     "The last word of operations, the worst of a service: 0 up, 1 degraded, 2 down; absent: too old to hold.",
     ("service",)),
    ("health_service_status_timestamp_seconds", TIMESTAMP, "When operations last said anything of a service.",
     ("service",)),
    ("health_scopes", NOTHING, "Scopes of the last hour, stages as a whole not among them.", ()),
    ("health_scopes_shown", NOTHING, "Scopes of the last hour that are shown under their own names.", ()),
)
"""Exported by every worker."""
