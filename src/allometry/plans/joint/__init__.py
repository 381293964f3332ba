"""Joint plans: size, tokens and everything else that a law can choose, for the least cost of a life."""

from allometry.plans.joint.joint import joint
from allometry.plans.joint.result import Choice, Joint
from allometry.plans.joint.together import together

__all__ = ["Choice", "Joint", "joint", "together"]
