"""The page that tells of one run: `specnet report`."""
