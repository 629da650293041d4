"""The frame of the measurements: in turn, tables, stored figures, the page, and the command line."""

import importlib
import itertools
import json
import shutil
import subprocess

import pytest

from tests import work_tree
from tests.benchmarks.bench import __main__ as bench
from tests.benchmarks.bench import measure


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project folder for what is stored and for the page."""
    monkeypatch.setattr(measure, "FOLDER", tmp_path / "data" / "benchmarks")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "data" / "benchmarks.md")
    monkeypatch.setattr(bench, "README", tmp_path / "README.md")
    bench.README.write_text(f"# Title\n\nBefore.\n\n{bench.BEGIN}\nOld.\n{bench.END}\n\nAfter.\n", encoding="utf-8")
    monkeypatch.setattr(bench.project, "ROOT", tmp_path)
    monkeypatch.setattr(measure, "commit", lambda: "abc1234")
    return tmp_path / "data"


def table(title="Speed", **more):
    return measure.Table(title, ["what", "seconds"], [["fast", 0.5], ["slow", 12]], **more)


# ---- Tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [[], ["one"], ["one", 2, 3]])
def test_a_row_has_an_entry_for_every_column(row):
    with pytest.raises(ValueError, match=rf"^Uneven: a row has {len(row)} entries for 2 columns"):
        measure.Table("Uneven", ["what", "seconds"], [["fast", 1], row])


def test_a_table_is_markdown_with_its_notes_below():
    assert table(notes=["First.", "Second."]).text().splitlines() == [
        "### Speed",
        "",
        "| what | seconds |",
        "|------|---------|",
        "| fast | 0.500   |",
        "| slow | 12      |",
        "",
        "First.",
        "",
        "Second.",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0, "0"), (7, "7"), (12345, "12,345"), (0.00123456, "0.00123"), (0.5, "0.500"), (9.999, "10.0"),
        (12.345, "12.3"), (99.96, "100"), (123.4, "123"), (12345.6, "12,346"), (-0.25, "-0.250"),
        (-1234.5, "-1,234"), ("as it is", "as it is"), (True, "True"),
    ],
)  # fmt: skip
def test_numbers_are_shown_in_three_digits_or_more(value, text):
    assert measure.shown(value) == text


def test_a_spread_is_median_smallest_and_largest():
    assert measure.spread([3, 1, 2]) == "2.00 (1.00 to 3.00)"
    assert measure.spread(iter([4.0, 1.0])) == "2.50 (1.00 to 4.00)"
    assert measure.spread([4]) == "4.00", "a single one has no range"


def test_ratios_are_those_of_each_round():
    assert measure.ratios([2.0, 9.0], [1.0, 3.0]) == [2, 3]
    with pytest.raises(ValueError, match="2 and 1 measurements"):
        measure.ratios([1, 2], [1])


# ---- In turn -----------------------------------------------------------------------------------------------------------


def test_tasks_take_turns_and_the_warm_up_is_not_measured(monkeypatch):
    order, clock = [], [0.0]

    def task(name, lasts):
        def run():
            order.append(name)
            clock[0] += lasts * len(order)

        return run

    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    seconds = measure.in_turn({"a": task("a", 1), "b": task("b", 10)}, rounds=2, warm_up=1)
    assert order == ["a", "b"] * 3
    assert seconds == {"a": [3, 5], "b": [40, 60]}


# ---- Stored figures ----------------------------------------------------------------------------------------------------


def test_what_is_stored_is_read_again(folder):
    tables = [table(notes=["A note."]), table("Memory", notes=[])]
    path = measure.store("peer", "How fast?", "make bench TABLE=peer", tables, 12.6, "2026-01-31")
    assert path == folder / "benchmarks" / "peer.json" and list(path.parent.iterdir()) == [path]
    content = measure.read(path)
    assert content["tables"] == tables
    assert {name: content[name] for name in ("question", "made_by", "made_on", "commit", "seconds")} == {
        "question": "How fast?", "made_by": "make bench TABLE=peer", "made_on": "2026-01-31", "commit": "abc1234",
        "seconds": 13,
    }  # fmt: skip
    assert content["machine"]["cores"] == measure.cores() >= 1 and content["machine"]["processor"]
    assert {"python", "keras", "numpy"} <= set(content["versions"])


def test_figures_that_cannot_be_stored_leave_the_old_ones(folder):
    path = measure.store("peer", "How fast?", "make bench", [table()], 1, "2026-01-31")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        measure.store("peer", "How fast?", "make bench", [table(notes=[object()])], 1, "2026-02-01")
    assert path.read_bytes() == before


def test_the_page_holds_every_table_and_where_it_was_measured(folder):
    contents = []
    for name in ("peer", "limit"):
        tables = [table(f"{name} 1"), table(f"{name} 2")]
        contents.append(measure.read(measure.store(name, f"Question {name}?", "make bench", tables, 900, "2026-01-31")))
    page = measure.page(contents)
    top = page.partition("\n## ")[0]
    assert "The nearest peer is usuyama/pytorch-unet: " in top and top.endswith("All tables together took 1,800 s.\n")
    for name in ("peer", "limit"):
        where = f"`make bench`, 2026-01-31, commit abc1234, 900 s, {measure.cores()} cores of "
        assert f"\n## Question {name}?\n\n{where}" in page
        assert f"\n{table(f'{name} 1').text()}\n\n{table(f'{name} 2').text()}\n" in page
    assert page.endswith("|\n") and "\n\n\n" not in page
    assert "`make bench`, 2026-01-31, 900 s, " in measure.page([contents[0] | {"commit": ""}]), "measured outside git"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A function that runs git in a repository of its own, in which the files of the measurements have been committed."""
    if not shutil.which("git"):
        pytest.skip("the commit that was measured is told by git")
    for name in [name for name in measure.os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(measure.project, "ROOT", tmp_path)

    def git(*asked):
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-C", str(tmp_path), *asked]
        return subprocess.check_output(command, env=work_tree.without_git(), encoding="utf-8").strip()

    (tmp_path / "data" / "benchmarks").mkdir(parents=True)
    for name in ("code.py", "README.md", "data/README.md", "data/benchmarks.md", "data/benchmarks/peer.json"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "--no-verify", "-m", "old")
    return git


def test_the_commit_has_a_plus_if_what_was_measured_differs_from_it(repository, tmp_path):
    name = repository("rev-parse", "--short", "HEAD")
    assert measure.commit() == name
    for path in ("README.md", "data/benchmarks.md", "data/benchmarks/peer.json", "data/benchmarks/new.png"):
        (tmp_path / path).write_text("new", encoding="utf-8")
    assert measure.commit() == name, "a measurement writes these itself"
    for path in ("code.py", "data/README.md", "new.py"):
        before = (tmp_path / path).read_text(encoding="utf-8") if (tmp_path / path).exists() else None
        (tmp_path / path).write_text("new", encoding="utf-8")
        assert measure.commit() == f"{name}+", path
        (tmp_path / path).unlink() if before is None else (tmp_path / path).write_text(before, encoding="utf-8")
    assert measure.commit() == name


def test_outside_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(measure.project, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert measure.commit() == ""


# ---- The command line --------------------------------------------------------------------------------------------------


@pytest.fixture
def called(monkeypatch, folder):
    """The commands that were called in place of processes; the questions in ``failing`` fail, the others store a table."""
    commands, failing = [], set()

    def run(command, **_):
        commands.append(command)
        name = command[command.index("--inside") + 1]
        if name not in failing:
            measure.store(name, f"Question {name}?", "make bench", [table(name)], 1, "2026-01-31")
        return subprocess.CompletedProcess(command, int(name in failing))

    monkeypatch.setattr(bench.subprocess, "run", run)
    return commands, failing


def names_of(commands):
    return [command[command.index("--inside") + 1] for command in commands]


def test_all_questions_are_asked_by_default_each_in_a_process(called, folder, capsys):
    commands, _ = called
    assert bench.main([]) == 0
    assert names_of(commands) == list(bench.NAMES) and not any("--quick" in command for command in commands)
    page = (folder / "benchmarks.md").read_text(encoding="utf-8")
    assert all(f"## Question {name}?" in page for name in bench.NAMES)
    assert "Failed" not in capsys.readouterr().out


def test_readme_quotes_the_headlines_between_its_two_marks(folder):
    measure.store("peer", "Who?", "make bench", [table(headline="Ours is fast."), table("Other")], 1, "2026-01-31")
    bench.write_pages()
    text = bench.README.read_text(encoding="utf-8")
    head, tail = text.partition(bench.BEGIN)[0], text.partition(bench.END)[2]
    assert head == "# Title\n\nBefore.\n\n" and tail == "\n\nAfter.\n"
    assert "- Ours is fast. (`make bench`, 2026-01-31)" in text and "Old." not in text and "Measured on" in text
    bench.write_pages()
    assert bench.README.read_text(encoding="utf-8") == text, "a second time changes nothing"


def test_named_questions_only_and_quick_is_handed_on(called):
    commands, _ = called
    assert bench.main(["growth", "series", "--quick"]) == 0
    assert names_of(commands) == ["growth", "series"] and all("--quick" in command for command in commands)


def test_a_question_that_fails_is_named_and_the_others_are_asked(called, folder, capsys):
    commands, failing = called
    bench.main(["quality"])
    failing.add("quality")
    commands.clear()
    assert bench.main(["peer", "quality", "series"]) == 1
    assert names_of(commands) == ["peer", "quality", "series"]
    assert "Failed: quality." in capsys.readouterr().out
    page = (folder / "benchmarks.md").read_text(encoding="utf-8")
    assert all(f"## Question {name}?" in page for name in ("peer", "quality", "series")), (
        "older figures stay on the page"
    )


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        (["growth", "peer", "--quick"], "Took growth 200 s, peer 200 s: 400 s, inside the 600 s for all questions."),
        (["--quick"], ": 1,400 s, over the 600 s for all questions."),
        ([], ": 1,400 s, inside the 3,600 s for all questions."),
    ],
)
def test_the_seconds_of_the_questions_are_told_at_the_end(asked, end, called, monkeypatch, capsys):
    ticks = itertools.count(0, 200)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: float(next(ticks)))
    bench.main(asked)
    assert capsys.readouterr().out.endswith(f"{end}\n")


