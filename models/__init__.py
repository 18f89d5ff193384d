"""Learned parts: the text embedder, the task-group tagger, the clause-pair model, their training and evaluation."""
