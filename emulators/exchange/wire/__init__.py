"""The Auction API's documents, field by field as Nord Pool's public starter kit has them."""
