"""What every `--help` ends with: two examples, and where the guide is."""

import argparse
from collections.abc import Iterator

# By the words of the command, its two examples.
EXAMPLES = {
    "": (
        "verify a.jpg b.jpg",
        "convert net.prototxt net.caffemodel -o m.keras",
    ),
    "demo": ("demo", "demo -o pictures/ --job faces"),
    "models": ("models", "models sface"),
    "convert": (
        "convert deploy.prototxt model.caffemodel -o model.keras --verify",
        "convert deploy.prototxt model.caffemodel --inspect",
    ),
    "verify": ("verify a.jpg b.jpg", "verify a.jpg b.jpg --json"),
    "embed": (
        "embed photos/ -o photos.npz",
        "embed photos/ -o photos.npz --all --resume",
    ),
    "identify": (
        "identify photo.jpg --gallery people.npz",
        "identify group.jpg --gallery people.npz --all --top-k 3",
    ),
    "gallery": (
        "gallery build people/ -o people.npz",
        "gallery list people.npz",
    ),
    "gallery build": (
        "gallery build people/ -o people.npz",
        "gallery build people/ -o people.npz --model run/best",
    ),
    "gallery update": (
        "gallery update people.npz people/",
        "gallery update people.npz people/ --json",
    ),
    "gallery add": (
        "gallery add people.npz Grace grace.jpg",
        "gallery add people.npz 'Ada L' ada-1.jpg ada-2.jpg",
    ),
    "gallery remove": (
        "gallery remove people.npz Grace",
        "gallery remove people.npz Grace --json",
    ),
    "gallery list": (
        "gallery list people.npz",
        "gallery list people.npz --json",
    ),
    "cluster": (
        "cluster photos/ -o groups.json",
        "cluster photos/ -o groups/ --all",
    ),
    "align": (
        "align photos/ -o crops/",
        "align people/ -o train.rec --template sphereface",
    ),
    "train": (
        "train people/ -o run --backbone sface --epochs 5 --batch-size 32",
        "train people/ -o run --resume",
    ),
    "evaluate": (
        "evaluate lfw --images lfw/images --pairs lfw/pairs.txt",
        "evaluate pairs --images photos/ --pairs my-pairs.txt",
    ),
    "evaluate lfw": (
        "evaluate lfw --images lfw/images --pairs lfw/pairs.txt",
        "evaluate lfw --embeddings lfw.npz --pairs lfw/pairs.txt",
    ),
    "evaluate ytf": (
        "evaluate ytf --images frames/ --pairs splits.txt",
        "evaluate ytf --images frames/ --pairs splits.txt --max-frames 20",
    ),
    "evaluate megaface": (
        "evaluate megaface --images probes/ --distractors crowd/",
        "evaluate megaface --embeddings probes.npz --distractors crowd.npy",
    ),
    "evaluate pairs": (
        "evaluate pairs --images photos/ --pairs my-pairs.txt",
        "evaluate pairs --images photos/ --pairs my-pairs.txt --report out/",
    ),
}
# By the first word, the page of docs/.
GUIDES = {
    "": "start.md",
    "models": "zoo.md",
    "convert": "converting.md",
    "gallery": "galleries.md",
    "cluster": "galleries.md",
    "align": "zoo.md",
    "train": "training.md",
    "evaluate": "evaluation.md",
    "demo": "start.md",
}


def add_examples(parser: argparse.ArgumentParser) -> None:
    """Ends the help of a parser, and of all below it, with examples."""
    for words, each in walk(parser):
        lines = [f"  {parser.prog} {line}" for line in EXAMPLES[words]]
        guide = GUIDES.get(words.split(" ")[0], "faces.md")
        each.epilog = "\n".join(
            ["examples:", *lines, "", f"guide: docs/{guide} of the repository"]
        )
        # Docstrings and examples have lines of their own.
        each.formatter_class = argparse.RawDescriptionHelpFormatter


def walk(
    parser: argparse.ArgumentParser, words: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """A parser and all of its subcommands, each with its words."""
    yield words, parser
    subcommands = getattr(parser, "subcommands", None)
    for name, each in subcommands.choices.items() if subcommands else ():
        yield from walk(each, f"{words} {name}".strip())
