from pathlib import Path

import pytest

from agents.replay.datasets import DATASETS
from agents.trial.stories import STORIES
from config.definitions_file import DefinitionsError, UnreadableDefinitions, load, parse
from streams.ledger.rules import DAY, HOUR, Lapse, LedgerRules, TrailingSpend

SHIPPED = sorted((Path(__file__).parents[3] / "config" / "definitions").glob("*.yaml"))

SOUND = """\
name: shop
version: "3"
agreed: {by: Board, at: 2024-02-01}
currency: EUR
time_zone: Europe/London
horizon: 48h
grouping_window: 30m
same_departure: 3d
early_within: 60d
future_skew: 5m
lapse: {after: 180d, restarted_by: [purchased, staying]}
precedence: [billing, crm]
customers_per_marble: 20
journey: [using, paying]
reasons:
  open: true
  agreed:
    price: {stage: paying, words: [dear]}
activities: open
rates:
  USD:
    - {from: 2024-01-01, rate: "0.90"}
    - {from: 2024-07-01, rate: "0.85"}
value_model:
  version: "7"
  trailing_spend: {amount: {money: paid, currency: USD}, span: 365d}
silos:
  crm:
    customer_id: who
    event_id: {hash: [who, at]}
    zone: Europe/London
    every_fact: {at: at, segment: country}
    rules:
      - name: bought
        when: [{field: kind, is: sale}]
        facts:
          - {fact: purchased, value: model}
      - {name: rest, drop: true}
"""


