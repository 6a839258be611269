"""The book in other languages: catalogues from the pages, and the staged sources of a translated edition.

``book/locale/<language>/LC_MESSAGES/`` holds one catalogue a page. The titles of chapters, sections and leaves stand
in no catalogue: they are the outline's.
"""

import io
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from llm_finetuning import touch
from llm_finetuning.build import chapters, glossary, jupyterbook, methods, project, results

# The editions that can be built, and the folder of each below _build/html.
EDITIONS = {"en": "", "zh_CN": "zh"}
BUILD = "build"  # the catalogue of what the build itself puts on pages, written by hand
NOT_YET = "*This page has not been translated yet: it is shown in English.*"
SUMMARY = re.compile(r"(?<=<summary>)[^<]+(?=</summary>)")
# Code, formulas, addresses and the place of the landing figure's description: nothing to translate.
UNTRANSLATED = re.compile(r"`[^`]+`|\$[^$]+\$|\]\([^)]*\)|https?://\S+|LANDING_ALT")
HEADER = 'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def wanted() -> list[str]:
    """Return the editions that LANGS asks for, English first; SystemExit when there is one that the book has not."""
    asked = os.environ.get("LANGS", "en").split()
    if unknown := set(asked) - set(EDITIONS):
        raise SystemExit(f"LANGS: the book has no {', '.join(sorted(unknown))}; it has {' '.join(EDITIONS)}.")
    return [language for language in EDITIONS if language in asked or language == "en"]


def titles(root: Path) -> dict[str, str]:
    """Return the outline's titles, English to Chinese, with their numbers as pages and captions show them."""
    outline = yaml.safe_load((root / "book" / "outline.yml").read_text("utf-8"))
    numbered = [*outline["chapters"], *outline["sections"], *outline["leaves"]]
    found = {f"{title['num']} {title['en']}": f"{title['num']} {title['zh']}" for title in numbered}
    return {outline["title"]["en"]: outline["title"]["zh"], **found}


def catalogue(root: Path, language: str, page: str) -> Path:
    """Return the path of a page's catalogue."""
    return root / "book" / "locale" / language / "LC_MESSAGES" / f"{page}.po"


def read(path: Path, language: str) -> Catalog:
    """Read a catalogue; one that is not there is empty."""
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8", abort_invalid=True)


def translations(catalogue: Catalog) -> dict[str, str]:
    """Return what a catalogue translates; what is fuzzy or empty is not translated."""
    return {
        str(message.id): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }


def given(root: Path, language: str) -> dict[str, str]:
    """Return what is translated outside the pages' catalogues: the outline's titles, and what the build adds."""
    return translations(read(catalogue(root, language, BUILD), language)) | titles(root)


def extract(root: Path) -> dict[str, list[str]]:
    """Return the messages of every page, in order, as Sphinx finds them: what its gettext builder extracts."""
    folder = root / "_build" / "translate"
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("*.ipynb", "locale"))
    (source / "_static" / "landing.png").touch()  # the build's
    pages = [page for page in project.listed() if list((root / "book").glob(f"{page}.*"))]
    for page in pages:
        _copy_prose(page, root / "book", source)
    for page in set(project.listed()) - set(pages):
        (source / f"{page}.md").write_text(f"# {page}\n", "utf-8")  # the build's too
    configuration, toc = configure(root, "en")
    built = jupyterbook.run(source, configuration, toc, folder / "work", builder="gettext")
    known = given(root, "zh_CN")
    found = {}
    for page in pages:
        messages = [str(message.id) for message in read(built / f"{page}.pot", "en") if message.id]
        summaries = SUMMARY.findall(_markdown(source, page))
        kept = [text for text in (*messages, *summaries) if text not in known and re.search(r"[^\W\d_]", strip(text))]
        found[page] = list(dict.fromkeys(kept))
    return found


def strip(message: str) -> str:
    """Return a message without code, formulas and addresses."""
    return UNTRANSLATED.sub(" ", message)


def update(root: Path, language: str, messages: dict[str, list[str]]) -> list[str]:
    """Merge the pages' messages into the catalogues; return the pages whose catalogue changed.

    A changed paragraph keeps its translation, marked fuzzy: the site shows English until somebody looks at it.
    """
    changed = []
    for page, found in messages.items():
        template, path = Catalog(), catalogue(root, language, page)
        for message in found:
            template.add(message)
        merged = read(path, language)
        merged.update(template)
        text = written(merged, language)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            changed.append(page)
    folder = catalogue(root, language, BUILD).parent
    for path in folder.rglob("*.po"):
        page = str(path.relative_to(folder).with_suffix(""))
        if page != BUILD and page not in messages:
            path.unlink()
            changed.append(page)
    return changed


def left(root: Path, language: str, messages: dict[str, list[str]]) -> dict[str, int]:
    """Return how many messages of each page are not translated, or have changed since they were."""
    done = {page: translations(read(catalogue(root, language, page), language)) for page in messages}
    return {page: sum(message not in done[page] for message in found) for page, found in messages.items()}


