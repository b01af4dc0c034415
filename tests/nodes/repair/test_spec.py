import json
from pathlib import Path

import pytest

from backedge.nodes.repair.imports import imported_names, local_modules, warm_modules
from backedge.nodes.repair.spec import Case, Specification, SpecificationError

SOURCE = '"""A program."""\n\nimport json\n\ndef f(x):\n    """Twice x."""\n    return x\n\n\ndef g(): ...\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "program.py").write_text(SOURCE)
    (tmp_path / "cases.jsonl").write_text('[[1], 2]\n\n[[[2, 3]], {"a": null}]\n')
    return tmp_path


def from_cases(folder, function="f", cases="cases.jsonl", program="program.py"):
    return Specification.from_cases(folder / program, function, folder / cases)


def test_a_program_with_cases_is_read(folder):
    spec = from_cases(folder)
    assert spec.source == SOURCE
    assert spec.program == "program.py"
    assert spec.docstring == "Twice x."
    assert spec.cases == (
        Case(arguments="[1]", expected="2"),
        Case(arguments="[[2, 3]]", expected='{"a": null}'),
    )


def test_the_programs_docstring_stands_in_for_a_missing_one(folder):
    assert from_cases(folder, "g").docstring == "A program."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[[1], 2", "cases.jsonl:2: not JSON"),
        ("[1, 2]", r"cases.jsonl:2: expected \[\[arguments\], expected\], found \[1, 2\]"),
        ("[[1]]", "cases.jsonl:2: expected"),
        ('{"a": 1}', "cases.jsonl:2: expected"),
    ],
)
def test_a_malformed_case_is_named_by_its_line(folder, line, message):
    (folder / "cases.jsonl").write_text(f"[[1], 2]\n{line}\n")
    with pytest.raises(SpecificationError, match=message):
        from_cases(folder)


def test_a_file_without_cases_is_an_error(folder):
    (folder / "cases.jsonl").write_text("\n\n")
    with pytest.raises(SpecificationError, match="no cases"):
        from_cases(folder)


def test_an_unknown_function_is_answered_with_those_there_are(folder):
    with pytest.raises(SpecificationError, match="no function 'h' at the top level; there is f, g"):
        from_cases(folder, "h")


def test_a_program_without_functions_says_so(folder):
    (folder / "program.py").write_text("x = 1\n")
    with pytest.raises(SpecificationError, match="no function at all"):
        from_cases(folder)


def test_a_syntax_error_is_named_with_its_line(folder):
    (folder / "program.py").write_text("def f(x):\n    return (\n")
    with pytest.raises(SpecificationError, match=r"program.py:2: not Python"):
        from_cases(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"program": "no.py"}, "no such program"), ({"cases": "no.jsonl"}, "no such file of cases")],
)
def test_a_missing_file_is_named(folder, options, message):
    with pytest.raises(SpecificationError, match=message):
        from_cases(folder, **options)


def test_a_file_that_is_no_text_is_an_error(folder):
    (folder / "program.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecificationError, match="cannot read the program"):
        from_cases(folder)


def test_a_specification_survives_being_written_down(folder):
    spec = from_cases(folder)
    assert Specification.model_validate_json(spec.model_dump_json()) == spec


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_tests_bring_the_local_modules_they_need(tmp_path):
    write(
        tmp_path,
        {
            "code/walk.py": "from node import Node\n",
            "code/node.py": "import json\nfrom shapes import square\n",
            "code/shapes/__init__.py": "",
            "code/shapes/square.py": "",
            "code/unused.py": "",
            "checks/test_walk.py": "import pytest\nfrom walk import f\nfrom helpers import help\n",
            "checks/helpers.py": "",
        },
    )
    spec = Specification.from_tests(tmp_path / "code/walk.py", tmp_path / "checks/test_walk.py")
    assert spec.program == "code/walk.py"
    assert spec.tests == "checks/test_walk.py"
    assert sorted(spec.files) == [
        "checks/helpers.py",
        "checks/test_walk.py",
        "code/node.py",
        "code/shapes/__init__.py",
        "code/shapes/square.py",
    ]
    assert spec.paths == ("checks", "code", ".")


def test_tests_in_a_package_are_read_from_above_it(tmp_path):
    write(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/walk.py": "from .node import Node\n",
            "pkg/node.py": "",
            "pkg/test_walk.py": "from .walk import f\n",
        },
    )
    spec = Specification.from_tests(tmp_path / "pkg/walk.py", tmp_path / "pkg/test_walk.py")
    assert spec.program == "pkg/walk.py"
    assert sorted(spec.files) == ["pkg/__init__.py", "pkg/node.py", "pkg/test_walk.py"]


def test_a_missing_test_file_is_named(folder):
    with pytest.raises(SpecificationError, match="no such test file"):
        Specification.from_tests(folder / "program.py", folder / "test_no.py")


def test_imported_names_resolve_relative_imports():
    import ast

    tree = ast.parse("import a.b\nfrom . import c\nfrom ..d import e\nfrom f import g")
    assert imported_names(tree, "top.sub") >= {"a.b", "top.sub.c", "top.d", "top.d.e", "f", "f.g"}


def test_modules_that_import_each_other_are_found_once(tmp_path):
    write(tmp_path, {"a.py": "import b", "b.py": "import a"})
    assert sorted(local_modules([tmp_path / "a.py"], [tmp_path], tmp_path)) == ["a.py", "b.py"]


def test_warm_modules_are_those_imported_at_the_top():
    assert warm_modules("import heapq\nfrom os import path\nfrom . import x\ndef f():\n    import late") == [
        "heapq",
        "os",
    ]


def test_paths_may_be_relative(folder, monkeypatch):
    monkeypatch.chdir(folder)
    spec = Specification.from_cases(Path("program.py"), "f", Path("cases.jsonl"))
    assert spec.program == "program.py"
    assert json.loads(spec.cases[0].arguments) == [1]
