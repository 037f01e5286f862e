"""The same work by ASTRA and by seitomo, in turn on one machine: forward and back projection of the reference case and 20
iterations, by the linear and the strip kernel. ASTRA's CPU code has no EM: its SIRT is compared with seitomo's EM and SIRT, which
take the same two projections an iteration. ASTRA takes slice after slice, so some slices are timed and scaled to all of them;
several threads are several of its processes with a share of the slices each. With a card its 3-D CUDA code is timed as well."""
import argparse
import datetime
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time

import astra
import numpy as np

REFERENCE = {"n": 512, "slices": 512, "tilts": 25, "max_deg": 60}
QUICK = {"n": 64, "slices": 32, "tilts": 25, "max_deg": 60}
ITERATIONS = 20
# ASTRA's work, and the rows of `seitomo bench peers` that it is held against
PAIRS = [(f"{what}, {kernel}", what, kernel, [f"{row}, {kernel}" for row in rows])
         for kernel in ("linear", "strip")
         for what, rows in (("FP", ["forward"]), ("BP", ["back"]), ("SIRT 20", ["EM 20", "SIRT 20"]))]


def angles(case):
    return np.deg2rad(np.linspace(-case["max_deg"], case["max_deg"], case["tilts"]))


def slice_of(n):
    """A wire of core and shell, as the benchmark's specimen; the values change no time."""
    x, z = np.meshgrid(np.arange(n) - (n - 1) / 2, np.arange(n) - (n - 1) / 2)
    r = np.hypot(x, z) * 256 / n
    return (0.6 * (r < 60) + 0.4 * (r < 42)).astype(np.float32)


def make_algorithm(case, what, kernel):
    """An algorithm whose run is the work on one slice."""
    volume_geometry = astra.create_vol_geom(case["n"], case["n"])
    projector = astra.create_projector(kernel, astra.create_proj_geom("parallel", 1.0, case["n"], angles(case)), volume_geometry)
    sinogram, _ = astra.create_sino(slice_of(case["n"]), projector)
    volume = astra.data2d.create("-vol", volume_geometry, slice_of(case["n"]) if what == "FP" else 0)
    config = astra.astra_dict(what.split()[0])
    config["ProjectorId"] = projector
    config["VolumeDataId" if what == "FP" else "ReconstructionDataId"] = volume
    config["ProjectionDataId"] = sinogram
    return astra.algorithm.create(config)


def work(case, what, kernel, slices, barrier, results):
    algorithm = make_algorithm(case, what, kernel)
    rounds = ITERATIONS if what.startswith("SIRT") else 1
    astra.algorithm.run(algorithm, 1)  # to warm up
    barrier.wait()
    begin, cpu = time.monotonic(), time.process_time()
    for _ in range(slices):
        astra.algorithm.run(algorithm, rounds)
    results.put((begin, time.monotonic(), time.process_time() - cpu))


def time_astra(case, what, kernel, slices, threads):
    """Seconds by the wall for all slices of the case, and processor seconds, both scaled from the slices that were run."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(threads), context.Queue()
    share = slices // threads
    processes = [context.Process(target=work, args=(case, what, kernel, share, barrier, results)) for _ in range(threads)]
    for process in processes:
        process.start()
    times = [results.get(timeout=3600) for _ in processes]
    for process in processes:
        process.join()
    scale = case["slices"] / (share * threads)
    return scale * (max(t[1] for t in times) - min(t[0] for t in times)), scale * sum(t[2] for t in times)


def run_seitomo(binary, threads, backend, quick):
    command = [binary, "bench", "peers", "--json", "--quiet", "--repeats", "1", "--threads", str(threads), "--backend", backend]
    done = subprocess.run(command + (["--quick"] if quick else []), capture_output=True, text=True,
                          env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)
    summary = json.loads(done.stdout)
    return {row["what"]: row for row in summary["results"]}, summary


def compare(name, row, threads, peer, ours):
    """One line of the result: medians and minima over the rounds, and the median of the rounds' ratios."""
    ratios = [p["wall"] / o["wall"] for p, o in zip(peer, ours)]
    cpu_ratios = [p["cpu"] / o["cpu"] for p, o in zip(peer, ours)]
    return {"peer": "ASTRA " + astra.__version__, "peer_what": name, "what": row, "threads": threads, "rounds": len(ratios),
            "peer_s": statistics.median(p["wall"] for p in peer), "peer_least_s": min(p["wall"] for p in peer),
            "value_s": statistics.median(o["wall"] for o in ours), "least_s": min(o["wall"] for o in ours),
            "ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios),
            "ratio_cpu": statistics.median(cpu_ratios)}


