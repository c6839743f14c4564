import json

from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.version import __version__


def test_one_schema():
    made = document("identify", [{"person": None}], {"a.jpg": "no face"})
    assert json.loads(json.dumps(made)) == {
        "command": "identify",
        "version": __version__,
        "results": [{"person": None}],
        "failures": [{"photo": "a.jpg", "error": "no face"}],
    }
    assert document("models", [])["failures"] == []
