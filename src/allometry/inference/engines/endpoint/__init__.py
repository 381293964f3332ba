"""Models behind OpenAI-compatible servers: asked, repeated, read with care, and probed for what they can do."""

from allometry.inference.engines.endpoint.engine import Endpoint
from allometry.inference.engines.endpoint.ways import FORMS, Form

__all__ = ["FORMS", "Endpoint", "Form"]
