"""How an update goes over all variables: small ones packed, large ones in pieces, and in parts on several ranks."""