def written(catalogue: Catalog, language: str) -> str:
    """Return a catalogue's text, with nothing in it that changes by itself: no dates, no line numbers."""
    buffer = io.BytesIO()
    write_po(
        buffer, catalogue, width=0, no_location=True, omit_header=True, ignore_obsolete=True, include_previous=True
    )
    return HEADER.format(language=language) + buffer.getvalue().decode("utf-8").strip() + "\n"


def stage(root: Path, source: Path, language: str, sentence: str, facts: dict[str, dict[str, str]]) -> Path:
    """Copy the staged English ``source`` and make of the copy what Sphinx builds the edition of ``language`` from.

    ``sentence`` is what the build adds to every page, with ``facts`` about the page filled in.
    """
    target = source.with_name(f"{source.name}-{EDITIONS[language]}")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("locale"))
    known = given(root, language)
    known |= {results.link(root, page): results.link(root, page, known) for page in project.pages()}
    seconds = {page: fact["seconds"] for page, fact in facts.items()}
    chapters.write(root, target, seconds, known)
    landings = chapters.landings()
    lists = _lists(root, target, language, known)
    for page in project.listed():
        own = lists.get(page, {}) | translations(read(catalogue(root, language, page), language))
        for shown in landings.get(page, []):  # a landing page shows their first paragraphs
            own |= translations(read(catalogue(root, language, shown), language))
            line = chapters.entry(shown, seconds[shown], known.get(chapters.ENTRY, chapters.ENTRY))
            own[chapters.entry(shown, seconds[shown])] = line
        messages = known | own
        if page in facts:
            line = first_line(sentence, messages, translated=bool(own))
            messages[sentence.format(**facts[page])] = line.format(**facts[page])
            _translate_html(target / f"{page}.ipynb", messages)
        path = target / "locale" / language / "LC_MESSAGES" / f"{page}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(_catalogue(messages), language), "utf-8")
    return target


def first_line(sentence: str, messages: dict[str, str], translated: bool) -> str:
    """Return the translation of what the build adds to a page; a page that is not translated says so there."""
    line = messages.get(sentence, sentence)
    return line if translated else f"{line} {messages.get(NOT_YET, NOT_YET)}"


def _lists(root: Path, target: Path, language: str, known: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the translations of the glossary and of the index of methods, with the headings that they lead to."""
    for page in project.pages():
        known = translations(read(catalogue(root, language, page), language)) | known
    return {
        glossary.PAGE: glossary.messages(root, known),
        methods.PAGE: methods.messages(root, (target / f"{methods.PAGE}.md").read_text("utf-8"), known),
    }


def configure(root: Path, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the book's configuration and table of contents for an edition: its language, its titles, the others."""
    configuration, toc = (yaml.safe_load((root / name).read_text("utf-8")) for name in ("_config.yml", "_toc.yml"))
    configuration["repository"]["url"] = project.repository()
    configuration["sphinx"]["config"] |= {"language": language, "locale_dirs": ["locale"], "gettext_compact": False}
    if len(wanted()) > 1:
        configuration["sphinx"]["config"]["book_editions"] = {edition: EDITIONS[edition] for edition in wanted()}
    if language == "en":
        return configuration, toc
    known = given(root, language)
    return _translated(configuration, known), _translated(toc, known)


def _translated(content: Any, messages: dict[str, str]) -> Any:
    """Return a configuration or table of contents with the sentences in it that are in ``messages`` translated."""
    if isinstance(content, dict):
        return {key: _translated(value, messages) for key, value in content.items()}
    if isinstance(content, list):
        return [_translated(value, messages) for value in content]
    return messages.get(content, content) if isinstance(content, str) else content


def _translate_html(path: Path, messages: dict[str, str]) -> None:
    """Translate the words of <summary> and of figures to operate: Sphinx passes HTML on as it is."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SUMMARY.sub(lambda found: messages.get(found[0], found[0]), cell.source)
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            if touch.WITHOUT in data.get("text/html", ""):
                data["text/html"] = data["text/html"].replace(
                    touch.WITHOUT, messages.get(touch.WITHOUT, touch.WITHOUT), 1
                )
    nbformat.write(notebook, path)


def _catalogue(messages: dict[str, str]) -> Catalog:
    catalogue = Catalog()
    for message, translation in messages.items():
        catalogue.add(message, translation)
    return catalogue


def _copy_prose(page: str, book: Path, target: Path) -> None:
    """Copy a page without its code cells: what they hold and show is not translated."""
    (target / page).parent.mkdir(parents=True, exist_ok=True)
    if (book / f"{page}.md").is_file():
        shutil.copy(book / f"{page}.md", target / f"{page}.md")
        return
    notebook = nbformat.read(book / f"{page}.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    nbformat.write(notebook, target / f"{page}.ipynb")


def _markdown(folder: Path, page: str) -> str:
    if (folder / f"{page}.md").is_file():
        return (folder / f"{page}.md").read_text("utf-8")
    return "\n".join(cell.source for cell in nbformat.read(folder / f"{page}.ipynb", as_version=4).cells)
