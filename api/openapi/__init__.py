"""The OpenAPI document: what FastAPI composes, made fit for those who generate clients from it."""
