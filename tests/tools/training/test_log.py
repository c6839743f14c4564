import pytest

from keras_hypersphere.tools.training.log import read_log, write_row


def test_rows_have_all_columns(tmp_path):
    assert read_log(tmp_path) == []
    write_row(tmp_path, {"epoch": 1, "loss": 0.1})
    write_row(tmp_path, {"epoch": 2, "loss": 0.25, "val_auc": 0.5})
    text = (tmp_path / "log.csv").read_text()
    assert text == "epoch,loss,val_auc\n1,0.1,\n2,0.25,0.5\n"
    assert read_log(tmp_path)[0] == {"epoch": 1.0, "loss": 0.1}


def test_repeated_epochs_replace_their_rows(tmp_path):
    for epoch in (1, 2, 3):
        write_row(tmp_path, {"epoch": epoch, "loss": 1 / 3})
    rows = write_row(tmp_path, {"epoch": 2, "loss": 7.0})
    assert [(row["epoch"], row["loss"]) for row in rows] == [
        (1, 1 / 3),
        (2, 7.0),
    ]
    assert read_log(tmp_path) == rows


@pytest.mark.parametrize(
    "text", ["epoch,loss\n1,two\n", "loss\n1\n", "epoch\n1,2\n"]
)
def test_no_log(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ValueError, match="line 2, is no row"):
        read_log(tmp_path)
