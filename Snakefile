# The graph of steps: what is made from what. `make book` and `make test` run it; only what changed runs again.
import sys
from pathlib import Path

from llm_finetuning import checkpoints, records
from llm_finetuning.build import project, translation
from llm_finetuning.touch import paths as script_paths  # "touch" is a word of Snakemake's

PAGES = project.pages()
PYTHON = sys.executable
BUILD = f"{PYTHON} -m llm_finetuning.build"
PYTEST = f"{PYTHON} -m pytest --quiet --no-header -p no:cacheprovider"

HELPER = sorted(map(str, Path("src/llm_finetuning").glob("*.py")))
SCRIPTS = sorted(map(str, Path("src/llm_finetuning/scripts").glob("*.js")))
RECORDS = sorted(map(str, Path("src/llm_finetuning/records").glob("*")))
CHECKPOINTS = sorted(str(path) for path in Path("src/llm_finetuning/checkpoints").rglob("*") if path.is_file())
TOOLS = sorted(map(str, Path("src/llm_finetuning/build").glob("*.py")))
CATALOGUES = sorted(map(str, Path("book/locale").rglob("*.po")))
SITE_SOURCES = sorted(
    str(path)
    for path in Path("book").rglob("*")
    if path.is_file() and path.suffix != ".ipynb" and ".ipynb_checkpoints" not in path.parts
)
SITE_TESTS = [
    f"tests/test_{name}.py"
    for name in ("site", "browser", "keyboard_and_print", "accessibility", "editions", "in_page_model")
]
# What takes long in one piece comes before the many short steps: at the end no core waits for the other.
LONG = 5
# What mypy cannot know on a page: parameters that papermill sets, and attributes of torch modules (Tensor | Module).
UNTYPED = " ".join(
    f"--disable-error-code={code}" for code in ("call-arg", "union-attr", "operator", "var-annotated")
)
UNIT_TESTS = sorted(
    set(map(str, Path("tests").glob("test_*.py"))) - set(SITE_TESTS) - {"tests/test_colab.py"}
)


rule book:
    input:
        "_build/site.done",


rule test:
    input:
        "_build/tests/lint.ok",
        "_build/tests/unit.ok",
        "_build/tests/site.ok",
        "_build/tests/colab.ok",
        expand("_build/validated/{page}.ok", page=PAGES),


rule executed:
    input:
        expand("_build/executed/{page}.ipynb", page=PAGES),


# `make test` makes these first, on as many cores as there are: pages say what they take. The two short steps are for
# the core that would otherwise wait for the last page.
rule pages_first:
    input:
        rules.executed.input,
        "_build/tests/lint.ok",
        "_build/in-page-model/facts.json",


rule data:
    input:
        "src/llm_finetuning/sources.py",
    output:
        touch("_build/data.done"),
    shell:
        "{BUILD} data"


rule execute:
    input:
        "book/{page}.ipynb",
        "_build/data.done",
        "requirements.lock",
        HELPER,
        lambda wildcards: records.paths(Path(f"book/{wildcards.page}.ipynb")),
        lambda wildcards: checkpoints.paths(Path(f"book/{wildcards.page}.ipynb")),
        lambda wildcards: script_paths(Path(f"book/{wildcards.page}.ipynb")),
    output:
        "_build/executed/{page}.ipynb",
        "_build/measured/{page}.json",
    priority: 10
    shell:
        "{BUILD} execute {wildcards.page}"


rule validate:
    input:
        "book/{page}.ipynb",
        "_build/executed/{page}.ipynb",
    output:
        touch("_build/validated/{page}.ok"),
    shell:
        "{BUILD} validate {wildcards.page}"


rule in_page_model:
    input:
        [path for path in CHECKPOINTS if "mini-bert-trec" in path],
        "src/llm_finetuning/build/in_page_model.py",
        "_build/data.done",
        "requirements.lock",
    output:
        "_build/in-page-model/facts.json",
    priority: LONG  # the site waits for it, and the site's tests for the site
    shell:
        "{BUILD} in-page-model"


rule site:
    input:
        rules.executed.input,
        RECORDS,
        CHECKPOINTS,
        rules.in_page_model.output,
        SITE_SOURCES,
        TOOLS,
        "_config.yml",
        "_toc.yml",
    params:
        translation.wanted(),
    output:
        touch("_build/site.done"),
    priority: LONG
    shell:
        "{BUILD} site"


rule lint:
    input:
        HELPER,
        TOOLS,
        "pyproject.toml",
        expand("book/{page}.ipynb", page=PAGES),
        Path("tests").glob("*.py"),
    output:
        touch("_build/tests/lint.ok"),
    shell:
        """
        {PYTHON} -m ruff check --quiet .
        {PYTHON} -m ruff format --check --quiet .
        {PYTHON} -m mypy --no-error-summary
        {PYTHON} -m nbqa mypy --config-file= {UNTYPED} --ignore-missing-imports --check-untyped-defs --no-error-summary book
        """


rule unit_tests:
    input:
        HELPER,
        SCRIPTS,
        RECORDS,
        CHECKPOINTS,
        TOOLS,
        UNIT_TESTS,
        "pyproject.toml",
        "requirements.lock",
        "environment.yml",
        "README.md",
        "_config.yml",
        "_toc.yml",
        "book/index.md",
        "book/links.yml",
        CATALOGUES,
        "_build/data.done",
        expand("book/{page}.ipynb", page=PAGES),
    output:
        touch("_build/tests/unit.ok"),
    priority: LONG
    shell:
        "{PYTEST} {UNIT_TESTS}"


rule colab_tests:
    input:
        HELPER,
        RECORDS,
        CHECKPOINTS,
        "tests/test_colab.py",
        "pyproject.toml",
        "requirements.lock",
        "_build/data.done",
        expand("book/{page}.ipynb", page=PAGES),
    output:
        touch("_build/tests/colab.ok"),
    priority: LONG
    shell:
        "{PYTEST} tests/test_colab.py"


rule site_tests:
    input:
        "_build/site.done",
        SITE_TESTS,
    output:
        touch("_build/tests/site.ok"),
    priority: LONG
    shell:
        "{PYTEST} {SITE_TESTS}"
