"""Train once: results of long page functions, kept under a key of everything that made them.

nbval runs a page again right after papermill did, and several pages may need the same model. A function marked
``@artifact`` runs once; the next call with the same arguments, code, data and library versions reads its result.
"""

import functools
import hashlib
import inspect
import io
import json
import platform
import textwrap
import tokenize
import types
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import datasets
import numpy as np
import safetensors.torch
import torch
import transformers

from llm_finetuning import runtime, sources

Result = TypeVar("Result")

PAGE_MODULES = ("__main__", "llm_finetuning_page")  # a notebook's kernel; a page loaded by records.py


def artifact(function: Callable[..., Result]) -> Callable[..., Result]:
    """Keep what ``function`` returns: numbers, strings, tensors, and lists and dicts of these.

    Arguments may be plain values, lists and dicts of them, tensors, arrays, modules, tokenizers, paths and data
    sets; anything else raises TypeError, because a key that forgets an input returns stale results.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Result:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        key = fingerprint([function, dict(bound.arguments), runtime.scale(), _surroundings()])
        folder = sources.cache_dir() / "artifacts" / f"{function.__name__}-{key[:20]}"
        if not folder.is_dir():
            with sources.staging(folder) as temporary:
                if not folder.is_dir():  # another notebook may have made it meanwhile
                    _write(function(*args, **kwargs), temporary / "result")
                    (temporary / "result").rename(folder)
        result: Result = _read(folder)
        return result

    return wrapper


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value's content: the same in every process and on every machine."""
    digest = hashlib.sha256()
    for part in _parts(value, set()):
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\x00")
    return digest.hexdigest()


def page_code(function: Callable[..., Any]) -> str:
    """Return the SHA-256 of the source of a page's function and of every function and class of the page it uses.

    Comments, layout, data and library versions do not count.
    """
    parts = _code_parts(function, set(), values=False)
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def _surroundings() -> dict[str, str]:
    names = ("torch", "transformers", "datasets", "numpy", "scikit-learn", "peft", "accelerate")
    # Vector instructions change the last digits, so results made with others are not mixed up with these.
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {**{name: _version(name) for name in names}, "processor": processor, "helper": _helper()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@functools.cache
def _helper() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()


def _parts(value: Any, seen: set[int]) -> Iterator[str | bytes]:
    if value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        yield repr(value)
    elif isinstance(value, Path):
        yield repr(value.name)  # a model folder's place differs from machine to machine, its content is hashed
        yield from (hashlib.sha256(f.read_bytes()).digest() for f in sorted(value.rglob("*")) if f.is_file())
    elif isinstance(value, dict):
        for key in value:
            yield from _parts(key, seen)
            yield from _parts(value[key], seen)
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}"
        for item in value:
            yield from _parts(item, seen)
    elif isinstance(value, set | frozenset):
        yield from sorted(fingerprint(item) for item in value)
    elif isinstance(value, torch.Tensor):
        yield f"{value.dtype} {tuple(value.shape)}"
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}"
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, datasets.Dataset):
        yield repr(value.features)
        for batch in value.with_format("arrow").iter(10_000):
            yield json.dumps(batch.to_pydict(), default=str)
    elif isinstance(value, transformers.PreTrainedTokenizerFast):
        yield value.backend_tokenizer.to_str()
    elif isinstance(value, torch.nn.Module):
        yield from (type(value).__qualname__, repr(value))
        yield from _parts(dict(value.state_dict()), seen)
        yield repr([name for name, weight in value.named_parameters() if weight.requires_grad])
    elif isinstance(value, types.ModuleType):
        yield f"{value.__name__} {_version(value.__name__.partition('.')[0])}"
    elif inspect.isfunction(value) or inspect.isclass(value):
        yield from _code_parts(value, seen)
    elif inspect.isbuiltin(value) or isinstance(value, functools.partial):
        yield repr(value)
    else:
        raise TypeError(
            f"An artifact's key cannot hold a {type(value).__name__}: pass plain values, tensors, models or data sets."
        )


def _code_parts(value: Any, seen: set[int], values: bool = True) -> Iterator[str | bytes]:
    """Yield the source of a page's function or class, and of everything of the page that it names.

    With ``values`` the page's data that it names counts too, and the version of every library.
    """
    if value.__module__ not in PAGE_MODULES:
        if values:
            yield f"{value.__module__}.{value.__qualname__} {_version(value.__module__.partition('.')[0])}"
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    functions = [value] if inspect.isfunction(value) else [f for f in vars(value).values() if inspect.isfunction(f)]
    yield value.__qualname__
    if inspect.isclass(value):
        yield from (base.__qualname__ for base in value.__mro__)
        for name, attribute in vars(value).items():
            if isinstance(attribute, bool | int | float | str) and not name.startswith("__"):
                yield f"{name}={attribute!r}"
    for function in functions:
        function = inspect.unwrap(function)
        yield _bare_source(function)
        for name in sorted(_names(function.__code__)):
            named = function.__globals__.get(name)
            if inspect.isfunction(named) or inspect.isclass(named):
                yield from _code_parts(named, seen, values)
            elif values and name in function.__globals__:
                yield name
                yield from _parts(named, seen)


def _bare_source(function: Callable[..., Any]) -> str:
    """Return a function's source without comments and layout, the same for every version of Python."""
    source = textwrap.dedent(inspect.getsource(function))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    layout = {tokenize.NEWLINE: ";", tokenize.INDENT: "{", tokenize.DEDENT: "}"}
    dropped = (tokenize.COMMENT, tokenize.NL)
    return "".join(layout.get(t.type, t.string) for t in tokens if t.type not in dropped)


def _names(code: types.CodeType) -> set[str]:
    nested = (_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*nested)


def _write(result: Any, folder: Path) -> None:
    folder.mkdir()
    tensors: dict[str, torch.Tensor] = {}

    def lift(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[f"t{len(tensors)}"] = value.detach().cpu().contiguous().clone()
            return {"__tensor__": f"t{len(tensors) - 1}"}
        if isinstance(value, dict):
            return {key: lift(item) for key, item in value.items()}
        return [lift(item) for item in value] if isinstance(value, list | tuple) else value

    (folder / "result.json").write_text(json.dumps(lift(result)))
    safetensors.torch.save_file(tensors, folder / "tensors.safetensors")


def _read(folder: Path) -> Any:
    tensors = safetensors.torch.load_file(folder / "tensors.safetensors")

    def restore(value: dict[str, Any]) -> Any:
        return tensors[value["__tensor__"]] if "__tensor__" in value else value

    return json.loads((folder / "result.json").read_text(), object_hook=restore)