def on_the_cpu(options, case):
    found, calibration = [], []
    for threads in options.threads:
        peer = {name: [] for name, *_ in PAIRS}
        ours = {row: [] for *_, rows in PAIRS for row in rows}
        for round_number in range(options.rounds):
            print(f"{threads} thread{'s' * (threads > 1)}, round {round_number + 1} of {options.rounds}", file=sys.stderr)
            for name, what, kernel, _ in PAIRS:
                wall, cpu = time_astra(case, what, kernel, options.slices, threads)
                peer[name].append({"wall": wall, "cpu": cpu})
            rows, summary = run_seitomo(options.seitomo, threads, "cpu", options.quick)
            calibration += summary["calibration"]
            for row in ours:
                ours[row].append({"wall": rows[row]["value"] / 1e3, "cpu": rows[row]["cpu"] / 1e3})
        found += [compare(name, row, threads, peer[name], ours[row]) for name, *_, rows in PAIRS for row in rows]
    return found, calibration


def make_cuda(case):
    """ASTRA's 3-D algorithms of the whole case, by the rows they are held against; every one as (rows, function of nothing)."""
    n, slices = case["n"], case["slices"]
    volume_geometry = astra.create_vol_geom(n, n, slices)
    projection_geometry = astra.create_proj_geom("parallel3d", 1.0, 1.0, slices, n, angles(case))
    volume = astra.data3d.create("-vol", volume_geometry, np.repeat(slice_of(n)[None], slices, axis=0))
    sinogram = astra.data3d.create("-proj3d", projection_geometry, 1)

    def algorithm(kind, volume_name, rounds):
        config = astra.astra_dict(kind)
        config["ProjectionDataId"] = sinogram
        config[volume_name] = volume
        created = astra.algorithm.create(config)
        return lambda: astra.algorithm.run(created, rounds)

    return [("FP3D_CUDA", ["forward, linear"], algorithm("FP3D_CUDA", "VolumeDataId", 1)),
            ("BP3D_CUDA", ["back, linear"], algorithm("BP3D_CUDA", "ReconstructionDataId", 1)),
            ("SIRT3D_CUDA 20", ["EM 20, linear", "SIRT 20, linear"], algorithm("SIRT3D_CUDA", "ReconstructionDataId", ITERATIONS))]


def on_the_card(options, case):
    """From host memory to host memory on both sides for the iterations, as both programs are called."""
    algorithms = make_cuda(case)
    for _, _, run in algorithms:
        run()  # to warm up
    peer = {name: [] for name, *_ in algorithms}
    ours = {row: [] for _, rows, _ in algorithms for row in rows}
    for _ in range(options.rounds):
        for name, _, run in algorithms:
            begin, cpu = time.monotonic(), time.process_time()
            run()
            peer[name].append({"wall": time.monotonic() - begin, "cpu": max(time.process_time() - cpu, 1e-9)})
        rows, _ = run_seitomo(options.seitomo, 1, "cuda", options.quick)
        for row in ours:
            ours[row].append({"wall": rows[row]["value"] / 1e3, "cpu": max(rows[row]["cpu"] / 1e3, 1e-9)})
    return [compare(name, row, 0, peer[name], ours[row]) for name, rows, _ in algorithms for row in rows]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seitomo", required=True, help="the program")
    parser.add_argument("--slices", type=int, default=8, help="slices that ASTRA is timed on (8); a multiple of the threads")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are run in turn (5)")
    parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")], default=[1, 2], help="list (1,2)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works; the numbers mean nothing")
    parser.add_argument("--commit", default="", help="what was built, for the record")
    parser.add_argument("--json", help="write the results there too")
    options = parser.parse_args()
    if options.rounds < 1 or any(t < 1 or options.slices % t or options.slices < t for t in options.threads):
        parser.error("--slices must be a multiple of every number in --threads, --rounds at least 1")
    case = QUICK if options.quick else REFERENCE
    results, calibration = on_the_cpu(options, case)
    if astra.use_cuda():
        results += on_the_card(options, case)
    else:
        print("no card, or an ASTRA without CUDA: the part on the GPU was not run", file=sys.stderr)
    print(f"{'ASTRA':<18}{'seitomo':<20}{'threads':>8}{'ASTRA s':>10}{'seitomo s':>11}{'ratio':>8}{'from':>8}{'to':>8}{'by cpu':>8}")
    for r in results:
        print(f"{r['peer_what']:<18}{r['what']:<20}{r['threads'] or 'card':>8}{r['peer_s']:>10.3f}{r['value_s']:>11.4f}{r['ratio']:>8.1f}"
              f"{r['ratio_low']:>8.1f}{r['ratio_high']:>8.1f}{r['ratio_cpu']:>8.1f}")
    if options.json:
        summary = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "commit": options.commit,
                   "command": " ".join(["scripts/bench-peers", *sys.argv[1:]]), "quick": options.quick,
                   "machine": {"processor": processor(), "cores": os.cpu_count(), "architecture": platform.machine(),
                               "system": platform.release()},
                   "case": case, "slices_timed": options.slices, "calibration": calibration, "results": results}
        with open(options.json, "x", encoding="utf-8") as file:
            json.dump(summary, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
