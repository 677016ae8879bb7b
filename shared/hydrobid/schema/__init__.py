"""Operators' documents to the domain: YAML and tables are read, checked and mapped here.

Content comes in as names and bytes; reading a folder or a bucket is the caller's work.
"""

from hydrobid.schema.client import ClientInputs, configuration_of, with_prices
from hydrobid.schema.delivery import scenario_set_for
from hydrobid.schema.folder import read_client

__all__ = ["ClientInputs", "configuration_of", "read_client", "scenario_set_for", "with_prices"]
