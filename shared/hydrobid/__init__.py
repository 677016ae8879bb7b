"""hydrobid: from price scenarios to a validated bid matrix that the exchange has accepted."""
