"""Train once: results of long page functions, kept under a key of everything that made them.

nbval runs a page again right after papermill did, and several pages may need the same model. A function marked
``@artifact`` runs once; the next call with the same arguments, code, data and library versions reads its result.
"""

import dataclasses
import dis
import functools
import hashlib
import inspect
import io
import json
import platform
import random
import textwrap
import tokenize
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

PLAIN = {type(None), bool, int, float, str, bytes}


def artifact(function: Callable[..., Result]) -> Callable[..., Result]:
    """Keep what ``function`` returns: numbers, strings, None, tensors, and lists and dicts (with str keys) of these.

    Arguments, and the page's variables that the function reads, may be plain values, lists and dicts of them,
    tensors, arrays, modules, tokenizers, paths and data sets; anything else raises TypeError, because a key that
    forgets an input returns stale results. So does a result of another type.

    A later run of the page only reads the result, so nothing else may come out of the function: it always starts
    from the same random numbers and leaves the page's untouched, and RuntimeError is raised if it changes an
    argument or a variable of the page. What it prints is seen the first time only.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Result:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        made_from = [function, dict(bound.arguments), runtime.scale(), _surroundings()]
        key = fingerprint(made_from)
        folder = sources.cache_dir() / "artifacts" / f"{function.__name__}-{key[:20]}"
        if not folder.is_dir():
            with sources.staging(folder) as temporary:
                if not folder.is_dir():  # another notebook may have made it meanwhile
                    with _own_random_numbers():
                        result = function(*args, **kwargs)
                    if fingerprint(made_from) != key:
                        raise RuntimeError(
                            f"{function.__name__}() changed an argument or a variable of the page, which a later run "
                            "that only reads its result would not: work on a copy, and return what the page needs."
                        )
                    _write(result, temporary / "result")
                    (temporary / "result").rename(folder)
        kept: Result = _read(folder)
        return kept

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


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - libraries draw from it
    with torch.random.fork_rng():
        transformers.set_seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _surroundings() -> dict[str, str]:
    names = ("torch", "transformers", "datasets", "numpy", "scikit-learn", "peft", "accelerate")
    # Vector instructions change the last digits, so results made with others are not mixed up with these.
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {**{name: _version(name) for name in names}, "processor": processor, "helper": _helper()}


@functools.cache
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
        # A model folder's place differs from machine to machine; its content does not.
        files = [value] if value.is_file() else sorted(file for file in value.rglob("*") if file.is_file())
        for file in files:
            yield repr(file.relative_to(value).as_posix())
            yield hashlib.sha256(file.read_bytes()).digest()
        if not files:
            yield value.name
    elif isinstance(value, dict):
        yield f"dict {len(value)}"
        for key in value:
            yield from _parts(key, seen)
            yield from _parts(value[key], seen)
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}"
        if all(type(item) in PLAIN for item in value):  # one by one, a corpus would take seconds
            yield repr(value)
        else:
            for item in value:
                yield from _parts(item, seen)
    elif isinstance(value, set | frozenset):
        yield f"set {len(value)}"
        yield from sorted(fingerprint(item) for item in value)
    elif isinstance(value, torch.Tensor):
        yield f"{value.dtype} {tuple(value.shape)}"
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}"
        # An array of objects holds addresses.
        yield from _parts(value.tolist(), seen) if value.dtype == object else [np.ascontiguousarray(value).tobytes()]
    elif isinstance(value, datasets.Dataset):
        yield repr(value.features)
        for batch in value.with_format("arrow").iter(10_000):
            yield json.dumps(batch.to_pydict(), default=str)
    elif isinstance(value, transformers.PreTrainedTokenizerFast):
        # Every call leaves its truncation and padding in the tokenizer: use is no change.
        state = json.loads(value.backend_tokenizer.to_str())
        yield json.dumps(state | {"truncation": None, "padding": None})
        yield repr((value.padding_side, value.truncation_side, value.model_max_length))
    elif isinstance(value, torch.nn.Module):
        yield repr(value)
        yield repr(getattr(value, "config", None))  # the number of heads is in no weight's shape
        for kind in dict.fromkeys(type(module) for module in value.modules()):
            yield from _code_parts(kind, seen)
        yield from _parts(dict(value.state_dict()), seen)
        yield repr([name for name, weight in value.named_parameters() if weight.requires_grad])
    elif isinstance(value, types.ModuleType):
        yield f"{value.__name__} {_version(value.__name__.partition('.')[0])}"
    elif inspect.isfunction(value) or inspect.isclass(value):
        yield from _code_parts(value, seen)
    elif isinstance(value, functools.partial):
        yield from _parts([value.func, value.args, value.keywords], seen)
    elif inspect.isbuiltin(value) and isinstance(value.__self__, types.ModuleType | type | None):
        yield value.__qualname__
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
    yield value.__qualname__
    if inspect.isclass(value):
        yield from (base.__qualname__ for base in value.__mro__)
        for base in value.__mro__[1:]:
            yield from _code_parts(base, seen, values)
        if dataclasses.is_dataclass(value):
            yield repr([(field.name, str(field.type)) for field in dataclasses.fields(value)])
        for name, attribute in vars(value).items():
            if isinstance(attribute, bool | int | float | str | tuple) and not name.startswith("__"):
                yield f"{name}={attribute!r}"
    for function in _functions(value):
        yield _bare_source(function)
        if values:
            yield from _parts([function.__defaults__, function.__kwdefaults__], seen)
        closed_over = inspect.getclosurevars(function).nonlocals
        for name in sorted(_names(function.__code__) | closed_over.keys()):
            if name not in closed_over and name not in function.__globals__:
                continue  # a builtin
            named = closed_over[name] if name in closed_over else function.__globals__[name]
            if inspect.isfunction(named) or inspect.isclass(named):
                yield from _code_parts(named, seen, values)
            elif values:
                yield name
                yield from _parts(named, seen)


def _functions(value: Any) -> list[types.FunctionType]:
    """Return a function, or the functions of a class, without what decorators put around them."""
    if inspect.isfunction(value):
        return [inspect.unwrap(value)]
    attributes = [getattr(attribute, "__func__", attribute) for attribute in vars(value).values()]
    attributes += [a.fget for a in attributes if isinstance(a, property)]
    found = [inspect.unwrap(attribute) for attribute in attributes if inspect.isfunction(attribute)]
    return [function for function in found if function.__code__.co_filename != "<string>"]  # made by dataclass


def _bare_source(function: Callable[..., Any]) -> str:
    """Return a function's source without comments and layout, the same for every version of Python."""
    source = textwrap.dedent(inspect.getsource(function))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    layout = {tokenize.NEWLINE: ";", tokenize.INDENT: "{", tokenize.DEDENT: "}"}
    dropped = (tokenize.COMMENT, tokenize.NL)
    return "".join(layout.get(t.type, t.string) for t in tokens if t.type not in dropped)


def _names(code: types.CodeType) -> set[str]:
    """Return the global names that a function reads, also inside its own functions."""
    nested = (_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    read = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return read.union(*nested)


def _write(result: Any, folder: Path) -> None:
    folder.mkdir()
    tensors: dict[str, torch.Tensor] = {}

    def lift(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            name = f"t{len(tensors)}"
            tensors[name] = value.detach().cpu().contiguous().clone()
            return {"__tensor__": name}
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: lift(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [lift(item) for item in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"An artifact's result cannot hold {value!r}: return numbers, strings, tensors, lists, dicts.")

    (folder / "result.json").write_text(json.dumps(lift(result)))
    safetensors.torch.save_file(tensors, folder / "tensors.safetensors")


def _read(folder: Path) -> Any:
    tensors = safetensors.torch.load_file(folder / "tensors.safetensors")

    def restore(value: dict[str, Any]) -> Any:
        return tensors[value["__tensor__"]] if "__tensor__" in value else value

    return json.loads((folder / "result.json").read_text(), object_hook=restore)
