"""Presets on the Hugging Face Hub: `hf://owner/name[@revision][/folder]`."""

import re
from pathlib import Path

from keras_hypersphere.zoo.cards.card import Card

SCHEME = "hf://"
HANDLE = re.compile(
    r"hf://(?P<owner>[^/@]+)/(?P<name>[^/@]+)"
    r"(@(?P<revision>[^/]+))?(/(?P<folder>.+?))?/?"
)


def fetch_preset(handle: str, card_file: str) -> Path:
    """Fetches the card and the weights of a preset, and nothing else.

    Args:
        handle: `hf://owner/name`, of which a branch, tag or commit and a
            folder in the repository may be said:
            `hf://owner/name@v1/sphereface20`. A branch with `/` is written
            with `%2F`.
        card_file: The name of the card in its folder.

    Returns:
        The folder on this machine that holds both.

    Raises:
        ValueError: If the handle has another form, or the card is invalid.
        FileNotFoundError: If there is no such preset, or the hub cannot be
            reached and the cache has it not.
        ImportError: If huggingface_hub is not installed.
    """
    parts = HANDLE.fullmatch(handle)
    if parts is None or ".." in handle.split("/"):
        raise ValueError(
            "`preset` must be hf://owner/name, hf://owner/name@revision or "
            f"hf://owner/name/folder. Received: preset={handle!r}"
        )
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"'{handle}' is fetched by huggingface_hub: "
            "pip install 'keras-hypersphere[hub]'"
        ) from error

    within = f"{parts['folder']}/" if parts["folder"] else ""
    revision = (parts["revision"] or "main").replace("%2F", "/")

    def fetch(file: str, revision: str) -> Path:
        try:
            found = huggingface_hub.snapshot_download(
                f"{parts['owner']}/{parts['name']}",
                revision=revision,
                allow_patterns=[within + file],
            )
        # Of this kind are all of its own, and those of the network.
        except (OSError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise FileNotFoundError(
                f"'{handle}' could not be fetched: {reason}"
            ) from error
        path = Path(found) / within / file
        if not path.is_file():
            raise FileNotFoundError(
                f"'{handle}' has no file '{within}{file}', neither on the hub "
                f"nor in the cache {Path(found)}."
            )
        return path

    card = fetch(card_file, revision)
    # The folder of a snapshot is named after its commit: both files are of
    # one, whatever is pushed meanwhile.
    snapshot = card.parents[len(Path(within).parts)]
    return fetch(Card.load(card).weights_file, snapshot.name).parent
