"""What must hold for every notebook. Each check takes a notebook and its path and returns complaints, none if all is well.

Cells are named as the reader sees them: ``[7]`` is the seventh code cell.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from tests import notebooks
from tests.notebooks import EXEMPT, code_cells

CHECKS = []
TAGS = {EXEMPT, "solution", "hide-input", "build"}
"""The tags in use. ``build`` marks cells that a test takes out of the notebook and holds against ``utils``."""
LONGEST_CELL = 30

FORBIDDEN_WORDS = re.compile(r"\b(simply|just|obviously|easy to see)\b", re.IGNORECASE)
EXCLAMATION = re.compile(r"[\w)*_'\"]!(?=[)*_'\"]*(\s|$))", re.MULTILINE)
EMOJI = re.compile("[\U0001f000-\U0001faff\u26a0\u2705\u274c\u2b50]")
WARNING = re.compile(r"\b\w*Warning\b|\bWARNING\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|OWNER)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|work|tmp|opt|usr|mnt|var|private)/\w|\b[A-Z]:\\\w")
BADGES = (
    re.compile(r"\(https://colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/[\w.-]+/notebooks/([^)\s]+)\)"),
    re.compile(r"\(https://mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/[\w.-]+\?labpath=notebooks/([^)\s]+)\)"),
)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
IMAGE_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)


def check(function):
    """Put a check on the list."""
    CHECKS.append(function)
    return function


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


def printed(cell) -> str:
    """What a code cell printed to standard output."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def output_texts(cell):
    """Every text that a code cell's outputs hold."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


def pictures(cell):
    """Outputs of a code cell that hold a picture, each with the picture's kind."""
    for output in cell.outputs:
        for kind in output.get("data", {}):
            if kind.startswith("image/"):
                yield kind, output


def anchors(path) -> set[str]:
    """The anchors that a link to this notebook or markdown file can name, made from headings as shown: without backticks."""
    if path.suffix == ".ipynb":
        return {text.replace("`", "").replace(" ", "-") for _, text in headings(whole_prose(notebooks.read(path)))}
    texts = [text for _, text in headings(path.read_text(encoding="utf-8"))]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def broken_links(source: str, path) -> list[str]:
    """Complaints about relative links in the markdown text of the file at ``path``: no such file, no such heading."""
    complaints = []
    for address in LINK.findall(source) + re.findall(r"(?:src|href)=\"([^\"]+)\"", source):
        if re.match(r"[a-z]+:", address):
            continue
        name, _, anchor = unquote(address).partition("#")
        target = path.parent / name if name else path
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
    number = path.name.split("_")[0]
    complaints = [] if len(titles) == 1 else [f"there are {len(titles)} headings of level 1; there must be one"]
    if not notebook.cells or not notebook.cells[0].source.startswith(f"# {number} · "):
        complaints.append(f"the first cell must begin with '# {number} · '")
    return complaints


@check
def headings_in_order(notebook, path):
    """No level of headings is skipped on the way down."""
    found = headings(whole_prose(notebook))
    return [
        f"'{text}' has level {level} after level {before}"
        for (before, _), (level, text) in zip(found, found[1:])
        if level > before + 1
    ]


@check
def setup_cell(notebook, path):
    """The first code cell is the same in all notebooks."""
    first = code_cells(notebook)[:1]
    same = first and first[0].source == notebooks.SETUP
    return [] if same else ["[1] is not the setup cell of today; run `make publish`"]


@check
def skeleton(notebook, path):
    """The parts that every notebook has, in order."""
    source = whole_prose(notebook)
    parts = [
        "**You will be able to**", "**Time**", "**You should know**", "\n## Recap\n", "\n## What's next\n",
        "\n## Further reading\n",
    ]  # fmt: skip
    places = [f"\n{source}\n".find(part) for part in parts]
    complaints = [f"{part.strip()} is missing" for part, place in zip(parts, places) if place < 0]
    if not complaints and places != sorted(places):
        complaints.append("the parts are not in this order: " + ", ".join(part.strip() for part in parts))
    return complaints


