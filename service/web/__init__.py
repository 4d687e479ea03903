"""Server-rendered pages over the API: usable without scripts, fast with a keyboard.

Pages read and write only through the API (:mod:`service.web.api_client`), with the permissions of
the visitor.
"""
