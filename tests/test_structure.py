"""The project's shape: which module may import which, what the environment needs, where the links lead."""

import ast
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from tests import notebook_checks, notebooks
from utils import project

# From the bottom up: a module may import the modules before it and the packages named here.
LAYERS = {
    "project": set(),
    "given": {"numpy"},
    "shapes": {"numpy"},
    "folders": {"numpy", "PIL"},
    "pipeline": {"numpy", "tensorflow"},
    "unet": {"keras"},
    "losses": {"keras", "numpy"},
    "metrics": {"keras", "numpy"},
    "classes": {"numpy"},
    "instances": {"numpy", "scipy", "skimage"},
    "elastic": {"numpy", "scipy"},
    "tiling": {"numpy", "project"},
    "label_folders": {"PIL", "numpy"},
    "nuclei": {"PIL", "numpy"},
    "training": {"keras", "numpy", "tensorflow"},
    "weights": {"keras", "numpy"},
    "inspect_model": {"keras", "numpy", "tensorflow"},
    "cost": {"keras", "numpy"},
    "experiments": {"numpy"},
    "plots": {"IPython", "PIL", "keras", "matplotlib", "numpy", "scipy"},
    "explore": {"IPython", "PIL", "ipywidgets", "numpy"},
    "checks": {"keras", "numpy"},
}
DISTRIBUTIONS = {"PIL": "pillow", "IPython": "ipython", "skimage": "scikit-image", "jupyter_client": "ipykernel"}
TOOLS = {"ipykernel", "jupyterlab", "nbval", "pytest", "pytest-xdist", "ruff"}
"""Required, but not because something imports them."""


def imported(source: str) -> set[str]:
    """The modules that a source imports, ``utils.x`` for a module of utils."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            prefix = "utils" if node.level else node.module
            base = f"utils.{node.module}" if node.level and node.module else prefix
            found |= {f"utils.{alias.name}" for alias in node.names} if base == "utils" else {base}
    return found


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module of utils imports although it must not."""
    below = list(LAYERS)[: list(LAYERS).index(module)]
    allowed = {f"utils.{name}" for name in below} | LAYERS[module] | set(sys.stdlib_module_names)
    if (notebooks.ROOT / "utils" / module).is_dir():
        allowed.add(f"utils.{module}")
    return sorted(name for name in imported(source) if root(name) not in allowed)


def root(name: str) -> str:
    """The package that a module is in; a module of utils, and what lies inside it, stands for itself."""
    return ".".join(name.split(".")[: 2 if name.startswith("utils") else 1])


