"""The table of language models: every figure has a source and says what its source says."""

import copy
import re
import tomllib

import pandas as pd
import pytest

from llm_finetuning import model_table

UNITS = {"": 1, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "PF-days": 1e15 * 86_400}
FACTOR = re.compile(r"([\d,]+(?:\.\d+)?(?:E\+\d+)?) ?(K|M|B|T|PF-days|)\+?")
TEXTS = ("name", "organisation", "architecture", "link")
PLAUSIBLE = {
    "parameters": (1e8, 1e13),
    "active_parameters": (1e9, 1e12),
    "training_tokens": (1e9, 1e14),
    "context_length": (512, 1e7),
    "training_flops": (1e20, 1e27),
}


def number(stated):
    """A figure as its source writes it ("14.8T", "256 x 512 x 1,000,000") as a number."""
    product = 1.0
    for factor in stated.split(" x "):
        matched = FACTOR.fullmatch(factor)
        if not matched:
            return None
        product *= float(matched[1].replace(",", "")) * UNITS[matched[2]]
    return product


def is_address(text):
    return isinstance(text, str) and bool(re.fullmatch(r"https://[\w.-]+\.[a-z]+/\S*", text))


def faults_of(model):
    """Every rule that one model's object breaks."""
    keys = {*TEXTS, "mixture", "date", "open_weights", *model_table.FIGURES}
    rules = [
        (keys <= set(model) <= keys | {"note"}, "fields"),
        (all(isinstance(model[key], str) and model[key].strip() for key in TEXTS), "text"),
        (is_address(model["link"]), "link"),
        (isinstance(model["open_weights"]["value"], bool) and isinstance(model["mixture"], bool), "yes or no"),
        (re.fullmatch(r"20[12]\d-(0[1-9]|1[0-2])", model["date"]["value"]), "date"),
    ]
    for key in ("date", "open_weights", *model_table.FIGURES):
        if model[key] is not None:
            rules.append((is_address(model[key]["source"]), f"{key}: source"))
            rules.append((model[key]["read"] in ("original", "quoted"), f"{key}: read"))
    for key in model_table.FIGURES:
        if model[key] is not None:
            value, stated = model[key]["value"], number(model[key]["stated"])
            rules.append((stated is not None and value == pytest.approx(stated, rel=1e-5), f"{key}: not as stated"))
            low, high = PLAUSIBLE[key]
            rules.append((low <= value <= high, f"{key}: not plausible"))
    active, total = model["active_parameters"], model["parameters"]
    rules.append((active is None or (model["mixture"] and active["value"] < total["value"]), "active parameters"))
    return [text for holds, text in rules if not holds]


def faults(models):
    """Every rule of the table that it breaks, with the model's name."""
    found = [(model["name"], text) for model in models for text in faults_of(model)]
    names = [model["name"] for model in models]
    found += [(name, "twice") for name in names if names.count(name) > 1]
    dates = [model["date"]["value"] for model in models]
    return found + ([] if dates == sorted(dates) else [(None, "order")])


def test_the_table_keeps_its_rules():
    assert faults(model_table.read()) == []


def test_it_is_large_enough_and_reaches_from_the_first_models_to_today():
    table = model_table.load()
    assert len(table) >= 40
    assert {"GPT", "BERT-Large"} <= set(table.index[table["date"] < "2019"])
    assert table["date"].max() >= pd.Timestamp("2026-01-01")
    assert table["training_tokens"].notna().sum() >= 40


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda model: model.pop("link"), KeyError),
        (lambda model: model.update(link="arxiv"), "link"),
        (lambda model: model.update(extra=1), "fields"),
        (lambda model: model.update(organisation=""), "text"),
        (lambda model: model["date"].update(value="2018"), "date"),
        (lambda model: model["date"].update(value="2030-01"), "date"),
        (lambda model: model["date"].update(value="2026-12"), "order"),
        (lambda model: model["open_weights"].update(value="yes"), "yes or no"),
        (lambda model: model["parameters"].update(source=""), "parameters: source"),
        (lambda model: model["parameters"].update(read="remembered"), "parameters: read"),
        (lambda model: model["parameters"].update(value=1.2e8), "parameters: not as stated"),
        (lambda model: model["parameters"].update(stated="about 117M"), "parameters: not as stated"),
        (lambda model: model["parameters"].update(value=117_000, stated="117K"), "parameters: not plausible"),
        (lambda model: model.update(active_parameters=model["parameters"]), "active parameters"),
        (lambda model: model.update(name="GPT-2"), "twice"),
    ],
)
def test_every_rule_can_fail(change, rule):
    models = copy.deepcopy(model_table.read())
    change(models[0])
    if isinstance(rule, type):
        with pytest.raises(rule):
            faults(models)
    else:
        assert rule in [text for _, text in faults(models)]


@pytest.mark.parametrize(
    ("stated", "value"),
    [("14.8T", 14.8e12), ("256 x 512 x 1,000,000", 131_072e6), ("43,500 PF-days", 3.7584e24), ("3.14E+23", 3.14e23)],
)
def test_figures_are_read_as_they_are_written(stated, value):
    assert number(stated) == pytest.approx(value)


def test_the_table_has_values_where_the_file_has_figures():
    table = model_table.load()
    assert table.loc["GPT-3", "training_flops"] == 3.14e23
    assert table.loc["GPT-3", "active_parameters"] == 175e9  # not a mixture: all of them
    assert table.loc["DeepSeek-V3", "active_parameters"] == 37e9
    assert table.loc[["GPT-4", "Grok-1"], "active_parameters"].isna().all()
    assert table["date"].is_monotonic_increasing


def test_the_file_is_installed_with_the_package(root):
    packaged = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    assert "data/*.json" in packaged["llm_finetuning"]
