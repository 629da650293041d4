"""What must hold for every notebook. Each check takes a notebook and its path and returns complaints, none if all is well.

Cells are named as the reader sees them: ``[7]`` is the seventh code cell.
"""

from __future__ import annotations

import functools
import re
from urllib.parse import unquote

from scripts import notebooks
from scripts.notebooks import EXEMPT, code_cells, tags

CHECKS = []
TAGS = re.compile(rf"{EXEMPT}|solution|hide-input|build|builds:[\w.]+")
"""The tags in use. ``builds:module.name`` marks a cell that makes what ``utils`` holds under that name: a test compares."""
LONGEST_CELL = 30
QUICKSTART = "00_quickstart.ipynb"
"""It shows a U-Net in one sitting; the checks of what a lesson has do not ask it for exercises."""
QUICKSTART_CELLS, QUICKSTART_WORDS = 12, 600
"""The most code cells and words that a quickstart has."""

UNWANTED_WORDS = re.compile(r"\b(?:simply|just|obviously|easy to see)\b", re.IGNORECASE)
EXCLAMATION = re.compile(r"[\w)*_'\"]!(?=[)*_'\"]*(\s|$))", re.MULTILINE)
EMOJI = re.compile("[\U0001f000-\U0001faff\u26a0\u2705\u274c\u2b50]")
WARNING = re.compile(r"\b\w*Warning\b|\bWARNING\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|OWNER)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|work|tmp|opt|usr|mnt|var|private)/\w|\b[A-Z]:\\\w")
BADGE = re.compile(r"\(https://(?:colab\.research\.google\.com|mybinder\.org)/[^)\s]+/([^/)\s]+\.ipynb)\)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
IMAGE_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
OPTION = re.compile(r"<details><summary>([A-Z])\. (.+?)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
"""An option of a question and what is said to someone who chooses it."""


def check(function):
    """Put a check on the list."""
    CHECKS.append(function)
    return function


def check_of_lessons(function):
    """Put a check on the list that a quickstart passes: it teaches nothing that an exercise could test."""

    @functools.wraps(function)
    def unless_quickstart(notebook, path):
        return [] if path.name == QUICKSTART else function(notebook, path)

    return check(unless_quickstart)


# ---- Reading a notebook ------------------------------------------------------------------------------------------------


def prose(cell) -> str:
    """A markdown cell's text without code, formulas and the addresses of links."""
    source = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", " ", cell.source)
    return re.sub(r"\]\([^)]*\)|<[^>]+>", "] ", source)


def markdown_cells(notebook) -> list:
    """The notebook's markdown cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def whole_prose(notebook) -> str:
    """The source of all markdown cells."""
    return "\n\n".join(cell.source for cell in markdown_cells(notebook))


def headings(source: str) -> list[tuple[int, str]]:
    """Level and text of the headings in a markdown text, code blocks left out."""
    source = re.sub(r"(?ms)^```.*?^```", "", source)
    return [(len(marks), text.strip()) for marks, text in re.findall(r"^(#{1,6})\s+(.+?)\s*#*$", source, re.MULTILINE)]


def numbered(notebook):
    """Pairs of ``[1]``, ``[2]``, ... and a code cell."""
    return [(f"[{number}]", cell) for number, cell in enumerate(code_cells(notebook), 1)]


def outputs(notebook):
    """Pairs of ``[1]``, ``[2]``, ... and an output of that code cell."""
    return [(name, output) for name, cell in numbered(notebook) for output in cell.outputs]


def printed(cell) -> str:
    """What a code cell printed to standard output."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def texts(output) -> list[str]:
    """Every text that an output holds."""
    return [output.get("text", ""), *(v for kind, v in output.get("data", {}).items() if kind.startswith("text/"))]


def pictures(cell):
    """Outputs of a code cell that hold a picture, each with the picture's kind."""
    for output in cell.outputs:
        yield from ((kind, output) for kind in output.get("data", {}) if kind.startswith("image/"))


def anchors(path) -> set[str]:
    """The anchors that a link to this notebook or markdown file can name, made from headings as shown: without backticks."""
    if path.suffix == ".ipynb":
        return {text.replace("`", "").replace(" ", "-") for _, text in headings(whole_prose(notebooks.read(path)))}
    found = [text for _, text in headings(path.read_text(encoding="utf-8"))]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


def broken_links(source: str, path) -> list[str]:
    """Complaints about relative links in the markdown text of the file at ``path``: no such file, no such heading."""
    complaints = []
    for address in LINK.findall(source) + re.findall(r"(?:src|href)=\"([^\"]+)\"", source):
        name, _, anchor = unquote(address).partition("#")
        target = path.parent / name if name else path
        if re.match(r"[a-z]+:", address):
            continue
        if not target.exists():
            complaints.append(f"the link to {address} leads nowhere")
        elif anchor and anchor not in anchors(target):
            complaints.append(f"the link to {address} names a heading that is not there")
    return complaints


# ---- What the reader meets ---------------------------------------------------------------------------------------------


@check
def one_title(notebook, path):
    """One H1, first of all, that begins with the notebook's number."""
    titles = [text for level, text in headings(whole_prose(notebook)) if level == 1]
    begins = notebook.cells[0].source.startswith(f"# {path.name.split('_')[0]} · ")
    return [] if begins and len(titles) == 1 else [f"it must begin with its number and hold one title; it has {titles}"]


@check
def headings_in_order(notebook, path):
    """No level of headings is skipped on the way down."""
    found = headings(whole_prose(notebook))
    return [
        f"'{text}' has level {k} after {before}" for (before, _), (k, text) in zip(found, found[1:]) if k > before + 1
    ]


@check
def setup_cell(notebook, path):
    """The first code cell is the same in all notebooks."""
    first = code_cells(notebook)[:1]
    same = first and first[0].source == notebooks.SETUP
    return [] if same else ["[1] is not the setup cell of today; run `make publish`"]


@check_of_lessons
def skeleton(notebook, path):
    """The parts that every notebook has, in order."""
    parts = ["**You will be able to**", "**Time**", "**You should know**"]
    parts += ["\n## Recap\n", "\n## What's next\n", "\n## Further reading\n"]
    places = [f"\n{whole_prose(notebook)}\n".find(part) for part in parts]
    missing = [f"{part.strip()} is missing" for part, place in zip(parts, places) if place < 0]
    return missing or ([] if places == sorted(places) else ["the parts are not in this order: " + ", ".join(parts)])


@check
def quickstart(notebook, path):
    """The quickstart is short, all its network is in one cell, and of ``utils`` it takes the data and figures only."""
    if path.name != QUICKSTART:
        return []
    source, cells = whole_prose(notebook), code_cells(notebook)
    words = len(re.findall(r"[A-Za-z][A-Za-z'-]+", re.sub(r"\]\([^)]*\)|<[^>]+>", " ", source)))
    code = "\n".join(cell.source for cell in cells[1:])
    used = {name for names in re.findall(r"(?m)^from utils import (.+)$", code) for name in names.split(", ")}
    parts = ["**You will see**", "**Time**", "**You should know**", "\n## What's next\n"]
    complaints = [f"{part.strip()} is missing" for part in parts if part not in source]
    if len(cells) > QUICKSTART_CELLS or words > QUICKSTART_WORDS:
        complaints.append(f"{len(cells)} code cells, {words} words; at most {QUICKSTART_CELLS}, {QUICKSTART_WORDS}")
    if not used <= {"plots", "shapes"} or sum("layers." in cell.source for cell in cells) != 1:
        complaints.append(f"it uses utils.{', utils.'.join(sorted(used))}, or has its network in several cells or none")
    return complaints


@check_of_lessons
def predictions_exercises_questions(notebook, path):
    """The reader commits to a guess three times, has four exercises and two questions."""
    source = f"\n{whole_prose(notebook)}"
    least = {"**Predict:**": 3, "\n### Exercise: ": 4, "\n### Question: ": 2}
    return [f"{what.strip()} stands fewer than {n} times" for what, n in least.items() if source.count(what) < n]


@check_of_lessons
def objectives_are_tested(notebook, path):
    """Each thing that the reader will be able to do links to what tests it, and the recap answers each."""
    source = f"{whole_prose(notebook)}\n"
    tested = {text.replace(" ", "-") for _, text in headings(source) if text.startswith(("Exercise: ", "Question: "))}
    objectives = bullets(source.partition("**You will be able to**")[2].partition("**Time**")[0])
    recap = bullets(source.partition("\n## Recap\n")[2].partition("\n#")[0])
    complaints = [
        f"'{text[:50]}…' links to no exercise or question of this notebook"
        for text in objectives
        if not {unquote(address)[1:] for address in LINK.findall(text)} & tested
    ]
    if not 3 <= len(objectives) <= 6 or len(objectives) != len(recap):
        complaints.append(
            f"{len(objectives)} objectives, 3 to 6; {len(recap)} lines in the recap, one each in this order"
        )
    return complaints


def bullets(source: str) -> list[str]:
    """The items of the lists in a markdown text."""
    return [" ".join(item.split()) for item in re.findall(r"(?ms)^- (.+?)(?=^- |^\s*$|\Z)", source)]


@check
def questions(notebook, path):
    """A question has three options or more, one of them right, and an answer to each that opens where nothing runs."""
    complaints = []
    for cell in markdown_cells(notebook):
        titles = [text for _, text in headings(cell.source) if text.startswith("Question: ")]
        options = OPTION.findall(cell.source)
        letters, marks = "".join(option[0] for option in options), [option[2].strip()[:1] for option in options]
        if len(titles) != bool(cell.source.count("<details")) or len(options) != cell.source.count("<details"):
            complaints.append(f"{titles}: one question a cell, every option in the form that OPTION reads")
        if titles and (len(options) < 3 or not "ABCDEF".startswith(letters)):
            complaints.append(f"{titles} needs three options or more, A, B, C and so on; it has '{letters}'")
        if titles and sorted(marks) != ["✓", *"✗" * (len(marks) - 1)]:
            complaints.append(f"{titles} needs one answer that begins with ✓ and the others with ✗; it has {marks}")
        complaints += [f"{titles}, {name}: the answer must say why" for name, _, why in options if len(why.split()) < 6]
    return complaints


@check
def links(notebook, path):
    """Relative links lead to a file, and to a heading in it."""
    return broken_links(whole_prose(notebook), path)


@check
def badges(notebook, path):
    """The badges open this very notebook, at the address where the series is published."""
    source = whole_prose(notebook)
    right = BADGE.findall(source) == [path.name] * 2 and notebooks.ADDRESS.badges(path.name) in source
    return [] if right else [f"{path.name} needs {notebooks.ADDRESS.badges(path.name)}, once; run `make publish`"]


@check
def plain_words(notebook, path):
    """No words that belittle what is hard for the reader, no exclamation marks, no emoji."""
    patterns = UNWANTED_WORDS, EXCLAMATION, EMOJI
    found = [one for cell in markdown_cells(notebook) for pattern in patterns for one in pattern.finditer(prose(cell))]
    return [f"'{one[0]}' in '…{one.string[max(0, one.start() - 30) : one.end() + 20]}…'" for one in found]


@check
def short_cells(notebook, path):
    """No code cell is longer than the reader's breath."""
    lengths = {name: sum(bool(line.strip()) for line in cell.source.splitlines()) for name, cell in numbered(notebook)}
    return [f"{name} has {n} lines; at most {LONGEST_CELL}" for name, n in lengths.items() if n > LONGEST_CELL]


@check
def nothing_unfinished(notebook, path):
    """No notes to ourselves, and no path of the machine that ran the notebook."""
    # The owner of an address that is not known yet may stand in badges and in the setup cell, nowhere else.
    held = [BADGE.sub("", cell.source) for cell in notebook.cells if cell.source != notebooks.SETUP]
    held += [text for _, output in outputs(notebook) for text in texts(output)]
    return [
        f"'{one[0]}' in '{text[:60]}…'"
        for text in held
        for one in [UNFINISHED.search(text) or MACHINE_PATH.search(text)]
        if one
    ]


# ---- What is stored ----------------------------------------------------------------------------------------------------


@check
def executed(notebook, path):
    """Every code cell was executed, from top to bottom, in a fresh kernel."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    complaints = [f"{name} is empty" for name, cell in numbered(notebook) if not cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        complaints.append(f"the cells were executed in the order {counts}; run `make notebooks`")
    return complaints


@check
def no_errors(notebook, path):
    """No error is stored."""
    found = [(name, output) for name, output in outputs(notebook) if output.output_type == "error"]
    return [f"{name} stores {output.ename}: {output.evalue}" for name, output in found]


@check
def no_stderr(notebook, path):
    """Nothing that was written to standard error is stored."""
    found = [(name, output) for name, output in outputs(notebook) if output.get("name") == "stderr"]
    return [f"{name} writes to standard error: {output.text.strip()}" for name, output in found]


@check
def no_warnings(notebook, path):
    """No output is a warning."""
    held = [(name, text) for name, output in outputs(notebook) for text in texts(output)]
    return [f"{name} shows a warning: {text.strip()[:300]}" for name, text in held if WARNING.search(text)]


@check
def alt_texts(notebook, path):
    """Every picture says what it shows: in the output's metadata, and the figure itself as plain text."""
    complaints = []
    for name, cell in numbered(notebook):
        for kind, output in pictures(cell):
            alt = output.metadata.get(kind, {}).get("alt", "")
            plain = output.data.get("text/plain", "")
            if not alt.strip() or plain.startswith("<") or alt != cell.metadata.get("alt", plain):
                complaints.append(f"a picture of {name} has no alt text, or another than its cell or its figure says")
    held = [whole_prose(notebook), *(text for _, output in outputs(notebook) for text in texts(output))]
    images = IMAGE_TAG.findall("".join(held))
    complaints += [f"{tag} has no alt text" for tag in images if not re.search(r"\balt\s*=\s*([\"'])\s*[^\"'\s]", tag)]
    empty = re.findall(r"!\[\s*\]\(([^)]+)\)", whole_prose(notebook))
    return complaints + [f"![]({address}) has no alt text" for address in empty]


@check
def figures_are_read(notebook, path):
    """After every picture, a text cell says what to see."""
    pairs = zip(notebook.cells, [*notebook.cells[1:], None])
    shown = [(cell, after) for cell, after in pairs if cell.cell_type == "code" and any(pictures(cell))]
    return [
        f"the picture of [{cell.execution_count}] is not followed by a text that reads it"
        for cell, after in shown
        if after is None or after.cell_type != "markdown"
    ]


@check
def enough_is_compared(notebook, path):
    """Most of the cells with output are compared strictly when the notebook is tested."""
    # Half of a quickstart's few cells show a network that was trained a moment before.
    wanted = 0.5 if path.name == QUICKSTART else notebooks.STRICT_SHARE
    share = notebooks.strict_share(notebook)
    return [] if share >= wanted else [f"{share:.0%} of the cells are compared strictly; {wanted:.0%} must be"]


@check
def tolerances(notebook, path):
    """A tolerance is a number above 0 or a text such as "5 %", on a cell whose output is compared."""
    held = [
        (name, cell, cell.metadata["tolerance"]) for name, cell in numbered(notebook) if "tolerance" in cell.metadata
    ]
    return [
        f"{name} has the tolerance {tolerance!r} on {'a' if notebooks.is_compared(cell) else 'an exempt'} cell"
        for name, cell, tolerance in held
        if not (isinstance(tolerance, float) and tolerance > 0)
        and not re.fullmatch(r"[1-9]\d* %", str(tolerance))
        or not notebooks.is_compared(cell)
    ]


@check
def known_tags(notebook, path):
    """Cells carry known tags only, and comparison is switched off by the tag, never by a comment."""
    complaints = [
        f"{name} carries the unknown tag '{tag}'; known are {TAGS.pattern}"
        for name, cell in numbered(notebook)
        for tag in sorted(tags(cell))
        if not TAGS.fullmatch(tag)
    ]
    steered = [
        name for name, cell in numbered(notebook) if re.search(r"(?m)^\s*#\s*(PYTEST_VALIDATE|NBVAL)_", cell.source)
    ]
    return complaints + [f"{name} steers nbval by a comment; use the tag {EXEMPT}" for name in steered]


@check
def solutions(notebook, path):
    """An exercise is a stub that waits, then a hidden solution that is right."""
    cells = numbered(notebook)
    waiting = [k for k, (_, cell) in enumerate(cells) if printed(cell).startswith("… Waiting")]
    solved = [k for k, (_, cell) in enumerate(cells) if {"solution", "hide-input"} & tags(cell)]
    complaints = [f"the stub {cells[k][0]} is not followed by a solution" for k in waiting if k + 1 not in solved]
    for k in solved:
        name, cell = cells[k]
        if k - 1 not in waiting:
            complaints.append(f"before the solution {name} there is no stub that prints '… Waiting'")
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
        if not hidden or not {"solution", "hide-input"} <= tags(cell):
            complaints.append(f"the solution {name} needs both tags, and to be hidden (`make notebooks` hides it)")
        if not cell.source.startswith("# @title Solution") or not printed(cell).startswith("✓"):
            complaints.append(f"the solution {name} must begin with '# @title Solution' and print ✓")
    exercises = sum(text.startswith("Exercise: ") for _, text in headings(whole_prose(notebook)))
    if not exercises == len(waiting) == len(solved):
        complaints.append(f"{exercises} exercises, {len(waiting)} stubs that wait, {len(solved)} solutions")
    return complaints


@check
def small_file(notebook, path):
    """The stored notebook stays within its budget."""
    size = len(notebooks.text(notebook).encode())
    return [f"the file has {size:,} bytes; at most {notebooks.FILE_BYTES:,}"] if size > notebooks.FILE_BYTES else []


@check
def stored_by_us(notebook, path):
    """The file is what `make notebooks` writes: its metadata tell nothing of a machine or an editor."""
    same = notebooks.text(notebook) == notebooks.text(notebooks.normalise(notebook))
    return [] if same else ["its metadata or execution counts are an editor's; run `make notebooks`"]
