#!/usr/bin/env python3
"""Checks who includes whom (the house rules in README.md).

Think before adding to ALLOWED: an arrow that is missing here is usually missing on purpose.
"""
import pathlib
import re
import subprocess
import sys

# Folder of ours -> folders it may include besides itself. The longest matching folder counts.
ALLOWED = {
    "protocol/record": [],
    "protocol/wire": ["protocol/record"],
    "storage": ["protocol/record"],
    "broker": ["storage", "protocol"],
    "client": ["protocol"],
    "tools": ["client", "storage", "protocol"],
    "bench": ["protocol", "storage", "broker", "client", "tools"],
    "tests": ["protocol", "storage", "broker", "client", "tools", "bench"],
}
# Libraries that a folder must not see at all.
FORBIDDEN_LIBRARIES = {
    "protocol/record": ["asio", "google/protobuf", "spdlog"],
    "storage": ["asio", "google/protobuf", "spdlog", "sys/socket.h", "netinet"],
}
# System calls on files stay behind the file-system seam, clocks behind Clock.
BANNED = [
    (re.compile(r"(?<![\w:.>])(?:::)?(?:fsync|fdatasync|pwritev?|preadv?|ftruncate|fallocate)\("),
     ("storage", "broker"), ("storage/env",), "file system calls belong to storage/env"),
    (re.compile(r"std::chrono::(?:system|steady|high_resolution)_clock::now|absl::Now\(|\btime\(nullptr\)"),
     ("storage", "broker"), ("storage/env",), "time comes from Clock"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def folder_of(path):
    best = None
    for folder in ALLOWED:
        if (path == folder or path.startswith(folder + "/")) and (best is None or len(folder) > len(best)):
            best = folder
    return best


def complaints(path, lines):
    own = folder_of(path)
    if own is None:
        return
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            target = match.group(1)
            other = folder_of(target)
            if other and other != own and not any(
                    other == a or other.startswith(a + "/") for a in ALLOWED[own]):
                yield f"{path}:{number}: {own} may not include {target}"
            for library in FORBIDDEN_LIBRARIES.get(own, []):
                if target == library or target.startswith((library + "/", library + ".")):
                    yield f"{path}:{number}: {own} may not use {library}"
            continue
        code = line.split("//")[0]
        for pattern, where, except_in, why in BANNED:
            if path.startswith(tuple(w + "/" for w in where)) and \
                    not path.startswith(tuple(e + "/" for e in except_in)) and pattern.search(code):
                yield f"{path}:{number}: {why}"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    files = subprocess.run(["git", "ls-files", "*.h", "*.cc"], cwd=root, check=True,
                           capture_output=True, text=True).stdout.split()
    found = [c for f in files for c in complaints(f, (root / f).read_text().splitlines())]
    print("\n".join(found) if found else f"layering: {len(files)} files, every include follows the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
