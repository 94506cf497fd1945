import pytest

from streams.report.wording import plural


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 records"), (1, "1 record"), (2, "2 records"), (12_345, "12,345 records")]
)
def test_the_word_fits_the_number(count: int, text: str) -> None:
    assert plural(count, "record") == text


def test_what_takes_more_than_an_s_is_given() -> None:
    assert plural(1, "record is", "records are") == "1 record is"
    assert plural(3, "record is", "records are") == "3 records are"


def test_a_sign_does_not_change_the_word() -> None:
    assert [plural(n, "customer", sign=True) for n in (1, -1, 2, 0)] == [
        "+1 customer", "-1 customer", "+2 customers", "+0 customers",
    ]  # fmt: skip
