"""What README and the page of figures say is what the stored figures say."""

from tests.benchmarks.bench import __main__ as bench
from tests.benchmarks.bench import measure


def test_the_page_is_made_from_the_stored_figures():
    assert bench.PAGE.read_text(encoding="utf-8") == measure.page(bench.stored()), "run `make bench`"


def test_readme_quotes_the_stored_figures():
    text = bench.README.read_text(encoding="utf-8")
    assert text.count(bench.BEGIN) == text.count(bench.END) == 1
    quoted = text.split(bench.BEGIN)[1].split(bench.END)[0].strip()
    assert quoted == measure.quotes(bench.stored()) != "", "run `make bench`"


def test_every_question_has_stored_figures():
    assert [name for name in bench.NAMES if not (measure.FOLDER / f"{name}.json").exists()] == []
