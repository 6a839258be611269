"""The Sphinx extension of a book in several languages: the switch between them, and search in Chinese."""

import posixpath
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.search.zh import SearchChinese
from sphinx.transforms import SphinxTransform

# What the switch to an edition says, in the language of that edition.
NAMES = {"en": ("English", "This page in English"), "zh_CN": ("中文", "本页的中文版")}
CHINESE = re.compile(r"[\u3400-\u9fff]+")


class ChineseSearch(SearchChinese):
    """Chinese text is indexed, and looked for, by pairs of neighbouring characters.

    Sphinx's own class needs a dictionary (jieba) to find words in the index, and then does not cut the reader's
    query: a term that the dictionary has not, or cuts elsewhere, is not found. Pairs are found wherever they stand.
    """

    js_splitter_code = """
function splitQuery(query) {
  const terms = query.match(/[\\u3400-\\u9fff]+|[^\\P{Letter}\\u3400-\\u9fff]+|[\\p{Number}_]+/gu) || [];
  const pairs = (run) => Array.from(run.slice(1), (character, i) => run[i] + character);
  return terms.flatMap((term) => (/[\\u3400-\\u9fff]{2}/.test(term) ? pairs(term) : [term]));
}
"""

    def split(self, text: str) -> list[str]:
        """Return the pairs of Chinese characters, and the words in Latin letters."""
        pairs = [run[i : i + 2] for run in CHINESE.findall(text) for i in range(len(run) - 1)]
        return pairs + self.latin1_letters.findall(text)

    def stem(self, word: str) -> str:
        """Return the stem of a word, or the word if it is in Latin letters and too little would be left of it.

        That is Sphinx's own rule. Sphinx looks every word up in a list of all that were read so far, which had not
        come to an end after six minutes for this book.
        """
        stem: str = self.stemmer.stemWord(word.lower())
        return word.lower() if self.latin1_letters.fullmatch(word) and len(word) >= 3 > len(stem) else stem


class KeepFormulas(SphinxTransform):
    """Displayed formulas are not translated, and stand in no catalogue."""

    default_priority = 5  # before Sphinx looks for what is to be translated

    def apply(self, **_: Any) -> None:
        """Mark them."""
        for node in self.document.findall(nodes.math_block):
            node["translatable"] = False


class MarkEnglish(SphinxTransform):
    """In a translated edition, what is not translated says that it is English: to screen readers, fonts, hyphens."""

    default_priority = 30  # after Sphinx has translated

    def apply(self, **_: Any) -> None:
        """Mark them; docutils makes an attribute ``lang`` of the class."""
        if self.config.language == "en":
            return
        for node in self.document.findall(nodes.TextElement):
            if node.get("translated") is False:
                node["classes"].append("language-en")


def other_editions(editions: dict[str, str], language: str, page: str) -> list[dict[str, str]]:
    """Return what a page's links to itself in the other languages say and where they lead."""
    here = posixpath.dirname(posixpath.join(editions[language], page))
    return [
        {
            "language": other.replace("_", "-"),
            "address": posixpath.relpath(posixpath.join(folder, f"{page}.html"), here or "."),
            "name": NAMES[other][0],
            "title": NAMES[other][1],
        }
        for other, folder in editions.items()
        if other != language
    ]


def _offer_switch(app: Sphinx, config: Config) -> None:
    if config.book_editions:
        config.html_theme_options["article_header_end"] = ["language-switch.html", "article-header-buttons.html"]


def _fill_switch(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if app.config.book_editions:
        context["other_editions"] = other_editions(app.config.book_editions, app.config.language, page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the switch, the search in Chinese and the marks on what is still English."""
    app.add_config_value("book_editions", {}, "html", dict)
    app.add_search_language(ChineseSearch)
    app.add_transform(KeepFormulas)
    app.add_transform(MarkEnglish)
    app.connect("config-inited", _offer_switch)
    app.connect("html-page-context", _fill_switch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
