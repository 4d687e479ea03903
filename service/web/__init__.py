"""Web pages over the API: server-rendered, usable without scripts, quick with a keyboard.

Pages read and write through the API only (:mod:`service.web.api_client`), as whoever is signed in.
"""
