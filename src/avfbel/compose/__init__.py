"""Composition: the model asked backwards. A positivity or an emotion in, clips that have it out."""
