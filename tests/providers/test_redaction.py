"""What looks like a secret is masked, wherever the pieces of a text are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers.redaction import MASK, Piecewise, redact_keys

SECRETS = [
    "sk-proj-Ab3xY9_kkkkkkkkkkk",
    "sk-ant-api03-aaaaaaaaaaaa",
    "gsk_aaaaaaaaaaaaaaaaaaaa",
    "ghp_abcdefghijklmnopqrst",
    "github_pat_11AAAAAAA0aaaaaaaaaaaaaaa",
    "xoxb-1234567890-abcdef",
    "AIza" + "b" * 35,
    "ya29." + "c" * 30,
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_keys_of_known_forms_are_masked(secret):
    assert redact_keys(f"it is {secret}.") in (f"it is {MASK}.", f"it is {MASK}")
    assert redact_keys(f"({secret})") == f"({MASK})"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer [masked]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [masked]"),
        ('{"api_key": "s3cr3tvalue", "n": 1}', '{"api_key": "[masked]", "n": 1}'),
        ("password = hunter2", "password = [masked]"),
        ("MY_SECRET='correct-horse'", "MY_SECRET='[masked]'"),
        ("?access_token=abcdef123&x=1", "?access_token=[masked]&x=1"),
        ("postgres://me:pw@host/db", "postgres://me:[masked]@host/db"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nrest", "[masked]\nrest"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "[masked]"),
    ],
)
def test_what_stands_where_secrets_stand_is_masked(text, masked):
    assert redact_keys(text) == masked
    assert redact_keys(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "an ordinary sentence, with a risk-assessment-of-many-things in it",
        '{"max_tokens": 100000, "tokens": 1234567}',
        "the password is: what?",
        "see https://example.org/a/b@c and mail me@example.org at 10:30",
        "ask-me-anything-you-like",
        "sk-learn",
        "def f(token): return token",
    ],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert redact_keys(text) == text


def in_pieces(text, cuts, redact=redact_keys):
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = Piecewise(redact)
    given = [pieces.take(text[a:b]) for a, b in pairwise(places)]
    return [*given, pieces.rest()]


CUTS = st.lists(st.integers(0, 10_000), max_size=30)
WORDS = st.lists(
    st.sampled_from(["so", "it", "goes\n", "password", "=", "Bearer", "\t", "sk-", "é", "token:", *SECRETS])
)


@given(WORDS.map(" ".join), CUTS)
def test_wherever_a_text_is_cut_the_pieces_say_what_the_whole_does_and_no_secret(text, cuts):
    told = "".join(in_pieces(text, cuts))
    for secret in SECRETS:
        assert secret not in told
    assert told == "".join(in_pieces(text, []))


@given(st.text(), CUTS)
def test_without_secrets_the_pieces_say_exactly_the_whole(text, cuts):
    assert "".join(in_pieces(text, cuts, redact=str)) == text


def test_a_word_is_given_on_as_soon_as_it_is_whole():
    assert in_pieces("one two", [2, 4, 5]) == ["", "one ", "", "", "two"]


def test_what_led_to_a_secret_is_remembered_on_its_line():
    pieces = Piecewise(redact_keys)
    assert [pieces.take(one) for one in ("password ", "= ", "hunter2 ", "x")] == [
        "password ",
        "= ",
        f"{MASK} ",
        "",
    ]


def test_a_very_long_line_is_not_looked_at_again_and_again():
    looked = []

    def redact(text):
        looked.append(len(text))
        return text

    pieces = Piecewise(redact)
    words = ["word "] * 2000
    assert "".join(pieces.take(word) for word in words) == "".join(words)
    assert max(looked) < 200


def test_on_a_long_line_what_led_to_a_secret_is_remembered_too():
    for count in range(100):
        words = [*["word "] * count, "password ", "= ", "hunter2 "]
        assert "hunter2" not in "".join(in_pieces("".join(words), range(0, 600, 5)))


BLOCK = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkq\n" * 20 + "-----END PRIVATE KEY-----\n"


@given(CUTS)
def test_a_private_key_over_many_lines_is_masked_wherever_it_is_cut(cuts):
    told = "".join(in_pieces(f"see\n{BLOCK}done", cuts))
    assert told in (
        f"see\n{MASK}\ndone",
        f"see\n-----BEGIN PRIVATE {MASK}\ndone",
        f"see\n-----BEGIN {MASK}\ndone",
    )


def test_a_private_key_that_never_ends_is_not_waited_for_for_ever():
    told = "".join(in_pieces("-----BEGIN PRIVATE KEY-----\n" + "word\n" * 4000, range(0, 20_000, 5)))
    assert told.startswith(f"-----BEGIN PRIVATE {MASK}")
    assert told.endswith("word\n")
    assert told.count("word") < 2500
