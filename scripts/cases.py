"""What ``folders.read`` says about every folder in a directory, as a markdown table: ``python -m scripts.cases FOLDER``."""

import sys
from pathlib import Path

from utils import folders


def row(path) -> str:
    """One line of the table."""
    found = folders.read(path)
    what = ""
    if found.entries and not found.problems:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in found.shares.items())
        what = f"{len(found.object_sizes)} objects" if found.kind == "objects" else shares
    lines = [f"✗ {line}" for line in found.problems] + [f"… {line}" for line in found.said + found.doubts]
    kind = found.kind if found.entries else ""
    return f"| `{path.name}` | {kind} | {len(found)} | {found.channels} | {what} | {'<br>'.join(lines)} |"


def main(directory):
    """Print the table."""
    print("| case | kind | pairs | channels | shares or objects | said |\n|---|---|---|---|---|---|")
    for path in sorted(Path(directory).iterdir()):
        if path.is_dir():
            print(row(path))


if __name__ == "__main__":
    main(sys.argv[1])
