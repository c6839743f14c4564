"""From photos to embeddings, decisions and names."""