def test_the_limit_itself_is_inside():
    assert ": 600 s, inside the 600 s" in bench.took([("peer", 350.0), ("limit", 250.0)], True)
    assert ": 3,601 s, over the 3,600 s" in bench.took([("peer", 3601.0)], False)


def test_an_unknown_question_is_an_error_that_names_those_that_exist(called, capsys):
    commands, _ = called
    with pytest.raises(SystemExit) as stopped:
        bench.main(["peer", "pear"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and "no table pear" in said and "drawing" in said and not commands


class Question:
    """What a question's module holds."""

    __doc__ = "How fast?\n\nMore."

    def __init__(self):
        self.asked = []

    def tables(self, quick):
        self.asked.append(quick)
        return [table("Fresh")]


@pytest.mark.parametrize(
    ("quick", "made_by"), [(True, "make bench TABLE=peer QUICK=1"), (False, "make bench TABLE=peer")]
)
def test_inside_its_process_a_question_is_printed_and_stored(quick, made_by, folder, monkeypatch, capsys):
    question = Question()
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: question)
    assert bench.main(["--inside", "peer", *["--quick"] * quick]) == 0
    said = capsys.readouterr().out
    assert said.startswith("\n## How fast?\n") and "### Fresh" in said and question.asked == [quick]
    content = json.loads((folder / "benchmarks" / "peer.json").read_text(encoding="utf-8"))
    assert (content["question"], content["made_by"]) == ("How fast?", made_by)


def test_a_question_that_fails_inside_raises_and_stores_nothing(folder, monkeypatch):
    question = Question()
    question.tables = lambda quick: 1 / 0
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: question)
    with pytest.raises(ZeroDivisionError):
        bench.main(["--inside", "peer"])
    assert not (folder / "benchmarks").exists()


@pytest.mark.parametrize("name", ["quality", "growth", "series"])
def test_a_module_asks_a_question_and_has_tables(name):
    module = importlib.import_module(f"tests.benchmarks.bench.{name}")
    assert module.__doc__.splitlines()[0].endswith("?") and callable(module.tables)