def files_of(module: str):
    """The files of a module of utils: one, or a folder of them."""
    path = notebooks.ROOT / "utils" / module
    return sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def sources():
    """Path and source of everything that runs: modules, tests, the notebooks' code cells."""
    for folder in ("utils", "tests"):
        for path in sorted((notebooks.ROOT / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
    for path in notebooks.find():
        cells = notebooks.code_cells(notebooks.read(path))
        yield path, "\n".join(re.sub(r"(?m)^\s*[%!].*$", "", cell.source) for cell in cells)


# ---- Imports -----------------------------------------------------------------------------------------------------------


def test_every_module_of_utils_has_its_place():
    there = {
        path.parent.name if path.stem == "__init__" else path.stem for path in (notebooks.ROOT / "utils").glob("*.py")
    }
    there |= {path.parent.name for path in (notebooks.ROOT / "utils").glob("*/__init__.py")}
    assert there - {"utils"} == set(LAYERS), "a module needs a place in LAYERS, and a place a module"


@pytest.mark.parametrize("module", LAYERS)
def test_imports_point_down(module):
    for path in files_of(module):
        assert wrong_imports(module, path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from utils import shapes, plots", ["utils.plots"]),
        ("from . import checks", ["utils.checks"]),
        ("from .training import fit", ["utils.training"]),
        ("import utils.unet", []),
        ("def late():\n    import utils.plots as p", ["utils.plots"]),
        ("import scipy.ndimage", ["scipy.ndimage"]),
        ("import os.path, math\nfrom keras import ops\nimport numpy as np", []),
        ("from utils.losses import dice", ["utils.losses"]),
    ],
)
def test_an_import_that_points_up_is_seen(source, wrong):
    assert wrong_imports("losses", source) == wrong


def test_only_notebooks_and_tests_import_plots_and_checks():
    for path, source in sources():
        if path.is_relative_to(notebooks.ROOT / "utils") and path not in [
            *files_of("plots"),
            *files_of("explore"),
            *files_of("checks"),
        ]:
            assert not {"utils.plots", "utils.explore", "utils.checks"} & {root(name) for name in imported(source)}, (
                path.name
            )


def test_requirements_list_what_is_imported_and_nothing_else():
    lines = (notebooks.ROOT / "requirements.txt").read_text().splitlines()
    required = {re.match(r"[\w-]+", line)[0] for line in lines if line and not line.startswith("#")}
    names = {name.split(".")[0] for _, source in sources() for name in imported(source)}
    needed = {DISTRIBUTIONS.get(n, n) for n in names - set(sys.stdlib_module_names) - {"utils", "tests"}}
    assert required - TOOLS == needed - TOOLS


def test_what_colab_may_lack_covers_what_notebooks_import_and_nothing_that_decides_about_the_graphics_card():
    names = {
        name.split(".")[0]
        for path, source in sources()
        if not path.is_relative_to(notebooks.ROOT / "tests")
        for name in imported(source)
    }
    untouched = {"tensorflow", "keras", "numpy"}
    assert names - set(sys.stdlib_module_names) - {"utils"} - untouched <= set(project.PACKAGES)
    assert untouched <= names and not untouched & set(project.PACKAGES.values())
    assert {DISTRIBUTIONS.get(name, name): name for name in project.PACKAGES} == {
        package: name for name, package in project.PACKAGES.items()
    }


def test_requirements_are_ranges():
    for line in (notebooks.ROOT / "requirements.txt").read_text().splitlines():
        assert "==" not in line and (not line or line.startswith("#") or ">=" in line), line


# ---- Texts and commands ------------------------------------------------------------------------------------------------


TEXTS = [path for folder in (".", "data", "notebooks") for path in sorted((notebooks.ROOT / folder).glob("*.md"))]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_of_texts_lead_somewhere(path):
    assert notebook_checks.broken_links(path.read_text(encoding="utf-8"), path) == []


def test_the_readme_maps_every_notebook():
    readme = (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in notebooks.find() if f"(notebooks/{path.name})" not in readme] == []


def test_commands_that_texts_name_exist():
    makefile = (notebooks.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for name in ("README.md", "CHANGELOG.md", "Makefile"):
        named = set(
            re.findall(r"(?:`|^    )make ([a-z-]+)", (notebooks.ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        )
        assert named <= targets, name
    assert set(re.search(r"\.PHONY: (.*)", makefile)[1].split()) == targets, "make help must list every target"


def test_the_tools_agree_on_the_oldest_python():
    with (notebooks.ROOT / "pyproject.toml").open("rb") as file:
        oldest = tomllib.load(file)["tool"]["ruff"]["target-version"]
    assert oldest == "py311" and "(3, 11)" in (notebooks.ROOT / "Makefile").read_text()


# ---- Versions ----------------------------------------------------------------------------------------------------------


def required():
    """The ranges of requirements.txt by package."""
    lines = (notebooks.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {one.name: one.specifier for one in map(Requirement, filter(lambda line: re.match(r"\w", line), lines))}


def pins(name):
    """The versions of a file of constraints by package, such as ``2.0.*``."""
    lines = (notebooks.ROOT / "tests" / f"constraints-{name}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if re.match(r"\w", line))


def test_the_ranges_hold_colabs_versions():
    ranges = required()
    assert [name for name, pin in pins("colab").items() if name in ranges and pin not in ranges[name]] == []
    assert {"tensorflow", "keras", "numpy", "ipywidgets"} <= pins("colab").keys() & required().keys()


def test_the_oldest_versions_are_the_lower_ends_of_the_ranges():
    lower = {name: next(s.version for s in found if s.operator == ">=") for name, found in required().items() if found}
    assert {name: lower[name] for name in pins("oldest")} == {
        name: pin.removesuffix(".*") for name, pin in pins("oldest").items()
    }
    assert {"tensorflow", "keras", "numpy", "matplotlib", "scipy", "scikit-image"} <= pins("oldest").keys()


def test_an_environment_is_made_anew_where_its_constraints_change():
    assert "$(VENV)/.complete: requirements.txt $(CONSTRAINTS)\n" in (notebooks.ROOT / "Makefile").read_text()
