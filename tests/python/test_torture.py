"""Claims: whatever becomes of a file - cut anywhere, bits flipped, numbers driven to their extremes - `seitomo info` reads it
or refuses it with a line that names it, and `seitomo run` treats a recipe so and names the recipe's line: exit codes 0 and 3
(recipes: also 5, for work that needs more memory than it may have), no signals, 2 s and 512 MiB at most; an image file that
lacks bytes is never accepted.

The mutants come from files that the program itself wrote and from a seed (SEITOMO_TORTURE_SEED, default 1): a few hundred,
or 10,000 with SEITOMO_FULL=1. Those that break a claim are named and kept in build/*/torture."""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import threading
import time

import pytest

COUNT = 10000 if os.environ.get("SEITOMO_FULL") == "1" else 300
SEED = int(os.environ.get("SEITOMO_TORTURE_SEED", "1"))
MOST_SECONDS, MOST_MIB = 2.0, 512

SPECIMEN = """
image: {nx: 12, ny: 6, nz: 12, pixel_nm: 2.0, subsamples: 1}
tilts: {from: -60, to: 60, step: 30}
channels:
  - {name: HAADF, noise: 0.01}
  - {name: Si, counts: 20, background: 0.1}
materials:
  - {name: silicon, label: 1, signal: [1.0, 1.0]}
bodies:
  - {shape: cylinder, material: silicon, centre_nm: [0.0, 0.0, 0.0], half_nm: [6.0, 0.0, 6.0]}
"""
MDOC = "PixelSpacing = 20\nImageSize = 12 6\n[T = Tilt axis angle = -88.7, binning = 1]\n\n" + "".join(
    f"[ZValue = {i}]\nTiltAngle = {angle}\nExposureDose = 1.5\nPriorRecordDose = {1.5 * i}\n"
    f"DateTime = 31-Mar-23  16:2{i}:15\n\n" for i, angle in enumerate((-60, -30, 0, 30, 60)))
RECIPE = """title: tiny
cycle: 3
input:
  files: [series.emd]
  channels: [HAADF, Si]
  pixel_nm: 2
  drop_tilts: [-60]
clean: {hot_pixel_sigma: 8, crop_nx: 10, crop_ny: 6}
align: {method: xcorr, reference: HAADF, iterations: 2, taper_px: 1}
reconstruct:
  - {name: em, iterations: 2, background: [Si=0.1], bin_channels: [Si=2], depth_nm: 20, pad_px: 2}
  - {name: wbp, method: wbp, filter: hann, filter_cutoff: 0.9}
segment: {from: em, wire: true, closing_nm: 4, rules: [{channel: Si, otsu_classes: 2, label: 1}]}
measure: {connectivity: 26, profile_bin_nm: 2}
render: {slice_nm: 4, views: [0, 45], composite: [Si], min_side_px: 20}
"""

# what replaces a number or a word of a text
WORDS = ["", "0", "-1", "-0", "1e308", "-1e308", "1e999", "1e-320", "nan", "-inf", "2147483648", "-9223372036854775809", "0x7f",
         "1,5", "é", "%s%n", "../../../etc/passwd", "/dev/zero", "[", "{", "}", "&a *a", "!!binary", "null", "~", "'", '"', "\x00",
         "\t", "9" * 400, "a" * 5000, "-60", "90.0001", "31-Feb-99  25:61:61"]
Seed = collections.namedtuple("Seed", "name bytes binary recipe")
Mutant = collections.namedtuple("Mutant", "seed label bytes cut")


@pytest.fixture(scope="module")
def seeds(seitomo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "specimen.yaml").write_text(SPECIMEN)
    seitomo("simulate", folder / "specimen.yaml", "-o", folder / "wire", "--mrc")
    seitomo("convert", folder / "wire" / "series.emd", folder / "series.tif", "--channels", "Si")
    found = {name: (folder / name).read_bytes() for name in ("wire/series.emd", "wire/series_Si.mrc", "wire/series_Si.rawtlt")}
    found |= {"wire/series.tif": (folder / "series.tif").read_bytes(), "series.mdoc": MDOC.encode(), "recipe.yaml": RECIPE.encode()}
    return [Seed(pathlib.Path(name).name, data, pathlib.Path(name).suffix in (".emd", ".mrc", ".tif"), name == "recipe.yaml")
            for name, data in found.items()]


