"""The shape of the code, asserted: import order, file lengths, names, documentation, public names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import blimp2pymc

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "blimp2pymc"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHON_FILES = sorted(
    each for folder in ("blimp2pymc", "tests", "examples", "benchmarks") for each in (ROOT / folder).rglob("*.py")
)

ORDER = (
    "errors", "blimp", "data", "joint_model", "from_frame", "pymc_source", "sampler", "summary", "cli", "__main__",
)  # fmt: skip
"""The stages from left to right; a module imports from its own stage and from those left of it."""

SAMPLER_ORDER = (
    "draws", "compilation", "plan", "numerics", "kernels", "tables", "chain", "verification", "step",
)  # fmt: skip
"""The same inside the sampler, where `step` and `verification` use everything."""

PUBLIC_NAMES = {
    "BlimpError", "Fit", "Model", "Plan",
    "build", "fit", "model", "parse", "plan", "printed_equations", "resolve", "translate", "verify",
}  # fmt: skip

MAX_LINES = 400
LONGER: dict[str, int] = {}
"""Files that may be longer, and how long."""

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _stage(module: str) -> str:
    return module.split(".")[1]


def _imported(path: Path) -> set[str]:
    """Every module of this package that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}:{node.lineno}: relative import"
            found.add(node.module or "")
    return {each for each in found if each.startswith("blimp2pymc.")}


@pytest.mark.parametrize("path", [each for each in MODULES if each != PACKAGE / "__init__.py"], ids=_name)
def test_imports_point_left(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in ORDER, f"{own} has no place in the order of stages"
    for module in _imported(path):
        assert ORDER.index(_stage(module)) <= ORDER.index(own), f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", [each for each in MODULES if "sampler" in each.parts], ids=_name)
def test_imports_point_left_inside_the_sampler(path: Path) -> None:
    own = path.relative_to(PACKAGE / "sampler").parts[0].removesuffix(".py")
    for module in _imported(path):
        if _stage(module) == "sampler" and own != "__init__":
            other = module.split(".")[2]
            assert SAMPLER_ORDER.index(other) <= SAMPLER_ORDER.index(own), f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=_name)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGER.get(_name(path), MAX_LINES)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_names_say_something(path: Path) -> None:
    assert not {each.removesuffix(".py") for each in path.relative_to(PACKAGE).parts} & EMPTY_NAMES


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_module_and_public_names_are_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if not tree.body and path.name == "__init__.py":
        return
    assert ast.get_docstring(tree), "module without a docstring"
    missing = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            missing += [node.name] * (ast.get_docstring(node) is None)
            missing += [
                f"{node.name}.{part.name}"
                for part in (node.body if isinstance(node, ast.ClassDef) else [])
                if isinstance(part, ast.FunctionDef)
                and not part.name.startswith("_")
                and not ast.get_docstring(part)
                and not _sets_a_property(part)
            ]
    assert not missing


def _sets_a_property(function: ast.FunctionDef) -> bool:
    """The docstring of a property is that of its getter."""
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in function.decorator_list)


def test_public_names_are_exactly_these() -> None:
    assert set(blimp2pymc.__all__) == PUBLIC_NAMES
    assert blimp2pymc.__all__ == sorted(blimp2pymc.__all__)
    assert set(dir(blimp2pymc)) >= PUBLIC_NAMES


@pytest.mark.parametrize("name", sorted(PUBLIC_NAMES))
def test_public_name_is_found_and_no_module_hides_it(name: str) -> None:
    # In a process of its own: importing a submodule must not replace the lazy name by the submodule.
    code = (
        f"import sys, types, blimp2pymc; before = blimp2pymc.{name};"
        f"import blimp2pymc.summary.fit, blimp2pymc.sampler.plan.rules;"
        f"assert blimp2pymc.{name} is before and not isinstance(before, types.ModuleType)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert not (PACKAGE / name).exists()
    assert not (PACKAGE / f"{name}.py").exists()


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sample'"):
        _ = blimp2pymc.sample  # type: ignore[attr-defined]


def test_tracked_files_name_no_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    # Put together here, so that this file does not match itself.
    machine = [f"/{name}/" for name in ("work", "root", "opt", "home")]
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js", "anaconda" + ".org"]
    pattern = re.compile("|".join(re.escape(each) for each in machine + hosts))
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".png", ".nc"} or not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{name}: {each.group()}" for each in pattern.finditer(text) if not _part_of_address(text, each)]
    assert not found


def _part_of_address(text: str, match: re.Match[str]) -> bool:
    """Whether a path fragment is inside a word or an address of the web."""
    return match.start() > 0 and (text[match.start() - 1].isalnum() or text[match.start() - 1] in "._-")
