"""An operator's own domain model: its types, instances and mapping to the canonical form.

Nothing of the pipeline may look in here: what an operator's model says ends where canonical documents
begin.
"""
