"""The project's shape: which module may import which, how large it may be, what the environment needs, where texts lead."""

import ast
import json
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from scripts import launch, notebook_checks, notebooks
from utils import project

ROOT = notebooks.ROOT
LAYERS = """project validate shapes files layouts masks nuclei pipeline unet losses metrics objects training drawings diffusion
tiling receptive_field inspect_model uncertainty cost variants weights volumes planning exporting predict experiments records
processes cluster serving plots folders explore checks""".split()
"""From the bottom up: a module of utils may import the modules before it."""
PACKAGES = {
    "PIL": "pillow", "IPython": "ipython", "skimage": "scikit-image", "jupyter_client": "ipykernel",
    "nbconvert": "jupyterlab", "traitlets": "jupyterlab",
}  # fmt: skip
OPTIONAL, TOOLS = {"torch"}, {"ipykernel", "jupyterlab", "nbval", "onnx", "pytest-xdist", "ruff", "tf2onnx"}
"""Imported where it is there; required, but not because something imports it."""
SCALING, SCALING_TOOLS = {"13_scaling_up.ipynb", "serving.py", "test_scaling.py"}, {"tensorboard"}
"""What may import the group ``scaling`` of pyproject.toml; and what of it the reader starts."""


def text(name):
    """A file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def sources(*folders):
    """Path -> source of the modules in some folders."""
    return {
        path: path.read_text(encoding="utf-8") for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))
    }


def imported(source) -> set[str]:
    """The modules that a source imports, each with its package's next level where that is ours: ``utils.x``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or "utils"
            found |= {f"{base}.{alias.name}" for alias in node.names} if base in ("utils", "scripts") else {base}
    return {".".join(name.split(".")[:2]) if name.startswith("utils") else name.split(".")[0] for name in found}


def wrong_imports(module, source) -> set[str]:
    """What a module of utils imports although it must not."""
    allowed = {f"utils.{name}" for name in LAYERS[: LAYERS.index(module) + 1]}
    return {name for name in imported(source) if name.split(".")[0] in ("utils", "scripts", "tests")} - allowed


def module_of(path):
    """The module of utils that a file belongs to."""
    return path.relative_to(ROOT / "utils").parts[0].removesuffix(".py")


def test_imports_point_one_way():
    files = {path: source for path, source in sources("utils").items() if module_of(path) != "__init__"}
    assert {module_of(path) for path in files} == set(LAYERS), "a module needs a place in LAYERS, and a place a module"
    assert {path.name: wrong for path in files if (wrong := wrong_imports(module_of(path), files[path]))} == {}


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from utils import shapes, plots", {"utils.plots"}),
        ("from utils.training import Recipe", {"utils.training"}),
        ("def late():\n    import scripts.ship", {"scripts"}),
        ("import utils.unet\nimport numpy as np", set()),
    ],
)
def test_an_import_that_points_up_is_seen(source, wrong):
    assert wrong_imports("losses", source) == wrong


def test_nothing_grows_beyond_its_budget():
    for folders, most in ((["utils"], 11_300), (["tests", "scripts"], 14_800)):
        assert sum(source.count("\n") for source in sources(*folders).values()) <= most, folders
    assert text("utils/unet.py").count("\n") <= 130 and len(TARGETS) <= 16


