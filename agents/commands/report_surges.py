"""The section of surges on the report card of files: what left its past, and how much earlier than surveys say so."""

from typing import Any

from agents.commands.fitted import fitted_scorer
from agents.commands.record_counting import count_records
from agents.wall_clock import wall_clock_us
from streams.facts.definitions.model import Definitions
from streams.surges.recount import SurgeRecount


class SurgesBeside:
    """Detectors over the facts of a card and over the other feeds beside them.

    Attributes: recount: what the facts are given to.
    """

    def __init__(
        self, definitions: Definitions, definitions_file: str, files: dict[str, str], until: int | None
    ) -> None:
        """`files`: topic to its file; `until`: the card's instant, microseconds."""
        self._files = files
        scorer = fitted_scorer(definitions, definitions_file) if "social-mentions" in files else None
        self.recount = SurgeRecount(definitions, with_facts=True, now_us=wall_clock_us, scorer=scorer, until=until)

    def found(self) -> dict[str, Any] | None:
        """As `/api/v1/surges` tells it, once the facts are there; None: there is nothing to look at.

        Raises: WrongInput when a file cannot be read.
        """
        recount = self.recount
        recount.end_of_facts()
        takes = {
            "service-status": recount.add_statuses, "qos-signals": recount.add_signals,
            "social-mentions": recount.add_mentions, "survey-responses": recount.add_answers,
        }  # fmt: skip
        for topic, add in takes.items():
            if topic in self._files:
                count_records(self._files[topic], topic, add)
        return recount.now()
