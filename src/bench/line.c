/* The table's lines. What does not apply is left blank, what could not be measured says so. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

/* Times and rates to four digits, so that columns stay narrow from microseconds to minutes. */
static const char *short_number(double value, char text[32]) {
    if (isnan(value)) return "";
    const double size = fabs(value);
    const int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
    if (size != 0 && size < 0.001)
        snprintf(text, 32, "%.1e", value);
    else
        snprintf(text, 32, "%.*f", decimals, value);
    return text;
}

static const char *percent(double fraction, char text[32]) {
    if (isnan(fraction)) return "";
    snprintf(text, 32, "%.1f %%", 100 * fraction);
    return text;
}

const char *sei_bench_heading(void) {
    return "case   what                                           backend              value       least    cpu time    GUPS  "
           "GFLOP/s  "
           "of FMA   "
           "of L1  by cpu   n";
}

void sei_bench_line(const sei_bench_row *row, char line[SEI_BENCH_LINE_LENGTH]) {
    char value[32], least[32], cpu[32], gups[32], gflops[32], fma[32], l1[32], l1_cpu[32], backend[40], repeats[16] = "",
                                                                                                        says[96] = "";
    const bool asserted = !isnan(row->low) || !isnan(row->high);
    snprintf(backend, sizeof backend, "%s%s%s", row->backend, row->isa[0] != 0 ? " " : "", row->isa);
    if (row->repeats > 0) snprintf(repeats, sizeof repeats, "%d", row->repeats);
    if (isnan(row->value)) snprintf(says, sizeof says, "not measured");
    if (asserted) {
        char low[32], high[32];
        snprintf(says, sizeof says, "%s%s%s%s %s", isnan(row->low) ? "" : short_number(row->low, low),
                 isnan(row->low)    ? "at most "
                 : isnan(row->high) ? " at least"
                                    : " to ",
                 isnan(row->high) ? "" : short_number(row->high, high), ":", sei_bench_holds(row) ? "holds" : "FAILS");
    }
    snprintf(line, SEI_BENCH_LINE_LENGTH, "%-6s %-46s %-15s %10s %-4s %8s %12s %7s %8s %7s %7s %7s %3s %s", row->bench_case,
             row->what, backend, short_number(row->value, value), row->unit, short_number(row->least, least),
             short_number(row->cpu, cpu), short_number(row->gups, gups), short_number(row->gflops, gflops),
             percent(row->fraction_of_fma, fma), percent(row->fraction_of_l1_fma, l1),
             percent(row->fraction_of_l1_fma_cpu, l1_cpu), repeats, says);
    for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; --end) line[end - 1] = 0;
}

void sei_bench_calibration_line(const sei_bench_calibration *c, char line[SEI_BENCH_LINE_LENGTH]) {
    char arrays[96] = "";
    if (!isnan(c->rates.copy_gbytes))
        snprintf(arrays, sizeof arrays, "; large arrays: copy %.1f GB/s, read %.1f GB/s", c->rates.copy_gbytes,
                 c->rates.read_gbytes);
    snprintf(
        line, SEI_BENCH_LINE_LENGTH,
        "%-6s %s, %d thread%s, %s: multiply-adds %.1f GFLOP/s, with an L1 operand each %.1f (by processor time %.1f, %.1f)%s",
        c->bench_case[0] != 0 ? c->bench_case : "limits", c->when, c->rates.threads, c->rates.threads == 1 ? "" : "s",
        c->rates.isa, c->rates.fma_gflops, c->rates.fma_l1_gflops, c->rates.fma_cpu_gflops, c->rates.fma_l1_cpu_gflops, arrays);
}
