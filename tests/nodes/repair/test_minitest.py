import textwrap

import pytest

from backedge.nodes.repair.inside.minitest import collect, compile_tests, load_tests


@pytest.fixture
def tests_of(tmp_path, monkeypatch):
    """Collect the tests of a text."""
    import sys

    before = dict(sys.modules)

    def make(text):
        path = tmp_path / "checks.py"
        path.write_text(textwrap.dedent(text))
        return collect(load_tests(str(path), compile_tests(str(path))))

    yield make
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)  # the real pytest above all


def test_functions_classes_and_parameters_are_found_in_order(tests_of):
    tests = tests_of("""
        import pytest, unittest
        helper = test_me = 3
        def test_b(): pass
        @pytest.mark.parametrize("x", [1, 2])
        @pytest.mark.parametrize(("y", "z"), [(1, 2), pytest.param(3, 4, id="odd")])
        def test_a(x, y, z): assert (x, y, z) in [(1, 1, 2), (2, 1, 2), (1, 3, 4), (2, 3, 4)]
        class TestC:
            def test_d(self): pass
        class Other:
            def test_no(self): pass
        class Case(unittest.TestCase):
            def test_e(self): self.assertEqual(1, 1)
    """)
    assert list(tests) == [
        "test_b",
        "test_a[0-0]",
        "test_a[0-1]",
        "test_a[1-0]",
        "test_a[1-1]",
        "TestC.test_d",
        "Case.test_e",
    ]
    for test in tests.values():
        test()


def test_a_failed_comparison_tells_both_sides(tests_of):
    tests = tests_of("def test_a():\n    values = iter([1, 2])\n    assert next(values) == next(values)")
    with pytest.raises(AssertionError, match="1 against 2"):
        tests["test_a"]()


def test_an_assertion_with_a_message_keeps_it(tests_of):
    tests = tests_of("def test_a():\n    assert 1 == 2, 'mine'")
    with pytest.raises(AssertionError, match="mine"):
        tests["test_a"]()


def test_a_failing_unittest_fails(tests_of):
    tests = tests_of("""
        import unittest
        class Case(unittest.TestCase):
            def setUp(self): self.x = 1
            def test_a(self): self.assertEqual(self.x, 2)
    """)
    with pytest.raises(AssertionError, match="1 != 2"):
        tests["Case.test_a"]()


def test_fixtures_are_made_from_fixtures_and_unwound(tests_of):
    tests = tests_of("""
        import pytest
        log = []
        @pytest.fixture
        def base(): return [1]
        @pytest.fixture(name="more", scope="function")
        def _more(base):
            yield base + [2]
            log.append("unwound")
        def test_a(more, base):
            assert more == [1, 2]
            assert log == []
        def test_b(): assert log == ["unwound"]
        class TestC:
            @pytest.fixture
            def own(self, base): return base * 2
            def setup_method(self): self.ready = True
            def test_c(self, own): assert self.ready and own == [1, 1]
    """)
    for test in tests.values():
        test()


def test_skipped_tests_pass_without_running(tests_of):
    tests = tests_of("""
        import pytest
        @pytest.mark.skip(reason="later")
        def test_a(): assert False
        @pytest.mark.skipif(True, reason="never")
        def test_b(): assert False
        @pytest.mark.skipif(False, reason="never")
        def test_c(): assert False
        def test_d():
            pytest.skip("no")
        @pytest.mark.timeout(3)
        @pytest.mark.slow
        def test_e(): pass
    """)
    for name in ("test_a", "test_b", "test_d", "test_e"):
        tests[name]()
    with pytest.raises(AssertionError):
        tests["test_c"]()


def test_raises_and_approx_work(tests_of):
    tests = tests_of("""
        import pytest
        def test_a():
            with pytest.raises(ValueError, match="in.alid") as caught:
                int("x")
            assert isinstance(caught.value, ValueError)
            pytest.raises(KeyError, {}.pop, 1)
        def test_b():
            assert 0.1 + 0.2 == pytest.approx(0.3)
            assert [1.0, 2.0] == pytest.approx([1, 2.0000001])
            assert {"a": 1.0} == pytest.approx({"a": 1})
            assert 1.0 != pytest.approx(1.1)
            assert 1.0 == pytest.approx(1.1, abs=0.2)
        def test_c():
            with pytest.raises(ValueError): pass
        def test_d():
            with pytest.raises(ValueError, match="other"): int("x")
        def test_e(): pytest.fail("told")
    """)
    tests["test_a"]()
    tests["test_b"]()
    for name, message in (("test_c", "nothing raised"), ("test_d", "does not match"), ("test_e", "told")):
        with pytest.raises(AssertionError, match=message):
            tests[name]()


def test_what_is_not_known_is_named(tests_of):
    with pytest.raises(AttributeError, match="pytest.importorskip"):
        tests_of("import pytest\nx = pytest.importorskip('numpy')")
    with pytest.raises(LookupError, match="'tmp_path'"):
        tests_of("def test_a(tmp_path): pass")["test_a"]()