def faults_of(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(DefinitionsError) as error:
        parse(text)
    assert all(fault.message and fault.mend for fault in error.value.faults)
    return [(fault.line, fault.column, fault.path) for fault in error.value.faults]


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_the_shipped_definitions_hold(path: Path) -> None:
    definitions = load(path)
    assert definitions.name == path.stem
    # What is there for everybody was agreed by nobody.
    assert [warning.path for warning in definitions.warnings] == (["agreed"] if path.stem == "native" else [])


@pytest.mark.parametrize(
    "named", ["online-retail", "online-retail.yaml", "config/definitions/online-retail.yaml"]
)
def test_a_shipped_file_can_be_named_from_any_folder(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(named).name == "online-retail"


def test_a_file_that_is_there_goes_before_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("online-retail.yaml").write_text(SOUND)
    assert load("online-retail.yaml").name == "shop"


@pytest.mark.parametrize("named", ["shop", "other/online-retail.yaml", "config/definitions/shop.yaml"])
def test_what_is_neither_there_nor_shipped_is_told_with_the_shipped_ones(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableDefinitions, match=r"a shipped one: .*native, .*olist, online-retail"):
        load(named)


@pytest.mark.parametrize(
    ("word", "mend"), [("gone", "write one of: "), ("join", "did you mean `joined`?"), ("stay", "`staying`?")]
)
def test_only_a_word_that_is_near_is_suggested(word: str, mend: str) -> None:
    with pytest.raises(DefinitionsError) as error:
        parse(SOUND.replace("fact: purchased, value", f"fact: {word}, value"))
    assert any(mend in fault.mend for fault in error.value.faults if fault.path.endswith(".fact"))


def test_there_are_definitions_for_each_data_set_and_story() -> None:
    assert {path.stem for path in SHIPPED} == {"native", *DATASETS, *STORIES}


def test_a_sound_file_is_read_whole() -> None:
    definitions = parse(SOUND)
    assert definitions.warnings == ()
    assert (definitions.name, definitions.version, definitions.value_model.version) == ("shop", "3", "7")
    assert (definitions.currency, definitions.time_zone, definitions.zone.key) == (
        "EUR",
        "Europe/London",
        "Europe/London",
    )
    assert (definitions.customers_per_marble, definitions.future_skew_us) == (20, 300_000_000)
    assert definitions.agreed is not None
    assert (definitions.agreed.by, definitions.agreed.at) == ("Board", "2024-02-01")
    assert (definitions.reasons["price"].stage, definitions.reasons_open, definitions.activities_open) == (
        "paying",
        True,
        True,
    )
    assert definitions.reason_by_word["dear"].name == "price"
    assert definitions.ledger_rules() == LedgerRules(
        horizon_us=48 * HOUR,
        grouping_us=HOUR // 2,
        same_departure_us=3 * DAY,
        early_within_us=60 * DAY,
        lapse=Lapse(180 * DAY, frozenset({"purchased", "staying"})),
        trailing=TrailingSpend(365 * DAY, frozenset({"purchased"})),
        precedence={"billing": 0, "crm": 1},
    )
    # 1 July begins in London an hour before it does in UTC.
    assert definitions.rates.history["USD"][0] == (1704067200000000, 1719788400000000)


def test_what_is_left_out_has_the_defaults_of_the_customer_math() -> None:
    definitions = parse("name: a\nversion: 1\ncurrency: EUR\ntime_zone: UTC\nvalue_model: {version: 1, field: v}\n")
    assert definitions.ledger_rules() == LedgerRules()
    assert (definitions.native_silo, definitions.customers_per_marble, definitions.lapse) == ("native", None, None)
    assert (definitions.reasons_open, definitions.activities_open) == (False, False)
    assert [warning.path for warning in definitions.warnings] == ["agreed"]


def test_it_warns_while_nobody_agreed_and_of_a_silo_without_ids() -> None:
    text = SOUND.replace("agreed: {by: Board, at: 2024-02-01}\n", "").replace("    event_id: {hash: [who, at]}\n", "")
    warnings = parse(text).warnings
    assert [warning.path for warning in warnings] == ["silos.crm.event_id", "agreed"]
    assert "counted again" in warnings[0].message
    assert text.splitlines()[warnings[0].line - 1].strip().startswith("customer_id")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('version: "3"\n', "", (1, 1, "version")),
        ('version: "3"', "version:", (2, 1, "version")),
        ("currency: EUR", "currency: euro", (4, 11, "currency")),
        ("Europe/London\nhorizon", "Europe/Lodon\nhorizon", (5, 12, "time_zone")),
        ("time_zone: Europe/London\n", "time_zone: ../../etc/passwd\n", (5, 12, "time_zone")),
        ("horizon: 48h", "horizon: 48", (6, 10, "horizon")),
        ("horizon: 48h", "horizon: 0h", (6, 10, "horizon")),
        ("horizon: 48h", "horizon: [48h]", (6, 10, "horizon")),
        ("horizon: 48h", "horizon: 48h\nhorizont: 48h", (7, 1, "horizont")),
        ("horizon: 48h", "horizon: 48h\nhorizon: 49h", (7, 1, "horizon")),
        ("after: 180d", "afer: 180d", (11, 8, "lapse.after")),
        ("[purchased, staying]", "[purchases]", (11, 37, "lapse.restarted_by[0]")),
        ("[purchased, staying]", "[]", (11, 36, "lapse.restarted_by")),
        ("customers_per_marble: 20", "customers_per_marble: 0", (13, 23, "customers_per_marble")),
        ("stage: paying", "stage: payng", (18, 20, "reasons.agreed.price.stage")),
        ("words: [dear]}", "kind: lapsed}", (18, 34, "reasons.agreed.price.kind")),
        ("words: [dear]}\n", "words: [dear]}\n    dearness: {words: [dear]}\n", (19, 15, "reasons.agreed.dearness")),
        ("    price:", "    unknown:", (18, 5, "reasons.agreed.unknown")),
        ("activities: open", "activities: all", (19, 13, "activities")),
        ("from: 2024-07-01", "from: 2024-01-01", (22, 5, "rates.USD")),
        ("from: 2024-07-01", "from: 2024-06-31", (23, 14, "rates.USD[1].from")),
        ('rate: "0.85"', 'rate: "0,85"', (23, 32, "rates.USD[1].rate")),
        ('rate: "0.85"', 'rate: "-1"', (23, 32, "rates.USD[1].rate")),
        ("  USD:\n", "  EUR:\n", (21, 3, "rates.EUR")),
        ("span: 365d", "span: year", (26, 64, "value_model.trailing_spend.span")),
        ("currency: USD}", "currency: usd}", (26, 52, "value_model.trailing_spend.amount.currency")),
        ("money: paid, ", "", (26, 28, "value_model.trailing_spend.amount")),
        ("  trailing_spend: {", "  field: x\n  trailing_spend: {", (25, 3, "value_model")),
        ("    customer_id: who\n", "", (29, 5, "silos.crm.customer_id")),
        ("{hash: [who, at]}", "{hash: []}", (30, 22, "silos.crm.event_id.hash")),
        ("{hash: [who, at]}", "{hush: [who, at]}", (30, 15, "silos.crm.event_id")),
        ("{hash: [who, at]}", "{time: at}", (30, 15, "silos.crm.event_id")),
        ("at: at, segment", "at: {constant: noon}, segment", (32, 22, "silos.crm.every_fact.at")),
        ("segment: country", "colour: red", (32, 26, "silos.crm.every_fact.colour")),
        ("segment: country", "segment: a..b", (32, 35, "silos.crm.every_fact.segment")),
        ("is: sale", "equals: sale", (35, 30, "silos.crm.rules[0].when[0].equals")),
        ("is: sale", "above: much", (35, 37, "silos.crm.rules[0].when[0].above")),
        ("is: sale", "in: []", (35, 34, "silos.crm.rules[0].when[0].in")),
        ("is: sale", "empty: maybe", (35, 37, "silos.crm.rules[0].when[0].empty")),
        ("value: model", "value: 100", (37, 38, "silos.crm.rules[0].facts[0].value")),
        ("value: model", "reason: why", (37, 31, "silos.crm.rules[0].facts[0].reason")),
        ("fact: purchased", "fact: purchsed", (37, 20, "silos.crm.rules[0].facts[0].fact")),
        ("fact: purchased, value: model", "fact: retracted", (37, 13, "silos.crm.rules[0].facts[0].retracts")),
        ("name: rest", "name: bought", (38, 9, "silos.crm.rules[1]")),
        (", drop: true", "", (38, 9, "silos.crm.rules[1]")),
        ("drop: true", "drop: true, facts: [{fact: joined}]", (38, 9, "silos.crm.rules[1]")),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, fault: tuple[int, int, str]) -> None:
    assert SOUND.count(old) == 1
    assert fault in faults_of(SOUND.replace(old, new))


def test_every_fault_is_found_in_one_go() -> None:
    text = SOUND
    for old, new in (("EUR", "eur"), ("48h", "soon"), ("Board", '""'), ("is: sale", "below: x"), ("drop: true", "")):
        text = text.replace(old, new, 1)
    assert [(line, path) for line, _, path in faults_of(text)] == [
        (3, "agreed.by"),
        (4, "currency"),
        (6, "horizon"),
        (35, "silos.crm.rules[0].when[0].below"),
        (38, "silos.crm.rules[1]"),
    ]


def test_a_second_silo_needs_a_way_to_tell_records_apart() -> None:
    second = SOUND + "  app: {customer_id: x, event_id: y, rules: [{name: all, drop: true}]}\n"
    assert faults_of(second) == [(1, 1, "silos.crm.when")]
    assert list(parse(second + "silo_field: source\n").silos) == ["crm", "app"]
    assert list(parse(second.replace("  crm:\n", "  crm:\n    when: [{field: a, is: b}]\n")).silos) == ["crm", "app"]


def test_each_silo_with_values_has_a_model() -> None:
    by_silo = 'value_model: {version: "1", by_silo: {%s: {field: paid}}}\nsilos:\n  crm:'
    text = SOUND[: SOUND.index("value_model")] + SOUND[SOUND.index("silos:") :]
    assert faults_of(text.replace("silos:\n  crm:", by_silo % "shop")) == [
        (24, 14, "value_model.by_silo.crm"),
        (24, 14, "value_model.by_silo.shop"),
    ]
    assert parse(text.replace("silos:\n  crm:", by_silo % "crm")).value_model.by_silo.keys() == {"crm"}


def test_precedence_names_silos_of_the_file_where_there_are_no_native_ones() -> None:
    assert faults_of(SOUND + "native: false\n") == [(12, 14, "precedence[0]")]
    assert faults_of(SOUND.replace("[billing, crm]", "[crm, crm]")) == [(1, 1, "precedence")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("- a\n", 1),
        ("just words", 1),
        ("a: [1\nb: 2\n", 2),
        ("a: b: c\n", 1),
        ("\ta: 1\n", 1),
        ("? [a]\n: 1\n", 1),
    ],
)
def test_what_is_no_definitions_file_is_a_fault_not_a_crash(text: str, line: int) -> None:
    assert faults_of(text)[0][0] == line


def test_an_alias_that_holds_itself_is_a_fault() -> None:
    assert any(
        path.startswith("silos") for _, _, path in faults_of(SOUND.replace("silos:\n", "silos: &a\n  x: *a\n"))
    )


def test_an_alias_stands_for_what_it_names() -> None:
    text = SOUND.replace("{fact: purchased, value: model}", "&f {fact: purchased, value: model}\n          - *f")
    assert len(parse(text).silos["crm"].rules[0].facts) == 2


def test_a_file_that_cannot_be_read_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDefinitions, match="nowhere"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(UnreadableDefinitions, match="UTF-8"):
        load(tmp_path / "latin.yaml")
    (tmp_path / "control.yaml").write_bytes(b"name: a\x01\n")
    with pytest.raises(DefinitionsError):
        load(tmp_path / "control.yaml")


def test_the_example_of_the_documentation_holds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "definitions.md").read_text()
    definitions = parse(page.split("```yaml\n")[1].split("```")[0])
    assert definitions.warnings == ()
    assert list(definitions.silos) == ["crm", "billing"]
