"""The document as a whole."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api.openapi.examples import complete_examples
from api.openapi.names import tidy_names
from api.problems import Problem
from api.protocol.documented import document_protocol


class DocumentedAPI(FastAPI):
    """FastAPI with a document that generators of clients understand in full."""

    _written: Mapping[tuple[str, bool], bytes] = MappingProxyType({})

    def openapi(self) -> dict[str, Any]:
        """Compose the document; all of it but the servers is made once."""
        if self.openapi_schema is None:
            _amend(super().openapi())
        return {**(self.openapi_schema or {}), "servers": [self._public()]}

    def written_for(self, host: str) -> bytes:
        """Write it down, once for each that there is: who asks for it a thousand times has one."""
        public = self._public()["url"]
        is_public = host == urlsplit(public).netloc
        written = self._written.get((public, is_public))
        if written is None:
            written = bytes(JSONResponse(self.openapi_for(host)).body)
            self._written = {**self._written, (public, is_public): written}
        return written

    def openapi_for(self, host: str) -> dict[str, Any]:
        """Compose the document for who asked at that host, which may not be the public one.

        A page that was loaded there, such as ``/docs``, may call that host alone.
        """
        document = self.openapi()
        if host == urlsplit(self._public()["url"]).netloc:
            return document
        here = {"url": "/", "description": "Where this document comes from"}
        return {**document, "servers": [here, *document["servers"]]}

    def _public(self) -> dict[str, str]:
        base: str = self.state.parts.settings.public_api_url
        return {"url": base.rstrip("/"), "description": "As others reach it"}


def _amend(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas[Problem.__name__] = problem
    _forget_the_frameworks_errors(document)
    for methods in document["paths"].values():
        for operation in methods.values():
            # Left out, it would mean the same, but nobody could tell it from an oversight.
            operation.setdefault("security", [])
    document_protocol(document)
    tidy_names(document)
    complete_examples(document)


def _forget_the_frameworks_errors(document: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI documents on its own: ours has another shape, and its own place."""
    for methods in document["paths"].values():
        for operation in methods.values():
            invalid = operation["responses"].get("422", {})
            if "application/json" in invalid.get("content", {}):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
