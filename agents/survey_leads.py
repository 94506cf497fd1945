"""How much earlier troubles were told than surveys would have told them, as any worker can say.

Every worker reads what became of surges and all answers to surveys.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from agents.surge_board import SurgeBoard
from agents.survey_answers import SurveyAnswers
from streams.surges.survey_mean import SurveyMean

KEPT_S: Final = 10.0
"""How long what was found is good: it changes with the hours."""


class SurveyLeads:
    """Leads of the last two months, made anew at most every ten seconds."""

    def __init__(
        self, board: SurgeBoard, answers: SurveyAnswers | None, timer: Callable[[], float] = monotonic
    ) -> None:
        """`answers`: None, if none are read; then no trouble has a lead."""
        self._board = board
        self._mean = SurveyMean() if answers is None else answers.counts.mean
        self._timer = timer
        self._kept: tuple[float, list[dict[str, Any]]] | None = None

    def found(self, clock: int) -> list[dict[str, Any]]:
        """As `streams.surges.lead.leads` tells it; `clock`: of the tables, microseconds."""
        now = self._timer()
        if self._kept is None or now >= self._kept[0]:
            self._kept = now + KEPT_S, self._board.log.leads(self._mean, clock)
        return self._kept[1]

    def now(self) -> dict[str, Any] | None:
        """The JSON of `/api/v1/surges`; None: nothing is known yet."""
        clock = self._board.clock()
        if clock is None or not self._board.complete:
            return None
        return self._board.log.now(clock, self.found(clock))