def test_inside_the_rooms_nothing_is_checked():
    doors = {"validate", "files", "layouts", "masks", "folders", "weights", "predict", "serving", "checks"}
    raised, code = 0, 0
    for path, source in sources("utils").items():
        if module_of(path) not in doors:
            tree = ast.parse(source)
            held = [n.value for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
            held = {k for n in held for k in range(n.lineno, n.end_lineno + 1)}
            rows = enumerate(source.splitlines(), 1)
            code += sum(k not in held and bool(row.strip()) and row.strip()[0] != "#" for k, row in rows)
            raised += sum(isinstance(node, ast.Raise) for node in ast.walk(tree))
    assert raised <= code / 100


# ---- Packages and versions ---------------------------------------------------------------------------------------------


def ranges(name):
    """The ranges of a list of packages."""
    return {one.name: one.specifier for one in map(Requirement, re.findall(r"(?m)^\w.*$", text(name)))}


def group(name):
    """The ranges of a group of pyproject.toml."""
    listed = tomllib.loads(text("pyproject.toml"))["dependency-groups"][name]
    return {one.name: one.specifier for one in map(Requirement, listed)}


def pins(name):
    """The versions of a list of constraints, such as ``2.0.*``."""
    return dict(re.findall(r"(?m)^([\w-]+)==(.+)$", text(f"scripts/constraints-{name}.txt")))


def test_requirements_list_what_is_imported_and_nothing_else_and_colab_gets_what_it_may_lack():
    cells = {path: notebooks.code_cells(notebooks.read(path)) for path in notebooks.find()}
    books = {path: "\n".join(notebooks.python(cell.source) for cell in cells[path]) for path in cells}
    ours = set(sys.stdlib_module_names) | {"utils", "scripts", "tests", "google"}
    needed, shown = (
        {name.split(".")[0] for source in found.values() for name in imported(source)} - ours
        for found in (books | sources("utils", "scripts", "tests"), books | sources("utils"))
    )
    extra = set(group("scaling")) - SCALING_TOOLS
    importing = {p.name: imported(s) & extra for p, s in (books | sources("utils", "scripts", "tests")).items()}
    assert {name for name, found in importing.items() if found} <= SCALING, "others do without the group"
    assert set.union(*importing.values()) == extra and not extra & set(ranges("requirements.txt"))
    needed, shown = needed - extra, shown - extra
    assert set(ranges("requirements.txt")) - TOOLS == {PACKAGES.get(name, name) for name in needed} - TOOLS - OPTIONAL
    untouched = {"tensorflow", "keras", "numpy"}
    assert shown - untouched - OPTIONAL <= set(project.PACKAGES) and not untouched & set(project.PACKAGES)


def test_ranges_hold_colabs_versions_begin_at_the_oldest_and_are_binders():
    required = ranges("requirements.txt")
    assert [name for name, pin in pins("colab").items() if name in required and pin not in required[name]] == []
    lower = {
        name: next(s.version for s in found if s.operator == ">=")
        for name, found in (required | group("scaling")).items()
    }
    assert {name: pin.removesuffix(".*") for name, pin in pins("oldest").items()}.items() <= lower.items()
    required["tensorflow-cpu"] = required.pop("tensorflow")
    assert ranges(".binder/requirements.txt") == required | group("scaling")
    assert {"MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_"} <= set(notebooks.small_machine())


# ---- Texts and commands ------------------------------------------------------------------------------------------------

TEXTS = [path for folder in (".", "data", "notebooks") for path in sorted((ROOT / folder).glob("*.md"))]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_of_texts_lead_somewhere(path):
    assert notebook_checks.broken_links(path.read_text(encoding="utf-8"), path) == []


def test_commands_that_texts_and_workflows_name_exist():
    assert set(re.search(r"\.PHONY: (.*)", text("Makefile"))[1].split()) == TARGETS, "make help must list every target"
    for path in [*WORKFLOWS, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile", ".ci/run"))]:
        named = re.findall(r"(?m)(?:`|^ {4}|: |^)make ((?:[a-z-]+(?=[ `\n]) ?)+)", path.read_text(encoding="utf-8"))
        assert named and {word for words in named for word in words.split()} <= TARGETS, path.name
    named = "\n".join(map(text, ["Makefile", "README.md", ".pre-commit-config.yaml"]))
    modules = re.findall(r"-m ((?:scripts|tests)[\w.]*)", named)
    assert [name for name in modules if not list(ROOT.glob(f"{name.replace('.', '/')}*"))] == []


def test_everybody_starts_at_the_map():
    assert "START ?= README.md" in text("Makefile") and launch.MAP in text(".binder/postBuild")
    assert [path.name for path in notebooks.find() if f"(notebooks/{path.name})" not in text("README.md")] == []
    python = json.loads(text(".devcontainer/devcontainer.json"))["image"].rpartition(":")[2]
    assert text(".binder/runtime.txt") == f"python-{python}\n", "one Python for all places that we choose it for"
