"""Web pages over the API: server-rendered, usable without scripts, quick with a keyboard.

Pages read and write through the API only (:mod:`service.web.calling`), as whoever is signed in.
"""
