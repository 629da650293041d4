"""What surrounds the code: Binder's list, start and map, the containers, workflows and hooks, and commands they name."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from tests import binder_check, notebooks, work_tree

ROOT = notebooks.ROOT
BINDER = ROOT / ".binder"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
posix = pytest.mark.skipif(os.name != "posix", reason="Binder's scripts run on Linux")


def requirements(path):
    """The lines of a list of packages that name one."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"\w", line)]


def targets() -> set[str]:
    """What the Makefile can make."""
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


# ---- Binder ------------------------------------------------------------------------------------------------------------


def test_binder_installs_the_same_ranges_with_the_smaller_tensorflow():
    ours = [re.sub(r"^tensorflow(?=\W)", "tensorflow-cpu", line) for line in requirements(ROOT / "requirements.txt")]
    assert requirements(BINDER / "requirements.txt") == ours


def test_binder_reinstalls_only_when_its_list_changes():
    assert not re.search(r"(?m)^\s*-|\./", "\n".join(requirements(BINDER / "requirements.txt")))
    assert "-r " not in re.sub(r"(?m)^#.*$", "", (BINDER / "requirements.txt").read_text())
    assert not (ROOT / "binder").exists(), "with two folders Binder would take the other one"


def test_binders_python_is_one_that_the_series_runs_on():
    major, minor = map(int, re.fullmatch(r"python-(\d+)\.(\d+)\n", (BINDER / "runtime.txt").read_text()).groups())
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["target-version"]
    assert (major, minor) >= (3, int(oldest.removeprefix("py3")))
    assert f"3.{minor}" in re.search(r"With Python (.*) and make", (ROOT / "README.md").read_text())[1]


@posix
@pytest.mark.parametrize("name", ["start", "postBuild"])
def test_binders_scripts_can_be_run_and_stop_at_an_error(name):
    script = BINDER / name
    listed = subprocess.run(
        ["git", "ls-files", "--stage", str(script)],
        cwd=ROOT, env=work_tree.without_git(), capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert os.access(script, os.X_OK) and listed.stdout[:6] in ("100755", ""), "git must know that it can be run"
    text = script.read_text()
    assert text.startswith("#!") and re.search(r"(?m)^set -e", text) and "\r" not in text
    if name == "start":
        assert text.rstrip().endswith('exec "$@"')


@posix
@pytest.mark.parametrize(("limit", "threads"), [("1.0", "1"), ("2", "2"), ("0.5", "1"), ("1.5", "2"), ("3.000", "3")])
def test_binder_tells_tensorflow_how_many_cores_the_pod_has(limit, threads):
    show = "echo $OMP_NUM_THREADS $TF_NUM_INTRAOP_THREADS $TF_NUM_INTEROP_THREADS"
    done = subprocess.run(
        [BINDER / "start", "sh", "-c", f"{show}; exit 7"],
        env=os.environ | {"CPU_LIMIT": limit}, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.stdout.split() == [threads] * 3 and done.returncode == 7 and done.stderr == ""


@posix
def test_binder_without_a_limit_counts_the_cores():
    without = {name: value for name, value in os.environ.items() if name != "CPU_LIMIT"}
    done = subprocess.run(
        [BINDER / "start", "sh", "-c", "echo $OMP_NUM_THREADS"], env=without, capture_output=True, encoding="utf-8"
    )
    assert 1 <= int(done.stdout) <= os.cpu_count() and done.stderr == ""


@posix
def test_jupyterlab_on_binder_gets_its_settings_and_opens_on_the_map(tmp_path):
    subprocess.run([BINDER / "postBuild"], env=os.environ | {"NB_PYTHON_PREFIX": str(tmp_path)}, cwd="/", check=True)
    settings = tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert settings.read_bytes() == (BINDER / "overrides.json").read_bytes()
    lab = json.loads((tmp_path / "etc" / "jupyter" / "jupyter_lab_config.json").read_text())["LabApp"]
    assert lab == {"default_url": binder_check.MAP, "news_url": None}
    without = {name: value for name, value in os.environ.items() if name != "NB_PYTHON_PREFIX"}
    assert subprocess.run([BINDER / "postBuild"], env=without, capture_output=True).returncode != 0


def test_jupyterlab_knows_the_settings():
    schemas = next(
        folder / "share" / "jupyter" / "lab" / "schemas"
        for folder in map(type(ROOT), (sys.prefix, sys.base_prefix))
        if (folder / "share" / "jupyter" / "lab" / "schemas").is_dir()
    )
    for plugin, values in json.loads((BINDER / "overrides.json").read_text()).items():
        package, name = plugin.split(":")
        schema = json.loads((schemas / package / f"{name}.json").read_text(encoding="utf-8"))
        assert set(values) <= set(schema["properties"]), plugin


def test_the_map_is_where_everybody_starts():
    makefile = (ROOT / "Makefile").read_text()
    assert binder_check.MAP == "/lab/tree/" + re.search(r"START \?= (\S+)", makefile)[1]
    assert "cp .binder/overrides.json $(VENV)/share/jupyter/lab/settings/" in makefile


@posix
def test_a_python_that_is_only_a_name_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / "python3.99").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert binder_check.python("3.99") == (sys.executable, ".".join(map(str, sys.version_info[:2])))


@posix
def test_a_step_of_binder_that_fails_stops_the_check(monkeypatch, capsys):
    monkeypatch.setattr(binder_check, "install", lambda *given: None)
    monkeypatch.setattr(binder_check.work_tree, "copy", lambda root, folder: ROOT)
    monkeypatch.setattr(binder_check, "variables", lambda environment: os.environ | {"NB_PYTHON_PREFIX": "/dev/null/x"})
    assert binder_check.main(["01"]) == 1
    assert re.search(r"Binder would fail: postBuild failed \(exit code \d+\)", capsys.readouterr().out)
    with pytest.raises(SystemExit):
        binder_check.main(["77"])


def test_a_copy_of_the_work_tree_holds_what_git_knows_and_nothing_that_is_ignored(tmp_path):
    work_tree.copy(ROOT, tmp_path)
    copied = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"README.md", ".binder/start", "utils/project.py"} <= copied
    assert not [name for name in copied if name.startswith((".git/", ".venv/")) or "__pycache__" in name]
    assert os.access(tmp_path / ".binder" / "start", os.X_OK)


