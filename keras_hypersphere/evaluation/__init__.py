"""Protocols on embeddings."""
