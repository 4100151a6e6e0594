"""`dynamo demo`: the whole guide, played against real parts on this machine."""
