"""cmake --install gives the program, the library with its headers and a pkg-config file; a small C program outside the
tree builds against them and reconstructs."""
import os
import shutil
import subprocess

import pytest

PROGRAM = r"""
#include <math.h>
#include <seitomo/recon.h>
#include <stdio.h>

int main(void) {
    sei_device *device = NULL;
    sei_series series = {0};
    sei_volume volume = {0};
    sei_recon_options options;
    if (sei_series_alloc(32, 4, 13, 1, &series) != SEI_OK) return 1;
    series.pixel_nm = 1;
    series.aligned = true;
    for (int t = 0; t < 13; ++t) series.tilts[t].tilt_deg = -60 + 10 * t;
    for (int i = 0; i < 13 * 4 * 32; ++i) { /* a disc of radius 8 in the middle */
        double u = i % 32 - 15.5;
        series.channels[0].data[i] = fabs(u) < 8 ? (float)(2 * sqrt(64 - u * u)) : 0;
    }
    sei_recon_options_default(&options);
    const sei_device_options cpu = {.name = "cpu"};
    if (sei_device_open(&cpu, &device) != SEI_OK || sei_reconstruct(device, &series, 0, &options, &volume, NULL) != SEI_OK) {
        return fprintf(stderr, "%s\n", sei_last_error()), 1;
    }
    printf("%.3f\n", (double)volume.data[(16 * 4 + 1) * 32 + 16]);
    sei_volume_free(&volume);
    sei_series_free(&series);
    sei_device_close(device);
    return 0;
}
"""


def test_an_installed_library_serves_a_program_outside_the_tree(build, tmp_path):
    if shutil.which("pkg-config") is None or shutil.which("cc") is None:
        pytest.skip("pkg-config or a C compiler is absent")
    prefix = tmp_path / "prefix"
    subprocess.run(["cmake", "--install", str(build), "--prefix", str(prefix)], check=True, capture_output=True)
    assert (prefix / "bin" / "seitomo").is_file()
    pc = next(prefix.glob("lib/**/seitomo.pc"))
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "seitomo"], env=env, check=True, capture_output=True,
                           text=True).stdout.split()
    (tmp_path / "outside.c").write_text(PROGRAM)
    subprocess.run(["cc", "-std=c17", "-Wall", "-Werror", "outside.c", "-o", "outside", *flags, "-lm",
                    f"-Wl,-rpath,{pc.parent.parent}"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "outside"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0.7 < float(done.stdout) < 1.4  # the disc's density is 1
    version = subprocess.run([prefix / "bin" / "seitomo", "version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("seitomo ")
