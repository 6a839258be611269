"""Every address outside the book is in book/links.yml, with what it points to, and no page says otherwise.

No network here: the nightly run opens the addresses.
"""

import re

import nbformat
import pytest
import yaml

from llm_finetuning.build import project

LINK = re.compile(r"\[([^\]]+)\]\((https?://[^\s)]+)\)")
ADDRESS = re.compile(r"https?://[^\s)\"'<>`\\]+")
LOCAL = re.compile(r"https?://(127\.0\.0\.1|localhost)")


def cells_of(root):
    for page in project.pages():
        for cell in nbformat.read(root / "book" / f"{page}.ipynb", as_version=4).cells[1:]:  # without the set-up cell
            yield page, cell.source
    for path in sorted((root / "book").glob("*.md")):
        yield path.name, path.read_text("utf-8")


def addresses(cells):
    """Every address, with the pages that have it. What an f-string completes is no address yet."""
    found = {}
    for page, source in cells:
        for address in ADDRESS.findall(source):
            if "{" not in address and not LOCAL.match(address):
                found.setdefault(address.rstrip(".,;:"), set()).add(page)
    return found


def contradictions(cells, links):
    """Links whose words name a year, or authors with a year, that the stored description of their address has not."""
    found = []
    for page, source in cells:
        for words, address in LINK.findall(source):
            said = re.match(r"([A-Z][\w’'-]+)\b.*?\(?\b((?:19|20)\d\d)\b", words)
            described = links.get(address, "")
            if said and not all(part in described for part in said.groups()):
                found.append(f"{page}: [{words}] -> {described!r}")
    return found


@pytest.fixture(scope="module")
def links(root):
    return yaml.safe_load((root / "book" / "links.yml").read_text("utf-8"))


def test_every_address_is_listed_and_none_is_left_over(root, links):
    used = addresses(cells_of(root))
    assert {address: pages for address, pages in used.items() if address not in links} == {}
    assert sorted(set(links) - set(used)) == []


def test_the_list_says_what_each_address_points_to(links):
    assert [address for address, text in links.items() if len(str(text)) < 8] == []
    assert [address for address in links if not address.startswith("https://")] == []
    assert list(links) == sorted(links)


def test_no_link_s_words_contradict_the_list(root, links):
    assert contradictions(cells_of(root), links) == []


def test_what_is_wrong_would_be_found():
    cells = [("p", "See [Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762), f'https://x.org/{name}'.")]
    assert addresses(cells) == {"https://arxiv.org/abs/1706.03762": {"p"}}
    right = {"https://arxiv.org/abs/1706.03762": "Vaswani et al. 2017: Attention Is All You Need"}
    assert contradictions(cells, right) == []
    assert len(contradictions(cells, {"https://arxiv.org/abs/1706.03762": "Vaswani et al. 2018: Attention"})) == 1
    assert len(contradictions(cells, {"https://arxiv.org/abs/1706.03762": "Devlin et al. 2017: Attention"})) == 1
    assert len(contradictions(cells, {})) == 1
