"""The pages of `evaluate` and `train`, as a browser shows them."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.evaluation import megaface
from keras_hypersphere.tools.reports import distractors_page, pairs_page
from keras_hypersphere.tools.training.log import write_row
from keras_hypersphere.tools.training.page import write_page

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"needs a browser: {', '.join(NAMES)}"
)
# A desk and a phone, in pixels.
WIDTHS = 1280, 390
# Shows each page in frames of these widths, and writes down what is there.
SHOW = """<!doctype html><meta charset="utf-8"><pre></pre><script>
const pages = %s, widths = %s, found = [];
for (const page of pages) for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 900px; border: 0`;
  frame.srcdoc = page;
  frame.onload = () => {
    const all = frame.contentDocument, root = all.documentElement;
    const style = (what) => frame.contentWindow.getComputedStyle(what);
    const of = (name) => [...all.querySelectorAll(name)];
    found.push({
      title: all.title, width,
      shown: root.clientWidth, needed: root.scrollWidth,
      back: style(all.body).backgroundColor, ink: style(all.body).color,
      letters: of("svg text").map((x) => style(x).fill),
      boxes: of("svg").map((x) => x.getBoundingClientRect().width),
      images: of("img").map((x) => [x.alt, x.naturalWidth]),
      loaded: frame.contentWindow.performance.getEntriesByType("resource")
        .map((x) => x.name).filter((x) => !x.startsWith("data:")),
    });
    if (found.length == pages.length * widths.length)
      document.querySelector("pre").textContent = JSON.stringify(found);
  };
  document.body.append(frame);
}
</script>"""


def pages(measured, folder):
    """One of each kind."""
    card = zoo.get_card("dlib-resnet")
    report, pairs, images = measured
    found = {
        "pairs": len(pairs),
        "different_pairs": int((~pairs.same).sum()),
        "photos": 2,
        "faces": "landmarks",
        "photos_without_embedding": {90 * "x" + ".png": "no face"},
        "pairs_lost": 1,
        "command": "keras-hypersphere evaluate --images " + 200 * "y",
    }
    files = {photo: images / photo for photo in pairs.photos()}
    yield pairs_page.draw(report, pairs, files, card, found)
    random = np.random.default_rng(0)
    probes, others = random.normal(size=(9, 8)), random.normal(size=(50, 8))
    report = megaface(probes, np.arange(9) // 3, others, 10, 0.9, "cosine")
    found |= {"persons": 3, "far": 0.1, "distractors_without_embedding": {}}
    found |= {"tar": report.tar_at(0.1), "threshold": report.threshold_at(0.1)}
    yield distractors_page.draw(report, card, found)
    for epoch in range(1, 31):
        row = {"epoch": epoch, "loss": 1 / epoch, "val_auc": 1 - 1 / epoch}
        write_row(folder, {**row, **{f"value_{i}": 1.5 for i in range(12)}})
    (folder / "command.txt").write_text("keras-hypersphere " + 200 * "z")
    yield write_page(folder).read_text(encoding="utf-8")


def look(shown, folder, *words):
    """What a browser without a window finds in the pages."""
    page = folder / "show.html"
    # `</script>` within the text would end the script.
    data = json.dumps(shown).replace("<", "\\u003c")
    page.write_text(SHOW % (data, json.dumps(WIDTHS)), encoding="utf-8")
    run = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={folder / 'profile'}", "--dump-dom"),
            *("--virtual-time-budget=20000", *words, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found = re.search("<pre>(.+?)</pre>", run.stdout, re.S)
    return json.loads(html.unescape(found[1]))


def brightness(color):
    """Of `rgb(…)`, from 0 to 255."""
    return np.mean([int(x) for x in re.findall(r"\d+", color)[:3]])


@pytest.mark.parametrize("dark", [False, True])
def test_pages(measured, tmp_path, dark):
    shown = list(pages(measured, tmp_path))
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    found = look(shown, tmp_path, scheme)
    assert len(found) == 6
    assert sum(len(view["images"]) for view in found) == 2 * 24
    for view in found:
        assert view["needed"] <= view["shown"], view["title"]
        assert abs(view["shown"] - view["width"]) <= 20
        assert (brightness(view["back"]) < 60) == dark
        assert (brightness(view["ink"]) > 180) == dark
        # The words of curves are as light or dark as those of the page.
        assert view["letters"]
        assert set(view["letters"]) == {view["ink"]}
        assert all(100 < wide <= view["width"] for wide in view["boxes"])
        for alt, width in view["images"]:
            assert re.search(r": \d\.\d{3}, threshold \d\.\d{3}$", alt)
            assert width == 326
        assert view["loaded"] == []
