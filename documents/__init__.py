"""Documents for people: PDF pages, plots, QR codes, and the signature under a certificate.

It stands on `domain` alone, so that any process can render. Importing it is cheap; the PDF library
itself takes a second to import, so whoever serves requests imports the renderers when they render.
"""
