"""The results of a page: shown as a table, stored for machines, refused when incomplete."""

import pytest

from llm_finetuning import records, results

ROW = {
    "task": "TREC, test",
    "model": "majority",
    "metric": "accuracy",
    "value": 0.188,
    "low": 0.154,
    "high": 0.222,
    "seconds": None,
    "trainable": None,
    "record": None,
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    outputs: list[dict] = []
    monkeypatch.setattr(results, "display", lambda bundle, raw: outputs.append(bundle))
    return outputs


def test_rows_are_shown_and_stored(shown: list[dict]) -> None:
    bleu = ROW | {"model": "mini", "metric": "BLEU", "value": 21.04, "low": 20, "high": 22, "seconds": 1500.4}
    results.show([ROW, bleu | {"trainable": 4_279_872, "record": "t5-starts"}])
    assert shown[0][results.MIME][0] == ROW
    _, _, first, second = shown[0]["text/markdown"].splitlines()
    assert first == "| TREC, test | majority | accuracy | 0.188 | 0.154 to 0.222 |  |  | live |"
    assert "| 21.0 | 20.0 to 22.0 | 1,500 | 4,279,872 | recorded: `t5-starts` |" in second


@pytest.mark.parametrize("change", [{"value": 0.3}, {"shots": 4}])
def test_a_wrong_row_is_refused(change: dict, shown: list[dict]) -> None:
    with pytest.raises(ValueError):
        results.show([ROW | change])
    assert not shown


def test_an_unknown_record_is_refused(shown: list[dict]) -> None:
    with pytest.raises(records.RecordError, match="make record NAME=nothing"):
        results.show([ROW | {"record": "nothing"}])
