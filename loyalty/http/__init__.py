"""The HTTP edge and the routes of the API."""
