"""Words by their beginnings."""


class Trie:
    """A tree of letters."""

    def __init__(self):
        self.below = {}
        self.word = False

    def add(self, word):
        """Add a word."""
        here = self
        for letter in word:
            if letter not in here.below:
                here.below[letter] = Trie()
            here = here.below[letter]
        here.word = True

    def words(self, before=""):
        """All words, sorted, with a text before each."""
        if self.word:
            yield before
        for letter in sorted(self.below):
            yield from self.below[letter].words(before + letter)

    def starting(self, beginning):
        """All words that start so."""
        here = self
        for letter in beginning:
            if letter not in here.below:
                return []
            here = here.below[letter]
        return list(here.words(beginning))


# --- defects
TESTS = """from program import Trie


def filled():
    trie = Trie()
    for word in ["tea", "ten", "to", "in", "inn", "a"]:
        trie.add(word)
    return trie


def test_empty():
    assert list(Trie().words()) == []


def test_all_words():
    assert list(filled().words()) == ["a", "in", "inn", "tea", "ten", "to"]


def test_a_beginning():
    assert filled().starting("te") == ["tea", "ten"]


def test_a_word_is_its_own_beginning():
    assert filled().starting("in") == ["in", "inn"]


def test_nothing_starts_so():
    assert filled().starting("tx") == []
"""
HELD = """from program import Trie


def test_more():
    trie = Trie()
    for word in ["car", "card", "care", "cat", "", "dog"]:
        trie.add(word)
    assert list(trie.words()) == ["", "car", "card", "care", "cat", "dog"]
    assert trie.starting("car") == ["car", "card", "care"]
    assert trie.starting("cards") == []
    assert trie.starting("") == ["", "car", "card", "care", "cat", "dog"]
"""
DEFECTS = [
    (
        "a wrong target",
        "                here.below[letter] = Trie()\n",
        "                self.below[letter] = Trie()\n",
    ),
    ("a missing update", "            here = here.below[letter]\n        here.word", "        here.word"),
    ("a misplaced yield", "            yield from self", "            yield self"),
    (
        "a wrong order",
        "        if self.word:\n            yield before\n        for letter in sorted(self.below):\n            yield from self.below[letter].words(before + letter)\n",
        "        for letter in sorted(self.below):\n            yield from self.below[letter].words(before + letter)\n        if self.word:\n            yield before\n",
    ),
    ("a lost recursive argument", "words(before + letter)", "words(letter)"),
    ("a wrong target", "here.word = True", "self.word = True"),
    ("a missing guard", "            if letter not in here.below:\n                return []\n", ""),
]
