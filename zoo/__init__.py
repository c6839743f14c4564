"""What people load: backbones, cards, alignment, embeddings."""
