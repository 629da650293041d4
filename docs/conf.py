"""Sphinx's configuration of the book. `make site` runs it on docs/_build/source, which scripts/site.py writes."""

import html
import re
import sys
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docutils import nodes  # noqa: E402
from latex2mathml.converter import convert  # noqa: E402

from scripts import address, site  # noqa: E402

PUBLIC = address.stored()
QUESTIONS = {file: question for _, _, file, question, _ in site.series()}

project = "Understanding U-Net"
author = "The authors of Understanding U-Net"
language = "en"
extensions = ["myst_nb"]
root_doc = "index"
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # a cell may hold a line for the shell

html_theme = "theme"
html_theme_path = [str(Path(__file__).parent)]
html_math_renderer = "mathml"
html_baseurl = PUBLIC.site
html_title = project
html_copy_source = False
html_permalinks_icon = "#"
html_use_index = False


# ---- Formulas: MathML made here, which browsers draw without a script or a font of ours ---------------------------------


def visit_math(translator, node):
    """Write a formula in a line, or one of its own."""
    display = isinstance(node, nodes.math_block)
    written = convert(node.astext(), display="block" if display else "inline")
    written = re.sub(
        r"(<mi>[a-z]{2,}</mi>)(?=<m[in]>)", r'\1<mspace width=".17em"></mspace>', written
    )  # log p, not logp
    translator.body.append(f'<div class="math">{written}</div>' if display else written)
    raise nodes.SkipNode


# ---- Pages -------------------------------------------------------------------------------------------------------------


def finish(body: str, page: str, file: str) -> str:
    """A page's text with what Sphinx leaves out: a way to report each section, tables that scroll, lazily loaded pictures."""

    def report(found):
        title = html.unescape(re.sub(r"<[^>]+>", "", found[2]))
        return (
            f'{found[1]}{found[2]}<a class="headerlink" href="#{found[3]}" aria-label="Link to this section">#</a>'
            f'<a class="report" href="{html.escape(problem(file, title))}">report a problem</a></h{found[1][2]}>'
        )

    body = re.sub(r'(<h[23]>)(.+?)<a class="headerlink" href="#([^"]+)"[^>]*>[^<]*</a></h[23]>', report, body)
    body = re.sub(r'(<h[14]>.+?)<a class="headerlink"[^>]*>[^<]*</a>', r"\1", body)
    body = re.sub(r"(?s)<table.*?</table>", r'<div class="scroll">\g<0></div>', body)
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    folder = site.SOURCE / Path(page).parent

    def picture(found):
        drawn = folder / found[1] if (folder / found[1]).exists() else next(site.SOURCE.rglob(Path(found[1]).name))
        return found[0].rstrip("/> ") + site.size(drawn.read_bytes()) + ">"

    return re.sub(r'<img (?![^>]*loading=)[^>]*src="([^"]+)"[^>]*>', picture, body)


def problem(file: str, title: str = "") -> str:
    """The address that opens a report of something unclear, with its place filled in."""
    place = f"{Path(file).name}: {title}" if title else Path(file).name
    return f"{PUBLIC.url}/issues/new?template=unclear.yml&place={quote(place)}"


def describe(doctree) -> str:
    """The first paragraph after the title, for search engines and cards."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else []
    found = [one.astext() for one in paragraphs if isinstance(one.parent, nodes.section)]
    text = " ".join(found[0].split()) if found else "Understanding U-Net: notebooks to build, train and judge a U-Net."
    return text if len(text) <= 200 else text[:200].rpartition(" ")[0] + " …"


def add_context(app, pagename, templatename, context, doctree):
    """What the theme's templates need for a page."""
    file = next(
        (f"{pagename}{end}" for end in (".ipynb", ".md") if (ROOT / f"{pagename}{end}").exists()), "docs/index.md"
    )
    name = Path(file).name
    notebook = name.endswith(".ipynb")
    if "body" in context:
        context["body"] = finish(context["body"], pagename, file)
    context |= {
        "repository": PUBLIC.url,
        "site": PUBLIC.site,
        "colab": PUBLIC.colab(name) if notebook else None,
        "binder": PUBLIC.binder(name) if notebook else None,
        "notebook": name if notebook else None,
        "edit": f"{PUBLIC.url}/edit/{PUBLIC.ref}/{file}",
        "problem": problem(file),
        "description": describe(doctree),
        "playground": "playground" in app.tags,
        "pdf": "pdf" in app.tags,
        "question": lambda link: QUESTIONS.get(Path(link or "").stem, ""),
        "address": PUBLIC.site + ("" if pagename == "index" else f"{pagename}.html"),
    }


def setup(app):
    """Register what is above."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("html-page-context", add_context)
