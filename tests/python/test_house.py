"""The house stays as it is drawn: rooms include only what the drawing allows, files stay short, nothing but core/file.c
opens files, and nothing below the command line prints or leaves the program."""
import os
import pathlib
import re

ROOT = pathlib.Path(os.environ.get("SEITOMO_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
ROOMS = {"core", "backend", "io", "clean", "align", "recon", "segment", "measure", "simulate", "phasefield", "report", "eds", "bench"}
SHARED = {"types", "status", "version", "backend", "morphology"}
OWNED = {"phasefield": {"mechanics"}, "simulate": {"specimen", "signal", "grow", "experiment"},  # public headers of a room beside its namesake
         "backend": {"calibrate"},
         "bench": {"calibrate", "recon"}}  # measures the machine and the reconstruction by their public headers alone
SEES_ALL = {"study", "cli"}


def sources(*patterns):
    for pattern in patterns:
        yield from sorted(p for p in ROOT.glob(pattern) if "build" not in p.parts)


def code_of(path):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def room_of(path):
    return path.relative_to(ROOT / "src").parts[0]


def test_rooms_include_only_what_the_drawing_allows():
    wrong = []
    for path in sources("src/*/*.c", "src/*/*.h", "src/*/*.def"):
        room = room_of(path)
        for name in re.findall(r'#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8")):
            parts = name.split("/")
            if room in SEES_ALL:
                allowed = room == "cli" or parts[0] != "cli"
            elif parts[0] == "seitomo":
                allowed = parts[1][:-2] in SHARED | {room} | OWNED.get(room, set())
            else:
                allowed = parts[0] in {"core", room}
            if room == "core" and parts[0] == "seitomo":
                allowed = parts[1][:-2] in {"types", "status", "version", "morphology"}
            if not allowed:
                wrong.append(f"{path.relative_to(ROOT)} includes {name}")
    assert not wrong, wrong


def test_every_room_is_known():
    rooms = {p.name for p in (ROOT / "src").iterdir() if p.is_dir() and any(p.iterdir())}
    assert rooms <= ROOMS | SEES_ALL


def test_only_cuda_includes_cuda():
    wrong = [str(p.relative_to(ROOT)) for p in sources("src/**/*.c", "src/**/*.h", "include/**/*.h")
             if re.search(r'#\s*include\s+[<"](cuda|cufft)', p.read_text(encoding="utf-8"))]
    assert not wrong, wrong


def test_files_hold_one_thought():
    long = {str(p.relative_to(ROOT)): n for p in sources("src/**/*.[ch]", "include/**/*.h", "cuda/**/*.cu*", "cuda/**/*.h", "cuda/**/*.cpp", "tests/**/*.[ch]",
                                                         "tests/**/*.py", "scripts/*", "cmake/*")
            if p.is_file() and (n := len(p.read_text(encoding="utf-8").splitlines())) > 500}
    assert not long, long


def test_only_the_file_module_opens_files():
    calls = re.compile(r"(?<![\w.>])(fopen|open|openat|creat|freopen|mkstemp|opendir)\s*\(")
    wrong = [str(p.relative_to(ROOT)) for p in sources("src/**/*.c")
             if p != ROOT / "src/core/file.c" and calls.search(re.sub(r'"[^"\n]*"', '""', code_of(p)))]
    assert not wrong, wrong


def test_rooms_neither_print_nor_leave():
    calls = re.compile(r"(?<!\w)(printf|puts|putchar|perror|exit|abort)\s*\(")
    wrong = [str(p.relative_to(ROOT)) for p in sources("src/**/*.c")
             if room_of(p) != "cli" and calls.search(re.sub(r'"[^"\n]*"', '""', code_of(p)))]
    assert not wrong, wrong


def test_algorithms_know_no_backend():
    wrong = [str(p.relative_to(ROOT)) for p in sources("src/recon/*.c", "src/align/*.c", "src/segment/*.c")
             if re.search(r"#\s*if.*CUDA", p.read_text(encoding="utf-8"))]
    assert not wrong, wrong


def test_readme_names_both_commands_and_every_verb():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = re.findall(r"^X\((\w+),", (ROOT / "src/cli/verbs.def").read_text(encoding="utf-8"), flags=re.M)
    assert "./scripts/demo" in readme and "./scripts/test" in readme
    missing = [v for v in verbs if not re.search(rf"\b{v}\b", readme)]
    assert not missing, missing
