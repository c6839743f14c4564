"""`python -m docs.tables`: what the pages tell from the code and the cards.

Each table stands between two comments that name it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from docs import cards, converters, measured_losses, recipe_table

FOLDER = Path(__file__).parent
TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "converting.md": {"supported layers": converters.table},
    "zoo.md": {"ready": cards.ready, "to fetch": cards.to_fetch},
    "models.md": {"cards": cards.pages},
    "which-head.md": {
        "recipes": recipe_table.published,
        "measured": measured_losses.measured,
    },
    "recipes.md": {
        "measured": measured_losses.measured,
        "fine-tuned": measured_losses.fine_tuned,
    },
}


def replace(page: str) -> str:
    """The text of a page with its tables as they are now."""
    text = (FOLDER / page).read_text()
    for name, table in TABLES[page].items():
        begin = f"<!-- {name}: python -m docs.tables -->\n"
        end = f"<!-- end of {name} -->\n"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n{table()}\n{end}{after}"
    return text


def main() -> int:
    """Writes the pages."""
    for page in TABLES:
        (FOLDER / page).write_text(replace(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
