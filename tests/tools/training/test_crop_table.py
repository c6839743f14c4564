import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.training import crop_file, crop_table
from tests.tools.training.photos import photos

pytest.importorskip("pyarrow")


class Killed(BaseException):
    """No error that anything catches."""


class Names(list):
    """Ends the process at the third photo, the first of a second group."""

    def __getitem__(self, index):
        if index == 2:
            raise Killed
        return super().__getitem__(index)


def test_a_table_has_the_crops_of_the_records(tmp_path, monkeypatch, capsys):
    people = photos(tmp_path / "people", (3, 2))
    whole = tmp_path / "a.parquet"
    monkeypatch.setattr(crop_table, "GROUP", 2)
    assert main(["align", str(people), "-o", str(tmp_path / "a.rec")]) == 0
    assert main(["align", str(people), "-o", str(whole)]) == 0
    assert f"5 crops of 2 people in {whole}" in capsys.readouterr().out
    with (
        kh.data.open_faces(tmp_path / "a.rec") as records,
        kh.data.open_faces(whole) as table,
    ):
        assert [table.read(i) for i in range(5)] == [
            records.read(i) for i in range(5)
        ]
        assert table.labels.tolist() == [0, 0, 0, 1, 1]
        assert table.class_names == records.class_names
        assert table.names[0] == "Eileen/0.jpg"
    log = tmp_path / "a.parquet.crops"
    assert [file.name for file in log.iterdir()] == ["faces.crops.jsonl"]

    # Killed while crops are cut, and while the table is written.
    killed = tmp_path / "b.parquet"
    words = ["align", str(people), "-o", str(killed)]
    encoded, calls = crop_file.encoded, []

    def third(crop):
        calls.append(crop)
        if len(calls) == 3:
            raise Killed
        return encoded(crop)

    monkeypatch.setattr(crop_file, "encoded", third)
    with pytest.raises(Killed):
        main(words)
    write_table = crop_table.write_table

    def half(crops, names, path):
        write_table(crops, Names(names), path)

    monkeypatch.setattr(crop_table, "write_table", half)
    with pytest.raises(Killed):
        main(words)
    assert not killed.exists()
    # The first two photos were not aligned again.
    assert len(calls) == 6
    monkeypatch.setattr(crop_table, "write_table", write_table)
    assert main(words) == 0
    assert len(calls) == 6
    assert killed.read_bytes() == whole.read_bytes()

    # Complete, it is taken as it is; of other photos it is refused.
    assert main(words) == 0
    (people / "Grace" / "0.jpg").unlink()
    capsys.readouterr()
    assert main(words) == 1
    assert f"'{killed}' was not made of" in capsys.readouterr().err
