"""What a path says of a file: generated or vendored, code or test, and its language."""

import re
from functools import lru_cache

from asp_analysis.importers.git.repository import Repository

_LOCKS = {
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml", "Cargo.lock", "go.sum",
    "go.work.sum", "composer.lock", "Gemfile.lock", "mix.lock", "pubspec.lock", "Podfile.lock", "Package.resolved",
    "packages.lock.json", "flake.lock", "gradle.lockfile", "MODULE.bazel.lock", ".terraform.lock.hcl",
    "requirements.lock",
}  # fmt: skip
_GENERATED = re.compile(
    r"(\.min\.(js|css)|\.(js|css)\.map|_pb2(_grpc)?\.pyi?|\.pb(\.gw)?\.go|\.pb\.(cc|h)|\.g\.dart|\.designer\.cs"
    r"|\.generated\.[a-z]+|_generated\.[a-z]+|zz_generated\.[\w.]+|\.snap)$",
    re.IGNORECASE,
)
_FOREIGN_FOLDERS = {"node_modules", "vendor", "vendored", "third_party", "third-party", "bower_components", "dist"}
_TESTS = re.compile(
    r"(^|/)(tests?|__tests__|specs?|testdata|fixtures?|e2e)/|(^|/)(test_[^/]*|[^/]*(_test|_spec|\.test|\.spec))\.\w+$"
    r"|(^|/)conftest\.py$|Tests?\.(java|kt|cs|swift)$"
)
_LANGUAGES = {
    "py": "Python", "pyi": "Python", "js": "JavaScript", "jsx": "JavaScript", "mjs": "JavaScript", "cjs": "JavaScript",
    "ts": "TypeScript", "tsx": "TypeScript", "go": "Go", "rs": "Rust", "java": "Java", "kt": "Kotlin", "kts": "Kotlin",
    "c": "C", "h": "C", "cc": "C++", "cpp": "C++", "cxx": "C++", "hpp": "C++", "cs": "C#", "rb": "Ruby",
    "php": "PHP",
    "swift": "Swift", "m": "Objective-C", "mm": "Objective-C", "scala": "Scala", "sh": "Shell", "bash": "Shell",
    "zsh": "Shell", "ps1": "PowerShell", "sql": "SQL", "r": "R", "jl": "Julia", "lua": "Lua", "pl": "Perl",
    "ex": "Elixir",
    "exs": "Elixir", "erl": "Erlang", "hs": "Haskell", "ml": "OCaml", "clj": "Clojure", "dart": "Dart", "zig": "Zig",
    "vue": "Vue", "svelte": "Svelte", "html": "HTML", "css": "CSS", "scss": "CSS", "less": "CSS", "tf": "Terraform",
    "proto": "Protocol Buffers", "groovy": "Groovy", "gradle": "Groovy", "sol": "Solidity", "nix": "Nix",
    "f90": "Fortran",
}  # fmt: skip
_ALL_PATHS = ("log", "--format=", "--name-only", "-z", "-m", "--first-parent")
_NOT_CODE = {"HTML", "CSS"}
_COMMENT = re.compile(rb"\s*(#|//|/\*|\*|--|;|<!--|\"\"\"|''')")
_TRIVIAL = re.compile(rb"[\s{}()\[\];,:]*(pass|end|else|then|fi|do|done|return|break|continue)?[\s{}()\[\];,:]*")


class Paths:
    """Knows which files people did not write: by their names, and by what .gitattributes says of them."""

    def __init__(self, repository: Repository) -> None:
        """Ask git what `linguist-generated` and `linguist-vendored` say of all paths of the main branch, ever."""
        self._said: dict[str, bool] = {}
        places = (".gitattributes", "*/.gitattributes")
        if not repository.content("grep", "-l", "linguist-", repository.main, "--", *places, may_fail=True):
            return
        listed = repository.content(*_ALL_PATHS, repository.main, "--")
        paths = {path.lstrip(b"\n") for path in listed.split(b"\x00")} - {b""}
        for path, value in repository.attributes(paths, "linguist-generated", "linguist-vendored"):
            self._said[path] = self._said.get(path, False) or value in ("set", "true")

    def is_foreign(self, path: str) -> bool:
        """Whether a file was generated, vendored or locked rather than written."""
        said = self._said.get(path)
        return is_foreign_name(path) if said is None else said


def is_foreign_name(path: str) -> bool:
    """Whether the name of a file says that it was generated, vendored or locked rather than written."""
    parts = path.split("/")
    return parts[-1] in _LOCKS or bool(_GENERATED.search(path)) or any(part in _FOREIGN_FOLDERS for part in parts[:-1])


def language_of(path: str) -> str | None:
    """Return the language of a file by the end of its name; None where it shows none."""
    return _LANGUAGES.get(path.rpartition("/")[2].rpartition(".")[2].lower())


@lru_cache(maxsize=100_000)
def is_code(path: str) -> bool:
    """Whether a file holds code of the product: no test, no documentation, no configuration."""
    language = language_of(path)
    return language is not None and language not in _NOT_CODE and not _TESTS.search(path)


def is_trivial(line: bytes) -> bool:
    """Whether a line says nothing of its own: blank, a comment, a bracket."""
    return bool(_TRIVIAL.fullmatch(line) or _COMMENT.match(line))
