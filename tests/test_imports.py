"""Who may import whom, and who may print. The rules are the architecture; docs/ and the code follow them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("builder", "timings", "fleet", "serving", "server", "scripts", "evaluation", "benchmarks", "tests")

# builder.errors, builder.explain, builder.records and builder.files are the base that everything stands on; they import no torch.
MAY_IMPORT = {
    "builder": ("builder",),
    "timings": ("timings", "builder.errors", "builder.explain", "builder.records", "builder.files"),
    "fleet": (
        "fleet",
        "timings",
        "builder.errors",
        "builder.explain",
        "builder.files",
        "builder.manifest",
        "builder.programs",
        "builder.records",
    ),
    "serving": (
        "serving",
        "timings.records",
        "timings.fleet_records",
        "builder.cards",
        "builder.errors",
        "builder.records",
        "builder.manifest",
    ),
    "server.py": ("serving", "timings", "builder.errors"),
    "evaluation": ("evaluation", "builder"),
}

# Where else these may be imported, besides scripts/, benchmarks/ and tests/.
ONLY_IN = {
    "distributed": ("builder/dask_connection.py", "builder/dask_worker.py"),
    "torch": ("builder/", "evaluation/runtimes.py"),
    "torchvision": ("builder/",),
    "onnx": ("builder/",),
    "onnxruntime": ("builder/", "evaluation/runtimes.py"),
    "sqlalchemy": ("timings/store.py", "timings/schema.py", "timings/migrations.py", "timings/database.py"),
    "sqlite3": ("timings/database.py",),
    "matplotlib": ("timings/plots.py",),
    "flask": ("serving/", "server.py"),
    "werkzeug": ("serving/",),
    "waitress": ("serving/listening.py",),
    "playwright": ("fleet/", "evaluation/browser.py"),
    "pycocotools": ("evaluation/detection.py",),
}


def files(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, as builder.manifest for `from builder import manifest` too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            is_package = (ROOT / module.replace(".", "/")).is_dir()
            yield from (f"{module}.{alias.name}" if is_package else module for alias in node.names)


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("place", MAY_IMPORT)
def test_who_imports_whom(place: str) -> None:
    found = files(place)
    assert found
    broken = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in found
        for module in imported(path)
        if within(module, OURS) and not within(module, MAY_IMPORT[place])
    ]
    assert broken == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_who_imports_what_is_not_ours(package: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for place in MAY_IMPORT
        for path in files(place)
        if any(within(module, (package,)) for module in imported(path))
    }
    assert users
    assert {user for user in users if not user.startswith(ONLY_IN[package])} == set()


def test_only_commands_print_and_set_exit_statuses() -> None:
    broken = []
    for place in MAY_IMPORT:
        for path in files(place):
            if path.name in {"__main__.py", "server.py"}:
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                if called in {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}:
                    broken.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} calls {called}")
    assert broken == []


@pytest.mark.parametrize(
    "statement",
    [
        "import server",
        "import timings.__main__",
        "import fleet.__main__",
        "import builder.manifest",
        "import builder.records",
    ],
)
def test_what_starts_fast_loads_nothing_heavy(statement: str) -> None:
    code = f"import sys; {statement}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"torch", "torchvision", "onnx", "onnxruntime", "matplotlib", "scipy"} & set(result.stdout.split()) == set()


def test_an_application_that_answers_has_loaded_no_torch(tiny_zoo: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from server import Settings, create_app; "
        f"app = create_app(Settings(Path({str(tiny_zoo)!r}), {str(tmp_path / 'runs.sqlite')!r})); "
        "statuses = [app.test_client().get(path).status_code for path in ('/', '/api/timings.csv')]; "
        "app.extensions['store'].close(); "
        "print(statuses, 'torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[200, 200] False False\n"


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    """It runs before any package is installed: -S leaves site-packages out."""
    script = "import sys; sys.path.insert(0, '.'); import scripts.setup"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
