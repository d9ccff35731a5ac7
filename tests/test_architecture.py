"""The shape of the tree, held by tests; the import rules themselves are import-linter contracts in pyproject.toml."""

import ast
import importlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("features", "training", "serving")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_imported_packages_are_ours(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None and Path(module.__file__).is_relative_to(ROOT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_thing(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300, f"{path} has {len(lines)} lines; over 300 it is two things"
    assert path.stem not in {"utils", "helpers", "misc", "common", "base", "manager"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_check_disappears_under_optimization(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, f"{path}:{asserts}: PYTHONOPTIMIZE=1 removes assert; raise an error of features.errors"


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_an_init_file_holds_a_docstring_and_names(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path} says nothing about its package"
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
    assert all(isinstance(node, allowed) for node in tree.body), f"{path} has code"


CORE = [path for path in MODULES if not path.is_relative_to(ROOT / "serving")]  # commands and the service read the clock


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_time_and_chance_are_arguments_in_the_core(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    hidden = re.findall(r"datetime\.now\(|datetime\.utcnow\(|time\.time\(|np\.random\.seed|random\.random\(", text)
    assert not hidden, f"{path}: {hidden}"


def test_help_is_instant_because_nothing_heavy_is_imported() -> None:
    code = "import sys, serving.cli; print([m for m in ('feast', 'mlflow', 'lightgbm', 'bentoml', 'pandas') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def test_importing_every_module_makes_no_file_and_reads_no_setting(tmp_path: Path) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.name != "service.py"
    ]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    started = time.monotonic()
    environment = {"PATH": os.defpath, "TOUCHPOINT_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PYTHONOPTIMIZE": "1"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "home").exists(), f"importing made {list(tmp_path.iterdir())}"
    assert time.monotonic() - started < 120
