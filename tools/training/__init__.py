"""The parts of `train`: from photos to a measured, resumable model."""
