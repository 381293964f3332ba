"""Converters: one file a published table, each from a checkout of its source to tidy columns."""
