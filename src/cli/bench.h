/* The verb bench in two pieces: its words and tables (cmd_bench.c), and the case that needs files (bench_files.c). */
#ifndef SEI_CLI_BENCH_H
#define SEI_CLI_BENCH_H

#include "seitomo/bench.h"

/* B6: a series in a file to five volumes in a file; context is the folder for both. */
sei_bench_work sei_cli_bench_files;

/* The growth's rows as a table: sizes, 10^9 multiply-adds, measured and line. No rows: n_rows 0. */
sei_status sei_cli_bench_growth(size_t n, const sei_bench_row *rows, sei_table *out) SEI_MUST_CHECK;

#endif