def flip_bits(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8, 64))):
        # headers are where readers stumble: half of the flips lie in the first KiB
        at = rng.randrange(min(len(data), 1024) if rng.random() < 0.5 else len(data))
        data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def extreme_field(data, rng):
    """A binary field becomes the least, the greatest, or a value near them."""
    size, kinds = rng.choice(((1, "bB"), (2, "hH"), (4, "iIf"), (8, "qQd")))
    kind = rng.choice(kinds)
    if kind in "fd":
        value = rng.choice((float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e-38, 3e38))
    else:
        bits = 8 * size
        low, high = (0, 2**bits - 1) if kind.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        value = max(low, min(high, rng.choice((low, high, low + 1, high - 1, high // 2, 0, 1, -1, 0x7fff, 0x10000))))
    at = rng.randrange(0, min(len(data), rng.choice((256, 1024, len(data)))) - size + 1)
    at -= at % min(size, 4)
    return data[:at] + struct.pack(rng.choice("<>") + kind, value) + data[at + size:]


def extreme_word(data, rng):
    words = list(re.finditer(rb"[^\s:,={}\[\]]+", data))
    if not words:
        return data
    word = rng.choice(words)
    return data[:word.start()] + rng.choice(WORDS).encode() + data[word.end():]


def shuffle_lines(data, rng):
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    what = rng.randrange(6)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[at])
    elif what == 2:
        lines.insert(at, rng.choice((b"\n", b"\r\n", b"\x00\n", b"\xef\xbb\xbf", b"[ZValue = -1]\n", b"- {}\n", b" " * 3000 + b"\n")))
    elif what == 3:
        rng.shuffle(lines)
    elif what == 4:
        lines = [line.replace(b"\n", b"\r\n") for line in lines]
    else:
        lines[at] = lines[at] * rng.choice((50, 3000))
    return b"".join(lines)


def mutants_of(seed, count, rng):
    """`count` mutants, the cuts first: at every 512 bytes, the rest anywhere."""
    cuts = list(range(0, len(seed.bytes), 512)) + [len(seed.bytes) - 1]
    rng.shuffle(cuts)
    cuts = cuts[:count // 4] if len(cuts) > count // 4 else cuts + [rng.randrange(len(seed.bytes)) for _ in range(count // 4 - len(cuts))]
    for at in cuts:
        yield Mutant(seed, f"cut at {at}", seed.bytes[:at], True)
    kinds = (flip_bits, extreme_field) if seed.binary else (flip_bits, extreme_word, extreme_word, shuffle_lines)
    for i in range(count - len(cuts)):
        data = seed.bytes
        kind = rng.choice(kinds)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            data = kind(data, rng)
        yield Mutant(seed, f"{kind.__name__} {i}", data, False)


def measured(command, said_path):
    """(exit code or -signal, standard output, standard error, seconds, peak MiB) of a process that gets ten seconds."""
    # a build under AddressSanitizer: what the sandbox's limit on address space does otherwise, and the leaks of others
    env = {**os.environ, "ASAN_OPTIONS": "max_allocation_size_mb=512:allocator_may_return_null=1",
           "LSAN_OPTIONS": f"suppressions={said_path.parent.parent / 'leaks'}:print_suppressions=0"}
    start = time.monotonic()
    with open(said_path, "wb+") as said, open(said_path.with_suffix(".out"), "wb+") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=said, env=env)
        patience = threading.Timer(10, process.kill)
        patience.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        patience.cancel()
        wall = time.monotonic() - start
        said.seek(0)
        out.seek(0)
        texts = out.read().decode(errors="replace"), said.read().decode(errors="replace")
    # on a busy machine processes wait for one another: what this one did counts, unless it waited for long
    seconds = usage.ru_utime + usage.ru_stime if wall < 3 * MOST_SECONDS else wall
    return process.returncode, *texts, seconds, usage.ru_maxrss / 1024


def run_recipe(binary, path, said_path):
    """The plan; and where that tells of little work, the whole run."""
    command = [binary, "run", path, "-o", path.parent / "out", "--memory", "256M", "--threads", "1"]
    answer = measured([*command, "--plan", "--json"], said_path)
    if answer[0] == 0:
        plan = json.loads(answer[1])["plan"]
        if plan["multiply_adds"] < 3e7 and plan["disk"]["value"] < 1e8:
            return measured(command, said_path)
    return answer


def judge(binary, mutant, folder, others):
    """What is wrong with the program's answer to a mutant, or None."""
    folder.mkdir()
    path = folder / mutant.seed.name
    path.write_bytes(mutant.bytes)
    if mutant.seed.recipe:
        (folder / "series.emd").write_bytes(others["series.emd"])
        code, _, said, seconds, mib = run_recipe(binary, path, folder / "said")
    else:
        code, _, said, seconds, mib = measured([binary, "info", path], folder / "said")
    lines = said.strip().splitlines()
    wrong = []
    if code not in ((0, 3, 5) if mutant.seed.recipe else (0, 3)):
        wrong.append(f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}")
    if seconds > MOST_SECONDS:
        wrong.append(f"{seconds:.1f} s")
    if mib > MOST_MIB:
        wrong.append(f"{mib:.0f} MiB")
    if code == 3 and (not lines or str(path if mutant.seed.recipe else folder) not in lines[-1]):
        wrong.append("a refusal that names no file")
    if code == 3 and lines and mutant.seed.recipe and not re.search(re.escape(str(path)) + r":\d+: ", lines[-1]):
        wrong.append("a refusal that names no line")
    # work that needs more memory than it may have: no line of the recipe says so alone
    if code == 5 and (not lines or str(path) not in lines[-1] or "memory" not in lines[-1]):
        wrong.append("too much work, and the recipe or the memory is not named")
    if any(ord(c) < 32 or ord(c) == 127 for c in "".join(lines)):
        wrong.append("control characters reach the terminal")
    if code == 0 and mutant.cut and mutant.seed.binary:
        wrong.append(f"accepted without its last {len(mutant.seed.bytes) - len(mutant.bytes)} bytes")
    if wrong:
        return f"{path} ({mutant.label}): {', '.join(wrong)}\n    {said.strip()[-500:]}"
    shutil.rmtree(folder)
    return None


def test_no_mutant_breaks_the_reader(seitomo, seeds, build):
    rng = random.Random(SEED)
    others = {seed.name: seed.bytes for seed in seeds}
    mutants = [mutant for seed in seeds for mutant in mutants_of(seed, COUNT // len(seeds), rng)]
    kept = build / "torture"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    (kept / "leaks").write_text("leak:libfontconfig\n")
    for seed in seeds:  # the seeds themselves are good
        assert judge(seitomo.binary, Mutant(seed, "whole", seed.bytes, False), kept / "whole", others) is None
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda m: judge(seitomo.binary, m[1], kept / f"{m[0]}", others), enumerate(mutants)))
    wrong = [answer for answer in answers if answer is not None]
    assert not wrong, f"{len(wrong)} of {len(mutants)} mutants (seed {SEED}):\n" + "\n".join(wrong[:20])
