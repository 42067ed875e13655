"""Sweeps: many trainings of one document with different values, which Optuna chooses."""

from __future__ import annotations
