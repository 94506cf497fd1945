"""Every record of the survey topic is counted once under what became of it."""

import orjson

from agents.survey_answers import SurveyAnswers
from config import definitions_file
from config.settings import NATIVE_DEFINITIONS, load
from streams.facts.models import RawRecord


def record(offset: int, **words: object) -> RawRecord:
    told = {"response_id": "a1", "at": "2026-03-02T10:00:00Z", "customer_id": "c1", "score": 2, "scale": [1, 5]}
    return RawRecord(orjson.dumps(told | words), None, "survey-responses", 0, offset, None, ())


def test_accepted_duplicate_and_rejected_records_sum_to_all_of_them() -> None:
    answers = SurveyAnswers(load({}), definitions_file.load(str(NATIVE_DEFINITIONS)))
    assert set(answers.outcomes.values()) == {0}
    answers.take([record(0), record(1, response_id="a2"), record(2), record(3, score=9)])
    answers.take([record(4), record(5, response_id=None)])
    assert answers.outcomes == {"answers": 2, "duplicate": 2, "no_answer": 0, "unmapped": 0, "dead_lettered": 2}
    assert [letter.position.offset for letter in answers.dead_letters] == [3, 5]
