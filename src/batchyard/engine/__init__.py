"""The only writer, its loops and its reads; and the ports that it needs from the outside."""
