"""The screens in README.md and in the man page are those of the golden files."""
import pathlib
import re

import pytest

from test_screens import GOLDEN, WRITE

TOP = pathlib.Path(__file__).parents[2]
REWRITE = "cd tests && SLUICE_GOLDEN=write python3 -m pytest tui/test_documents.py"


def golden(name):
    """Its lines. Of empty ones that follow each other one is enough on paper."""
    return re.sub(r"\n{3,}", "\n\n", (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")).splitlines()


def markdown(name):
    return "".join(f"    {line}".rstrip() + "\n" for line in golden(name))


def roff(name):
    """From the left edge, that 80 columns are enough; a backslash, and what roff takes for a request or for typography, is escaped."""
    lines = (re.sub(r"^(?=[.'])", r"\\&", line.replace("\\", r"\e").replace("-", r"\-").replace("^", r"\(ha").replace("~", r"\(ti").replace("`", r"\(ga"))
             for line in golden(name))
    return ".in 0\n.nf\n" + "".join(f"{line}\n" for line in lines) + ".fi\n.in\n"


DOCUMENTS = {"README.md": ("<!-- screen {} -->\n", "<!-- end of screen -->\n", ["pipes-120x40", "incident-failed-120x40"], markdown),
             "doc/sluice.1": ('.\\" screen {}\n', '.\\" end of screen\n', ["pipes-ascii-80x24"], roff)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_screens_are_those_that_are_tested(document):
    begin, end, names, form = DOCUMENTS[document]
    path = TOP / document
    text = fresh = path.read_text(encoding="utf-8")
    for name in names:
        head, mark, rest = fresh.partition(begin.format(name))
        assert mark, f"{document} has no screen {name}"
        shown, mark_of_end, rest = rest.partition(end)
        assert mark_of_end, f"the screen {name} has no end in {document}"
        blank = "\n" if document.endswith(".md") else ""
        fresh = head + mark + blank + form(name) + blank + mark_of_end + rest
    if WRITE:
        path.write_text(fresh, encoding="utf-8")
    else:
        assert text == fresh, f"a screen in {document} is not as it is kept in {GOLDEN}; this rewrites it: {REWRITE}"
