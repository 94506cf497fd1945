"""The timeline of a customer in trouble: each disruption once, those that last marked."""

from agents.troubled_customers import Place, Trouble, with_trouble

BEFORE = {
    "service": "shop", "stage": "checkout", "at": "2024-01-01T08:00:00Z", "until": "2024-01-01T08:05:00Z",
    "minutes": 4,
}  # fmt: skip
COUNTED = BEFORE | {"at": "2024-01-01T10:00:00Z", "until": "2024-01-01T10:03:00Z", "minutes": 3}


def trouble(*places: Place) -> Trouble:
    return Trouble("c1", min(place.since for place in places), list(places))


def test_what_lasts_is_marked_and_not_told_twice() -> None:
    found = with_trouble([BEFORE, COUNTED], trouble(Place("shop", "checkout", "2024-01-01T10:00:00Z")))
    assert found == [BEFORE, COUNTED | {"lasts": True}]
    assert "lasts" not in COUNTED


def test_what_has_just_begun_has_no_length_yet() -> None:
    again = Place("shop", "checkout", "2024-01-01T10:30:00Z")
    elsewhere = Place("shop", "search", "2024-01-01T09:00:00Z")
    assert with_trouble([BEFORE, COUNTED], trouble(again, elsewhere)) == [
        BEFORE,
        {"service": "shop", "stage": "search", "at": "2024-01-01T09:00:00Z", "lasts": True},
        COUNTED,
        {"service": "shop", "stage": "checkout", "at": "2024-01-01T10:30:00Z", "lasts": True},
    ]