@check
def predictions_exercises_questions(notebook, path):
    """The reader commits to a guess three times, has four exercises and two questions."""
    source = whole_prose(notebook)
    titles = [text for _, text in headings(source)]
    found = {
        "**Predict:**": (source.count("**Predict:**"), 3),
        "### Exercise: ": (sum(text.startswith("Exercise: ") for text in titles), 4),
        "### Question: ": (sum(text.startswith("Question: ") for text in titles), 2),
    }
    return [f"{what} stands {count} times; at least {least}" for what, (count, least) in found.items() if count < least]


@check
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
    if not 3 <= len(objectives) <= 6:
        complaints.append(f"there are {len(objectives)} objectives; 3 to 6")
    if len(objectives) != len(recap):
        complaints.append(
            f"{len(objectives)} objectives, but {len(recap)} lines in the recap; one each, in the same order"
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
        if not titles:
            complaints += ["a <details> stands outside of a question"] if "<details" in cell.source else []
            continue
        options = OPTION.findall(cell.source)
        letters = "".join(letter for letter, _, _ in options)
        marks = [answer.strip()[:1] for _, _, answer in options]
        if len(titles) > 1 or len(options) != cell.source.count("<details"):
            complaints.append(f"'{titles[0]}': one question a cell, every option in the form that OPTION reads")
        elif len(options) < 3 or not "ABCDEF".startswith(letters):
            complaints.append(f"'{titles[0]}' needs three options or more, A, B, C and so on; it has '{letters}'")
        elif sorted(marks) != ["✓"] + ["✗"] * (len(marks) - 1):
            complaints.append(
                f"'{titles[0]}' needs one answer that begins with ✓ and the others with ✗; it has {marks}"
            )
        complaints += [
            f"'{titles[0]}', {letter}: the answer must say why"
            for letter, _, answer in options
            if len(answer.split()) < 6
        ]
    return complaints


OPTION = re.compile(r"<details><summary>([A-Z])\. (.+?)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
"""An option of a question and what is said to someone who chooses it."""


@check
def links(notebook, path):
    """Relative links lead to a file, and to a heading in it."""
    return broken_links(whole_prose(notebook), path)


@check
def badges(notebook, path):
    """The badges open this very notebook, at the address where the series is published."""
    source = whole_prose(notebook)
    complaints = [
        f"the badge of {'Binder' if k else 'Colab'} opens {names or 'nothing'}; it must open {path.name}, once"
        for k, names in enumerate(badge.findall(source) for badge in BADGES)
        if names != [path.name]
    ]
    if not complaints and notebooks.ADDRESS.badges(path.name) not in source:
        complaints.append("the badges lead to another address than pyproject.toml has; run `make publish`")
    return complaints


@check
def plain_words(notebook, path):
    """No words that belittle what is hard for the reader, no exclamation marks, no emoji."""
    complaints = []
    for cell in markdown_cells(notebook):
        for pattern in (FORBIDDEN_WORDS, EXCLAMATION, EMOJI):
            for found in pattern.finditer(prose(cell)):
                around = found.string[max(0, found.start() - 30) : found.end() + 20].replace("\n", " ")
                complaints.append(f"'{found[0]}' in '…{around}…'")
    return complaints


@check
def short_cells(notebook, path):
    """No code cell is longer than the reader's breath."""
    complaints = []
    for name, cell in numbered(notebook):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > LONGEST_CELL:
            complaints.append(f"{name} has {lines} lines; at most {LONGEST_CELL}")
    return complaints


@check
def nothing_unfinished(notebook, path):
    """No notes to ourselves, and no path of the machine that ran the notebook."""
    complaints = []
    for cell in notebook.cells:
        # The owner of an address that is not known yet may stand in badges and in the setup cell, nowhere else.
        source = "" if cell["source"] == notebooks.SETUP else cell["source"]
        for badge in BADGES:
            source = badge.sub("", source)
        for what in (source, *(output_texts(notebooks.nbformat.from_dict(cell)) if "outputs" in cell else ())):
            for pattern in (UNFINISHED, MACHINE_PATH):
                complaints += [f"'{found[0]}' in '{what[:60]}…'" for found in pattern.finditer(what)]
    return complaints


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
    return [
        f"{name} stores {output.ename}: {output.evalue}"
        for name, cell in numbered(notebook)
        for output in cell.outputs
        if output.output_type == "error"
    ]


@check
def no_stderr(notebook, path):
    """Nothing that was written to standard error is stored."""
    return [
        f"{name} writes to standard error: {output.text.strip()}"
        for name, cell in numbered(notebook)
        for output in cell.outputs
        if output.get("name") == "stderr"
    ]


@check
def no_warnings(notebook, path):
    """No output is a warning."""
    return [
        f"{name} shows a warning: {found.string.strip()[:300]}"
        for name, cell in numbered(notebook)
        for found in filter(None, map(WARNING.search, output_texts(cell)))
    ]


@check
def alt_texts(notebook, path):
    """Every picture says what it shows: in the output's metadata, and the same as its plain text."""
    complaints = []
    for name, cell in numbered(notebook):
        for kind, output in pictures(cell):
            alt = output.metadata.get(kind, {}).get("alt", "")
            if not alt.strip():
                complaints.append(f"a picture of {name} has no alt text")
            elif output.data.get("text/plain") != alt:
                complaints.append(f"a picture of {name} has another plain text than its alt text")
        for html in (output.get("data", {}).get("text/html", "") for output in cell.outputs):
            complaints += [f"an <img> of {name} has no alt text" for tag in IMAGE_TAG.findall(html) if not has_alt(tag)]
    source = whole_prose(notebook)
    complaints += [f"{tag} has no alt text" for tag in IMAGE_TAG.findall(source) if not has_alt(tag)]
    return complaints + [f"![]({address}) has no alt text" for address in re.findall(r"!\[\s*\]\(([^)]+)\)", source)]


def has_alt(tag: str) -> bool:
    """Whether an HTML ``<img>`` has a text beside it."""
    return bool(re.search(r"\balt\s*=\s*(\"\s*[^\"\s]|'\s*[^'\s])", tag))


@check
def figures_are_read(notebook, path):
    """After every picture, a text cell says what to see."""
    names = {id(cell): name for name, cell in numbered(notebook)}
    return [
        f"the picture of {names[id(cell)]} is not followed by a text that reads it"
        for cell, after in zip(notebook.cells, [*notebook.cells[1:], None])
        if cell.cell_type == "code" and any(pictures(cell)) and (after is None or after.cell_type != "markdown")
    ]


@check
def enough_is_compared(notebook, path):
    """Most of the cells with output are compared when the notebook is tested."""
    compared, exempt = notebooks.compared_and_exempt(notebook)
    if compared >= notebooks.COMPARED_SHARE * (compared + exempt):
        return []
    return [
        f"of {compared + exempt} cells with output only {compared} are compared; {notebooks.COMPARED_SHARE:.0%} must be"
    ]


@check
def known_tags(notebook, path):
    """Cells carry known tags only, and comparison is switched off by the tag, never by a comment."""
    complaints = []
    for name, cell in numbered(notebook):
        unknown = sorted(set(cell.metadata.get("tags", ())) - TAGS)
        complaints += [
            f"{name} carries the unknown tag '{tag}'; known are {', '.join(sorted(TAGS))}" for tag in unknown
        ]
        if re.search(r"(?m)^\s*#\s*(PYTEST_VALIDATE|NBVAL)_", cell.source):
            complaints.append(f"{name} steers nbval by a comment; use the tag {EXEMPT}")
    return complaints


@check
def solutions(notebook, path):
    """An exercise is a stub that waits, then a hidden solution that is right."""
    cells = numbered(notebook)
    waiting = [k for k, (_, cell) in enumerate(cells) if printed(cell).startswith("… Waiting")]
    solved = [k for k, (_, cell) in enumerate(cells) if {"solution", "hide-input"} & set(cell.metadata.get("tags", ()))]
    complaints = [f"the stub {cells[k][0]} is not followed by a solution" for k in waiting if k + 1 not in solved]
    for k in solved:
        name, cell = cells[k]
        if k - 1 not in waiting:
            complaints.append(f"before the solution {name} there is no stub that prints '… Waiting'")
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
        if not hidden or not {"solution", "hide-input"} <= set(cell.metadata.tags):
            complaints.append(f"the solution {name} needs both tags, and to be hidden (`make notebooks` hides it)")
        if not cell.source.startswith("# @title Solution"):
            complaints.append(f"the solution {name} must begin with '# @title Solution'")
        if not printed(cell).startswith("✓"):
            complaints.append(f"the solution {name} prints '{printed(cell).strip()[:60]}', not ✓")
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
