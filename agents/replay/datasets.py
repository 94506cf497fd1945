"""The data sets that can be replayed: which topic the rows of each file go to, by which key, at what time.

A record is a row as it stands in the file: its column names and its texts, an empty cell as an empty
text. What the columns mean is for the definitions to say; here is only what sending needs to know.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """When something of a row was due. The row is told at that instant, as it stood then.

    Attributes:
        name: told as `due` in the record; the instant is told as `due_at`.
        column: the instant, or its day; a row without it is not told.
        days_after: so many days later; a day that was promised is over at the next one's start.
        known_by: columns with instants; what came later is empty, as nobody knew it.
    """

    name: str
    column: str
    days_after: int = 0
    known_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """The rows of one file on their way to one topic."""

    file: str  # without its ending
    topic: str
    key: tuple[str, ...]  # columns; the first that is not empty is the record's key
    times: tuple[str, ...] = ()  # columns; the first that is not empty is the event time; none: the file's order
    zone: str = "UTC"  # of times that name none
    in_time_order: bool = True  # False: sort by event time before sending
    required: tuple[str, ...] = ()  # more columns: those its definitions read
    deadline: Deadline | None = None  # tell rows when this was due, not as they lie in the file

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns without which the rows cannot be sent, or would mean nothing to the definitions."""
        if self.deadline is None:
            return tuple(dict.fromkeys(self.key + self.times + self.required))
        # Its time is not in the file: it is made from the deadline.
        return tuple(dict.fromkeys((*self.key, *self.required, self.deadline.column, *self.deadline.known_by)))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files that belong together, and what they are."""

    name: str
    about: str
    feeds: tuple[Feed, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that the data set has records for."""
        return tuple(dict.fromkeys(feed.topic for feed in self.feeds))

    def of_topic(self, topic: str) -> tuple[Feed, ...]:
        """The feeds of one topic; none if the data set has nothing for it."""
        return tuple(feed for feed in self.feeds if feed.topic == topic)


_SAO_PAULO = "America/Sao_Paulo"

_TELCO = (
    "quarter", "customer_status", "contract", "internet_type", "offer", "cltv_usd", "number_of_referrals",
    "churn_reason",
)  # fmt: skip
_SHOP = ("kind", "country", "lines", "units", "value_gbp")
_MENTIONS = ("mention_id", "addressed_account", "sentiment", "negative_reason", "text")
_ORDERS = ("order_id", "order_status", "customer_state", "promised_date", "value_brl", "freight_brl")
_STEPS = ("approved_at", "handed_to_carrier_at", "delivered_at")
_FLIGHTS = ("carrier", "origin", "dest", "arrival_delay_min", "cancelled", "diverted", "seats")

_ALL = (
    Dataset(
        "telco-churn",
        "customers of a telephone company in one quarter: joined, stayed or churned, with reasons; no dates",
        (Feed("customers", "customer-events", ("customer_id",), required=_TELCO),),
    ),
    Dataset(
        "online-retail",
        "purchases and returns of a British gift shop, December 2009 to June 2011",
        (Feed("purchases", "customer-events", ("customer_id",), ("at",), "Europe/London", required=_SHOP),),
    ),
    Dataset(
        "olist",
        "orders, surveys and seller leads of a Brazilian marketplace, 2016 to 2018",
        (
            Feed("orders", "customer-events", ("customer_id",), ("purchased_at",), _SAO_PAULO, required=_ORDERS),
            # A lead is told when it is won; the file lies in the order of first contacts.
            Feed(
                "seller_leads",
                "customer-events",
                ("seller_id", "lead_id"),
                ("won_at", "first_contact_on"),
                _SAO_PAULO,
                in_time_order=False,
                required=("business_segment", "origin", "declared_monthly_revenue_brl"),
            ),
            # Of an order a buyer experiences two promises: when it is sent, and when it comes.
            *(
                Feed(
                    "orders", "qos-signals", ("customer_id",), ("due_at",), _SAO_PAULO, in_time_order=False,
                    required=("order_id", "order_status", "customer_state"), deadline=deadline,
                )
                for deadline in (
                    Deadline("hand-over", "handover_limit_at", known_by=_STEPS),
                    Deadline("delivery", "promised_date", days_after=1, known_by=_STEPS),
                )
            ),
            Feed(
                "survey_responses", "survey-responses", ("order_id",), ("answered_at",), _SAO_PAULO,
                required=("response_id", "score", "sent_on"),
            ),
        ),
    ),
    Dataset(
        "airline-tweets",
        "what people wrote to six airlines in a week of February 2015",
        (Feed("mentions", "social-mentions", ("author_id",), ("created_at",), required=_MENTIONS),),
    ),
    Dataset(
        "nyc-flights",
        "departures from New York, January to June 2013: each flight a service to those on board",
        (
            Feed("flights", "qos-signals", ("flight_no",), ("scheduled_departure_at",), required=_FLIGHTS),
            # What the airline saw of the same flight: whether it left on time.
            Feed(
                "flights",
                "service-status",
                ("carrier",),
                ("scheduled_departure_at",),
                required=("departure_delay_min", "cancelled"),
            ),
        ),
    ),
    Dataset(
        "cloud-monitoring",
        "latencies, crash and purchase rates of cloud services, with anomalies labelled by experts",
        (Feed("points", "qos-signals", ("series_id",), ("at",), required=("value",)),),
    ),
)

DATASETS = {dataset.name: dataset for dataset in _ALL}
"""Data set name, which is also its folder's name, to the data set."""


def files_of(feeds: Iterable[Feed]) -> tuple[str, ...]:
    """The files, without ending, that these feeds read, each once."""
    return tuple(dict.fromkeys(feed.file for feed in feeds))
