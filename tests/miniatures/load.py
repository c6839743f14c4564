"""A miniature by its name, without a card in the cache."""

from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.loading.card_model import make_model
from tests.miniatures.miniature import FOLDER


def load_miniature(name):
    card = Card.load(FOLDER / f"{name}.json")
    return FaceEmbedder(make_model(card, FOLDER / card.weights_file), card)
