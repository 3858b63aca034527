"""Text files are UTF-8 in every locale: all calls that open one set the encoding."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("simhand_mm", "tools", "projects", "configs")
               for path in (ROOT / room).rglob("*.py"))  # fmt: skip
PROGRAMS = {"run", "Popen", "check_output", "check_call", "getoutput"}


def calls_without_encoding(tree: ast.AST):
    """Return the lines of calls that read or write text in the encoding of the locale."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            options = {keyword.arg: keyword.value for keyword in node.keywords}
            if "encoding" not in options and _opens_text(name, function, node.args, options):
                yield node.lineno


def _opens_text(name, function, arguments, options) -> bool:
    owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
    if name == "read_text":
        return not arguments
    if name == "write_text":
        return len(arguments) < 2
    if name in PROGRAMS and owner in ("subprocess", ""):
        return bool({"text", "universal_newlines"} & options.keys()) or name == "getoutput"
    if name in ("open", "fdopen", "TextIOWrapper"):
        if owner in ("os", "av", "lmdb", "pa.ipc", "Image") and name == "open":
            return False  # does not open text
        # open(path, mode, buffering, encoding), path.open(mode, buffering, encoding)
        place = 0 if owner and owner not in ("io", "os") else 1
        if len(arguments) > place + 2:
            return False
        mode = options.get("mode", arguments[place] if len(arguments) > place else None)
        return name == "TextIOWrapper" or "b" not in getattr(mode, "value", "r")
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_as_utf8(path):
    lines = list(calls_without_encoding(ast.parse(path.read_text(encoding="utf-8"))))
    assert not lines, f"{path.relative_to(ROOT)}: set encoding='utf-8' in lines {lines}"


@pytest.mark.parametrize(
    "code",
    [
        "open(p)",
        "open(p, 'w', newline='')",
        "open(p, mode='a')",
        "io.open(p)",
        "p.open()",
        "p.open('w')",
        "p.read_text()",
        "p.write_text(t)",
        "os.fdopen(3)",
        "subprocess.run(c, text=True)",
        "check_output(c, universal_newlines=True)",
    ],
)
def test_calls_without_encoding_are_found(code):
    assert list(calls_without_encoding(ast.parse(code))) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "open(p, 'rb')",
        "p.open('wb')",
        "open(p, encoding='utf-8')",
        "p.read_text('utf-8')",
        "p.write_text(t, encoding='utf-8')",
        "p.read_bytes()",
        "subprocess.run(c)",
        "subprocess.run(c, text=True, encoding='utf-8')",
        "os.open(p, os.O_RDONLY)",
        "run(main, __doc__)",
    ],
)
def test_other_calls_are_accepted(code):
    assert list(calls_without_encoding(ast.parse(code))) == []
