"""One module for each thing that is drawn of a run, for a file of its own or for a page."""
