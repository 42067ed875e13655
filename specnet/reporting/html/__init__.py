"""The page about one run: `specnet report`."""
