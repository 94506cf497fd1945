"""A second source with other field names is read by definitions alone; one that falls silent changes nothing else."""

from streams.tables.calendar import utc_text
from tests.unit.agents.made_up_voice import made_up_voice, merged
from tests.unit.streams.voice.posts import START_MS, bots, definitions, mention, one_author, people, record

TWO_SOURCES = """
reasons: {agreed: {late parcel: {words: [LATE]}}}
voice:
  native: true
  brands: {open: true}
  sources:
    call log:
      when: [{field: caller, empty: false}]
      mention_id: {hash: [caller, started, notes]}
      at: started
      author_id: caller
      channel: {constant: call}
      brand: {constant: acme}
      text: notes
      topics: code
"""
OF_TWO = definitions(TWO_SOURCES)


def calls(count: int, *, from_s: int = 0):
    return [
        {
            "caller": f"c{n}", "started": utc_text((START_MS + (from_s + n) * 1000) * 1000),
            "notes": "my parcel never came, awful", "code": "LATE",
        }
        for n in range(count)
    ]  # fmt: skip


def test_every_row_of_the_second_source_is_a_mention():
    native = [mention(f"m{n}", f"a{n}", None, at_s=n, sentiment=-0.5) for n in range(20)]
    lanes = [[record(n, fields, number) for n, fields in enumerate(rows)]
             for number, rows in enumerate([native, calls(30), [], []])]  # fmt: skip
    voice = merged(lanes, OF_TWO).now()
    assert voice is not None
    assert voice["accounting"]["mentions"] == 50
    assert voice["accounting"]["unmapped"] == 0
    assert {name: source["mentions"] for name, source in voice["sources"].items()} == {"call log": 30, "native": 20}
    acme = voice["windows"]["24h"]["brands"]["acme"]
    assert (acme["mentions"], acme["unhappy"]) == (50, 50)
    assert voice["windows"]["24h"]["topics"]["late parcel"] == {"mentions": 30, "unhappy": 30}


def test_a_source_that_falls_silent_changes_its_freshness_alone():
    def rows(last_s: int):
        more = [mention(f"n{n}", f"b{n}", None, at_s=n * 600, sentiment=0.5) for n in range(20)]
        return [[record(n, fields, number) for n, fields in enumerate(told)]
                for number, told in enumerate([more, calls(30, from_s=last_s), [], []])]  # fmt: skip

    heard, silent = (merged(rows(last_s), OF_TWO).now() for last_s in (11_000, 600))
    assert heard is not None
    assert silent is not None
    assert silent["sources"]["call log"]["silent_seconds"] > 10_000
    assert heard["sources"]["call log"]["silent_seconds"] < 500
    assert silent["sources"]["native"] == heard["sources"]["native"]
    assert silent["at"] == heard["at"]
    assert silent["windows"]["24h"] == heard["windows"]["24h"]


def test_three_verdicts_are_shown_beside_each_other():
    voice = made_up_voice([*people(300), *bots(1000), *one_author(1000)]).now()
    assert voice is not None
    shown = {(one["kind"], one["counted"]) for one in voice["verdicts"] if one["mentions"] >= 300}
    assert shown == {("swarm", 0), ("one_author", 1), ("people", 301)}
