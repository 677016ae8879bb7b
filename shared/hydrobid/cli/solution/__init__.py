"""A single schedule as files and on the screen."""
