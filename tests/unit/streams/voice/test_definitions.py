"""The section `voice` of a definitions file: what it gives, and the faults it names."""

import pytest

from config.definitions_file import load
from streams.facts.definitions.tree import DefinitionsError
from streams.voice.rules import CopyRules, VoiceRules
from tests.unit.streams.voice.posts import definitions


def faults(voice: str) -> list[str]:
    with pytest.raises(DefinitionsError) as caught:
        definitions(voice)
    return [f"{fault.path}: {fault.message}" for fault in caught.value.faults]


def test_without_a_section_the_native_form_is_read() -> None:
    assert definitions().voice == VoiceRules()
    assert load("native").voice.native


def test_everything_can_be_said() -> None:
    rules = definitions("""
reasons:
  agreed: {slow delivery: {words: [late]}}
voice:
  native: false
  happy: 0.3
  unhappy: -0.2
  reach_cap: 500
  brands:
    agreed:
      Acme: {words: ["@acme", ACME Inc], valences: {sick: 2.5}}
      Other:
  topics:
    slow delivery: [where is my parcel]
  valences: {"killer deal": 3, 🔥: 2}
  copies: {within: 12h, likeness: 0.8, swarm_from: 20, fold_from: 50, a_day: 10}
  sources:
    calls:
      when: [{field: kind, is: call}]
      zone: Europe/London
      mention_id: id
      at: when
      author_id: who
      channel: {constant: call}
      brand: {constant: Acme}
      text: notes
""").voice
    assert (rules.native, rules.happy_at, rules.unhappy_at, rules.reach_cap) == (False, 0.3, -0.2, 500)
    assert rules.brand_by_word == {"acme": "Acme", "@acme": "Acme", "acme inc": "Acme", "other": "Other"}
    assert not rules.brands_open
    assert rules.brands["Acme"].valences == {"sick": 2.5}
    assert rules.topics == {"slow delivery": ("where is my parcel",)}
    assert rules.valences == {"killer deal": 3.0, "🔥": 2.0}
    assert rules.copies == CopyRules(12 * 3_600_000_000, 0.8, 20, 50, 10)
    assert list(rules.sources) == ["calls"]


SOURCE = "mention_id: a, at: b, author_id: c, channel: {constant: chat}, brand: d, text: e"


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("voice: {hapy: 1}", "voice.hapy: `hapy` is not known here"),
        ("voice: {happy: 2}", "voice.happy: a sentiment lies between -1 and 1"),
        ("voice: {happy: -0.5}", "voice: a mention could be happy and unhappy at once"),
        ("voice: {native: false}", "voice.sources: no record would mean anything"),
        ("voice: {reach_cap: 0}", "voice.reach_cap: a whole number above zero is needed here"),
        ("voice: {valences: {good: 7}}", "voice.valences.good: a valence lies between -4 and 4"),
        ('voice: {valences: {"?": 1}}', "voice.valences.?: `?` is no word"),
        ("voice: {copies: {likeness: 0.2}}", "voice.copies.likeness: texts less alike than 0.5 are no copies"),
        ("voice: {brands: closed}", "voice.brands: `closed` is not known here"),
        (
            "voice: {brands: {agreed: {unknown: }}}",
            "voice.brands.agreed.unknown: `unknown` is the line of what nobody knows",
        ),
        (
            "voice: {brands: {agreed: {a: {words: [x]}, b: {words: [X]}}}}",
            "voice.brands.agreed.b: `X` stands for `a` and for `b`",
        ),
        ("voice: {topics: {late: [x]}}", "voice.topics.late: `late` is no agreed reason"),
        (
            "reasons: {agreed: {delay: }}\nvoice: {topics: {delai: [x]}}",
            "voice.topics.delai: `delai` is not known here",
        ),
        ("voice: {sources: {s: {at: b, channel: c, brand: d}}}", "voice.sources.s.author_id: `author_id` is missing"),
        (f"voice: {{sources: {{s: {{{SOURCE}, zone: Mars}}}}}}", "voice.sources.s.zone: `Mars` is no time zone"),
        (
            f"voice: {{sources: {{s: {{{SOURCE}, reach: {{hash: [f]}}}}}}}}",
            "voice.sources.s.reach: no hash gives `reach`",
        ),
        (
            f"voice: {{sources: {{s: {{{SOURCE}, language: {{time: f, unit: s}}}}}}}}",
            "voice.sources.s.language: `language` is no time",
        ),
        (
            f"voice: {{sources: {{s: {{{SOURCE}}}, t: {{{SOURCE}}}}}}}",
            "voice.sources.s.when: source `s` takes every record, so `t` gets none",
        ),
    ],
)
def test_faults_are_named(voice: str, expected: str) -> None:
    assert expected in faults(voice)


def test_open_reasons_take_any_topic() -> None:
    assert definitions("reasons: open\nvoice: {topics: {late: [too late]}}").voice.topics == {"late": ("too late",)}


def test_a_source_without_ids_or_words_is_warned_of() -> None:
    found = definitions("voice: {sources: {s: {at: b, author_id: c, channel: {constant: chat}, brand: d}}}").warnings
    assert {warning.path for warning in found} == {"voice.sources.s.mention_id", "voice.sources.s.text"}
