"""How long a notebook takes a reader: counted from what is in it, written into the instructor's guide.

``python -m scripts.minutes`` writes the table into notebooks/INSTRUCTORS.md.
"""

from __future__ import annotations

import re

from scripts import notebook_checks, notebooks

GUIDE = notebooks.FOLDER / "INSTRUCTORS.md"
TABLE = re.compile(r"(?s)(?<=<!-- minutes: begin -->\n).*(?=\n<!-- minutes: end -->)")
WORDS_A_MINUTE, CELL, PICTURE, QUESTION, EXERCISE = 180, 0.15, 0.25, 1.5, 7
"""Reading speed for text that is studied, and the minutes for a code cell, a picture, a question and an exercise."""


def minutes(notebook) -> dict[str, int]:
    """Minutes to read a notebook and to do its exercises and questions, rounded to 5.

    Solutions and the answers to questions are not counted as reading.
    """
    text = re.sub(r"(?s)<details>.*?</details>", "", notebook_checks.whole_prose(notebook))
    titles = [title for _, title in notebook_checks.headings(text)]
    cells = [cell for cell in notebooks.code_cells(notebook) if "solution" not in notebooks.tags(cell)]
    shown = sum(len(list(notebook_checks.pictures(cell))) for cell in cells)
    exercises, asked = (sum(title.startswith(word) for title in titles) for word in ("Exercise: ", "Question: "))
    reading = len(text.split()) / WORDS_A_MINUTE + CELL * len(cells) + PICTURE * shown
    doing = EXERCISE * exercises + QUESTION * asked
    return {"read": _to_five(reading), "exercises": exercises, "questions": asked, "do": _to_five(doing)}


def _to_five(value):
    return max(5, 5 * round(value / 5))


def table() -> str:
    """The minutes of every notebook, as markdown."""
    lines = ["| notebook | minutes to read | exercises | questions | minutes for both |", "|---|---|---|---|---|"]
    for path in notebooks.find():
        values = " | ".join(map(str, minutes(notebooks.read(path)).values()))
        lines.append(f"| [{path.stem.replace('_', ' ').replace(' unet ', ' U-Net ')}]({path.name}) | {values} |")
    return "\n".join(lines)


def stored() -> str:
    """The table that the guide holds."""
    return TABLE.search(GUIDE.read_text(encoding="utf-8"))[0]


if __name__ == "__main__":
    GUIDE.write_text(TABLE.sub(lambda _: table(), GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    print(table())
