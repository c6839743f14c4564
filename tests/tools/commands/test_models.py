import json

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import get_card


def test_lists_models(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("dlib-resnet  CC0 1.0  11.3 MB  98.")
    assert out.count("\n") == 1


def test_one_model_shows_its_card(capsys):
    assert main(["models", "dlib*"]) == 0
    out = capsys.readouterr().out
    card = get_card("dlib-resnet")
    for value in (card.source_sha256, card.weights_sha256, card.licence_url):
        assert value in out
    assert "0.9938" in out and "threshold" in out


def test_json(capsys):
    assert main(["models", "--json"]) == 0
    (card,) = json.loads(capsys.readouterr().out)
    assert card == get_card("dlib-resnet").as_dict()


def test_unknown_pattern(capsys):
    assert main(["models", "zzz"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "error: No model fits the pattern 'zzz'. The zoo has: dlib-resnet.\n"
    )
