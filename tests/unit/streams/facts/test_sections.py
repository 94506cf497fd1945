"""Which sections of two definitions differ, and each of them put alone into the old ones."""

import pytest

from config.definitions_file import parse
from streams.facts.definitions.sections import changed_sections

TEXT = """
name: two silos
version: "1"
currency: EUR
time_zone: UTC
lapse: {after: 180d, restarted_by: [purchased]}
value_model: {version: "1", field: fee}
reasons: {agreed: {price: {}}}
silos:
  crm:
    when: [{field: source, is: crm}]
    customer_id: customer
    event_id: id
    zone: UTC
    every_fact: {at: at}
    rules:
      - {name: begins, when: [{field: kind, is: NEW}], facts: [{fact: joined, value: model}]}
      - {name: ends, when: [{field: kind, is: END}], facts: [{fact: left, reason: why}]}
  shop:
    when: [{field: source, is: shop}]
    customer_id: customer
    event_id: id
    zone: UTC
    rules:
      - {name: sale, facts: [{fact: purchased, at: at, value: model}]}
"""
OLD = parse(TEXT)


def changed(*edits: tuple[str, str]):
    text = TEXT
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    return parse(text)


def names(new):
    return [section.name for section in changed_sections(OLD, new)]


def test_name_version_and_agreement_are_no_difference():
    new = changed(("name: two silos", "name: other\nagreed: {by: us, at: 2024-01-01}"), ('"1"', '"2"'))
    assert names(new) == []


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (("field: fee", "field: worth"), "value model"),
        (("180d", "90d"), "lapse"),
        (("price: {}", "price: {words: [dear]}"), "reasons"),
        (("time_zone: UTC", "time_zone: Europe/Berlin"), "time zone"),
        (("currency: EUR", "currency: USD"), "currency"),
        (("{field: kind, is: END}", "{field: kind, is: STOP}"), "silo crm, rule ends"),
        (("is: crm", "is: CRM"), "silo crm, when"),
        (("name: sale", "name: till"), "silo shop, rules (sale removed, till added)"),
    ],
)
def test_a_section_is_named_and_alone_makes_the_new_definitions(edit, name):
    new = changed(edit)
    sections = changed_sections(OLD, new)
    assert [section.name for section in sections] == [name]
    assert changed_sections(sections[0].applied, new) == []


def test_several_sections_are_each_put_alone_into_the_old_definitions():
    new = changed(("180d", "90d"), ("is: NEW", "is: BEGIN"), ("is: END", "is: STOP"))
    sections = changed_sections(OLD, new)
    assert [section.name for section in sections] == ["lapse", "silo crm, rule begins", "silo crm, rule ends"]
    for section in sections:
        assert [one.name for one in changed_sections(OLD, section.applied)] == [section.name]
        assert len(changed_sections(section.applied, new)) == 2


def test_a_rule_is_tried_without_the_other_changes_of_its_silo():
    when, rule = changed_sections(OLD, changed(("is: crm", "is: CRM"), ("is: END", "is: STOP")))
    assert (when.name, rule.name) == ("silo crm, when", "silo crm, rule ends")
    assert [one.name for one in changed_sections(OLD, rule.applied)] == [rule.name]
    assert [one.name for one in changed_sections(OLD, when.applied)] == [when.name]


def test_a_silo_that_came_or_went_keeps_the_others_as_they_were():
    without = changed((TEXT[TEXT.index("  shop:") :], ""))
    assert names(without) == ["silo shop, removed"]
    (back,) = changed_sections(without, OLD)
    assert back.name == "silo shop, added"
    assert list(back.applied.silos) == ["crm", "shop"]


def test_silos_in_another_order_are_one_difference():
    crm, shop = TEXT.index("  crm:"), TEXT.index("  shop:")
    new = parse(TEXT[:crm] + TEXT[shop:] + TEXT[crm:shop])
    assert names(new) == ["silos"]
