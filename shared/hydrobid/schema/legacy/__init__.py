"""Other systems' configurations to clients of ours, once: nothing that runs a bid reads them again."""
