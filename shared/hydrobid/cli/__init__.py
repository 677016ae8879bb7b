"""The `hydrobid` command: the local cloud, runs in it, and what they leave behind."""
