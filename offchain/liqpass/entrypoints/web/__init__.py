"""The web service: JSON API and server-rendered pages over the use cases."""
