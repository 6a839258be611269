"""One style sheet for the whole site: the theme's sheets joined, without the rules and icons that no page uses.

And a font for formulas, cut down in the same way.
"""

import base64
import html
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont

from llm_finetuning.build import npm_packages

# What a page or a script can name in a selector: elements, classes and ids in pages, any word in a script.
NAMES = re.compile(r'<([a-z][\w-]*)|\s(?:class|id)="([^"]*)"')
WORDS = re.compile(r"[A-Za-z_][\w-]*")
VARIABLE, READ = re.compile(r"--[\w-]+"), re.compile(r"var\(\s*(--[\w-]+)")  # custom properties, and a sheet's use
FORMULA, ELEMENTS = re.compile(r"<math.*?</math>", re.DOTALL), re.compile(r"<[^>]+>")
ROOT = re.compile(r"<m(?:sqrt|root)\b")
MATHS = "@fontsource/stix-two-math@5.3.0"
MATHS_INTEGRITY = "sha512-negoeozw6VSXjZMozwKRSm/dhCQT62csZcuea9I8KYqPaZq/8KbbBBrA02ZHF7AyuR5mVML/p+q0bwFuSIf2GQ=="
GROUPING = {"media", "supports", "layer", "container"}


def names(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Return every name that a selector needs to find something: a superset, since scripts add classes at run time."""
    found = {"html", "body", "root", "host"}
    for page in pages:
        for element, attribute in NAMES.findall(page):
            found.update([element] if element else attribute.split())
    for script in scripts:
        found.update(WORDS.findall(script))
    return found


def variables(sheets: Iterable[str], others: Iterable[str]) -> set[str]:
    """Return the custom properties that a sheet reads, or that a page or a script names."""
    read = {name for sheet in sheets for name in READ.findall(sheet)}
    return read.union(*(VARIABLE.findall(text) for text in others))


def purge(sheet: str, known: set[str]) -> str:
    """Return the sheet without what does nothing.

    Comments go, rules whose selectors name something that is not known, and custom properties that are not known.
    """
    return "".join(_kept(tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True), known))


def _kept(rules: Iterable[Any], known: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [selector for selector in _split(rule.prelude, ",") if _needs(selector) <= known]
            if selectors and (body := _declarations(rule.content, known)):
                prelude = ",".join(tinycss2.serialize(selector).strip() for selector in selectors)
                yield f"{prelude}{{{body}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword in GROUPING and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if body := "".join(_kept(inner, known)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{body}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("charset", "import"):  # imported ones are joined
            yield rule.serialize() + "\n"
        elif rule.type == "error":
            raise ValueError(f"line {rule.source_line}: {rule.message}")


def _split(tokens: list[Any], sign: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token == sign:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _needs(selector: list[Any]) -> set[str]:
    """Return the names without which this selector finds nothing; what stands in brackets is not looked at."""
    needed = set()
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" or (token.type == "ident" and before != ":"):
            needed.add(token.value)
    return needed


def _declarations(content: list[Any], known: set[str]) -> str:
    kept = []
    for tokens in _split([token for token in content if token.type != "comment"], ";"):
        first = next((token for token in tokens if token.type != "whitespace"), None)
        unread = first and first.type == "ident" and first.value.startswith("--") and first.value not in known
        if first and not unread:
            kept.append("".join(" " if token.type == "whitespace" else token.serialize() for token in tokens).strip())
    return ";".join(kept)


def with_icons(sheet: str, folder: Path) -> str:
    """Return the sheet with each of the theme's icon fonts cut to the signs that it names, inside the sheet itself.

    ``folder`` is where the sheet's addresses start. A sheet that carries its icons needs no second round trip, and
    the icons do not jump in late.
    """
    signs = {ord(sign) for sign in re.findall(r"[\ue000-\uf8ff]", sheet)}  # where icon fonts keep their signs

    def embedded(match: re.Match[str]) -> str:
        font = _cut(TTFont(folder / match[1]), signs, layout_features=[], name_IDs=[1], notdef_outline=False)
        return f'src:url(data:font/woff;base64,{base64.b64encode(font).decode()}) format("woff")'

    return re.sub(r'src:url\([^)]*\) format\("woff2"\),url\(([^)]*\.ttf)\) format\("truetype"\)', embedded, sheet)


def maths_font(pages: Iterable[str]) -> bytes:
    """Return STIX Two Math as WOFF, cut to what the formulas of these pages need: a phone has no font for formulas.

    Without one, brackets and roots do not grow with what they hold.
    """
    (whole,) = npm_packages.read(MATHS, MATHS_INTEGRITY, 0.8, "files/stix-two-math-latin-400-normal.woff")
    # 0, 13 and 14: copyright and licence travel with the font.
    kept = {"layout_features": ["math", "ssty", "dtls"], "name_IDs": [0, 1, 13, 14], "hinting": False}
    return _cut(TTFont(io.BytesIO(whole)), signs(pages), **kept)


def _cut(font: Any, signs: set[int], **kept: Any) -> bytes:
    """Return the font as WOFF, with these signs and what they need; ``kept``: options of fontTools' subsetter."""
    cut = subset.Subsetter(subset.Options(**kept))
    cut.populate(unicodes=signs)
    cut.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def signs(pages: Iterable[str]) -> set[int]:
    """Return the codes of all signs in these pages' formulas, upright and as the italic of a one-letter variable."""
    formulas = [formula for page in pages for formula in FORMULA.findall(page)]
    found = {ord(sign) for formula in formulas for sign in html.unescape(ELEMENTS.sub("", formula))}
    if any(map(ROOT.search, formulas)):
        found.add(ord("√"))  # the browser draws it: no text has it
    return found | {_italic(sign) for sign in found}


def _italic(sign: int) -> int:
    if sign == ord("h"):
        return 0x210E  # Planck's constant was there first
    for first, last, italic in (("a", "z", 0x1D44E), ("A", "Z", 0x1D434), ("α", "ω", 0x1D6FC), ("Α", "Ω", 0x1D6E2)):
        if ord(first) <= sign <= ord(last):
            return italic + sign - ord(first)
    return sign
