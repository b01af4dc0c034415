"""Makes docs/patterns.md of the patterns' tests, and the pictures that it shows.

python -m tests.patterns.page            # print the page
python -m tests.patterns.page --write    # write the page and draw the pictures
"""

import ast
import inspect
import sys
from importlib import import_module
from pathlib import Path

from . import parts
from .pattern import Pattern

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
PAGE = DOCS / "patterns.md"
PICTURES = DOCS / "images" / "patterns"

OTHERS = {
    "langgraph": "LangGraph",
    "pydantic_graph": "pydantic-graph",
    "agent_framework": "agent-framework",
}

INTRODUCTION = """\
# The 43 control-flow patterns

<!-- Made of tests/patterns by python -m tests.patterns.page --write: do not edit this page. -->

The [Workflow Patterns initiative](http://www.workflowpatterns.com) lists 43 patterns of control flow, a yardstick for what a
workflow engine can express (N. Russell, A. ter Hofstede, W. van der Aalst, N. Mulyar: *Workflow Control-Flow Patterns: A
Revised View*, 2006). Here is each of them as a small workflow.

Each is also a test, in [tests/patterns](../tests/patterns): it runs in many completion orders on a virtual clock, with a
journal in memory and on disk, and is killed at each of its commits and gone on with. The outcome must be right every time, and
no step that had finished runs again.

The columns say what the graphs of other engines can express: LangGraph 1.2.22, pydantic-graph 2.68.0 and Microsoft's
agent-framework 1.23.0, by their sources and by trying. *Partly* means with a restriction, or with code of one's own inside of
a node, which can do anything and of which the engine knows nothing.
"""

SHARED = """\
## What the samples share

`step` stands for any node of your own; it logs the id of its activation. `Work` is a resource, so that the tests can make
steps last as long as they like.
"""


def modules():
    """The module of each pattern, by number."""
    files = sorted(HERE.glob("test_wcp*.py"))
    return [import_module(f"{__package__}.{file.stem}") for file in files]


def picture_of(pattern: Pattern):
    """The file's name of a pattern's picture."""
    return f"wcp{pattern.number:02d}.svg"


def code_of(module):
    """What makes the workflow: the function and whatever of the module it needs, with its imports."""
    tree = ast.parse(inspect.getsource(module))
    own = {name: node for node in tree.body for name in _defined(node)}
    needed, names = {"workflow"}, [own["workflow"]]
    while names:
        for name in _used(names.pop()) & own.keys() - needed:
            needed.add(name)
            names.append(own[name])
    source = inspect.getsource(module).splitlines()
    shown = [node for node in tree.body if needed & set(_defined(node))]
    imports = [line for node in tree.body if (line := _import(node, set().union(*map(_used, shown))))]
    bodies = ["\n".join(source[node.lineno - 1 : node.end_lineno]) for node in shown]
    return "\n".join(imports) + "\n\n" + "\n\n".join(bodies) + "\n\nflow = workflow().compile()"


def _defined(node):
    """The names that a statement of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _used(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _import(node, used):
    """An import as the page shows it: of what comes from elsewhere, and is used."""
    if not isinstance(node, ast.ImportFrom) or node.level:
        return ""
    names = [each.name for each in node.names if each.name in used]
    return f"from {node.module} import {', '.join(names)}" if names else ""


def page():
    """The whole page."""
    all_of_them = modules()
    patterns = [module.PATTERN for module in all_of_them]
    sections = [_section(module) for module in all_of_them]
    return "\n".join([INTRODUCTION, _summary(patterns), SHARED, _shared(), *sections])


def _summary(patterns):
    def verdict(pattern, other):
        return getattr(pattern, other).partition(":")[0]

    lines = [
        f"| | pattern | backedge | {' | '.join(OTHERS.values())} |",
        "|---|---|---|---|---|---|",
    ]
    for pattern in patterns:
        cells = " | ".join(verdict(pattern, other) for other in OTHERS)
        lines.append(f"| {pattern.number} | [{pattern.name}](#{_anchor(pattern)}) | yes | {cells} |")
    counts = [
        " / ".join(
            str(sum(verdict(pattern, other) == word for pattern in patterns))
            for word in ("yes", "partly", "no")
        )
        for other in OTHERS
    ]
    lines.append(f"| | yes / partly / no | {len(patterns)} / 0 / 0 | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def _shared():
    tree = ast.parse(inspect.getsource(parts))
    source = inspect.getsource(parts).splitlines()
    return _sample("\n".join(source[tree.body[1].lineno - 1 :]))


def _sample(code):
    return f"```python\n{code}\n```\n"


def _title(pattern):
    return f"{pattern.number}. {pattern.name}"


def _anchor(pattern):
    """What the heading's anchor is called where the page is shown."""
    return _title(pattern).lower().replace(".", "").replace(" ", "-")


def _section(module):
    pattern = module.PATTERN
    others = "\n".join(f"| {name} | {getattr(pattern, other)} |" for other, name in OTHERS.items())
    return f"""\
## {_title(pattern)}

{pattern.intent}

![{pattern.name}](images/patterns/{picture_of(pattern)})

{_sample(code_of(module))}
| | |
|---|---|
{others}

Tested by [{Path(module.__file__).name}](../tests/patterns/{Path(module.__file__).name}).
"""


def draw(folder, patterns):
    """Draw the pictures of these patterns' modules into a folder."""
    for module in patterns:
        module.workflow().render(folder / picture_of(module.PATTERN))


def main(arguments):
    if arguments == ["--write"]:
        PICTURES.mkdir(exist_ok=True)
        draw(PICTURES, modules())
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
