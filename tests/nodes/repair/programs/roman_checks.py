from roman import roman_value


class TestRoman:
    def setup_method(self):
        self.known = {"V": 5, "XC": 90}

    def test_single_values(self):
        for numeral, value in self.known.items():
            assert roman_value(numeral) == value

    def test_subtraction(self):
        assert roman_value("XIV") == 14
        assert roman_value("MCMXCIV") == 1994

    def test_repetition(self):
        assert roman_value("III") == 3
        assert roman_value("MMXXVI") == 2026
