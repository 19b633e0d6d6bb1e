"""How large the stripped shared library is, and how large an empty one that is built the same way."""

import os
import re
import shutil
import subprocess

from harness import BUILT, LIBRARY, ROOT, TARGET

MANIFEST = """\
[package]
name = "empty"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[workspace]

"""
SOURCE = '#[unsafe(no_mangle)]\npub extern "C" fn nothing() {}\n'


def stripped(library):
    copy = BUILT / "stripped.so"
    subprocess.run(["strip", "-o", copy, library], check=True)
    return copy.stat().st_size


def ours():
    return stripped(LIBRARY)


def of_an_empty_one():
    folder = BUILT / "empty"
    shutil.rmtree(folder / "src", ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    manifest = (ROOT / "Cargo.toml").read_text()
    profiles = re.findall(r"^\[profile\.(?:release|dist)\]\n(?:.+\n?)*", manifest, re.MULTILINE)
    (folder / "Cargo.toml").write_text("\n".join([MANIFEST, *profiles]))
    (folder / "src" / "lib.rs").write_text(SOURCE)
    environment = dict(os.environ, CARGO_TARGET_DIR=str(folder / "target"))
    flags = subprocess.run(["make", "-s", "small-flags"], cwd=ROOT, capture_output=True, text=True, check=True)
    build = ["cargo", "rustc", "--profile", "dist", "--quiet", "--", *flags.stdout.split()]
    subprocess.run(build, cwd=folder, env=environment, check=True)
    return stripped(folder / "target" / "dist" / "libempty.so")
