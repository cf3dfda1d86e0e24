"""What editors are told of the configuration files: JSON Schemas, made from their shapes and from the adapters."""

from gateway.editor.documents import documents

__all__ = ["documents"]
