"""The shipped nanowires are what the paper describes, and each has a twin that differs in its core alone."""
import math

import pytest

from conftest import ROOT

CYCLES = ("001", "036", "100")
SHORT = ("--set", "image.nx=200", "--set", "image.ny=96", "--set", "image.nz=224", "--set", "tilts.step=60",
         "--set", "output.volumes=no", "--set", "output.pictures=no")


def truth_of(seitomo, folder, name):
    return seitomo("simulate", ROOT / f"data/{name}.yaml", "-o", folder, *SHORT, json_summary=True)


@pytest.fixture(scope="module")
def truths(seitomo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycles")
    names = [f"cycle-{c}{twin}" for c in CYCLES for twin in ("", "-empty-core")]
    return {name: truth_of(seitomo, folder / name, name) for name in names}


@pytest.mark.parametrize("cycle", CYCLES)
def test_a_twin_s_file_says_the_same_but_for_one_switch(cycle):
    def lines(name):
        text = (ROOT / f"data/{name}.yaml").read_text(encoding="utf-8").splitlines()
        return [line for line in text if not line.startswith("#") and not line.startswith("title:")]

    twin = lines(f"cycle-{cycle}-empty-core")
    assert twin.count("  empty_core: yes") == 1
    twin.remove("  empty_core: yes")
    assert twin == lines(f"cycle-{cycle}")


def test_the_wires_are_the_paper_s(truths):
    value = {c: {k: v["value"] for k, v in truths[f"cycle-{c}"].items()} for c in CYCLES}
    for c in CYCLES:  # 60 to 90 nm across, SEI of about 20 nm
        assert 60 <= 2 * value[c]["grown_core_radius_mean"] <= 90
        assert 17 <= value[c]["grown_shell_mean"] <= 25
        whole_field = 512 * 512 / (200 * 96) * 3 / 25  # the paper's field and its 25 tilts
        assert value[c]["current_pa"] * whole_field == pytest.approx({"001": 140, "036": 147, "100": 137}[c], abs=1)
    first, middle, last = (value[c] for c in CYCLES)
    assert first["grown_sei_fraction_in_core"] == 0 and first["grown_void_fraction_in_core"] < 0.02
    assert first["grown_shell_sd"] < middle["grown_shell_sd"] < last["grown_shell_sd"]
    assert first["grown_core_radius_sd"] < middle["grown_core_radius_sd"] < last["grown_core_radius_sd"]
    assert 0.02 < middle["grown_sei_fraction_in_core"] < 0.1 and middle["grown_void_fraction_in_core"] > 0.03
    assert middle["si_largest_component_fraction"] > 0.95 and middle["open_void_volume"] > 0
    assert last["grown_sei_fraction_in_core"] > 0.35
    assert last["si_largest_component_fraction"] == pytest.approx(0.5, abs=0.03) and last["si_component_count"] > 20


@pytest.mark.parametrize("cycle", CYCLES)
def test_a_twin_has_the_same_silicon_and_no_sei_inside(truths, cycle):
    full, twin = truths[f"cycle-{cycle}"], truths[f"cycle-{cycle}-empty-core"]
    assert twin["grown_sei_fraction_in_core"]["value"] == 0
    for name in ("si_volume", "support_volume", "grown_shell_mean", "grown_si_fraction_in_core"):
        assert twin[name]["value"] == full[name]["value"]
    if cycle == "001":  # nothing to take away
        assert twin["sei_volume"]["value"] == full["sei_volume"]["value"]
    else:
        assert twin["sei_volume"]["value"] < full["sei_volume"]["value"]
        assert math.isfinite(twin["void_fraction"]["value"])
