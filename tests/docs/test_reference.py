"""The API pages: every public object has one; docstrings are translated."""

import pytest

import keras_hypersphere as kh

pytestmark = pytest.mark.docs
pytest.importorskip("sphinx", reason="`make docs` installs Sphinx")


def test_every_public_object_has_a_page(tmp_path, monkeypatch):
    from docs import reference

    monkeypatch.setattr(reference, "FOLDER", tmp_path / "api")
    reference.write()
    pages = {path.stem for path in (tmp_path / "api").iterdir()}
    for module in ("layers", "losses", "callbacks", "data", "zoo"):
        for name in getattr(kh, module).__all__:
            assert f"{module}.{name}" in pages
    text = (tmp_path / "api" / "layers.ArcFace.rst").read_text()
    assert ".. autoclass:: ArcFace" in text and "/layers/arc_face" in text


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("`x` and `y`s", "``x`` and ``y``\\ s"),
        ("|x| * 2 of **kwargs", "\\|x\\| \\* 2 of \\*\\*kwargs"),
        ("[LFW](https://a.b/c)", "`LFW <https://a.b/c>`__"),
        (
            "`kh.layers.ArcFace`",
            ":py:obj:`kh.layers.ArcFace <keras_hypersphere.layers.ArcFace>`",
        ),
        (">>> f(`x`) * 2\n3", ">>> f(`x`) * 2\n3"),
        ("* one\n* two", "* one\n* two"),
    ],
)
def test_docstrings_are_translated(said, wanted):
    from docs.reference import translate

    assert translate(said) == wanted
