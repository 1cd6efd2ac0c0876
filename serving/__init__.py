"""What server.py is made of: one file per concern, none of which knows a route."""
