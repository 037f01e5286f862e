"""Names of files: what belongs together shares what is equal, what does not collide is never replaced, and a channel's name
becomes the same file name with every verb."""
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]


@pytest.fixture
def made(seitomo, tmp_path):
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *SMALL)
    return tmp_path / "s"


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_formats_share_a_folder_and_equal_angles(seitomo, made, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    inputs = {}
    for extension in ("mrc", "tif", "emd"):
        before = contents(out)
        seitomo("convert", made / "series.emd", out / f"x.{extension}", "--channels", "Si")
        after = contents(out)
        assert all(after[name] == data for name, data in before.items())  # nothing was written again
        inputs[extension] = {name for name in after if name not in before and name.endswith(".json")}
    assert inputs == {"mrc": {"x.json"}, "tif": {"x.tif.json"}, "emd": {"x.emd.json"}}
    for name in ("x.json", "x.tif.json", "x.emd.json"):
        record = json.loads((out / name).read_text())
        assert record["stage"] == "convert" and (out / record["file"]).is_file()
    assert [p.name for p in out.glob("*.rawtlt")] == ["x.rawtlt"]
    for extension in ("mrc", "tif", "emd"):
        seitomo("convert", out / f"x.{extension}", tmp_path / f"{extension}.emd")
    # the second file with other angles would change the first one's: refused, and nothing is touched
    seitomo("convert", made / "series.emd", tmp_path / "one/y.mrc", "--channels", "Si", code=4)
    (tmp_path / "one").mkdir()
    seitomo("convert", made / "series.emd", tmp_path / "one/y.mrc", "--channels", "Si")
    before = contents(tmp_path / "one")
    assert "y.rawtlt" in seitomo("convert", made / "series.emd", tmp_path / "one/y.tif", "--channels", "Si", "--invert-tilt", code=4).stderr
    assert contents(tmp_path / "one") == before
    # written again, each file's record stays its own
    seitomo("convert", made / "series.emd", out / "x.emd", "--channels", "O", "--force")
    seitomo("convert", made / "series.emd", out / "x.mrc", "--channels", "Si", "--force")
    assert {p.name for p in out.glob("*.json")} == {"x.json", "x.tif.json", "x.emd.json"}
    assert [json.loads((out / name).read_text())["file"] for name in ("x.json", "x.tif.json", "x.emd.json")] == ["x.mrc", "x.tif", "x.emd"]


def test_masks_are_shared_where_they_are_equal(seitomo, made, tmp_path):
    seitomo("align", made / "series.emd", "-o", tmp_path / "a.emd", "--apply", made / "shifts_true.csv")
    seitomo("convert", tmp_path / "a.emd", tmp_path / "m.mrc", "--channels", "Si")
    mask = (tmp_path / "m.valid.mrc").read_bytes()
    seitomo("convert", tmp_path / "a.emd", tmp_path / "m.tif", "--channels", "Si")
    (tmp_path / "m.valid.mrc").write_bytes(mask[:-1] + bytes([1 - mask[-1]]))
    assert "m.valid.mrc" in seitomo("convert", tmp_path / "a.emd", tmp_path / "m.tiff", "--channels", "Si", code=4).stderr


def test_labels_find_their_classes_by_either_name(seitomo, made, tmp_path):
    for extension in ("tif", "emd", "mrc"):  # the MRC's table cannot be called l.json any more
        seitomo("convert", made / "truth_labels.mrc", tmp_path / f"l.{extension}")
    assert (tmp_path / "l.mrc.json").is_file()
    (tmp_path / "other.json").write_text('{"mine": 1}')
    assert "other.json" in seitomo("convert", made / "truth_labels.mrc", tmp_path / "other.mrc", code=4).stderr
    assert (tmp_path / "other.json").read_text() == '{"mine": 1}'
    old = tmp_path / "old"  # as written before records named their file, and renamed
    old.mkdir()
    record = json.loads((made / "truth_labels.json").read_text())
    (old / "renamed.mrc").write_bytes((made / "truth_labels.mrc").read_bytes())
    (old / "truth_labels.mrc").write_bytes(b"")
    (old / "renamed.json").write_text(json.dumps(record))
    del record["file"]
    (old / "bare.mrc").write_bytes((made / "truth_labels.mrc").read_bytes())
    (old / "bare.json").write_text(json.dumps(record))
    for path in (tmp_path / "l.tif", tmp_path / "l.emd", tmp_path / "l.mrc", old / "renamed.mrc", old / "bare.mrc"):
        back = tmp_path / "back" / path.stem / path.suffix[1:]
        back.mkdir(parents=True)
        seitomo("convert", path, back / "b.mrc", "--as", "labels")
        assert [c["name"] for c in json.loads((back / "b.json").read_text())["classes"]] == [c["name"] for c in record["classes"]], path


@pytest.mark.parametrize("channel, name", [("Fe Ka", "Fe_Ka"), ("Fe_Ka", "Fe_Ka"), ("Fe.Ka+b", "Fe.Ka+b"), ("Fe/\u03b1", "Fe___")])
def test_a_channel_has_one_file_name(seitomo, made, tmp_path, channel, name):
    series = tmp_path / "in.emd"
    seitomo("convert", made / "series.emd", series, "--channels", f"{channel}=Si,O")
    seitomo("convert", series, tmp_path / "c.mrc")
    seitomo("align", series, "-o", tmp_path / "a.mrc", "--apply", made / "shifts_true.csv")
    seitomo("reconstruct", series, "-o", tmp_path / "r.mrc", "--iterations", 1)
    seitomo("reconstruct", series, "-o", tmp_path / "v.emd", "--iterations", 1)
    seitomo("compare", series, "-o", tmp_path / "cmp", "--channel", channel, "--methods", "wbp")
    seitomo("render", tmp_path / "v.emd", "-o", tmp_path / "pictures")
    (tmp_path / "w.yaml").write_text("input: {files: [in.emd]}\nalign: {method: none}\nreconstruct: [{name: em, iterations: 1}]\n"
                                     "segment: {enabled: false}\nrender: {views: []}\n")
    seitomo("run", tmp_path / "w.yaml", "-o", tmp_path / "run")
    for path in (f"c_{name}.mrc", f"a_{name}.mrc", f"r_{name}.mrc", f"cmp/wbp/{name}.mrc", f"pictures/slice_{name}_xz.png",
                 f"run/volumes/em/{name}.mrc"):
        assert (tmp_path / path).is_file(), path
    # the mask beside a series of several files is found by that name, too
    seitomo("convert", tmp_path / f"a_{name}.mrc", tmp_path / "back.emd")
    assert "a.valid.mrc" in (tmp_path / "back.json").read_text()
