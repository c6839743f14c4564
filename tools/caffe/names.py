"""Caffe's names as Keras accepts them."""


class Names:
    """Gives each name out once.

    Keras refuses `/` and two layers of one name, and on PyTorch `.` in a
    layer with weights. Both signs become `__`, on every backend, since models
    travel; a name that is taken gets `_1`, `_2` …
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        # Of many layers of one name, each would try all numbers.
        self.tried: dict[str, int] = {}

    def claim(self, name: str) -> str:
        """The name that Keras gets for a Caffe layer, an input or a part."""
        # A name must not be empty.
        cleaned = name.replace("/", "__").replace(".", "__") or "_"
        chosen, number = cleaned, self.tried.get(cleaned, 0)
        while chosen in self.taken:
            number += 1
            chosen = f"{cleaned}_{number}"
        self.tried[cleaned] = number
        self.taken.add(chosen)
        return chosen
