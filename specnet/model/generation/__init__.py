"""Sequences that a model continues: token by token, from states that it keeps, or from its last tokens."""
