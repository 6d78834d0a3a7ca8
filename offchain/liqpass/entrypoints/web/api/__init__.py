"""The JSON API: the only way in which a browser changes anything."""
