"""Paths that come from documents, sidecars and reports: relative to a tree, and inside of it."""


def is_unsafe_path(path: str) -> bool:
    """Tell whether a path could lead out of the tree it is relative to, or into our own files."""
    parts = path.replace("\\", "/").split("/")
    return (
        not path
        or path.startswith(("/", "~"))
        or ".." in parts
        or parts[0] in {".git", ".orchestrator"}
        or ":" in parts[0]
        or any(not character.isprintable() for character in path)
    )


def within(tree: str, path: str) -> str | None:
    """Return a path relative to a tree; None for one that leads out of it.

    Agents name files relative to their worktree or by their absolute path in it.
    """
    inside = path.removeprefix(f"{tree.rstrip('/')}/")
    return None if is_unsafe_path(inside) else inside
