"""streams/, consumers/ and their locked dependencies, built reproducibly for one kind of host."""

from harness.releases.building import Release, build
from harness.releases.locks import Target, target_of
from harness.releases.trees import stamps

__all__ = ["Release", "Target", "build", "stamps", "target_of"]
