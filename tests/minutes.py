"""How long a notebook takes a reader: counted from what is in it, written into the instructor's guide.

usage: python -m tests.minutes      writes the table into notebooks/INSTRUCTORS.md
"""

from __future__ import annotations

import re

from tests import notebook_checks, notebooks

GUIDE = notebooks.FOLDER / "INSTRUCTORS.md"
BEGIN, END = "<!-- minutes: begin -->", "<!-- minutes: end -->"
WORDS_A_MINUTE, CELL, PICTURE, QUESTION, EXERCISE = 180, 0.15, 0.25, 1.5, 7
"""Reading speed for text that is studied, and the minutes for a code cell, a picture, a question and an exercise."""


def minutes(notebook) -> dict[str, int]:
    """Minutes to read a notebook and to do its exercises and questions, rounded to 5.

    Solutions and the answers to questions are not counted as reading.
    """
    text = re.sub(r"(?s)<details>.*?</details>", "", notebook_checks.whole_prose(notebook))
    titles = [title for _, title in notebook_checks.headings(text)]
    cells = [c for c in notebooks.code_cells(notebook) if "solution" not in c.metadata.get("tags", ())]
    shown = sum(len(list(notebook_checks.pictures(cell))) for cell in cells)
    exercises = sum(title.startswith("Exercise: ") for title in titles)
    asked = sum(title.startswith("Question: ") for title in titles)
    reading = len(text.split()) / WORDS_A_MINUTE + CELL * len(cells) + PICTURE * shown
    return {
        "read": _to_five(reading),
        "exercises": exercises,
        "questions": asked,
        "do": _to_five(EXERCISE * exercises + QUESTION * asked),
    }


def table() -> str:
    """The minutes of every notebook, as markdown."""
    lines = [
        "| notebook | minutes to read | exercises | questions | minutes for both |",
        "|---|---|---|---|---|",
    ]
    for path in notebooks.find():
        spent = minutes(notebooks.read(path))
        cells = [spent["read"], spent["exercises"], spent["questions"], spent["do"]]
        lines.append(f"| [{path.stem.replace('_', ' ')}]({path.name}) | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def stored() -> str:
    """The table that the guide holds."""
    return GUIDE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def _to_five(value):
    return max(5, 5 * round(value / 5))


if __name__ == "__main__":
    text = GUIDE.read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    GUIDE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{tail}", encoding="utf-8")
    print(table())