# ---- Containers, workflows, hooks, templates -----------------------------------------------------------------------------


def test_the_container_is_complete():
    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert settings["updateContentCommand"] == "make env"
    vscode = settings["customizations"]["vscode"]
    assert "ms-toolsai.jupyter" in vscode["extensions"]
    assert vscode["settings"]["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"
    for name in settings["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).exists()
    python = re.search(r"python:(3\.\d+)$", settings["image"])[1]
    assert f"python-{python}\n" == (BINDER / "runtime.txt").read_text(), (
        "one Python for all places that we choose it for"
    )


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_what_is_made_can_be_made(path):
    named = re.findall(r"(?:^|`|run: |command: |    )make ((?:[a-z-]+(?: |$))*[a-z-]+)", path.read_text(), re.MULTILINE)
    words = {word for command in named for word in command.split()}
    assert words and words <= targets(), "a command that the Makefile does not have"


def test_the_workflows_run_the_oldest_and_the_newest_python():
    minors = re.findall(r"3\.(\d+)", re.search(r"With Python (.*) and make", (ROOT / "README.md").read_text())[1])
    tested = re.findall(r'python: "3\.(\d+)"', (ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert {min(minors, key=int), max(minors, key=int)} == set(tested)
    assert re.search(r"(?m)^ +- cron: ", (ROOT / ".github" / "workflows" / "weekly.yml").read_text())


def test_hooks_are_local_and_run_what_is_in_the_environment():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"] and set(re.findall(r"language: (\S+)", text)) == {"system"}
    for module in re.findall(r"entry: .venv/bin/python -m ([\w.]+)", text):
        assert module == "ruff" or (ROOT / (module.replace(".", "/") + ".py")).exists()
    assert len(re.findall("entry: .venv/bin/python -m ", text)) == len(re.findall(r"- id: ", text)) == 4


def test_differences_of_notebooks_can_be_read():
    attributes = (ROOT / ".gitattributes").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for driver in ("diff", "merge"):
        assert re.search(rf"(?m)^\*\.ipynb .*\b{driver}=jupyternotebook", attributes)
        assert f"git config {driver}.jupyternotebook." in makefile


def test_the_citation_names_the_licences_that_are_there():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"(?m)^cff-version: 1\.2\.0$", citation) and re.search(r"(?m)^message: ", citation)
    assert re.search(r"(?m)^license:\n  - MIT\n  - CC-BY-4\.0$", citation)
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert "CC BY 4.0" in (ROOT / "LICENSE-TEXT").read_text()


def test_contributing_is_one_page_and_says_how_to_add_each_thing():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {"## A notebook", "## An exercise", "## A figure", "## A shape"} <= set(text.splitlines())
    assert len(text.split()) < 900
