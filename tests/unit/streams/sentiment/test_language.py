"""English is told from other languages; what is not read is never scored."""

import pytest

from streams.sentiment.scorer import LexiconScorer, class_of

SCORER = LexiconScorer()

OTHERS = {
    "es": ["Muchas gracias por nada", "Estoy esperando dos horas en el teléfono", "el peor servicio, fatal"],
    "de": ["Danke für nichts", "Der Flug ist schon wieder verspätet", "Warum antwortet niemand? Das ist schlecht"],
    "fr": ["Merci", "C'est inadmissible, deux heures d'attente", "Votre service est horrible"],
    "pt": ["Não recebi meu dinheiro", "Obrigado"],
    "it": ["servizio pessimo, mai più", "Grazie mille"],
    "nl": ["Ik wacht al twee uur", "heel slecht, nooit meer"],
    "ja": ["飛行機が遅れています"],
    "zh": ["航班取消了"],
    "ko": ["비행기가 늦었어요"],
    "ru": ["Рейс отменили, ужас"],
    "ar": ["الرحلة ملغاة"],
    "el": ["Η πτήση ακυρώθηκε"],
    "th": ["ขอบคุณ"],
    "hi": ["उड़ान रद्द हो गई"],
    "he": ["הטיסה בוטלה"],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in OTHERS.items() for text in texts])
def test_another_language_is_unread(language: str, text: str) -> None:
    found = SCORER.score(text)
    assert (found.language, found.read, found.score) == (language, False, 0.0)
    assert class_of(found) == "unread"


@pytest.mark.parametrize(
    "text",
    ["thanks", "ok", "👍", "DM sent", "late again", "@shop why?", "Danke! You were great, thank you for the help",
     "Flight from São Paulo to Zürich was awful", "the café was lovely", "no", "12345"],
)  # fmt: skip
def test_english_is_read(text: str) -> None:
    found = SCORER.score(text)
    assert (found.language, found.read) == ("en", True)


def test_words_of_no_known_language_are_unread() -> None:
    assert SCORER.score("Blorf snuggeth quompel varniss").language == "und"


@pytest.mark.parametrize(
    ("stated", "read"), [("en", True), ("en-GB", True), ("EN_us", True), ("eng", True), ("de", False)]
)
def test_the_stated_language_counts(stated: str, read: bool) -> None:
    assert SCORER.score("worst", stated).read is read


@pytest.mark.parametrize("stated", [None, "", "und", "zxx"])
def test_where_none_is_stated_it_is_found_out(stated: str | None) -> None:
    assert SCORER.score("Das ist leider sehr schlecht", stated).language == "de"
